//! Programming of interrupts, as an operating system does it for a driver.

use super::enumerate::{BUS_MASTER, INTX_DISABLE, MEMORY_SPACE};
use super::function::{Function, Msix};
use super::handle::Host;
use super::requests::RequestError;
use super::root_complex::MSI_WINDOW;

const COMMAND: u16 = 0x04;
/// Message Control: MSI-X Enable.
const ENABLE: u32 = 1 << 15;
/// Message Control: Function Mask.
const FUNCTION_MASK: u32 = 1 << 14;

/// Why interrupts cannot be programmed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MsixError {
    /// An access failed.
    #[error(transparent)]
    Access(#[from] RequestError),
    /// The function has no MSI-X.
    #[error("function {bdf:#06x} has no MSI-X capability")]
    None {
        /// The function.
        bdf: u16,
    },
    /// There is no such vector.
    #[error("vector {vector}: the function has {vectors}")]
    Vector {
        /// Vector asked for.
        vector: u16,
        /// How many there are.
        vectors: u16,
    },
}

fn entry(function: &Function, vector: u16) -> Result<u64, MsixError> {
    let msix = msix(function)?;
    if vector >= msix.vectors {
        return Err(MsixError::Vector {
            vector,
            vectors: msix.vectors,
        });
    }
    Ok(msix.table + u64::from(vector) * 16)
}

fn msix(function: &Function) -> Result<Msix, MsixError> {
    function.msix.ok_or(MsixError::None { bdf: function.bdf })
}

impl Host {
    /// Sets Memory Space Enable, Bus Master Enable and Interrupt Disable of the command register.
    ///
    /// # Errors
    /// [`RequestError`]: the configuration write failed.
    pub async fn set_command(&self, memory: bool, bus_master: bool, intx: bool) -> Result<(), RequestError> {
        let bit = |on: bool, mask: u32| if on { mask } else { 0 };
        let value = bit(memory, MEMORY_SPACE) | bit(bus_master, BUS_MASTER) | bit(!intx, INTX_DISABLE);
        self.config_write(COMMAND, 2, value).await
    }

    /// Sets where a vector writes and what.
    ///
    /// # Errors
    /// [`MsixError`]: no such vector.
    pub fn msix_set(&self, function: &Function, vector: u16, addr: u64, data: u32) -> Result<(), MsixError> {
        let entry = entry(function, vector)?;
        self.mmio_post(entry, &(addr as u32).to_le_bytes())?;
        self.mmio_post(entry + 4, &((addr >> 32) as u32).to_le_bytes())?;
        Ok(self.mmio_post(entry + 8, &data.to_le_bytes())?)
    }

    /// Masks or unmasks a vector.
    ///
    /// # Errors
    /// [`MsixError`]: no such vector.
    pub fn msix_mask(&self, function: &Function, vector: u16, mask: bool) -> Result<(), MsixError> {
        let control = entry(function, vector)? + 12;
        Ok(self.mmio_post(control, &u32::from(mask).to_le_bytes())?)
    }

    /// Sets MSI-X Enable and Function Mask.
    ///
    /// # Errors
    /// [`MsixError`]: no MSI-X, or the configuration write failed.
    pub async fn msix_enable(
        &self,
        function: &Function,
        enable: bool,
        function_mask: bool,
    ) -> Result<(), MsixError> {
        let at = msix(function)?.offset;
        let mut control = 0;
        if enable {
            control |= ENABLE;
        }
        if function_mask {
            control |= FUNCTION_MASK;
        }
        Ok(self.config_write(at + 2, 2, control).await?)
    }

    /// Is a vector's pending bit set?
    ///
    /// # Errors
    /// [`MsixError`]: no such vector, or the read failed.
    pub async fn msix_pending(&self, function: &Function, vector: u16) -> Result<bool, MsixError> {
        entry(function, vector)?;
        let word = msix(function)?.pba + u64::from(vector / 32) * 4;
        Ok(self.mmio_read(word, 4).await? >> (vector % 32) & 1 == 1)
    }

    /// Gives every vector an address in the interrupt window and its own number as data, unmasks all, and enables MSI-X, as Linux does: function masked
    /// while the table is written.
    ///
    /// # Errors
    /// [`MsixError`]: no MSI-X, or an access failed.
    pub async fn msix_program(&self, function: &Function) -> Result<(), MsixError> {
        let vectors = msix(function)?.vectors;
        self.msix_enable(function, true, true).await?;
        for vector in 0..vectors {
            self.msix_set(function, vector, MSI_WINDOW.start, vector.into())?;
            self.msix_mask(function, vector, false)?;
        }
        // A read pushes the writes before the function mask falls.
        let _ = self.mmio_read(entry(function, 0)? + 12, 4).await?;
        self.msix_enable(function, true, false).await
    }
}
