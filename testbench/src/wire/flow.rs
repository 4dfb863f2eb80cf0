//! The flow hash that steers a frame to a queue pair: `pair = (flow * pairs) >> 16`.
//!
//! Symmetric: both directions of a conversation hash alike, so a looped-back frame is received on the pair that sent it. The key is
//! the unordered pair of endpoints (address, port) and the protocol; fragments are hashed without ports so that a datagram stays
//! together; what is not IP is hashed by its two MAC addresses and type. FNV-1a over the key, then the 32-bit finaliser of `MurmurHash3`,
//! upper 16 bits. It is deliberately not Toeplitz: there is no key to agree on, and nothing in virtio depends on its value.

/// Hash of a frame.
#[must_use]
pub fn flow_hash(frame: &[u8]) -> u16 {
    let mut key = Fnv::new();
    if let Some((mut a, mut b, protocol)) = endpoints(frame) {
        if b < a {
            std::mem::swap(&mut a, &mut b);
        }
        key.bytes(a.address)
            .bytes(&a.port)
            .bytes(b.address)
            .bytes(&b.port)
            .bytes(&[protocol]);
    } else {
        let part = |from: usize, to: usize| frame.get(from..to.min(frame.len())).unwrap_or(&[]);
        let (mut a, mut b) = (part(0, 6), part(6, 12));
        if b < a {
            std::mem::swap(&mut a, &mut b);
        }
        key.bytes(a).bytes(b).bytes(part(12, 14));
    }
    (finalise(key.0) >> 16) as u16
}

/// Queue pair of `pairs` that a hash selects.
#[must_use]
pub fn pair_of(flow: u16, pairs: u16) -> u16 {
    ((u32::from(flow) * u32::from(pairs)) >> 16) as u16
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Endpoint<'a> {
    address: &'a [u8],
    port: [u8; 2],
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

fn endpoints(frame: &[u8]) -> Option<(Endpoint<'_>, Endpoint<'_>, u8)> {
    let mut at = 12;
    let mut ethertype = word(frame, at)?;
    while matches!(ethertype, 0x8100 | 0x88a8) {
        at += 4;
        ethertype = word(frame, at)?;
    }
    let ip = frame.get(at + 2..)?;
    let (source, destination, protocol, header_bytes, fragment) = match ethertype {
        0x0800 => {
            let fragment = word(ip, 6)? & 0x3fff != 0; // more fragments, or an offset
            (
                ip.get(12..16)?,
                ip.get(16..20)?,
                *ip.get(9)?,
                usize::from(ip[0] & 15) * 4,
                fragment,
            )
        }
        0x86dd => {
            let next = *ip.get(6)?;
            (ip.get(8..24)?, ip.get(24..40)?, next, 40, !matches!(next, 6 | 17))
        }
        _ => return None,
    };
    let ports = |at: usize| match ip.get(header_bytes + at..header_bytes + at + 2) {
        Some(&[high, low]) if !fragment && matches!(protocol, 6 | 17) => [high, low],
        _ => [0, 0],
    };
    Some((
        Endpoint {
            address: source,
            port: ports(0),
        },
        Endpoint {
            address: destination,
            port: ports(2),
        },
        // IPv6 fragments and their unfragmented siblings need not agree: a datagram is either or.
        if fragment { 0 } else { protocol },
    ))
}

struct Fnv(u32);

impl Fnv {
    fn new() -> Self {
        Fnv(0x811c_9dc5)
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        for b in bytes {
            self.0 = (self.0 ^ u32::from(*b)).wrapping_mul(0x0100_0193);
        }
        self
    }
}

fn finalise(mut h: u32) -> u32 {
    h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
    h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
    h ^ (h >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::generate::udp_frame;

    #[test]
    fn both_directions_of_a_conversation_hash_alike() {
        for flow in 0..200 {
            let there = udp_frame(flow, 80, 0);
            let mut back = there.clone();
            back[26..30].copy_from_slice(&there[30..34]);
            back[30..34].copy_from_slice(&there[26..30]);
            back[34..36].copy_from_slice(&there[36..38]);
            back[36..38].copy_from_slice(&there[34..36]);
            assert_eq!(flow_hash(&there), flow_hash(&back), "flow {flow}");
        }
    }

    #[test]
    fn flows_spread_over_four_pairs() {
        let mut count = [0u32; 4];
        for flow in 0..1000 {
            count[usize::from(pair_of(flow_hash(&udp_frame(flow, 64, 0)), 4))] += 1;
        }
        assert!(count.iter().all(|c| (200..300).contains(c)), "{count:?}");
    }

    #[test]
    fn all_fragments_of_a_datagram_go_one_way() {
        let mut first = udp_frame(7, 200, 0);
        first[20] = 0x20; // more fragments
        let mut second = udp_frame(7, 200, 0);
        second[21] = 0x10; // an offset
        second[34..38].copy_from_slice(&[9, 9, 9, 9]); // payload where ports were
        assert_eq!(flow_hash(&first), flow_hash(&second));
    }

    #[test]
    fn a_vlan_tag_does_not_hide_the_flow_and_rubbish_does_not_panic() {
        let plain = udp_frame(3, 100, 0);
        let mut tagged = plain.clone();
        tagged.splice(12..12, [0x81, 0x00, 0x00, 0x64]);
        assert_eq!(flow_hash(&plain), flow_hash(&tagged));
        for len in 0..plain.len() {
            let _ = flow_hash(&plain[..len]);
        }
    }
}
