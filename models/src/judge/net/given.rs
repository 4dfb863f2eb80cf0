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

/// What is wrong with the header of a packet to transmit: flags, `gso_type`, `num_buffers`.
fn fault(flags: u8, gso: u8, num_buffers: u16, f: Features) -> Option<&'static str> {
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
    if let [flags, gso, _, _, _, _, _, _, _, _, low, high, ..] = bytes[..] {
        let num_buffers = u16::from_le_bytes([low, high]);
        let fault = fault(flags, gso, num_buffers, w.features);
        w.book.check(
            RuleId::DriverNetHeader,
            queue,
            fault.is_none(),
            || "a header that asks for nothing but what was negotiated".into(),
            || {
                format!(
                    "{}: flags {flags:#x}, gso_type {gso:#x}, num_buffers {num_buffers}",
                    fault.unwrap_or_default()
                )
            },
        );
        if let Some(longest) = w.shape.longest_packet().filter(|_| gso == 0) {
            let longest = longest + ethernet_header(bytes.get(header..).unwrap_or_default());
            let frame = chain.readable_bytes.saturating_sub(header as u64);
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
            assert_eq!(fault(flags, gso, 0, features), None, "{flags:#x} {gso:#x}");
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
            let fault = fault(flags, gso, 0, features);
            assert!(
                fault.is_some_and(|f| f.contains(word)),
                "{flags:#x} {gso:#x}: {fault:?}"
            );
        }
        assert!(fault(0, 0, 1, all).is_some());
    }
}
