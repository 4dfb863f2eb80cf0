//! What a run may say about its host. Every field has a default; unknown keys are errors.

use serde::{Deserialize, Serialize};

use super::faults::FaultRule;

/// The host: link, root complex and memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HostConfig {
    /// The link and what enumeration programs for it.
    pub link: LinkConfig,
    /// How long a read takes.
    pub latency: LatencyConfig,
    /// How reads are answered.
    pub completions: CompletionConfig,
    /// Flow control credits that the host advertises.
    pub credits: CreditConfig,
    /// Shared memory.
    pub memory: MemoryConfig,
    /// Failures of the device's reads, the first matching rule wins.
    pub faults: Vec<FaultRule>,
}

/// The PCIe link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinkConfig {
    /// Generation, 1..=5.
    pub generation: u8,
    /// Lanes: 1, 2, 4, 8 or 16.
    pub lanes: u8,
    /// Max payload size in bytes: a power of two, 128..=4096.
    pub mps_bytes: u32,
    /// Max read request size in bytes: a power of two, 128..=4096.
    pub mrrs_bytes: u32,
    /// Read completion boundary in bytes: 64 or 128.
    pub rcb_bytes: u32,
    /// No limit of bytes per clock: the pins are the only bottleneck.
    pub unlimited: bool,
    /// Allow 8-bit tags (Device Control, Extended Tag Field Enable).
    pub ext_tag: bool,
    /// Allow 10-bit tags (Device Control 2, 10-Bit Tag Requester Enable) if the function supports them.
    pub ten_bit_tag: bool,
    /// Chance per thousand that the host is not ready in a cycle, each of `rq` and `cc` for itself.
    pub stall_per_mille: u32,
}

impl Default for LinkConfig {
    fn default() -> Self {
        LinkConfig {
            generation: 3,
            lanes: 8,
            mps_bytes: 256,
            mrrs_bytes: 512,
            rcb_bytes: 64,
            unlimited: false,
            ext_tag: true,
            ten_bit_tag: false,
            stall_per_mille: 0,
        }
    }
}

impl LinkConfig {
    /// The link as the trace's header names it.
    #[must_use]
    pub fn event_link(&self) -> ringside_models::event::Link {
        ringside_models::event::Link {
            generation: self.generation,
            lanes: self.lanes,
            mps_bytes: self.mps_bytes,
            mrrs_bytes: self.mrrs_bytes,
            rcb_bytes: self.rcb_bytes,
        }
    }
}

/// Time from the last beat of a read request to its first completion: `base + uniform(0..=jitter) + tail`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LatencyConfig {
    /// Least latency.
    pub base_ns: u32,
    /// Uniform addition, 0..=this.
    pub jitter_ns: u32,
    /// Chance per thousand that a read also gets a tail.
    pub tail_per_mille: u32,
    /// Mean of the tail, which is exponential and cut at six times its mean.
    pub tail_ns: u32,
    /// From the last beat of a posted request to the moment when memory, or the interrupt controller, has it.
    pub posted_ns: u32,
}

impl Default for LatencyConfig {
    /// About the round trip that pcie-bench measured on a Xeon.
    fn default() -> Self {
        LatencyConfig {
            base_ns: 500,
            jitter_ns: 60,
            tail_per_mille: 10,
            tail_ns: 400,
            posted_ns: 200,
        }
    }
}

/// How reads of the device are answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompletionConfig {
    /// Where answers are cut.
    pub split: Split,
    /// May answers to different tags overtake and interleave?
    pub reorder: bool,
}

impl Default for CompletionConfig {
    fn default() -> Self {
        CompletionConfig {
            split: Split::Merged,
            reorder: true,
        }
    }
}

/// Where a read's answer is cut into completions. Each cut lies on a read completion boundary (PCIe 2.3.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// As few as possible: at every multiple of the max payload size.
    #[default]
    Merged,
    /// At every read completion boundary.
    Rcb,
    /// At read completion boundaries taken by chance.
    Random,
}

/// Credits advertised to the device: how many of each may be outstanding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CreditConfig {
    /// Posted headers, 1..=127.
    pub ph: u32,
    /// Posted data in 16-byte units, at least one max payload, ..=2047.
    pub pd: u32,
    /// Non-posted headers, 1..=127.
    pub nph: u32,
    /// Non-posted data, ..=2047.
    pub npd: u32,
    /// Completion headers, 1..=127.
    pub cplh: u32,
    /// Completion data, ..=2047.
    pub cpld: u32,
    /// Limits are moved once this many headers wait to be returned ...
    pub batch_headers: u32,
    /// ... or the oldest of them has waited this long.
    pub batch_cycles: u32,
    /// Cut the device off from fresh credits now and then.
    pub starve: Option<Starve>,
}

impl Default for CreditConfig {
    fn default() -> Self {
        CreditConfig {
            ph: 64,
            pd: 1024,
            nph: 112,
            npd: 64,
            cplh: 64,
            cpld: 512,
            batch_headers: 8,
            batch_cycles: 16,
            starve: None,
        }
    }
}

/// Periods without fresh credits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Starve {
    /// Period in cycles.
    pub every_cycles: u32,
    /// How many of them, at the end of the period, no limit moves.
    pub for_cycles: u32,
}

/// Shared memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MemoryConfig {
    /// Longest time until a driver's store can be seen by the device; drawn per store from 0..=this.
    pub visibility_ns_max: u32,
    /// May stores without a barrier between them become visible in another order? (a weakly ordered processor)
    pub reorder_stores: bool,
    /// Granule that a device read samples at a time of its own.
    pub skew: Skew,
    /// Lowest bus address of allocations; a multiple of 4096.
    pub base: u64,
}

impl Default for MemoryConfig {
    fn default() -> Self {
        MemoryConfig {
            visibility_ns_max: 60,
            reorder_stores: false,
            skew: Skew::Line,
            base: 0x1_0000_0000,
        }
    }
}

/// Granule of a device read that is sampled at a time of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Skew {
    /// The whole read at one time.
    #[serde(rename = "none")]
    None,
    /// Each 64-byte line, as real root complexes do.
    #[default]
    #[serde(rename = "line")]
    Line,
    /// Torn: each 16 bytes.
    #[serde(rename = "16")]
    B16,
    /// Torn: each 8 bytes.
    #[serde(rename = "8")]
    B8,
    /// Torn: each 4 bytes.
    #[serde(rename = "4")]
    B4,
    /// Torn: each 2 bytes.
    #[serde(rename = "2")]
    B2,
}

impl Skew {
    /// Granule in bytes; `None` when the whole read is one.
    #[must_use]
    pub fn granule_bytes(self) -> Option<u64> {
        match self {
            Skew::None => None,
            Skew::Line => Some(64),
            Skew::B16 => Some(16),
            Skew::B8 => Some(8),
            Skew::B4 => Some(4),
            Skew::B2 => Some(2),
        }
    }
}

/// A host configuration that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostConfigError {
    /// A value out of its range.
    #[error("host.{key} = {value}: {allowed}")]
    Value {
        /// Dotted key below `host`.
        key: &'static str,
        /// What was given.
        value: u64,
        /// What may be given.
        allowed: &'static str,
    },
}

impl HostConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// The first value out of its range.
    pub fn check(&self) -> Result<(), HostConfigError> {
        let bad = |key, value: u64, allowed| Err(HostConfigError::Value { key, value, allowed });
        let size = |v: u32| v.is_power_of_two() && (128..=4096).contains(&v);
        let l = &self.link;
        if !(1..=5).contains(&l.generation) {
            return bad("link.generation", l.generation.into(), "generations 1 to 5");
        }
        if ![1, 2, 4, 8, 16].contains(&l.lanes) {
            return bad("link.lanes", l.lanes.into(), "1, 2, 4, 8 or 16 lanes");
        }
        let power = "a power of two from 128 to 4096";
        if !size(l.mps_bytes) {
            return bad("link.mps_bytes", l.mps_bytes.into(), power);
        }
        if !size(l.mrrs_bytes) {
            return bad("link.mrrs_bytes", l.mrrs_bytes.into(), power);
        }
        if ![64, 128].contains(&l.rcb_bytes) {
            return bad("link.rcb_bytes", l.rcb_bytes.into(), "64 or 128");
        }
        if l.stall_per_mille > 990 {
            return bad("link.stall_per_mille", l.stall_per_mille.into(), "at most 990");
        }
        if self.latency.tail_per_mille > 1000 {
            return bad(
                "latency.tail_per_mille",
                self.latency.tail_per_mille.into(),
                "at most 1000",
            );
        }
        let c = &self.credits;
        for (key, value) in [
            ("credits.ph", c.ph),
            ("credits.nph", c.nph),
            ("credits.cplh", c.cplh),
        ] {
            if !(1..=127).contains(&value) {
                return bad(key, value.into(), "1 to 127: limits count modulo 256");
            }
        }
        let payload = l.mps_bytes / 16;
        for (key, value, least) in [
            ("credits.pd", c.pd, payload),
            ("credits.npd", c.npd, 1),
            ("credits.cpld", c.cpld, payload),
        ] {
            if !(least..=2047).contains(&value) {
                return bad(
                    key,
                    value.into(),
                    "at least one max payload in 16-byte units, at most 2047",
                );
            }
        }
        if c.batch_headers == 0 {
            return bad("credits.batch_headers", 0, "at least 1");
        }
        if let Some(s) = &c.starve
            && (s.every_cycles == 0 || s.for_cycles >= s.every_cycles)
        {
            return bad(
                "credits.starve.for_cycles",
                s.for_cycles.into(),
                "less than every_cycles",
            );
        }
        if !self.memory.base.is_multiple_of(4096) || self.memory.base < 0x10_0000 {
            return bad(
                "memory.base",
                self.memory.base,
                "a multiple of 4096, 0x100000 or more",
            );
        }
        self.faults.iter().try_for_each(FaultRule::check)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_survive_toml() {
        let c = HostConfig::default();
        c.check().unwrap();
        let text = toml::to_string(&c).unwrap();
        assert_eq!(toml::from_str::<HostConfig>(&text).unwrap(), c, "{text}");
    }

    #[test]
    fn what_is_not_given_is_default_and_what_is_unknown_is_refused() {
        let c: HostConfig = toml::from_str("[link]\nlanes = 16\n[memory]\nskew = \"16\"").unwrap();
        assert_eq!(
            (c.link.lanes, c.link.generation, c.memory.skew),
            (16, 3, Skew::B16)
        );
        let e = toml::from_str::<HostConfig>("[link]\nlane = 16").unwrap_err();
        assert!(e.to_string().contains("unknown field `lane`"), "{e}");
    }

    #[test]
    fn every_range_is_checked() {
        type Spoil = fn(&mut HostConfig);
        let cases: [(&str, Spoil); 12] = [
            ("link.generation", |c| c.link.generation = 6),
            ("link.lanes", |c| c.link.lanes = 3),
            ("link.mps_bytes", |c| c.link.mps_bytes = 100),
            ("link.mrrs_bytes", |c| c.link.mrrs_bytes = 8192),
            ("link.rcb_bytes", |c| c.link.rcb_bytes = 32),
            ("link.stall_per_mille", |c| c.link.stall_per_mille = 1000),
            ("credits.ph", |c| c.credits.ph = 128),
            ("credits.pd", |c| c.credits.pd = 15),
            ("credits.cpld", |c| c.credits.cpld = 2048),
            ("credits.batch_headers", |c| c.credits.batch_headers = 0),
            ("credits.starve.for_cycles", |c| {
                c.credits.starve = Some(Starve {
                    every_cycles: 10,
                    for_cycles: 10,
                });
            }),
            ("memory.base", |c| c.memory.base = 0x10_0001),
        ];
        for (key, spoil) in cases {
            let mut c = HostConfig::default();
            spoil(&mut c);
            let HostConfigError::Value { key: got, .. } = c.check().unwrap_err();
            assert_eq!(got, key);
        }
    }
}
