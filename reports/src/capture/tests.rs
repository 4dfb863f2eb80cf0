use std::io::{BufRead, Read};

use ringside_models::event::{EndReason, Event, What};
use ringside_models::testutil::{USUAL, World};
use ringside_models::tlp::{Body, CplStatus, Tlp};
use ringside_models::trace::{encode_event, encode_header};

use super::*;

/// A trace of these packets.
fn trace(packets: Vec<(u64, What)>) -> String {
    let mut text = encode_header(&World::new(USUAL).header) + "\n";
    let end = What::End {
        reason: EndReason::Truncated,
    };
    for (cycle, what) in packets.into_iter().chain([(1 << 40, end)]) {
        text.push_str(&(encode_event(&Event { cycle, what }) + "\n"));
    }
    text
}

fn tlp(cycle: u64, ch: Channel, start: Option<u64>, tlp: Tlp) -> (u64, What) {
    (cycle, What::Tlp { ch, start, tlp })
}

/// One packet of every shape, and some that only a broken device sends.
fn zoo() -> Vec<(u64, What)> {
    let mut write = Tlp::new(Body::MWr {
        req: 0x0108,
        tag: 3,
        addr: 0x1_2345_6780,
        fbe: 0xc,
        lbe: 1,
        data: (0..16).collect(),
    });
    write.prefix = Some(0x9101_2345);
    write.at = 2;
    write.attr = 7;
    write.tc = 5;
    let read = |tag, addr| {
        Tlp::new(Body::MRd {
            req: 0x0108,
            tag,
            addr,
            dw: 1024,
            fbe: 0xf,
            lbe: 0xf,
        })
    };
    let mut answer = Tlp::new(Body::Cpl {
        cpl: 0,
        req: 0x0108,
        tag: 0x2a5,
        status: CplStatus::Sc,
        bytes: 4096,
        lower: 0,
        data: vec![7; 64],
    });
    answer.poisoned = true;
    let lies = Tlp::new(Body::MRd {
        req: 0,
        tag: 0,
        addr: 0x1003, // no whole dword: a header has no place for that
        dw: 1,
        fbe: 15,
        lbe: 0,
    });
    let message = Tlp::new(Body::Msg {
        req: 8,
        tag: 0,
        routing: 4,
        code: 0x20,
        data: vec![],
    });
    let odd = Tlp::new(Body::Other {
        hdr: [0x4d00_0001, 1, 2, 0],
        data: vec![1, 2, 3, 4],
    });
    vec![
        tlp(10, Channel::Rq, Some(9), write),
        tlp(11, Channel::Rq, None, read(0x2a5, 0x1000)),
        tlp(11, Channel::Rq, Some(11), read(0x1ff, 0xffff_ffff_ffff_f000)),
        tlp(20, Channel::Rc, Some(18), answer),
        tlp(21, Channel::Rq, None, lies),
        tlp(22, Channel::Cq, None, message),
        tlp(23, Channel::Cc, None, odd),
    ]
}

fn captured(trace: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write(trace.as_bytes(), &mut out).unwrap();
    out
}

fn back(capture: &[u8]) -> std::io::Result<String> {
    let mut text = String::new();
    CaptureLines::new(capture).read_to_string(&mut text).map(|_| text)
}

#[test]
fn a_trace_comes_back_as_it_was() {
    let text = trace(zoo());
    let capture = captured(&text);
    assert_eq!(back(&capture).unwrap(), text);
    // the packet that no header can hold is text, the others are packets
    assert_eq!(write(text.as_bytes(), &mut Vec::new()).unwrap(), 6);
}

#[test]
fn long_lines_take_several_packets() {
    let store = What::Store {
        addr: 0,
        data: vec![0xa5; 400_000],
        visible: None,
    };
    let text = trace(vec![(1, store)]);
    let capture = captured(&text);
    assert_eq!(back(&capture).unwrap(), text);
    let mut lines = CaptureLines::new(&capture[..]);
    let mut line = Vec::new();
    lines.read_until(b'\n', &mut line).unwrap();
    lines.read_until(b'\n', &mut line).unwrap();
    assert_eq!(
        line.len(),
        text.lines().take(2).map(|l| l.len() + 1).sum::<usize>()
    );
}

/// The same file with all numbers the other way round.
fn swapped(capture: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < capture.len() {
        let word = |i: usize| u32::from_le_bytes(capture[at + i..at + i + 4].try_into().unwrap());
        let (kind, length) = (word(0), word(4) as usize);
        let mut block = capture[at..at + length].to_vec();
        let mut swap = |from: usize, n: usize| block[from..from + n].reverse();
        for from in [0, 4, length - 4] {
            swap(from, 4);
        }
        match kind {
            1 => swap(8, 2),
            6 => (0..5).for_each(|i| swap(8 + 4 * i, 4)),
            _ => {
                swap(8, 4);
                swap(12, 2);
            }
        }
        out.extend(block);
        at += length;
    }
    out
}

#[test]
fn big_endian_files_are_read() {
    let text = trace(zoo());
    assert_eq!(back(&swapped(&captured(&text))).unwrap(), text);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let text = trace(zoo());
    let good = captured(&text);
    // where the blocks begin
    let mut begins = vec![0];
    while let Some(at) = begins.last().copied().filter(|at| *at < good.len()) {
        begins.push(at + u32::from_le_bytes(good[at + 4..at + 8].try_into().unwrap()) as usize);
    }
    let first_tlp = begins[5];
    let changed = |at: usize, byte: u8| {
        let mut bad = good.clone();
        bad[at] = byte;
        back(&bad).unwrap_err().to_string()
    };
    let said = back(&good[..first_tlp + 30]).unwrap_err().to_string();
    assert_eq!(
        said,
        format!("block at byte {first_tlp}, packets before it: 1: the file ends inside it")
    );
    for (said, part) in [
        (changed(first_tlp + 28, 9), "version 9 of the lead"),
        (changed(first_tlp + 29, 4), "channel 4, expected 0 to 3"),
        (changed(first_tlp + 4, 1), "block length"),
        (changed(first_tlp + 8, 7), "a packet of interface 7"),
        (changed(first_tlp + 20, 1), "a snap length cut the packet"),
        (changed(first_tlp + 28 + 16 + 4 + 3, 9), "TLP header says"),
        (changed(8, 0), "without byte-order magic"),
        (changed(0, 1), "no pcapng file begins so"),
        (changed(first_tlp + 7, 0xff), "block length"),
    ] {
        assert!(said.contains(part), "{said:?} lacks {part:?}");
    }
    for short in 0..good.len() {
        // never a panic; whole blocks are a trace that stops, anything else is an error
        assert_eq!(back(&good[..short]).is_ok(), begins.contains(&short), "{short}");
    }
}

#[test]
fn any_byte_may_be_wrong() {
    let good = captured(&trace(zoo()));
    for at in 0..good.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[at] ^= flip;
            let _ = back(&bad); // an answer, whichever
        }
    }
}
