use super::*;

/// A little-endian microsecond pcap of frames `(wire bytes, captured bytes)`.
fn pcap(link_type: u32, frames: &[(u32, u32)]) -> Vec<u8> {
    let mut f = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, link_type] {
        f.extend_from_slice(&u32::to_le_bytes(word));
    }
    for (number, (wire, captured)) in frames.iter().enumerate() {
        for word in [10, number as u32, *captured, *wire] {
            f.extend_from_slice(&word.to_le_bytes());
        }
        f.extend(std::iter::repeat_n(number as u8, *captured as usize));
    }
    f
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (12 + body.len()) as u32;
    [
        &kind.to_le_bytes(),
        &length.to_le_bytes(),
        body,
        &length.to_le_bytes(),
    ]
    .concat()
}

fn pcapng(link_type: u16, tsresol: Option<u8>, stamp: u64) -> Vec<u8> {
    let section: Vec<u8> = [&0x1a2b_3c4du32.to_le_bytes()[..], &1u32.to_le_bytes(), &[0xff; 8]].concat();
    let mut interface: Vec<u8> = [&link_type.to_le_bytes()[..], &[0, 0], &65535u32.to_le_bytes()].concat();
    if let Some(r) = tsresol {
        interface.extend_from_slice(&[9, 0, 1, 0, r, 0, 0, 0, 0, 0, 0, 0]);
    }
    let packet = |stamp: u64| -> Vec<u8> {
        let words = [0, (stamp >> 32) as u32, stamp as u32, 60, 60];
        let mut b: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        b.extend_from_slice(&[7; 60]);
        b
    };
    [
        block(0x0a0d_0d0a, &section),
        block(1, &interface),
        block(6, &packet(1_000_000)),
        block(6, &packet(1_000_000 + stamp)),
    ]
    .concat()
}

fn parse_with(bytes: &[u8], limits: &Limits) -> Result<Capture, String> {
    parse(bytes, Path::new("x.pcap"), limits).map_err(|e| e.to_string())
}

fn error(bytes: &[u8]) -> String {
    parse_with(bytes, &Limits::default()).unwrap_err()
}

#[test]
fn frames_and_times_of_a_pcap() {
    let c = parse_with(&pcap(1, &[(60, 60), (1514, 1514)]), &Limits::default()).unwrap();
    assert_eq!((c.frames.len(), c.skipped, c.clamped), (2, 0, 0));
    assert_eq!(
        (c.frames[1].data.len(), c.frames[1].data[0], c.frames[1].at_ns),
        (1514, 1, 1000)
    );
}

#[test]
fn times_of_a_pcapng_follow_its_resolution() {
    for (tsresol, expected) in [(None, 5000), (Some(9), 5), (Some(6), 5000), (Some(0x94), 4768)] {
        let c = parse_with(&pcapng(1, tsresol, 5), &Limits::default()).unwrap();
        assert_eq!(c.frames[1].at_ns, expected, "{tsresol:?}");
    }
}

#[test]
fn a_cut_file_is_named_with_its_place() {
    let whole = pcap(1, &[(60, 60), (60, 60)]);
    assert_eq!(
        error(&whole[..whole.len() - 1]),
        "x.pcap: truncated at byte 100: the file ends inside the record that begins there; 1 whole frames come before it"
    );
    let whole = pcapng(1, None, 5);
    let message = error(&whole[..whole.len() - 4]);
    assert!(
        message.contains("truncated at byte 140") && message.contains("1 whole frames"),
        "{message}"
    );
    for cut in 0..whole.len() {
        assert!(
            parse_with(&whole[..cut], &Limits::default()).is_err() || [140].contains(&cut),
            "cut at {cut}"
        );
    }
}

#[test]
fn what_is_no_ethernet_capture_is_refused() {
    assert_eq!(
        error(&pcap(113, &[(60, 60)])),
        "x.pcap: link type 113 is not Ethernet (1): Ringside's wire takes Ethernet frames only"
    );
    assert!(error(&pcapng(101, None, 1)).contains("link type 101"));
    assert_eq!(
        error(b"GIF89a"),
        "x.pcap: not a capture: neither a pcap nor a pcapng file begins so (47 49 46 38)"
    );
    assert_eq!(
        error(b""),
        "x.pcap: not a capture: neither a pcap nor a pcapng file begins so (0 bytes in all)"
    );
    assert_eq!(
        error(&pcap(1, &[])),
        "x.pcap: the capture holds no frame that could be sent (0 left out)"
    );
}

#[test]
fn frames_that_do_not_fit_are_errors_by_default_with_their_number() {
    assert_eq!(
        error(&pcap(1, &[(60, 60), (0, 0)])),
        "x.pcap: frame 2 has zero length; to leave such frames out: --unfit skip"
    );
    assert!(
        error(&pcap(1, &[(60, 60), (65535, 65535)]))
            .contains("frame 2 is 65535 bytes, the device takes at most 9216")
    );
    assert!(error(&pcap(1, &[(1514, 96)])).contains("frame 1 was captured only in part (96 of 1514 bytes"));
}

#[test]
fn frames_that_do_not_fit_are_left_out_or_cut_on_request() {
    let file = pcap(1, &[(60, 60), (0, 0), (10_000, 10_000), (1514, 96)]);
    let lengths = |unfit| {
        let c = parse_with(
            &file,
            &Limits {
                unfit,
                ..Limits::default()
            },
        )
        .unwrap();
        (
            c.frames.iter().map(|f| f.data.len()).collect::<Vec<_>>(),
            c.skipped,
            c.clamped,
        )
    };
    assert_eq!(lengths(Unfit::Skip), (vec![60], 3, 0));
    assert_eq!(lengths(Unfit::Clamp), (vec![60, 9216, 96], 1, 2));
}

#[test]
fn no_more_frames_than_asked_for() {
    let c = parse_with(
        &pcap(1, &[(60, 60), (61, 61), (0, 0)]),
        &Limits {
            frames: Some(2),
            ..Limits::default()
        },
    )
    .unwrap();
    assert_eq!(c.frames.len(), 2);
}

#[test]
fn damaged_block_lengths_do_not_hang_the_reader() {
    let mut file = pcapng(1, None, 5);
    file[28 + 4] = 0; // length of the interface block
    assert!(error(&file).contains("damaged record at byte 28, after 0 good frames: block length 0"));
    let mut file = pcapng(1, None, 5);
    file[8] = 0;
    assert!(error(&file).contains("byte-order magic"));
}
