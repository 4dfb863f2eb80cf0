//! Blocks of our RTL by themselves, where what they promise does not show at the device's boundary.

use std::collections::VecDeque;
use std::path::Path;

use ringside_sim::{DutConfig, Mode, Model, Sim, SimHandle, SimOptions, build};

/// Waits of every list from its completion to its used descriptor, in clocks.
fn waits(pace: i64) -> Vec<u64> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dut/packed_gather.toml");
    let dut = DutConfig::load(&path).unwrap().with_parameter("PACE", pace);
    let built = build(&dut, Mode::Fast, &|_| {}).unwrap();
    let options = SimOptions {
        max_cycles: 100_000,
        ..SimOptions::default()
    };
    let sim = Sim::new(Model::load(&built, 1).unwrap(), &dut, options).unwrap();
    let [put, shown, done] = ["put_o", "shown_o", "done_o"].map(|name| sim.port(name).unwrap());
    let outcome = sim.run(async move |sim: SimHandle| {
        let (mut open, mut waits) = (VecDeque::new(), Vec::new());
        while !done.get_bool() {
            if put.get_bool() {
                open.push_back(sim.now());
            }
            if shown.get_bool() {
                waits.push(sim.now() - open.pop_front().expect("no descriptor without a completion"));
            }
            sim.cycles(1).await;
        }
        waits
    });
    outcome.unwrap().value
}

/// A list is the last descriptor of its write, so a batch of lists takes a write each. None of them waits anew after the write before it:
/// nothing is older than the age limit of 128 clocks and the writes before it.
#[test]
fn lists_that_were_gathered_together_are_written_together() {
    for pace in [9, 20, 30] {
        let waits = waits(pace);
        assert_eq!(waits.len(), 40);
        let longest = waits.iter().max().copied().unwrap_or_default();
        assert!(
            longest <= 128 + 16 * 4,
            "pace {pace}: a list waited {longest} clocks: {waits:?}"
        );
    }
}

/// Parameters and ports of a module, without comments and spacing.
fn interface(path: &str) -> String {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap();
    let start = text.find("#(\n").expect("parameters");
    let end = start + text[start..].find("\n);").expect("the end of the ports");
    let words = text[start..end]
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(str::split_whitespace);
    words.collect::<Vec<_>>().join(" ")
}

/// `make bench-ring` counts what the ring engines alone can do with these in the device types' places.
#[test]
fn the_sinks_have_the_ports_of_what_they_stand_for() {
    for module in ["net_tx", "net_rx"] {
        let (real, sink) = (
            interface(&format!("rtl/net/{module}.sv")),
            interface(&format!("rtl/examples/sink/{module}.sv")),
        );
        assert!(real.contains("clk_i"), "{real}");
        assert_eq!(sink, real, "rtl/examples/sink/{module}.sv");
    }
}
