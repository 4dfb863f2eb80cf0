//! What the queues of a network device are for, and what a chain on each must look like.

use crate::judge::features::{self, Features};
use crate::judge::queue::list::{Fault, Walk};

/// Bytes of an Ethernet header without a tag.
pub(crate) const ETHERNET_HEADER: usize = 14;

/// Bytes that a frame has before its packet: an Ethernet header, with a VLAN tag if it has one.
pub(crate) fn ethernet_header(frame: &[u8]) -> usize {
    if frame.get(12..14) == Some(&[0x81, 0]) {
        ETHERNET_HEADER + 4
    } else {
        ETHERNET_HEADER
    }
}

/// Use of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Receive queue of a pair.
    Rx(u16),
    /// Transmit queue of a pair.
    Tx(u16),
    /// Control queue.
    Control,
    /// Not a queue of a network device.
    Other,
}

/// Index of the receive queue of a pair. (Pairs that no device has come from bent traces and must not overflow.)
pub(crate) fn rx_queue(pair: u16) -> u16 {
    pair.saturating_mul(2)
}

/// Index of the transmit queue of a pair.
pub(crate) fn tx_queue(pair: u16) -> u16 {
    pair.saturating_mul(2).saturating_add(1)
}

/// The device's queues.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    /// The device is a network device.
    pub(crate) net: bool,
    /// Negotiated features.
    pub(crate) features: Features,
    /// `max_virtqueue_pairs`, when the driver read it.
    pub(crate) max_pairs: Option<u16>,
    /// `mtu`, when the driver read it.
    pub(crate) mtu: Option<u16>,
    /// `num_queues`, when the driver read it.
    pub(crate) num_queues: Option<u16>,
}

impl Shape {
    fn control(&self) -> Option<u16> {
        if !features::has(self.features, features::CTRL_VQ) {
            None
        } else if !features::has(self.features, features::MQ) {
            Some(2)
        } else {
            self.pairs().map(|p| p.saturating_mul(2))
        }
    }

    /// Queue pairs of the device, as far as known.
    pub(crate) fn pairs(&self) -> Option<u16> {
        self.max_pairs.or(self.num_queues.map(|n| (n / 2).max(1)))
    }

    pub(crate) fn role(&self, queue: u16) -> Role {
        if !self.net {
            Role::Other
        } else if self.control() == Some(queue) {
            Role::Control
        } else if queue.is_multiple_of(2) {
            Role::Rx(queue / 2)
        } else {
            Role::Tx(queue / 2)
        }
    }

    /// Bytes of the packet header.
    pub(crate) fn header_bytes(&self) -> usize {
        features::net_header_bytes(self.features)
    }

    /// The longest packet behind the Ethernet header; `None` when MTU was not negotiated or `mtu` never read.
    pub(crate) fn longest_packet(&self) -> Option<usize> {
        self.mtu
            .filter(|_| features::has(self.features, features::MTU))
            .map(usize::from)
    }

    /// What makes a well-formed chain useless for its queue.
    pub(crate) fn problem(&self, queue: u16, walk: &Walk) -> Option<Fault> {
        let sum = |writable| {
            walk.segments
                .iter()
                .filter(|s| s.writable == writable)
                .map(|s| u64::from(s.len))
                .sum::<u64>()
        };
        match self.role(queue) {
            Role::Tx(_) if sum(false) < self.header_bytes() as u64 => Some(Fault::Device(
                "the readable part is shorter than the packet header",
            )),
            Role::Rx(_) if sum(true) == 0 => Some(Fault::Device("a receive chain without writable bytes")),
            Role::Rx(_) if sum(false) > 0 => Some(Fault::Device("a receive chain with readable bytes")),
            Role::Control if sum(true) == 0 => Some(Fault::Device(
                "a control chain without room for the acknowledge byte",
            )),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_control_queue_follows_the_pairs() {
        let mut s = Shape {
            net: true,
            features: 1 << features::CTRL_VQ,
            max_pairs: Some(4),
            mtu: None,
            num_queues: Some(9),
        };
        assert_eq!(
            [0, 1, 2, 3].map(|q| s.role(q)),
            [Role::Rx(0), Role::Tx(0), Role::Control, Role::Tx(1)]
        );
        s.features |= 1 << features::MQ;
        assert_eq!(
            [2, 7, 8].map(|q| s.role(q)),
            [Role::Rx(1), Role::Tx(3), Role::Control]
        );
        s.max_pairs = None;
        assert_eq!(s.role(8), Role::Control);
        s.net = false;
        assert_eq!(s.role(8), Role::Other);
    }
}
