//! Coverage of several runs, merged, as lcov.

mod common;

use common::{dut, model};
use ringside_sim::coverage::{Coverage, Kind};
use ringside_sim::{Mode, Model, SetupError, Sim, SimOptions};

fn run(path: &std::path::Path, values: &[u64]) -> Coverage {
    let dut = dut("tree");
    let model = Model::load(&model(&dut, Mode::Cover), 1).unwrap();
    let options = SimOptions {
        coverage: Some(path.to_owned()),
        reset_cycles: 2,
        ..SimOptions::default()
    };
    let sim = Sim::new(model, &dut, options).unwrap();
    let a_i = sim.port("a_i").unwrap();
    sim.run(async |sim| {
        for value in values {
            sim.write(a_i, *value);
            sim.cycles(1).await;
        }
        sim.cycles(1).await;
    })
    .unwrap();
    Coverage::read(path).unwrap()
}

#[test]
fn runs_merge_into_lcov() {
    let dir = tempfile::tempdir().unwrap();
    let plain = run(&dir.path().join("plain.dat"), &[1, 2, 3]);
    let max = run(&dir.path().join("max.dat"), &[0xfc]);
    let hits = |coverage: &Coverage| -> u64 {
        coverage
            .points()
            .iter()
            .filter(|point| point.kind == Kind::User)
            .map(|point| point.count)
            .sum()
    };
    assert_eq!((hits(&plain), hits(&max)), (0, 1));
    let mut both = plain.clone();
    both.merge(&max);
    assert_eq!(hits(&both), 1);
    assert_eq!(both.reached().1, plain.reached().1, "the same points");
    assert!(both.reached().0 > plain.reached().0);

    let lcov = both.lcov();
    let line = |number: u32| {
        let start = format!("DA:{number},");
        lcov.lines()
            .find_map(|line| line.strip_prefix(&start))
            .map(|count| count.parse::<u64>().unwrap())
    };
    assert!(
        lcov.starts_with("TN:ringside\nSF:sim/tests/dut/tree.sv\n"),
        "{lcov}"
    );
    // Reset 2 x 2 cycles; 0xfc + 3 once; all others.
    assert_eq!((line(20), line(22)), (Some(4), Some(1)), "{lcov}");
    assert!(line(24).is_some_and(|count| count >= 4), "{lcov}");
    assert!(
        lcov.contains("BRDA:") && lcov.trim_end().ends_with("end_of_record"),
        "{lcov}"
    );
}

#[test]
fn coverage_of_a_model_without_it_is_refused() {
    let dut = dut("tree");
    let model = Model::load(&model(&dut, Mode::Fast), 1).unwrap();
    let options = SimOptions {
        coverage: Some("x.dat".into()),
        ..SimOptions::default()
    };
    let error = Sim::new(model, &dut, options).err().unwrap();
    assert!(
        matches!(
            error,
            SetupError::Mode {
                need: Mode::Cover,
                ..
            }
        ),
        "{error}"
    );
}
