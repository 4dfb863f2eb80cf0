//! The slot: accesses of the guest become TLPs to the function, as a root port makes them. The guest sizes and places the BARs and programs the
//! interrupts; here it is only watched, so that BAR accesses find their addresses, interrupts their way, and the trace says where what lies.

use std::collections::BTreeSet;

use super::op::{Op, pieces};
use crate::driver::transport::status;
use crate::host::{Function, Host, RequestError};

/// First BAR register, and the one behind the last.
const BARS: std::ops::Range<u16> = 0x10..0x28;
const COMMAND: u16 = 0x04;
const MEMORY_SPACE: u8 = 1 << 1;
const CAP_PCIE: u8 = 0x10;
/// Device Control, upper byte: Initiate Function Level Reset.
const FLR: u8 = 1 << 7;
/// Common configuration: `device_feature_select`, `device_feature`, `driver_feature_select`, `driver_feature`, `device_status`.
const OFFER_SELECT: u64 = 0x00;
const OFFER: u64 = 0x04;
const FEATURE_SELECT: u64 = 0x08;
const FEATURE: u64 = 0x0c;
const STATUS: u64 = 0x14;
/// A reset function gets so long.
const SETTLE_CYCLES: u64 = 2_000;
/// Looks at the status of a device that is to be reset.
const LOOKS: u32 = 1_000;

/// An access that leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum SlotError {
    /// The function does not answer.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A BAR without an address.
    #[error("BAR{bar} has no address: it was never sized and placed with memory space enabled")]
    NoBar {
        /// Which.
        bar: u8,
    },
    /// An access that leaves its BAR.
    #[error("access of {size} bytes at {offset:#x} of BAR{bar}, which has {bar_bytes:#x} bytes")]
    Beyond {
        /// Which.
        bar: u8,
        /// Offset.
        offset: u64,
        /// Bytes.
        size: usize,
        /// Bytes of the BAR.
        bar_bytes: u64,
    },
}

/// What a guest did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Reads of configuration space.
    pub config_reads: u64,
    /// Writes to configuration space.
    pub config_writes: u64,
    /// Reads of BARs.
    pub reads: u64,
    /// Writes to BARs.
    pub writes: u64,
    /// Of them, to the notification structure.
    pub kicks: u64,
    /// Times that a driver set `DRIVER_OK`.
    pub starts: u64,
}

/// The slot and what is in it.
#[derive(Debug)]
pub struct Slot {
    host: Host,
    function: Option<Function>,
    /// The guest wrote all ones to this BAR register last.
    sizing: [bool; 6],
    /// What it read then.
    masks: [u32; 6],
    memory_space: bool,
    /// The MSI-X table as the guest wrote it.
    table: Vec<u8>,
    /// Features that the guest is not shown.
    withheld: u128,
    offer_select: u32,
    select: usize,
    features: [u32; 4],
    /// Features that the last driver took.
    pub taken: u128,
    /// What the guest did.
    pub counts: Counts,
}

impl Slot {
    /// The slot of a guest that has not looked yet, and is not shown the features `withheld`.
    #[must_use]
    pub fn new(host: &Host, withheld: u128) -> Self {
        Slot {
            host: host.clone(),
            function: None,
            sizing: [false; 6],
            masks: [0; 6],
            memory_space: false,
            table: Vec::new(),
            withheld,
            offer_select: 0,
            select: 0,
            features: [0; 4],
            taken: 0,
            counts: Counts::default(),
        }
    }

    fn note(&self, text: &str) {
        self.host.recorder().note(format!("pci: {text}"));
    }

    /// Makes an access: what it is answered with.
    ///
    /// # Errors
    /// [`SlotError`]: it leads nowhere, or the function is dead.
    pub async fn perform(&mut self, op: &Op) -> Result<Vec<u8>, SlotError> {
        match op {
            Op::ConfigRead { reg, size } => self.config_read(*reg, *size).await,
            Op::ConfigWrite { reg, data } => self.config_write(*reg, data).await.map(|()| Vec::new()),
            Op::Read { bar, offset, size } => self.read(*bar, *offset, *size).await,
            Op::Write { bar, offset, data } => self.write(*bar, *offset, data).map(|()| Vec::new()),
        }
    }

    /// What a processor makes of an answer: without a good one it reads all ones.
    fn value<T>(&self, answer: Result<T, RequestError>, ones: T) -> Result<T, RequestError> {
        match answer {
            Err(
                e @ (RequestError::Status { .. }
                | RequestError::Poisoned { .. }
                | RequestError::Misfit { .. }),
            ) => {
                self.note(&format!("{e}: the guest reads all ones"));
                Ok(ones)
            }
            other => other,
        }
    }

    async fn config_read(&mut self, reg: u16, size: usize) -> Result<Vec<u8>, SlotError> {
        self.counts.config_reads += 1;
        let mut bytes = Vec::with_capacity(size);
        for at in (0..size).step_by(4) {
            let (reg, size) = (reg + at as u16, size.min(4));
            let value = self.value(self.host.config_read_sized(reg, size).await, u32::MAX)?;
            if let Some(index) = bar_index(reg, size).filter(|i| self.sizing[*i]) {
                self.masks[index] = value;
            }
            bytes.extend(&value.to_le_bytes()[..size]);
        }
        Ok(bytes)
    }

    async fn config_write(&mut self, reg: u16, data: &[u8]) -> Result<(), SlotError> {
        self.counts.config_writes += 1;
        for (part, bytes) in data.chunks(4).enumerate() {
            let reg = reg + 4 * part as u16;
            let mut word = [0; 4];
            word[..bytes.len()].copy_from_slice(bytes);
            let value = u32::from_le_bytes(word);
            if let Some(index) = bar_index(reg, bytes.len()) {
                self.sizing[index] = value == u32::MAX;
            }
            self.value(self.host.config_write(reg, bytes.len(), value).await, ())?;
            self.watch_config(reg, bytes).await?;
        }
        Ok(())
    }

    /// What follows from a write to configuration space.
    async fn watch_config(&mut self, reg: u16, bytes: &[u8]) -> Result<(), SlotError> {
        if reg == COMMAND {
            let on = bytes[0] & MEMORY_SPACE != 0;
            if on && (!self.memory_space || self.function.is_none()) {
                self.adopt().await;
            }
            self.memory_space = on;
        }
        let pcie = self.function.as_ref().and_then(|f| f.capability(CAP_PCIE));
        let Some(control) = pcie.map(|at| at + 8).filter(|c| *c == reg) else {
            return Ok(());
        };
        if bytes.get(1).is_some_and(|b| b & FLR != 0) {
            self.note("the guest resets the function");
            (self.function, self.memory_space) = (None, false);
            self.forget_vectors();
            return Ok(());
        }
        let now = self.value(self.host.config_read(control).await, 0)?;
        self.host.set_payload_bytes(128 << (now >> 5 & 7).min(5));
        Ok(())
    }

    /// Memory space is on: from now on it is known where everything lies.
    async fn adopt(&mut self) {
        match self.host.adopt(&self.masks).await {
            Ok(function) => {
                let vectors = function.msix.map_or(0, |m| m.vectors);
                self.table = vec![0; usize::from(vectors) * 16];
                self.function = Some(function);
            }
            Err(e) => {
                self.function = None;
                self.note(&format!("the guest enabled memory space, but: {e}"));
            }
        }
    }

    fn forget_vectors(&mut self) {
        self.table.clear();
        self.host.take_interrupts_at(BTreeSet::new());
    }

    /// The bus address of an access.
    fn place(&self, bar: u8, offset: u64, size: usize) -> Result<u64, SlotError> {
        let bars = self.function.as_ref().map(|f| &f.bars[..]);
        let place = bars.unwrap_or_default().iter().find(|b| b.index == bar);
        let b = place.ok_or(SlotError::NoBar { bar })?;
        let bar_bytes = b.size_bytes;
        if offset.checked_add(size as u64).is_none_or(|end| end > bar_bytes) {
            return Err(SlotError::Beyond {
                bar,
                offset,
                size,
                bar_bytes,
            });
        }
        Ok(b.base.wrapping_add(offset))
    }

    async fn read(&mut self, bar: u8, offset: u64, size: usize) -> Result<Vec<u8>, SlotError> {
        self.counts.reads += 1;
        let addr = self.place(bar, offset, size)?;
        let mut bytes = Vec::with_capacity(size);
        for (at, n) in pieces(addr, size) {
            let read = self.host.mmio_read(addr + at as u64, n).await;
            let value = self.value(read, u64::MAX)? & !self.hidden(addr + at as u64);
            bytes.extend(&value.to_le_bytes()[..n]);
        }
        Ok(bytes)
    }

    fn write(&mut self, bar: u8, offset: u64, data: &[u8]) -> Result<(), SlotError> {
        self.counts.writes += 1;
        let addr = self.place(bar, offset, data.len())?;
        for (at, n) in pieces(addr, data.len()) {
            let part = &data[at..at + n];
            self.watch_vectors(addr + at as u64, part);
            self.watch_registers(addr + at as u64, part);
            self.host.mmio_post(addr + at as u64, part)?;
        }
        Ok(())
    }

    /// Bits of a register that the guest is not shown.
    fn hidden(&self, addr: u64) -> u64 {
        let common = self
            .function
            .as_ref()
            .and_then(|f| f.virtio)
            .map(|v| v.common.addr);
        match common.and_then(|c| addr.checked_sub(c)) {
            Some(OFFER) if self.offer_select < 4 => {
                u64::from((self.withheld >> (32 * self.offer_select)) as u32)
            }
            _ => 0,
        }
    }

    /// The function's own MSI-X table says where interrupts go; the guest has just written it.
    fn watch_vectors(&mut self, addr: u64, data: &[u8]) {
        let msix = self.function.as_ref().and_then(|f| f.msix);
        let Some(at) = msix.and_then(|m| addr.checked_sub(m.table)) else {
            return;
        };
        let Some(bytes) = usize::try_from(at)
            .ok()
            .and_then(|at| self.table.get_mut(at..at.checked_add(data.len())?))
        else {
            return;
        };
        bytes.copy_from_slice(data);
        let address = |entry: &[u8]| u64::from_le_bytes(std::array::from_fn(|i| entry[i])) & !3;
        let used = self.table.chunks_exact(16).map(address).filter(|a| *a != 0);
        self.host.take_interrupts_at(used.collect());
    }

    /// What the driver says in the common configuration, and its kicks: for the report only.
    fn watch_registers(&mut self, addr: u64, data: &[u8]) {
        let Some(virtio) = self.function.as_ref().and_then(|f| f.virtio) else {
            return;
        };
        let kick = addr.checked_sub(virtio.notify.addr);
        self.counts.kicks += u64::from(kick.is_some_and(|at| at < virtio.notify.len_bytes.into()));
        let mut word = [0; 4];
        let n = data.len().min(4);
        word[..n].copy_from_slice(&data[..n]);
        let value = u32::from_le_bytes(word);
        match addr.checked_sub(virtio.common.addr) {
            Some(OFFER_SELECT) => self.offer_select = value,
            Some(FEATURE_SELECT) => self.select = value as usize,
            Some(FEATURE) => {
                if let Some(word) = self.features.get_mut(self.select) {
                    *word = value;
                }
            }
            Some(STATUS) if value == 0 => self.features = [0; 4],
            Some(STATUS) if value as u8 & status::DRIVER_OK != 0 => {
                self.counts.starts += 1;
                let words = self.features.iter().rev();
                self.taken = words.fold(0, |all, word| all << 32 | u128::from(*word));
            }
            _ => {}
        }
    }

    /// The guest has gone: the device is reset, so that it asks for nothing, and then the function, so that it is as after power-on.
    pub async fn leave(mut self) -> Counts {
        if let Some(function) = self.function.take()
            && let Err(e) = self.reset(&function).await
        {
            self.note(&format!("the function could not be reset behind the guest: {e}"));
        }
        self.forget_vectors();
        self.counts
    }

    async fn reset(&self, function: &Function) -> Result<(), RequestError> {
        let status = function.virtio.map(|v| v.common.addr + STATUS);
        if let Some(status) = status.filter(|_| self.memory_space) {
            self.host.mmio_post(status, &[0])?;
            for _ in 0..LOOKS {
                if self.host.mmio_read(status, 1).await? == 0 {
                    break;
                }
            }
        }
        self.host.function_level_reset(function, SETTLE_CYCLES).await?;
        self.host.set_payload_bytes(128);
        Ok(())
    }
}

/// The BAR register that an access covers.
fn bar_index(reg: u16, size: usize) -> Option<usize> {
    (BARS.contains(&reg) && size == 4).then(|| usize::from(reg - BARS.start) / 4)
}
