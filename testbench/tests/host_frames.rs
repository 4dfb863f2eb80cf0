//! Frame streams on real pins: every frame comes back, whatever the stalls, and broken handshakes are told.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use ringside::boundary::{
    BackPressure, FrameSink, FrameSource, LinkUp, NetPorts, Pressure, RxFrame, TxFrame,
};
use ringside::host::Recorder;
use ringside::host::dice::Dice;
use ringside_models::event::{Event, What};
use ringside_sim::{DutConfig, Mode, Model, Sim, SimHandle, SimOptions, build};

struct Outcome {
    sent: Vec<RxFrame>,
    got: Vec<TxFrame>,
    drops: Vec<u8>,
    events: Vec<Event>,
}

fn frames(count: usize) -> Vec<RxFrame> {
    let mut dice = Dice::new(9, "frames");
    (0..count)
        .map(|i| RxFrame {
            not_before: i as u64 * 3,
            flow: i as u16,
            data: (0..=dice.below(300))
                .map(|b| {
                    if b == 0 && i % 7 == 3 {
                        0xdd
                    } else {
                        (b % 200) as u8
                    }
                })
                .collect(),
        })
        .collect()
}

fn run(width: i64, bug: i64, pressure: BackPressure) -> Outcome {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dut/frame_loop.toml");
    let dut = DutConfig::load(&path)
        .unwrap()
        .with_parameter("DATA_W", width)
        .with_parameter("BUG", bug);
    let built = build(&dut, Mode::Fast, &|_| {}).unwrap();
    let mut sim = Sim::new(Model::load(&built, 1).unwrap(), &dut, SimOptions::default()).unwrap();
    let net = NetPorts::resolve(|name| sim.port(name), u32::try_from(width).unwrap()).unwrap();

    let recorder = Recorder::new();
    recorder.attach(sim.handle());
    let events: Rc<RefCell<Vec<Event>>> = Rc::default();
    let log = Rc::clone(&events);
    let got: Rc<RefCell<Vec<TxFrame>>> = Rc::default();
    let drops: Rc<RefCell<Vec<u8>>> = Rc::default();
    recorder.add_sink(Box::new(move |e| log.borrow_mut().push(e.clone())));
    let (into, reasons) = (Rc::clone(&got), Rc::clone(&drops));
    let sink = FrameSink::new(
        &net,
        Pressure::new(pressure, Dice::new(1, "sink")),
        recorder.clone(),
        Box::new(move |frame| into.borrow_mut().push(frame)),
    );
    let (source, feeder) = FrameSource::new(
        &net,
        Pressure::new(pressure, Dice::new(1, "source")),
        recorder.clone(),
        Box::new(move |_, reason| reasons.borrow_mut().push(reason)),
    );
    sim.add_bfm(Box::new(sink));
    sim.add_bfm(Box::new(source));
    let link = LinkUp::new(&net, sim.handle(), recorder);
    let sent = frames(200);
    let to_send = sent.clone();
    sim.run(async move |sim: SimHandle| {
        link.set(true);
        link.set(true);
        assert!(!feeder.push(RxFrame {
            not_before: 0,
            flow: 0,
            data: vec![]
        }));
        for frame in to_send {
            assert!(feeder.push(frame));
        }
        let all = feeder.clone();
        sim.until("all frames sent", move || all.pending() == 0).await;
        sim.cycles(200).await;
    })
    .unwrap();
    Outcome {
        sent,
        got: got.take(),
        drops: drops.take(),
        events: events.take(),
    }
}

#[test]
fn every_frame_comes_back_or_is_reported_as_dropped() {
    for (width, pressure) in [
        (64, BackPressure::None),
        (64, BackPressure::Random { per_mille: 500 }),
        (
            512,
            BackPressure::Burst {
                go_cycles: 5,
                stall_cycles: 9,
            },
        ),
        (512, BackPressure::None),
    ] {
        let o = run(width, 0, pressure);
        let want: Vec<_> = o
            .sent
            .iter()
            .filter(|f| f.data[0] != 0xdd)
            .map(|f| (f.flow, false, f.data.clone()))
            .collect();
        let got: Vec<_> = o.got.iter().map(|f| (f.queue, f.error, f.data.clone())).collect();
        assert!(got == want, "{width} bit, {pressure:?}");
        assert_eq!(o.drops, vec![1; o.sent.len() - want.len()]);
        let count = |f: fn(&What) -> bool| o.events.iter().filter(|e| f(&e.what)).count();
        assert_eq!(count(|w| matches!(w, What::WireRx { .. })), 200);
        assert_eq!(count(|w| matches!(w, What::WireTx { .. })), want.len());
        assert_eq!(
            count(|w| matches!(w, What::WireDrop { reason: 1 })),
            o.drops.len()
        );
        assert_eq!(count(|w| matches!(w, What::LinkUp { up: true })), 1);
        assert_eq!(count(|w| matches!(w, What::Pin { .. })), 0);
        assert!(o.events.is_sorted_by_key(|e| e.cycle));
    }
}

#[test]
fn a_broken_stream_is_told() {
    for (bug, want) in [
        (1, "frame changed while stalled"),
        (2, "has a hole"),
        (3, "within a frame"),
    ] {
        let o = run(64, bug, BackPressure::Random { per_mille: 500 });
        let told = o.events.iter().any(
            |e| matches!(&e.what, What::Pin { channel, problem } if channel == "net_tx" && problem.contains(want)),
        );
        assert!(told, "nothing about {want:?}");
    }
}
