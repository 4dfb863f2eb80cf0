//! The crate's transport trait over the function's registers. It does what the crate's own PCI transport does, but that one takes
//! BARs for memory and reads them through pointers, which no simulated device can answer.

use ringside::host::Virtio;
use ringside::serve::in_process::Ask;
use virtio_drivers::transport::{DeviceStatus, DeviceType, InterruptStatus, Transport};
use virtio_drivers::{Error, PhysAddr, Result};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::memory::machine;

/// Offsets in the common configuration.
mod reg {
    pub(super) const DEVICE_FEATURE_SELECT: u64 = 0x00;
    pub(super) const DEVICE_FEATURE: u64 = 0x04;
    pub(super) const DRIVER_FEATURE_SELECT: u64 = 0x08;
    pub(super) const DRIVER_FEATURE: u64 = 0x0c;
    pub(super) const DEVICE_STATUS: u64 = 0x14;
    pub(super) const CONFIG_GENERATION: u64 = 0x15;
    pub(super) const QUEUE_SELECT: u64 = 0x16;
    pub(super) const QUEUE_SIZE: u64 = 0x18;
    pub(super) const QUEUE_ENABLE: u64 = 0x1c;
    pub(super) const QUEUE_NOTIFY_OFF: u64 = 0x1e;
    pub(super) const QUEUE_DESC: u64 = 0x20;
    pub(super) const QUEUE_DRIVER: u64 = 0x28;
    pub(super) const QUEUE_DEVICE: u64 = 0x30;
}

/// A network device's registers.
pub(crate) struct Registers {
    virtio: Virtio,
    /// Cycles that pass after each kick: the crate's blocking calls look at memory only, and would spin for ever.
    after_kick: u64,
    /// Features that this transport hides from the driver.
    hidden: u64,
}

impl Registers {
    /// The registers of this thread's machine.
    pub(crate) fn new(after_kick: u64, hidden: u64) -> Self {
        let virtio = machine(|m| m.guest().function().virtio).expect("a virtio function");
        Registers {
            virtio,
            after_kick,
            hidden,
        }
    }

    fn read_at(addr: u64, size: usize) -> u64 {
        machine(|m| m.ask(Ask::Read { addr, size }))
    }

    fn write_at(addr: u64, value: u64, size: usize) {
        let data = value.to_le_bytes()[..size].to_vec();
        machine(|m| m.ask(Ask::Write { addr, data }));
    }

    fn read(&self, register: u64, size: usize) -> u64 {
        Self::read_at(self.virtio.common.addr + register, size)
    }

    fn write(&self, register: u64, value: u64, size: usize) {
        Self::write_at(self.virtio.common.addr + register, value, size);
    }

    fn select(&self, queue: u16) {
        self.write(reg::QUEUE_SELECT, queue.into(), 2);
    }

    fn config(&self, offset: usize, len: usize) -> Result<u64> {
        let device = self.virtio.device.ok_or(Error::ConfigSpaceMissing)?;
        if offset + len > device.len_bytes as usize {
            return Err(Error::ConfigSpaceTooSmall);
        }
        Ok(device.addr + offset as u64)
    }
}

impl Transport for Registers {
    fn device_type(&self) -> DeviceType {
        DeviceType::Network
    }

    fn read_device_features(&mut self) -> u64 {
        let mut features = 0;
        for window in 0..2 {
            self.write(reg::DEVICE_FEATURE_SELECT, window, 4);
            features |= self.read(reg::DEVICE_FEATURE, 4) << (32 * window);
        }
        features & !self.hidden
    }

    fn write_driver_features(&mut self, features: u64) {
        for window in 0..2 {
            self.write(reg::DRIVER_FEATURE_SELECT, window, 4);
            self.write(reg::DRIVER_FEATURE, features >> (32 * window) & 0xffff_ffff, 4);
        }
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        self.select(queue);
        self.read(reg::QUEUE_SIZE, 2) as u32
    }

    fn notify(&mut self, queue: u16) {
        self.select(queue);
        let offset = self.read(reg::QUEUE_NOTIFY_OFF, 2) * u64::from(self.virtio.notify_multiplier);
        Self::write_at(self.virtio.notify.addr + offset, queue.into(), 2);
        let cycles = self.after_kick;
        machine(|m| m.ask(Ask::Cycles { cycles }));
    }

    fn get_status(&self) -> DeviceStatus {
        DeviceStatus::from_bits_truncate(self.read(reg::DEVICE_STATUS, 1) as u32)
    }

    fn set_status(&mut self, status: DeviceStatus) {
        self.write(reg::DEVICE_STATUS, status.bits().into(), 1);
    }

    fn set_guest_page_size(&mut self, _: u32) {}

    fn requires_legacy_layout(&self) -> bool {
        false
    }

    fn queue_set(&mut self, queue: u16, size: u32, table: PhysAddr, available: PhysAddr, used: PhysAddr) {
        machine(|m| m.ring(available, 6 + 2 * size as usize));
        self.select(queue);
        self.write(reg::QUEUE_SIZE, size.into(), 2);
        for (register, addr) in [
            (reg::QUEUE_DESC, table),
            (reg::QUEUE_DRIVER, available),
            (reg::QUEUE_DEVICE, used),
        ] {
            self.write(register, addr & 0xffff_ffff, 4);
            self.write(register + 4, addr >> 32, 4);
        }
        self.write(reg::QUEUE_ENABLE, 1, 2);
    }

    fn queue_unset(&mut self, _: u16) {}

    fn queue_used(&mut self, queue: u16) -> bool {
        self.select(queue);
        self.read(reg::QUEUE_ENABLE, 2) == 1
    }

    fn ack_interrupt(&mut self) -> InterruptStatus {
        InterruptStatus::from_bits_retain(Self::read_at(self.virtio.isr.addr, 1) as u32)
    }

    fn read_config_generation(&self) -> u32 {
        self.read(reg::CONFIG_GENERATION, 1) as u32
    }

    fn read_config_space<T: FromBytes + IntoBytes>(&self, offset: usize) -> Result<T> {
        let addr = self.config(offset, size_of::<T>())?;
        // Field by field in the field's own width, as a processor would.
        let width = align_of::<T>();
        let bytes: Vec<u8> = (0..size_of::<T>())
            .step_by(width)
            .flat_map(|at| Self::read_at(addr + at as u64, width).to_le_bytes()[..width].to_vec())
            .collect();
        T::read_from_bytes(&bytes).map_err(|_| Error::ConfigSpaceTooSmall)
    }

    fn write_config_space<T: IntoBytes + Immutable>(&mut self, offset: usize, value: T) -> Result<()> {
        let addr = self.config(offset, size_of::<T>())?;
        for (at, byte) in value.as_bytes().iter().enumerate() {
            Self::write_at(addr + at as u64, (*byte).into(), 1);
        }
        Ok(())
    }
}

impl Drop for Registers {
    /// As the crate's PCI transport: the memory goes next.
    fn drop(&mut self) {
        self.set_status(DeviceStatus::empty());
        while self.get_status() != DeviceStatus::empty() {}
    }
}
