//! Why a TLP crossed the boundary.

use serde::Serialize;

/// What a TLP was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Read of the available index.
    AvailIndex,
    /// Read of available-ring entries.
    AvailEntry,
    /// Read of the descriptor table or ring.
    Descriptor,
    /// Read of an indirect table.
    IndirectTable,
    /// Read or write of a buffer.
    Payload,
    /// Write of used elements.
    UsedElement,
    /// Write of the used index.
    UsedIndex,
    /// Write of used descriptors (packed ring).
    UsedDescriptor,
    /// Read of what the driver asks of interrupts: `used_event`, `avail.flags` or its event suppression structure.
    DriverEvent,
    /// Write of what the device asks of kicks: `avail_event`, `used.flags` or its event suppression structure.
    DeviceEvent,
    /// MSI-X message.
    Msix,
    /// `INTx` message.
    Intx,
    /// Kick.
    Kick,
    /// Access to a register of a BAR.
    Register,
    /// Access to configuration space.
    Config,
    /// Nothing that the judge can explain.
    Unknown,
}

impl Purpose {
    /// Every purpose, in the order reports show them.
    pub const ALL: [Purpose; 16] = [
        Purpose::AvailIndex,
        Purpose::AvailEntry,
        Purpose::Descriptor,
        Purpose::IndirectTable,
        Purpose::Payload,
        Purpose::UsedElement,
        Purpose::UsedIndex,
        Purpose::UsedDescriptor,
        Purpose::DriverEvent,
        Purpose::DeviceEvent,
        Purpose::Msix,
        Purpose::Intx,
        Purpose::Kick,
        Purpose::Register,
        Purpose::Config,
        Purpose::Unknown,
    ];

    /// Name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Purpose::AvailIndex => "available index",
            Purpose::AvailEntry => "available entry",
            Purpose::Descriptor => "descriptor",
            Purpose::IndirectTable => "indirect table",
            Purpose::Payload => "payload",
            Purpose::UsedElement => "used element",
            Purpose::UsedIndex => "used index",
            Purpose::UsedDescriptor => "used descriptor",
            Purpose::DriverEvent => "driver event word",
            Purpose::DeviceEvent => "device event word",
            Purpose::Msix => "MSI-X",
            Purpose::Intx => "INTx",
            Purpose::Kick => "kick",
            Purpose::Register => "register",
            Purpose::Config => "configuration",
            Purpose::Unknown => "unknown",
        }
    }
}

/// The cause of one TLP. A completion has the cause of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// What for.
    pub purpose: Purpose,
    /// Virtqueue index it belongs to.
    pub queue: Option<u16>,
    /// That queue is the control queue of its device: bring-up and commands, not traffic.
    pub control: bool,
    /// Running number of the chain in its queue, from 0 at each enabling of the queue.
    pub chain: Option<u64>,
    /// Things of that purpose moved: entries, descriptors, elements, chains published by a used index or used descriptors; 0 where counting makes no
    /// sense. What is cut in two requests counts once, with the one that completes it.
    pub items: u32,
    /// Of `items`, those that the device had no use for (speculation, re-reads). Of a packed ring only the completion knows.
    pub wasted: u32,
    /// For a completion: cycle of its request.
    pub request_cycle: Option<u64>,
    /// For a completion: it is the last one of its request. True for every other packet.
    pub last: bool,
}

impl Cause {
    /// A cause with a purpose and nothing else known.
    #[must_use]
    pub fn of(purpose: Purpose) -> Self {
        Cause {
            purpose,
            queue: None,
            control: false,
            chain: None,
            items: 0,
            wasted: 0,
            request_cycle: None,
            last: true,
        }
    }

    /// The same with a queue.
    #[must_use]
    pub fn on(mut self, queue: u16) -> Self {
        self.queue = Some(queue);
        self
    }

    /// The same with a number of items.
    #[must_use]
    pub fn items(mut self, items: u32) -> Self {
        self.items = items;
        self
    }
}
