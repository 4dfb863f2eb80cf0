//! A tiny world that makes synthetic traces: memory, a driver and a device that do, step by step, what a test tells them.
//!
//! A well-behaved run is a few calls; a rule's negative test is the same with one step left out, doubled or bent.

mod device;
mod driver;
mod packed;

pub use driver::{Buffer, Given, packet};
pub use packed::{LAP, Listed, PackedRing};

use crate::event::{Channel, EndReason, Event, Header, Link, Region, TRACE_VERSION, What};
use crate::judge::{Judge, Verdict};
use crate::tlp::{Body, CplStatus, Tlp};

/// Where shared memory begins.
pub const RAM: u64 = 0x1_0000_0000;
/// Bytes of shared memory.
const RAM_BYTES: usize = 1 << 20;
/// Where the common configuration lies.
pub const COMMON: u64 = 0xe000_0000;
/// Where ISR status lies.
pub const ISR: u64 = 0xe000_1000;
/// Where the device configuration lies.
pub const DEVICE: u64 = 0xe000_2000;
/// Where kicks go.
pub const NOTIFY: u64 = 0xe000_3000;
/// Where the checkpoint window lies, if there is one.
pub const CHECKPOINT: u64 = 0xe000_4000;
/// Where the MSI-X table lies.
pub const TABLE: u64 = 0xe001_0000;
/// Address of MSI-X messages; the data is 0x40 + vector.
pub const MSI: u64 = 0xfee0_0000;
/// The function's bus/device/function number.
pub const BDF: u16 = 0x0100;
/// Queues that the world can work with.
const QUEUES: usize = 4;
/// Entries of each queue.
pub const SIZE: u16 = 8;
/// Receive queue, transmit queue, control queue.
pub const RX: u16 = 0;
/// Transmit queue of the first pair.
pub const TX: u16 = 1;
/// Control queue (without MQ).
pub const CTRL: u16 = 2;
/// Vector of configuration changes; queue `q` has vector `q`.
pub const CONFIG_VECTOR: u16 = 3;

/// `queue_notif_config_data` of queue q is this less q.
pub const KICK_VALUES: u16 = 0x7f00;

/// One queue as driver and device of this world see it.
#[derive(Clone, Debug)]
struct Ring {
    avail: u16,
    used: u16,
    free: Vec<u16>,
}

/// The world.
#[derive(Clone, Debug)]
pub struct World {
    /// Header of the trace.
    pub header: Header,
    /// Events so far.
    pub events: Vec<Event>,
    /// Cycle of the next event.
    pub cycle: u64,
    /// Negotiated features.
    pub features: u128,
    /// The function's virtio capabilities, without their links.
    pub capabilities: Vec<&'static [u32]>,
    /// Queue pairs that the device has.
    pub pairs: u16,
    ram: Vec<u8>,
    rings: Vec<Ring>,
    packed: Vec<PackedRing>,
    next_buffer: u64,
    tag: u16,
    host_tag: u16,
}

/// Which areas a ring has, for address arithmetic in tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Descriptor table.
    Desc,
    /// Available ring.
    Avail,
    /// Used ring.
    Used,
}

/// Address of `offset` in a part of a queue's ring.
#[must_use]
pub fn ring(queue: u16, part: Part, offset: u64) -> u64 {
    let part = match part {
        Part::Desc => 0,
        Part::Avail => 0x1000,
        Part::Used => 0x2000,
    };
    RAM + 0x4000 * u64::from(queue) + part + offset
}

/// Features of the usual run: `VERSION_1`, `EVENT_IDX`, `INDIRECT_DESC`, `MRG_RXBUF`, STATUS, `CTRL_VQ`, `CTRL_RX`, `CTRL_VLAN`, `RING_RESET`.
pub const USUAL: u128 =
    1 << 32 | 1 << 29 | 1 << 28 | 1 << 15 | 1 << 16 | 1 << 17 | 1 << 18 | 1 << 19 | 1 << 40;

impl World {
    /// A world before enumeration.
    #[must_use]
    pub fn new(features: u128) -> Self {
        World {
            header: Header {
                ringside_trace: TRACE_VERSION,
                dut: "synthetic".into(),
                device_type: 1,
                clock_mhz: 250.0,
                data_width_bits: 512,
                link: Link {
                    generation: 3,
                    lanes: 8,
                    mps_bytes: 256,
                    mrrs_bytes: 512,
                    rcb_bytes: 64,
                },
                driver_stores: true,
                seed: 0,
                scenario: "synthetic".into(),
                expect: Vec::new(),
                conditions: Vec::new(),
            },
            events: Vec::new(),
            cycle: 100,
            features,
            capabilities: driver::CAPABILITIES.to_vec(),
            pairs: 4,
            ram: vec![0; RAM_BYTES],
            rings: vec![
                Ring {
                    avail: 0,
                    used: 0,
                    free: (0..SIZE).rev().collect()
                };
                QUEUES
            ],
            packed: vec![PackedRing::default(); QUEUES],
            next_buffer: RAM + 0x10000,
            tag: 0,
            host_tag: 0,
        }
    }

    /// Appends an event and lets ten cycles pass.
    pub fn push(&mut self, what: What) {
        self.events.push(Event {
            cycle: self.cycle,
            what,
        });
        self.cycle += 10;
    }

    /// All buffers were given back: the next ones lie where the first ones lay, so that a long trace needs no large memory.
    pub fn reuse_buffers(&mut self) {
        self.next_buffer = RAM + 0x10000;
    }

    /// Appends a packet.
    pub fn packet(&mut self, ch: Channel, body: Body) {
        self.push(What::Tlp {
            ch,
            start: None,
            tlp: Tlp::new(body),
        });
    }

    /// Memory as it is.
    #[must_use]
    pub fn bytes(&self, addr: u64, len: usize) -> Vec<u8> {
        let at = addr.checked_sub(RAM).and_then(|a| usize::try_from(a).ok());
        (0..len)
            .map(|i| at.and_then(|a| self.ram.get(a + i)).copied().unwrap_or(0))
            .collect()
    }

    fn set(&mut self, addr: u64, data: &[u8]) {
        if let Some(at) = addr.checked_sub(RAM).and_then(|a| usize::try_from(a).ok()) {
            for (i, b) in data.iter().enumerate() {
                if let Some(place) = self.ram.get_mut(at + i) {
                    *place = *b;
                }
            }
        }
    }

    /// Events that tell where the structures are.
    pub fn map(&mut self) {
        for (region, addr, len_bytes, multiplier) in [
            (Region::Common, COMMON, 64, None),
            (Region::Isr, ISR, 4, None),
            (Region::Device, DEVICE, 64, None),
            (Region::Notify, NOTIFY, 64, Some(4)),
            (Region::MsixTable, TABLE, 64, None),
        ] {
            self.push(What::Map {
                region,
                addr,
                len_bytes,
                multiplier,
            });
        }
    }

    /// The function has a checkpoint window.
    pub fn checkpoint_window(&mut self) {
        self.push(What::Map {
            region: Region::Checkpoint,
            addr: CHECKPOINT,
            len_bytes: 8 * 9,
            multiplier: None,
        });
    }

    /// Ends the trace as complete and judges it.
    #[must_use]
    pub fn verdict(mut self) -> Verdict {
        self.push(What::End {
            reason: EndReason::Complete,
        });
        self.judge()
    }

    /// Judges the trace as it is.
    #[must_use]
    pub fn judge(&self) -> Verdict {
        let mut judge = Judge::new(&self.header);
        for e in &self.events {
            judge.observe(e);
        }
        judge.finish()
    }

    /// The same run as a trace without the driver's stores.
    #[must_use]
    pub fn without_stores(mut self) -> Self {
        self.header.driver_stores = false;
        self.events.retain(|e| !matches!(e.what, What::Store { .. }));
        self
    }

    fn completion(&mut self, ch: Channel, req: u16, tag: u16, addr: u64, data: &[u8], bytes: u16) {
        let skip = (addr & 3) as usize;
        let mut payload = vec![0; skip];
        payload.extend_from_slice(data);
        payload.resize(payload.len().next_multiple_of(4), 0);
        let cpl = if ch == Channel::Cc { BDF } else { 0 };
        let body = Body::Cpl {
            cpl,
            req,
            tag,
            status: CplStatus::Sc,
            bytes,
            lower: (addr & 0x7f) as u8,
            data: payload,
        };
        self.packet(ch, body);
    }
}

/// Byte enables and dwords of a request for `len` bytes at `addr`: (first dword's address, dwords, first, last).
#[must_use]
pub fn enables(addr: u64, len: usize) -> (u64, u16, u8, u8) {
    let skip = (addr & 3) as usize;
    let dw = (skip + len).div_ceil(4);
    let tail = dw * 4 - skip - len;
    let first = 0xf << skip & 0xf;
    let last = 0xf_u8 >> tail;
    if dw == 1 {
        (addr & !3, 1, first & last, 0)
    } else {
        (addr & !3, dw as u16, first, last)
    }
}
