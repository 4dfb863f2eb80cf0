//! Function Level Reset.

use super::function::Function;
use super::handle::Host;
use super::requests::RequestError;

const CAP_PCIE: u8 = 0x10;
/// Device Capabilities: Function Level Reset Capability.
const CAPABLE: u32 = 1 << 28;
/// Device Control: Initiate Function Level Reset.
const INITIATE: u32 = 1 << 15;

impl Host {
    /// Resets the function and waits `settle_cycles` (PCIe 6.6.2 allows a function 100 ms; ours needs far less). It has to be
    /// [enumerated](Host::enumerate) again. False if the function cannot be reset so.
    ///
    /// # Errors
    /// [`RequestError`]: a configuration access failed.
    pub async fn function_level_reset(
        &self,
        function: &Function,
        settle_cycles: u64,
    ) -> Result<bool, RequestError> {
        let Some(at) = function.capability(CAP_PCIE) else {
            return Ok(false);
        };
        if self.config_read(at + 4).await? & CAPABLE == 0 {
            return Ok(false);
        }
        // What is under way may still arrive; a driver stops the device first (PCIe 6.6.2, implementation note).
        let control = self.config_read_sized(at + 8, 2).await?;
        self.config_write(at + 8, 2, control | INITIATE).await?;
        self.sim().cycles(settle_cycles).await;
        Ok(true)
    }
}
