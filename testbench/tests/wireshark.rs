//! The dissector of tools/wireshark in real tshark: what it shows of a capture is what the trace says.

use std::path::{Path, PathBuf};
use std::process::Command;

use ringside_models::event::{Channel, EndReason, Event, Header, What};
use ringside_models::hex;
use ringside_models::tlp::{Body, CplStatus, Tlp};
use ringside_models::trace::{encode_event, encode_header, parse_event, parse_header};

/// The fields that are compared, as tshark names them.
const FIELDS: &[&str] = &[
    "tlp.channel",
    "tlp.cycle",
    "tlp.start",
    "tlp.prefix",
    "tlp.header_dw",
    "tlp.tc",
    "tlp.attr",
    "tlp.at",
    "tlp.ep",
    "tlp.kind",
    "tlp.requester",
    "tlp.completer",
    "tlp.target",
    "tlp.tag",
    "tlp.fbe",
    "tlp.lbe",
    "tlp.address",
    "tlp.length",
    "tlp.register",
    "tlp.status",
    "tlp.bytes",
    "tlp.lower",
    "tlp.routing",
    "tlp.code",
    "tlp.payload",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn golden(name: &str) -> String {
    let path = root().join("golden/traces").join(name);
    std::fs::read_to_string(path).expect("a golden trace")
}

/// Captures a trace; what tshark prints of the packets that a filter lets pass.
fn dissected(trace: &str, filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let (jsonl, pcapng) = (folder.path().join("t.jsonl"), folder.path().join("t.pcapng"));
    std::fs::write(&jsonl, trace).expect("written");
    let made = Command::new(env!("CARGO_BIN_EXE_ringside"))
        .arg("capture")
        .arg(&jsonl)
        .output()
        .expect("started");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let dissector = root().join("tools/wireshark/ringside.lua");
    let out = Command::new("tshark")
        .arg("-X")
        .arg(format!("lua_script:{}", dissector.display()))
        .arg("-r")
        .arg(&pcapng)
        .args([
            "-Y",
            filter,
            "-T",
            "fields",
            "-E",
            "aggregator=|",
            "-E",
            "separator=/t",
        ])
        .args(fields.iter().flat_map(|f| ["-e", f]))
        .output()
        .expect("tshark: make setup-test installs it");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && !said.contains(".lua:"), "{said}");
    String::from_utf8_lossy(&out.stdout)
        .lines()
        .map(|l| l.split('\t').map(str::to_owned).collect())
        .collect()
}

/// The fields of a packet as the trace has them, printed as tshark prints them.
fn fields(event: &Event) -> Option<Vec<String>> {
    let What::Tlp { ch, start, tlp } = &event.what else {
        return None;
    };
    let mut all = vec![String::new(); FIELDS.len()];
    let mut set = |field: &str, value: String| {
        let at = FIELDS.iter().position(|f| *f == field).expect("a field");
        all[at] = value;
    };
    let channel = match ch {
        Channel::Cq => 0,
        Channel::Cc => 1,
        Channel::Rq => 2,
        Channel::Rc => 3,
    };
    set("tlp.channel", channel.to_string());
    set("tlp.cycle", event.cycle.to_string());
    set("tlp.start", start.map_or(String::new(), |s| s.to_string()));
    set(
        "tlp.prefix",
        tlp.prefix.map_or(String::new(), |p| format!("0x{p:08x}")),
    );
    set("tlp.header_dw", tlp.header_dw().to_string());
    set("tlp.tc", tlp.tc.to_string());
    set("tlp.attr", format!("0x{:02x}", tlp.attr));
    set("tlp.at", tlp.at.to_string());
    set("tlp.ep", u8::from(tlp.poisoned).to_string());
    let length = match &tlp.body {
        Body::MRd { dw, .. } => usize::from(*dw),
        Body::CfgRd { .. } => 1,
        // a completion or message without data: the field is zero, which reads as 1024
        _ if tlp.data().is_empty() => 1024,
        _ => tlp.data().len() / 4,
    };
    set("tlp.length", length.to_string());
    set("tlp.payload", hex::text(tlp.data(), ""));
    let data = !tlp.data().is_empty();
    let enables = |fbe: u8| format!("0x{fbe:02x}");
    let id = |id: u16| format!("0x{id:04x}");
    match &tlp.body {
        Body::MRd {
            req,
            tag,
            addr,
            fbe,
            lbe,
            ..
        }
        | Body::MWr {
            req,
            tag,
            addr,
            fbe,
            lbe,
            ..
        } => {
            set("tlp.kind", if data { "MWr" } else { "MRd" }.to_owned());
            set("tlp.requester", id(*req));
            set("tlp.tag", tag.to_string());
            set("tlp.fbe", enables(*fbe));
            set("tlp.lbe", enables(*lbe));
            set("tlp.address", format!("0x{addr:016x}"));
        }
        Body::CfgRd {
            req,
            tag,
            target,
            reg,
            fbe,
        }
        | Body::CfgWr {
            req,
            tag,
            target,
            reg,
            fbe,
            ..
        } => {
            set("tlp.kind", if data { "CfgWr0" } else { "CfgRd0" }.to_owned());
            set("tlp.requester", id(*req));
            set("tlp.tag", tag.to_string());
            set("tlp.target", id(*target));
            set("tlp.register", id(*reg));
            set("tlp.fbe", enables(*fbe));
        }
        Body::Cpl {
            cpl,
            req,
            tag,
            status,
            bytes,
            lower,
            ..
        } => {
            set("tlp.kind", if data { "CplD" } else { "Cpl" }.to_owned());
            set("tlp.completer", id(*cpl));
            set("tlp.requester", id(*req));
            set("tlp.tag", tag.to_string());
            let code = match status {
                CplStatus::Sc => 0,
                CplStatus::Ur => 1,
                CplStatus::Crs => 2,
                CplStatus::Ca => 4,
            };
            set("tlp.status", code.to_string());
            set("tlp.bytes", bytes.to_string());
            set("tlp.lower", format!("0x{lower:02x}"));
        }
        Body::Msg {
            req,
            tag,
            routing,
            code,
            ..
        } => {
            set("tlp.kind", if data { "MsgD" } else { "Msg" }.to_owned());
            set("tlp.requester", id(*req));
            set("tlp.tag", tag.to_string());
            set("tlp.routing", routing.to_string());
            set("tlp.code", format!("0x{code:02x}"));
        }
        Body::Other { .. } => set("tlp.kind", "other".to_owned()),
    }
    Some(all)
}

fn events(trace: &str) -> (Header, Vec<Event>) {
    let mut lines = trace.lines();
    let header = parse_header(lines.next().expect("a header")).expect("a header");
    let events = lines
        .enumerate()
        .map(|(i, l)| parse_event(l, i + 2).expect("an event"));
    (header, events.collect())
}

fn same_fields(trace: &str) -> usize {
    let expected: Vec<Vec<String>> = events(trace).1.iter().filter_map(fields).collect();
    let shown = dissected(trace, "tlp", FIELDS);
    for (e, s) in expected.iter().zip(&shown) {
        for ((field, e), s) in FIELDS.iter().zip(e).zip(s) {
            assert_eq!(e, s, "{field} of {expected:?}");
        }
    }
    assert_eq!(expected.len(), shown.len());
    shown.len()
}

#[test]
fn every_field_of_golden_traces_is_shown() {
    for name in ["packed_chains.jsonl", "intx.jsonl", "error_policy.jsonl"] {
        assert!(same_fields(&golden(name)) > 200, "{name}");
    }
}

/// What the golden traces do not have: prefixes, address types, 10-bit tags, wide and narrow addresses, every status.
#[test]
fn every_field_of_odd_packets_is_shown() {
    let (header, _) = events(&golden("tx_single.jsonl"));
    let mut trace = encode_header(&header) + "\n";
    let mut cycle = 100;
    let mut add = |ch, start: Option<u64>, tlp: Tlp| {
        cycle += 7;
        let what = What::Tlp {
            ch,
            start: start.map(|n| cycle - n),
            tlp,
        };
        trace.push_str(&(encode_event(&Event { cycle, what }) + "\n"));
    };
    for (i, addr) in [0x1000, 0xffff_fffc, 0x1_0000_0000, 0xffff_ffff_ffff_fffc]
        .into_iter()
        .enumerate()
    {
        let tag = [0, 0x0ff, 0x2a5, 0x1ff][i];
        let mut read = Tlp::new(Body::MRd {
            req: 0x01ff,
            tag,
            addr,
            dw: [1, 2, 1023, 1024][i],
            fbe: 0xf,
            lbe: [0, 1, 3, 7][i],
        });
        read.at = i as u8 % 3;
        read.tc = i as u8 * 2;
        read.attr = i as u8 * 2;
        read.prefix = [None, Some(0x9100_0001), Some(0x9141_2345), None][i];
        add(Channel::Rq, None, read);
        let mut answer = Tlp::new(Body::Cpl {
            cpl: 0x0008,
            req: 0x01ff,
            tag,
            status: [CplStatus::Sc, CplStatus::Ur, CplStatus::Crs, CplStatus::Ca][i],
            bytes: [4, 8, 4092, 4096][i],
            lower: [0, 0x7c, 4, 0][i],
            data: if i == 0 { vec![1, 2, 3, 4] } else { vec![] },
        });
        answer.poisoned = i == 0;
        add(Channel::Rc, Some(3), answer);
    }
    add(
        Channel::Rq,
        None,
        Tlp::new(Body::Msg {
            req: 8,
            tag: 1,
            routing: 4,
            code: 0x24,
            data: vec![],
        }),
    );
    cycle += 1;
    let what = What::End {
        reason: EndReason::Truncated,
    };
    trace.push_str(&(encode_event(&Event { cycle, what }) + "\n"));
    assert_eq!(same_fields(&trace), 9);
    // a request and its completion find each other, whatever the tag's width
    let pairs = dissected(
        &trace,
        "tlp.request_in",
        &["frame.number", "tlp.request_in", "tlp.cycles"],
    );
    let pairs: Vec<Vec<u64>> = pairs
        .iter()
        .map(|p| p.iter().map(|n| n.parse().expect("a number")).collect())
        .collect();
    assert_eq!(pairs, [[3, 2, 7], [5, 4, 7], [7, 6, 7], [9, 8, 7]]);
}

#[test]
fn causes_and_violations_are_comments() {
    let trace = golden("tx_single.jsonl");
    let shown = dissected(&trace, "tlp", &["frame.comment"]);
    assert!(shown.iter().all(|c| !c[0].is_empty()), "a TLP without a cause");
    let count = |part: &str| shown.iter().filter(|c| c[0].contains(part)).count();
    assert!(count("used element, queue 1, ") > 0 && count("violation") == 0);

    // a write across a 4 KiB border, sent by nobody's queue
    let (_, events) = events(&trace);
    let mut lines: Vec<String> = trace.lines().map(str::to_owned).collect();
    let end = events.last().expect("an end").cycle;
    let stray = Tlp::new(Body::MWr {
        req: 0x0100,
        tag: 0,
        addr: 0x7ffc,
        fbe: 15,
        lbe: 15,
        data: vec![0; 8],
    });
    let what = What::Tlp {
        ch: Channel::Rq,
        start: None,
        tlp: stray,
    };
    lines.insert(lines.len() - 1, encode_event(&Event { cycle: end, what }));
    let shown = dissected(
        &(lines.join("\n") + "\n"),
        "frame.comment contains \"violation\"",
        &["frame.comment"],
    );
    assert!(
        shown
            .iter()
            .any(|c| c[0].contains("violation of BUS-4K: expected ")),
        "{shown:?}"
    );
}
