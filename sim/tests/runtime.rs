//! Parameters that are chosen when a simulation begins: `[runtime]` in a `dut.toml`.

mod common;

use common::{dut, model};
use ringside_sim::{BuiltModel, DutConfig, Mode, Model, build};

fn mode(built: &BuiltModel) -> u64 {
    let model = Model::load(built, 1).unwrap();
    model.port("mode_o").unwrap().get_u64()
}

#[test]
fn one_model_serves_every_value_that_is_not_built_in() {
    let built = |value: i64| model(&dut("chosen").with_parameter("MODE", value), Mode::Fast);
    let all: Vec<_> = [0, 1, 2, 9].into_iter().map(built).collect();
    assert_eq!(all.iter().map(mode).collect::<Vec<_>>(), [0, 1, 2, 9]);
    assert_eq!(all[2].hash, all[3].hash);
    assert!(all[0].hash != all[1].hash && all[1].hash != all[2].hash);
    assert_eq!(all[3].plusargs, ["MODE=9"]);
    assert!(all[0].plusargs.is_empty() && all[1].plusargs.is_empty());
}

#[test]
fn a_value_that_the_design_does_not_know_is_an_error() {
    let error = |dut: &DutConfig| build(dut, Mode::Fast, &|_| {}).unwrap_err().to_string();
    let with = |value: i64| error(&dut("chosen").with_parameter("MODE", value));
    assert_eq!(with(10), "chosen: MODE = 10: the design knows 0 to 9");
    assert_eq!(with(-1), "chosen: MODE = -1: the design knows 0 to 9");
    let text = error(&dut("chosen").with_parameter("MODE", "many"));
    assert_eq!(text, "chosen: MODE = \"many\": the design knows 0 to 9");
    // The design's own check, where nothing is written down about the parameter.
    let text = error(&dut("chosen").with_parameter("SIZE", 17));
    assert!(
        text.starts_with("chosen: the design does not elaborate at sim/tests/dut/chosen.sv:11"),
        "{text}"
    );
    assert!(text.contains("SIZE = 17: at most 16"), "{text}");
}

#[test]
fn a_choice_without_a_value_is_a_mistake() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dut.toml");
    std::fs::write(dir.path().join("a.sv"), "module a; endmodule\n").unwrap();
    std::fs::write(
        &path,
        "top = \"a\"\nfiles = [\"a.sv\"]\n[runtime.N]\nbuilt_as = 1\nrange = [0, 1]\n",
    )
    .unwrap();
    let error = DutConfig::load(&path).unwrap_err().to_string();
    assert!(
        error.ends_with("[runtime] names N, which has no value in [parameters]"),
        "{error}"
    );
}
