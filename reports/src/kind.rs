//! Bytes on the link, by what they were.

use ringside_models::judge::Purpose;
use ringside_models::tlp::Tlp;

/// What a byte on the link was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Bytes of buffers: frames and their headers, control commands.
    Payload,
    /// Indices, entries, descriptors, elements.
    Ring,
    /// Event words and flags: who wants to be told of what.
    Events,
    /// MSI-X messages.
    Interrupts,
    /// Kicks, register and configuration accesses.
    Registers,
    /// Data that the judge could not explain.
    Unknown,
    /// Framing, sequence numbers, CRCs and headers of all packets: all that is not data.
    Overhead,
}

impl Kind {
    pub(crate) const ALL: [Kind; 7] = [
        Kind::Payload,
        Kind::Ring,
        Kind::Events,
        Kind::Interrupts,
        Kind::Registers,
        Kind::Unknown,
        Kind::Overhead,
    ];

    fn of(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Payload => Kind::Payload,
            Purpose::AvailIndex
            | Purpose::AvailEntry
            | Purpose::Descriptor
            | Purpose::IndirectTable
            | Purpose::UsedElement
            | Purpose::UsedIndex
            | Purpose::UsedDescriptor => Kind::Ring,
            Purpose::DriverEvent | Purpose::DeviceEvent => Kind::Events,
            Purpose::Msix | Purpose::Intx => Kind::Interrupts,
            Purpose::Kick | Purpose::Register | Purpose::Config => Kind::Registers,
            Purpose::Unknown => Kind::Unknown,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Payload => "payload",
            Kind::Ring => "ring structures",
            Kind::Events => "event words",
            Kind::Interrupts => "interrupts",
            Kind::Registers => "kicks and registers",
            Kind::Unknown => "unexplained",
            Kind::Overhead => "TLP overhead",
        }
    }
}

/// Bytes on the link each way, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WireBytes {
    pub(crate) up: [u64; Kind::ALL.len()],
    pub(crate) down: [u64; Kind::ALL.len()],
}

impl WireBytes {
    pub(crate) fn count(&mut self, up: bool, purpose: Purpose, tlp: &Tlp) {
        let data = tlp.data().len() as u64;
        let side = if up { &mut self.up } else { &mut self.down };
        side[Kind::of(purpose) as usize] += data;
        side[Kind::Overhead as usize] += tlp.wire_bytes() - data;
    }

    pub(crate) fn take_in(&mut self, other: &mut WireBytes) {
        for (a, b) in self
            .up
            .iter_mut()
            .chain(&mut self.down)
            .zip(other.up.iter().chain(&other.down))
        {
            *a += b;
        }
        *other = WireBytes::default();
    }
}
