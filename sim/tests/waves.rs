//! Determinism, with waves and without; random initial state; waveform windows.

mod common;

use std::fs;
use std::path::Path;

use common::{dut, model};
use rand::RngExt as _;
use ringside_sim::digest::PortDigest;
use ringside_sim::{Mode, Model, SetupError, Sim, SimOptions, TraceWindow, rng};

fn window(path: &Path, from: u64, to: u64) -> TraceWindow {
    TraceWindow {
        path: path.to_owned(),
        from,
        to,
    }
}

/// Random input for 3000 cycles; the first output word and the digest.
fn run(mode: Mode, seed: u64, trace: Option<TraceWindow>) -> (u64, PortDigest) {
    let dut = dut("xinit");
    let model = Model::load(&model(&dut, mode), seed).unwrap();
    let options = SimOptions {
        seed,
        trace,
        digest: true,
        ..SimOptions::default()
    };
    let sim = Sim::new(model, &dut, options).unwrap();
    let [in_i, raw_o] = ["in_i", "raw_o"].map(|name| sim.port(name).unwrap());
    let outcome = sim
        .run(async |sim| {
            let first = raw_o.get_u64();
            let mut random = rng(5, "input");
            for _ in 0..1000 {
                sim.write(in_i, random.random_range(0..256));
                sim.cycles(random.random_range(1..6)).await;
            }
            first
        })
        .unwrap();
    (outcome.value, outcome.port_digest.unwrap())
}

#[test]
fn the_same_seed_is_the_same_run_with_waves_or_without() {
    let dir = tempfile::tempdir().unwrap();
    let (first, plain) = run(Mode::Fast, 7, None);
    assert!(plain.cycles > 2000 && plain.checkpoints.len() >= 2);
    assert_eq!(run(Mode::Fast, 7, None), (first, plain.clone()));
    assert_eq!(run(Mode::Trace, 7, None), (first, plain.clone()));
    let path = dir.path().join("all.fst");
    assert_eq!(
        run(Mode::Trace, 7, Some(window(&path, 0, u64::MAX))),
        (first, plain.clone())
    );
    assert!(fs::metadata(path).unwrap().len() > 1000);
    assert_eq!(run(Mode::Cover, 7, None), (first, plain));
}

#[test]
fn another_seed_is_another_initial_state() {
    let firsts: Vec<u64> = (1..=4).map(|seed| run(Mode::Fast, seed, None).0).collect();
    let mut distinct = firsts.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 4, "{firsts:x?}");
    let dut = dut("xinit");
    let zero = Model::load_with(&model(&dut, Mode::Fast), None).unwrap();
    assert_eq!(zero.port("raw_o").unwrap().get_u64(), 0);
}

#[test]
fn a_difference_is_narrowed_down() {
    let (_, a) = run(Mode::Fast, 1, None);
    let (_, b) = run(Mode::Fast, 2, None);
    assert_eq!(a.first_difference(&b), Some(0..1024));
}

#[test]
fn a_window_is_all_that_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let size = |name: &str, from, to| {
        let path = dir.path().join(name);
        run(Mode::Trace, 3, Some(window(&path, from, to)));
        fs::metadata(&path).map(|meta| meta.len()).ok()
    };
    let all = size("sub/all.fst", 0, u64::MAX).unwrap();
    let some = size("some.fst", 1000, 1050).unwrap();
    assert!(some > 0 && some < all / 4, "{some} of {all}");
    assert_eq!(size("none.fst", 1_000_000, 2_000_000), None);
}

#[test]
fn waves_are_armed_while_the_run_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let paths = [dir.path().join("a.fst"), dir.path().join("b.fst")];
    let dut = dut("counter");
    let model = Model::load(&model(&dut, Mode::Trace), 1).unwrap();
    let sim = Sim::new(model, &dut, SimOptions::default()).unwrap();
    sim.run(async |sim| {
        for path in &paths {
            sim.arm_trace(window(path, sim.now(), sim.now() + 10));
            sim.cycles(100).await;
        }
    })
    .unwrap();
    assert!(paths.iter().all(|path| fs::metadata(path).unwrap().len() > 0));
}

#[test]
fn waves_of_a_model_without_them_are_refused() {
    let dut = dut("counter");
    let model = || Model::load(&model(&dut, Mode::Fast), 1).unwrap();
    let trace = Some(window(Path::new("x.fst"), 0, 1));
    let error = Sim::new(
        model(),
        &dut,
        SimOptions {
            trace,
            ..SimOptions::default()
        },
    )
    .err()
    .unwrap();
    assert!(matches!(error, SetupError::Mode { .. }));
    assert_eq!(
        error.to_string(),
        "a waveform window needs a model built for trace, this one is built for fast"
    );
    let sim = Sim::new(model(), &dut, SimOptions::default()).unwrap();
    let error = sim
        .run(async |sim| {
            sim.arm_trace(window(Path::new("x.fst"), 0, 1));
            sim.cycles(1).await;
        })
        .unwrap_err();
    assert!(error.to_string().contains("built without them"), "{error}");
}

#[test]
fn an_unwritable_waveform_file_is_an_error() {
    let dut = dut("counter");
    let model = Model::load(&model(&dut, Mode::Trace), 1).unwrap();
    let trace = Some(window(Path::new("/proc/no/such/place.fst"), 0, 10));
    let sim = Sim::new(
        model,
        &dut,
        SimOptions {
            trace,
            ..SimOptions::default()
        },
    )
    .unwrap();
    let error = sim.run(async |sim| sim.cycles(10).await).unwrap_err();
    assert!(error.to_string().contains("/proc/no/such"), "{error}");
}
