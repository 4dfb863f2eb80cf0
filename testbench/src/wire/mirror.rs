//! A station in which everybody on the wire is at home: it answers ARP for every address, and what is sent to any of them comes back with the two
//! ends exchanged.
//!
//! An echo request comes back as its reply. A TCP segment or a datagram keeps its ports, so a connection to the mirror meets whoever listens on that
//! port behind the device: both ends of it are the same machine, and all of it has crossed the wire.

/// Bytes of an Ethernet header.
const ETHERNET: usize = 14;
/// The station's hardware address: locally administered.
pub const ADDRESS: [u8; 6] = [0x02, 0, 0, 0, 0, 0x99];
const ARP: [u8; 2] = [0x08, 0x06];
const IPV4: [u8; 2] = [0x08, 0x00];
const ICMP: u8 = 1;
const ECHO_REQUEST: u8 = 8;

/// The station's answer to a frame, if it has one: to multicasts other than ARP it has none.
#[must_use]
pub fn answer(frame: &[u8]) -> Option<Vec<u8>> {
    let kind = frame.get(12..ETHERNET)?;
    if kind == ARP {
        return arp(frame);
    }
    if frame[0] & 1 == 1 {
        return None;
    }
    let mut back = frame.to_vec();
    back[..6].copy_from_slice(&frame[6..12]);
    back[6..12].copy_from_slice(&frame[..6]);
    if kind == IPV4 {
        exchange(&mut back[ETHERNET..])?;
    }
    Some(back)
}

/// The answer to an ARP request: whatever address is asked for is here. To replies there is none.
fn arp(frame: &[u8]) -> Option<Vec<u8>> {
    let request = frame.get(ETHERNET..ETHERNET + 28)?;
    // Ethernet, IPv4, lengths 6 and 4, operation 1.
    if request[..8] != [0, 1, 8, 0, 6, 4, 0, 1] || request[14..18] == request[24..28] {
        return None;
    }
    let (asker, target) = (&request[8..18], &request[24..28]);
    let mut back = [
        &asker[..6],
        &ADDRESS,
        &ARP,
        &request[..7],
        &[2],
        &ADDRESS,
        target,
        asker,
    ]
    .concat();
    back.resize(frame.len(), 0);
    Some(back)
}

/// Exchanges the addresses of an IPv4 packet, which leaves its checksum right and those of TCP and UDP, and makes a reply of an echo request.
fn exchange(packet: &mut [u8]) -> Option<()> {
    let header = usize::from(*packet.first()? & 0xf) * 4;
    if header < 20 || packet.len() < header {
        return None;
    }
    let (source, destination) = packet[12..20].split_at_mut(4);
    source.swap_with_slice(destination);
    let fragment_offset = u16::from_be_bytes([packet[6], packet[7]]) << 3;
    if packet[9] == ICMP
        && fragment_offset == 0
        && packet.len() >= header + 8
        && packet[header] == ECHO_REQUEST
    {
        packet[header] = 0;
        // The sum loses 0x0800, so its complement gains that (RFC 1624).
        let sum = u32::from(u16::from_be_bytes([packet[header + 2], packet[header + 3]])) + 0x0800;
        let sum = (sum & 0xffff) + (sum >> 16);
        packet[header + 2..header + 4].copy_from_slice(&(sum as u16).to_be_bytes());
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(bytes: &[u8]) -> u16 {
        let mut sum: u32 = bytes
            .chunks(2)
            .map(|c| u32::from(c[0]) << 8 | u32::from(*c.get(1).unwrap_or(&0)))
            .sum();
        while sum >> 16 != 0 {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }

    fn packet(protocol: u8, payload: &[u8]) -> Vec<u8> {
        let mut p = vec![
            0x45,
            0,
            0,
            (20 + payload.len()) as u8,
            0,
            1,
            0x40,
            0,
            64,
            protocol,
            0,
            0,
        ];
        p.extend([10, 0, 0, 2, 10, 0, 0, 1]);
        let check = sum(&p);
        p[10..12].copy_from_slice(&check.to_be_bytes());
        let mut frame = vec![2, 0, 0, 0, 0, 0x99, 2, 0, 0, 0, 0, 1, 8, 0];
        frame.extend(p);
        frame.extend(payload);
        frame
    }

    #[test]
    fn an_echo_request_comes_back_as_a_reply_with_good_sums() {
        for seed in 0..=255 {
            let mut echo = vec![8, 0, 0, 0, 0x12, 0x34, 0, 1, seed, 0xff, 0xff, 3];
            let check = sum(&echo);
            echo[2..4].copy_from_slice(&check.to_be_bytes());
            let back = answer(&packet(ICMP, &echo)).unwrap();
            assert_eq!((back[..6].to_vec(), back[34]), (vec![2, 0, 0, 0, 0, 1], 0));
            assert_eq!(back[26..34], [10, 0, 0, 1, 10, 0, 0, 2]);
            assert_eq!((sum(&back[14..34]), sum(&back[34..])), (0, 0), "{seed}");
        }
    }

    #[test]
    fn arp_is_answered_for_everybody_but_oneself() {
        let mut ask = vec![0xff; 6];
        ask.extend([2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        ask.extend([2, 0, 0, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 10, 0, 0, 7]);
        let back = answer(&ask).unwrap();
        assert_eq!(back.len(), ask.len());
        assert_eq!(
            (&back[..6], &back[20..22]),
            (&[2, 0, 0, 0, 0, 1][..], &[0, 2][..])
        );
        assert_eq!((&back[22..28], &back[28..32]), (&ADDRESS[..], &[10, 0, 0, 7][..]));
        assert_eq!(back[32..42], [2, 0, 0, 0, 0, 1, 10, 0, 0, 2]);
        // Somebody announces himself.
        ask[38..42].copy_from_slice(&[10, 0, 0, 2]);
        assert_eq!(answer(&ask), None);
    }

    #[test]
    fn datagrams_keep_their_ports_and_multicasts_and_rubbish_get_nothing() {
        let frame = packet(17, &[0, 7, 0, 9, 0, 8, 0, 0]);
        let back = answer(&frame).unwrap();
        assert_eq!((&back[34..], &back[26..30]), (&frame[34..], &[10, 0, 0, 1][..]));
        let mut multicast = frame.clone();
        multicast[0] = 1;
        assert_eq!(answer(&multicast), None);
        for len in 0..frame.len() {
            let _ = answer(&frame[..len]);
        }
        assert_eq!(answer(&frame[..20]), None);
        let mut other = frame;
        other[12..14].copy_from_slice(&[0x88, 0xb5]);
        assert_eq!(answer(&other).unwrap()[14..], other[14..]);
    }
}
