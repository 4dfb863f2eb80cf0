//! What the common configuration and the notification structure have for queues: size, addresses, vectors, enable, reset, kicks.

use super::{
    Areas, DriverError, Features, NO_VECTOR, NOTIF_CONFIG_DATA, NOTIFICATION_DATA, QueueRegisters,
    RESET_CYCLES_MAX, RESET_POLL_CYCLES, Transport, reg,
};

impl Transport {
    /// Number of queues.
    ///
    /// # Errors
    /// The access failed.
    pub async fn num_queues(&self) -> Result<u16, DriverError> {
        Ok(self.read(reg::NUM_QUEUES, 2).await? as u16)
    }

    /// Largest size of a queue.
    ///
    /// # Errors
    /// [`DriverError::NoQueue`] when there is no such queue.
    pub async fn queue_size_max(&self, queue: u16) -> Result<u16, DriverError> {
        self.write(reg::QUEUE_SELECT, queue.into(), 2)?;
        match self.read(reg::QUEUE_SIZE, 2).await? as u16 {
            0 => Err(DriverError::NoQueue { queue }),
            size => Ok(size),
        }
    }

    /// Programs a queue and enables it: size, addresses and vector first (PCICFG-DRV-004). `start`: the position at which it goes on, if the ring is
    /// not new.
    ///
    /// # Errors
    /// The vector was refused, or an access failed.
    pub async fn enable_queue(
        &self,
        queue: u16,
        areas: &Areas,
        vector: u16,
        features: Features,
        start: Option<u16>,
    ) -> Result<QueueRegisters, DriverError> {
        self.write(reg::QUEUE_SELECT, queue.into(), 2)?;
        self.write(reg::QUEUE_SIZE, areas.size.into(), 2)?;
        for (offset, addr) in [
            (reg::QUEUE_DESC, areas.descriptor),
            (reg::QUEUE_DRIVER, areas.driver),
            (reg::QUEUE_DEVICE, areas.device),
        ] {
            self.write(offset, addr & 0xffff_ffff, 4)?;
            self.write(offset + 4, addr >> 32, 4)?;
        }
        if let Some(start) = start {
            self.set_start(queue, start).await?;
        }
        let name = format!("queue_msix_vector of queue {queue}");
        if vector == NO_VECTOR {
            // Nothing is written: a reset has unmapped the queue, and a driver that wants no interrupts looks whether it has.
            let got = self.read(reg::QUEUE_MSIX_VECTOR, 2).await? as u16;
            if got != NO_VECTOR {
                let (register, wrote) = (name, NO_VECTOR);
                return Err(DriverError::Vector { register, wrote, got });
            }
        } else {
            self.set_vector(reg::QUEUE_MSIX_VECTOR, vector, &name).await?;
        }
        let notify_off = self.read(reg::QUEUE_NOTIFY_OFF, 2).await?;
        let kick_value = if features.has(NOTIF_CONFIG_DATA) {
            self.read(reg::QUEUE_NOTIF_CONFIG_DATA, 2).await? as u16
        } else {
            queue
        };
        // The ring lies zeroed in memory before the device may look (PCI-DSC-005).
        self.host.full_barrier().await;
        self.write(reg::QUEUE_ENABLE, 1, 2)?;
        let kick = self.virtio.notify.addr + notify_off * u64::from(self.virtio.notify_multiplier);
        Ok(QueueRegisters {
            index: queue,
            kick,
            kick_value,
            vector,
        })
    }

    async fn set_vector(&self, register: u64, vector: u16, name: &str) -> Result<(), DriverError> {
        self.write(register, vector.into(), 2)?;
        let got = self.read(register, 2).await? as u16;
        if got == vector {
            Ok(())
        } else {
            Err(DriverError::Vector {
                register: name.to_owned(),
                wrote: vector,
                got,
            })
        }
    }

    /// Maps configuration changes to a vector.
    ///
    /// # Errors
    /// The vector was refused, or an access failed.
    pub async fn set_config_vector(&self, vector: u16) -> Result<(), DriverError> {
        self.set_vector(reg::CONFIG_MSIX_VECTOR, vector, "config_msix_vector")
            .await
    }

    /// Resets one queue and waits until it has been (VQ-DRV-001).
    ///
    /// # Errors
    /// It never is.
    pub async fn reset_queue(&self, queue: u16) -> Result<(), DriverError> {
        self.write(reg::QUEUE_SELECT, queue.into(), 2)?;
        self.write(reg::QUEUE_RESET, 1, 2)?;
        let start = self.sim.now();
        loop {
            let reset = self.read(reg::QUEUE_RESET, 2).await? as u16;
            let cycles = self.sim.now() - start;
            if reset == 0 || cycles > RESET_CYCLES_MAX {
                let enable = self.read(reg::QUEUE_ENABLE, 2).await? as u16;
                if reset == 0 && enable == 0 {
                    return Ok(());
                }
                return Err(DriverError::QueueReset {
                    queue,
                    reset,
                    enable,
                    cycles,
                });
            }
            self.sim.cycles(RESET_POLL_CYCLES).await;
        }
    }

    /// Tells the device of available buffers: 16 bits, or 32 with the position (PCINTF-DRV-001 to 006).
    ///
    /// # Errors
    /// The access failed.
    pub fn kick(
        &self,
        queue: &QueueRegisters,
        features: Features,
        position: u16,
        wrong_width: bool,
    ) -> Result<(), DriverError> {
        let value = u32::from(queue.kick_value) | u32::from(position) << 16;
        let bytes = value.to_le_bytes();
        let size = if features.has(NOTIFICATION_DATA) == wrong_width {
            2
        } else {
            4
        };
        Ok(self.host.mmio_post(queue.kick, &bytes[..size])?)
    }
}
