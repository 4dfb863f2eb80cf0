//! The control queue of a device whose data queues belong to somebody else: in the host's own memory, for the few commands that the control path
//! has to give on that somebody's behalf (a shadow control queue, as QEMU keeps for vDPA).

use std::cell::RefCell;
use std::rc::Rc;

use ringside_sim::sync::Event;

use crate::driver::command::Command;
use crate::driver::config::{Events, KickConfig, Publish};
use crate::driver::control::Control;
use crate::driver::error::DriverError;
use crate::driver::features::{EVENT_IDX, Features, IN_ORDER, RING_PACKED};
use crate::driver::gate::Gate;
use crate::driver::queue::{Breaches, Context, DriverQueue};
use crate::driver::ring::{Format, FreeList, QueueOptions, Ring, Shape};
use crate::driver::transport::{NO_VECTOR, Transport};
use crate::host::dice::Dice;

/// Entries of its ring.
const SIZE: u16 = 16;
/// Cycles between two looks for an answer.
const POLL_CYCLES: u64 = 64;

/// The queue at work.
pub struct ShadowControl(Control);

impl ShadowControl {
    /// Makes the ring and enables the queue: before `DRIVER_OK`.
    ///
    /// # Errors
    /// An access failed.
    pub async fn enable(transport: &Transport, index: u16, features: Features) -> Result<Self, DriverError> {
        let host = transport.host();
        let options = QueueOptions {
            event_idx: features.has(EVENT_IDX),
            in_order: features.has(IN_ORDER),
            free_list: FreeList::default(),
            dice: Dice::new(0, "serve/control"),
            start: None,
        };
        let format = if features.has(RING_PACKED) {
            Format::Packed
        } else {
            Format::Split
        };
        let size = transport.queue_size_max(index).await?.min(SIZE);
        let ring = Ring::new(format, host.memory(), size, options)?;
        let registers = transport
            .enable_queue(index, &ring.areas(), NO_VECTOR, features, None)
            .await?;
        let context = Context {
            sim: host.sim().clone(),
            transport: transport.clone(),
            features,
            events: Events::Poll,
            publish: Publish::default(),
            poll_cycles: POLL_CYCLES,
            kicks: KickConfig::default(),
            gate: Gate::default(),
            seed: 0,
            breaches: Breaches::default(),
            descriptors: Rc::default(),
        };
        let queue = DriverQueue::new(ring, registers, context, Event::new("control queue"));
        let queue = Rc::new(RefCell::new(queue));
        let control = Control::new(queue, Shape::Direct, host.memory().clone(), host.sim().clone());
        Ok(ShadowControl(control))
    }

    /// Sets how many queue pairs are active.
    ///
    /// # Errors
    /// The device does not take the command.
    pub async fn set_pairs(&self, pairs: u16) -> Result<(), DriverError> {
        self.0.command_expecting(&Command::Pairs { pairs }, true).await
    }
}
