//! Resets: of the device, of the function, of one queue. What is under way is lost, and counted. And suspension, in which nothing is lost.

use std::rc::Rc;

use ringside_sim::JoinHandle;

use super::{Device, NetDriver, Pair};
use crate::driver::config::Vectors;
use crate::driver::error::DriverError;
use crate::driver::features;
use crate::driver::queue::SharedQueue;
use crate::driver::rx::{self, RxBuffer};
use crate::driver::transport::Transport;
use crate::driver::tx::{self, TxBuffers};

impl NetDriver {
    /// Resets the device, takes everything back and brings it up again. Frames under way are lost.
    ///
    /// # Errors
    /// No reset, or the second bring-up fails.
    pub async fn reset(&self) -> Result<(), DriverError> {
        let Some(device) = self.0.device.borrow_mut().take() else {
            return Ok(());
        };
        let (transport, queues) = device.stop();
        transport.reset().await?;
        self.0.open_gates();
        self.take_back(&queues);
        self.bring_up(transport).await.map(|_| ())
    }

    /// Resets a device whose bring-up failed and takes back what it was given.
    pub(super) async fn put_down(&self, transport: &Transport) -> Result<(), DriverError> {
        let queues = self.0.device.borrow_mut().take().map(|d| d.stop().1);
        transport.reset().await?;
        if let Some(queues) = queues {
            self.take_back(&queues);
        }
        Ok(())
    }

    /// As [`NetDriver::reset`], by a function level reset and a new enumeration.
    ///
    /// # Errors
    /// No reset, or the second bring-up fails.
    pub async fn function_reset(&self) -> Result<(), DriverError> {
        let Some(device) = self.0.device.borrow_mut().take() else {
            return Ok(());
        };
        let (transport, queues) = device.stop();
        // As a driver frees its interrupts first: a handler that reads ISR status finds nobody there while the reset runs.
        self.0.routes.clear();
        transport.function_reset().await?;
        self.0.open_gates();
        self.take_back(&queues);
        self.start().await.map(|_| ())
    }

    /// Holds everything back and asks for a suspension; `wait`: until it is reached.
    ///
    /// # Errors
    /// It never is, or the device asks for a reset.
    pub async fn suspend(&self, wait: bool) -> Result<(), DriverError> {
        let transport = self.0.device.borrow().as_ref().map(|d| d.transport.clone());
        let Some(transport) = transport else { return Ok(()) };
        self.0.shut_gates();
        transport.suspend(wait).await
    }

    /// Ends a suspension, and goes on where everything stood.
    ///
    /// # Errors
    /// The device does not run again.
    pub async fn resume(&self) -> Result<(), DriverError> {
        let transport = self.0.device.borrow().as_ref().map(|d| d.transport.clone());
        let Some(transport) = transport else { return Ok(()) };
        transport.resume().await?;
        self.0.open_gates();
        Ok(())
    }

    /// MSI-X vectors in use.
    pub(super) fn vectors(&self, transport: &Transport) -> u16 {
        match self.0.config.vectors {
            Vectors::Intx => 0,
            _ => transport.function().msix.map_or(0, |m| m.vectors),
        }
    }

    fn take_back(&self, queues: &Queues) {
        let memory = self.0.host.memory();
        for (pair, (rx, tx)) in queues.pairs.iter().enumerate() {
            rx::free_all(memory, rx.borrow_mut().ring.dismantle());
            self.0.backlogs[pair].lose(tx::free_all(memory, tx.borrow_mut().ring.dismantle()));
        }
        if let Some(control) = &queues.control {
            control.borrow_mut().ring.dismantle();
        }
    }

    /// Resets one data queue and enables it again with a new ring. Frames in it are lost.
    ///
    /// # Errors
    /// No such queue in use, the feature is not there, or no reset.
    pub async fn reset_queue(&self, index: u16) -> Result<(), DriverError> {
        let (transport, features, control_index) = {
            let device = self.0.device.borrow();
            let Some(d) = device.as_ref() else { return Ok(()) };
            (d.transport.clone(), d.features, d.control_index)
        };
        let pair = usize::from(index / 2);
        if !features.has(features::RING_RESET) || index >= control_index || pair >= self.0.backlogs.len() {
            let what = format!("VIRTIO_F_RING_RESET and a data queue {index} in use");
            return Err(DriverError::Lacks {
                what,
                has: "has not both".into(),
            });
        }
        let vectors = self.vectors(&transport);
        let context = self.context(&transport, features);
        let memory = self.0.host.memory().clone();
        if index.is_multiple_of(2) {
            let (task, old) = self.with_pair(pair, |p| (p.rx_task.take(), Rc::clone(&p.rx)));
            task.into_iter().for_each(JoinHandle::cancel);
            old.borrow().silence();
            transport.reset_queue(index).await?;
            rx::free_all(&memory, old.borrow_mut().ring.dismantle());
            let queue = self.queue::<RxBuffer>(&context, index, vectors, 1).await?;
            let mut receiver = self.receiver(pair, &queue, features)?;
            receiver.prime()?;
            let task = self.task(&format!("receive {pair}"), receiver.run());
            self.with_pair(pair, |p| (p.rx, p.rx_task) = (queue, Some(task)));
        } else {
            let (task, old) = self.with_pair(pair, |p| (p.tx_task.take(), Rc::clone(&p.tx)));
            task.into_iter().for_each(JoinHandle::cancel);
            old.borrow().silence();
            transport.reset_queue(index).await?;
            let lost = tx::free_all(&memory, old.borrow_mut().ring.dismantle());
            self.0.backlogs[pair].lose(lost);
            let queue = self.queue::<TxBuffers>(&context, index, vectors, 1).await?;
            self.with_pair(pair, |p| p.tx = queue);
            self.start_tx(pair);
        }
        Ok(())
    }

    fn with_pair<R>(&self, pair: usize, work: impl FnOnce(&mut Pair) -> R) -> R {
        let mut device = self.0.device.borrow_mut();
        let device = device
            .as_mut()
            .expect("checked by the caller, and no wait in between takes it");
        work(&mut device.pairs[pair])
    }
}

struct Queues {
    pairs: Vec<(SharedQueue<RxBuffer>, SharedQueue<TxBuffers>)>,
    control: Option<SharedQueue<()>>,
}

impl Device {
    /// Ends the tasks. The queues' memory stays until the device is known to have stopped.
    fn stop(self) -> (Transport, Queues) {
        self.config_task.cancel();
        if let Some((_, control)) = &self.control {
            control.borrow().silence();
        }
        let mut pairs = Vec::new();
        for p in self.pairs {
            p.rx.borrow().silence();
            p.tx.borrow().silence();
            p.rx_task
                .into_iter()
                .chain(p.tx_task)
                .for_each(JoinHandle::cancel);
            pairs.push((p.rx, p.tx));
        }
        (
            self.transport,
            Queues {
                pairs,
                control: self.control.map(|c| c.1),
            },
        )
    }
}
