//! What a network driver gives to its device: packet headers, receive buffers, queue pairs (the driver's side of the device type).

use super::shape::{ETHERNET_HEADER, ethernet_header, rx_queue, tx_queue};
use crate::judge::features::{self, Features};
use crate::judge::queue::chain::Chain;
use crate::judge::world::World;
use crate::rules::RuleId;

const NEEDS_CSUM: u8 = 1;
const DATA_VALID: u8 = 2;
const RSC_INFO: u8 = 4;
const UDP_TUNNEL_CSUM: u8 = 8;
const TUNNEL_IPV4: u8 = 0x20;
const TUNNEL_IPV6: u8 = 0x40;
const ECN: u8 = 0x80;
/// `gso_type` and the feature that it needs.
const GSO: [(u8, u32); 4] = [(1, 11), (3, 14), (4, 12), (5, 56)];
const HOST_ECN: u32 = 13;
const HOST_UDP_TUNNEL_GSO: u32 = 67;
const HOST_UDP_TUNNEL_GSO_CSUM: u32 = 68;

/// The header of a packet to transmit, as far as it is judged.
#[derive(Clone, Copy, Debug, Default)]
struct Packet {
    flags: u8,
    gso: u8,
    gso_size: u16,
    csum_start: u16,
    csum_offset: u16,
    num_buffers: u16,
    /// Bytes behind the header.
    frame_bytes: u64,
}

impl Packet {
    fn new(header: [u8; 12], frame_bytes: u64) -> Self {
        let half = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        Packet {
            flags: header[0],
            gso: header[1],
            gso_size: half(4),
            csum_start: half(6),
            csum_offset: half(8),
            num_buffers: half(10),
            frame_bytes,
        }
    }

    /// Where the two bytes of the checksum end, counted from the first behind the header.
    fn checksum_end(self) -> u64 {
        u64::from(self.csum_start) + u64::from(self.csum_offset) + 2
    }
}

/// What is wrong with the header of a packet to transmit.
fn fault(p: Packet, f: Features) -> Option<&'static str> {
    let Packet {
        flags,
        gso,
        num_buffers,
        ..
    } = p;
    let has = |bit| features::has(f, bit);
    let tunnel = gso & (TUNNEL_IPV4 | TUNNEL_IPV6);
    let kind = gso & !(TUNNEL_IPV4 | TUNNEL_IPV6 | ECN);
    let wrong = [
        (num_buffers != 0, "num_buffers is not 0"),
        (
            flags & (DATA_VALID | RSC_INFO) != 0,
            "DATA_VALID or RSC_INFO, which only devices set",
        ),
        (flags != 0 && !has(features::CSUM), "flags without CSUM"),
        (
            kind != 0 && !GSO.iter().any(|&(k, bit)| k == kind && has(bit)),
            "a gso_type whose feature was not negotiated",
        ),
        (gso & ECN != 0 && !has(HOST_ECN), "ECN without HOST_ECN"),
        (
            kind != 0 && flags & NEEDS_CSUM == 0,
            "segmentation without NEEDS_CSUM",
        ),
        (
            tunnel != 0 && !has(HOST_UDP_TUNNEL_GSO),
            "a tunnel bit without HOST_UDP_TUNNEL_GSO",
        ),
        (tunnel == TUNNEL_IPV4 | TUNNEL_IPV6, "both tunnel bits"),
        (
            kind == 0 && gso != 0,
            "a tunnel bit or ECN without a kind of segmentation",
        ),
        (kind != 0 && p.gso_size == 0, "segmentation without a gso_size"),
        (
            flags & NEEDS_CSUM != 0 && p.checksum_end() > p.frame_bytes,
            "a checksum behind the packet's end",
        ),
        (tunnel != 0 && kind == 3, "a tunnel bit with gso_type UDP"),
        (
            flags & UDP_TUNNEL_CSUM != 0 && (tunnel == 0 || !has(HOST_UDP_TUNNEL_GSO_CSUM)),
            "UDP_TUNNEL_CSUM without a tunnel bit, or without its feature",
        ),
    ];
    wrong.iter().find(|w| w.0).map(|w| w.1)
}

/// A packet was given to the transmit queue of a pair; `commanded` pairs are what the driver asked for last.
pub(super) fn transmit(pair: u16, chain: &Chain, commanded: u16, w: &mut World) {
    let queue = Some(tx_queue(pair));
    if w.has(features::MQ) {
        w.book.check(
            RuleId::DriverNetPairs,
            queue,
            pair < commanded,
            || format!("packets on the first {commanded} transmit queues only"),
            || format!("chain {} of pair {pair}", chain.number),
        );
    }
    let header = w.shape.header_bytes();
    let wanted = header + ETHERNET_HEADER;
    let mut bytes = Vec::with_capacity(wanted);
    for s in chain.segments.iter().filter(|s| !s.writable) {
        let n = (s.len as usize).min(wanted - bytes.len());
        bytes.extend_from_slice(&w.shadow.bytes(s.addr, n));
    }
    if let Some(&fields) = bytes.first_chunk() {
        let frame = chain.readable_bytes.saturating_sub(header as u64);
        let p = Packet::new(fields, frame);
        let fault = fault(p, w.features);
        w.book.check(
            RuleId::DriverNetHeader,
            queue,
            fault.is_none(),
            || "a header that asks for nothing but what was negotiated".into(),
            || {
                format!(
                    "{}: flags {:#x}, gso_type {:#x}, gso_size {}, checksum up to byte {} of {frame}, num_buffers {}",
                    fault.unwrap_or_default(),
                    p.flags,
                    p.gso,
                    p.gso_size,
                    p.checksum_end(),
                    p.num_buffers
                )
            },
        );
        if let Some(longest) = w.shape.longest_packet().filter(|_| p.gso == 0) {
            let longest = longest + ethernet_header(bytes.get(header..).unwrap_or_default());
            w.book.check(
                RuleId::DriverNetMtu,
                queue,
                frame <= longest as u64,
                || format!("at most {longest} bytes"),
                || format!("{frame} bytes"),
            );
        }
    }
}

/// A buffer was given to the receive queue of a pair.
pub(super) fn receive(pair: u16, chain: &Chain, w: &mut World) {
    if w.has(features::MRG_RXBUF) {
        let header = w.shape.header_bytes();
        w.book.check(
            RuleId::DriverNetBuffer,
            Some(rx_queue(pair)),
            chain.writable_bytes >= header as u64,
            || format!("at least the {header} bytes of a header"),
            || format!("{} bytes in chain {}", chain.writable_bytes, chain.number),
        );
    }
}

/// A control command was given: if it sets the queue pairs, are there so many?
pub(super) fn command(queue: u16, bytes: &[u8], w: &mut World) {
    if let [4, 0, low, high] = *bytes
        && let Some(most) = w.shape.pairs()
        && w.has(features::MQ)
    {
        let pairs = u16::from_le_bytes([low, high]);
        w.book.check(
            RuleId::DriverNetPairs,
            Some(queue),
            (1..=most).contains(&pairs),
            || format!("1 to {most} queue pairs"),
            || format!("{pairs}"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame of 100 bytes whose checksum is that of a TCP packet.
    fn packet(flags: u8, gso: u8) -> Packet {
        Packet {
            flags,
            gso,
            gso_size: 1448,
            csum_start: 34,
            csum_offset: 16,
            num_buffers: 0,
            frame_bytes: 100,
        }
    }

    #[test]
    fn a_header_may_ask_for_what_was_negotiated() {
        let all = 1 | 0xf << 11 | 1 << 56 | 1 << 67 | 1 << 68;
        for (flags, gso, features) in [
            (0, 0, 0),
            (NEEDS_CSUM, 0, 1),
            (NEEDS_CSUM, 1, 1 | 1 << 11),
            (NEEDS_CSUM, 4 | ECN, all),
            (NEEDS_CSUM | UDP_TUNNEL_CSUM, 5 | TUNNEL_IPV4, all),
        ] {
            assert_eq!(fault(packet(flags, gso), features), None, "{flags:#x} {gso:#x}");
        }
        for (flags, gso, features, word) in [
            (NEEDS_CSUM, 0, 0, "without CSUM"),
            (0x80, 0, 0, "without CSUM"),
            (DATA_VALID, 0, all, "only devices"),
            (RSC_INFO, 0, all, "only devices"),
            (NEEDS_CSUM, 1, 1, "not negotiated"),
            (NEEDS_CSUM, 3, 1, "not negotiated"),
            (NEEDS_CSUM, 4, 1, "not negotiated"),
            (NEEDS_CSUM, 5, 1, "not negotiated"),
            (NEEDS_CSUM, 2, all, "not negotiated"),
            (0, 1, all, "without NEEDS_CSUM"),
            (NEEDS_CSUM, 1 | ECN, 1 | 1 << 11, "ECN"),
            (NEEDS_CSUM, 1 | TUNNEL_IPV4, 1 | 1 << 11, "HOST_UDP_TUNNEL_GSO"),
            (NEEDS_CSUM, 1 | TUNNEL_IPV4 | TUNNEL_IPV6, all, "both"),
            (NEEDS_CSUM, 3 | TUNNEL_IPV4, all, "gso_type UDP"),
            (UDP_TUNNEL_CSUM, 0, all, "without a tunnel bit"),
        ] {
            let fault = fault(packet(flags, gso), features);
            assert!(
                fault.is_some_and(|f| f.contains(word)),
                "{flags:#x} {gso:#x}: {fault:?}"
            );
        }
        let wrong = |p: Packet, word: &str| {
            let fault = fault(p, all);
            assert!(fault.is_some_and(|f| f.contains(word)), "{p:?}: {fault:?}");
        };
        let tcp = packet(NEEDS_CSUM, 1);
        wrong(
            Packet {
                num_buffers: 1,
                ..tcp
            },
            "num_buffers",
        );
        wrong(Packet { gso_size: 0, ..tcp }, "gso_size");
        wrong(
            Packet {
                frame_bytes: 51,
                ..tcp
            },
            "behind the packet",
        );
        wrong(
            Packet {
                csum_start: 0xffff,
                csum_offset: 0xffff,
                ..packet(NEEDS_CSUM, 0)
            },
            "behind the packet",
        );
        assert_eq!(
            fault(
                Packet {
                    frame_bytes: 52,
                    ..tcp
                },
                all
            ),
            None
        );
        wrong(packet(NEEDS_CSUM, ECN), "without a kind");
        wrong(packet(NEEDS_CSUM, TUNNEL_IPV4), "without a kind");
    }
}
