use super::*;
use crate::driver::command::Command;
use crate::driver::command::RxMode;

fn load(text: &str) -> Result<Scenario, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("case.toml");
    std::fs::write(&path, text).unwrap();
    Scenario::load(&path).map_err(|e| e.to_string().replace(&*dir.path().to_string_lossy(), "DIR"))
}

#[test]
fn an_empty_file_is_a_scenario_named_after_it() {
    let s = load("").unwrap();
    assert_eq!((s.name.as_str(), s.steps().len()), ("case", 1));
    assert_eq!(
        Scenario {
            name: String::new(),
            ..s
        },
        Scenario::default()
    );
}

#[test]
fn every_part_can_be_said() {
    let s = load(
        r#"
        seed = 7
        dut = "my/dut.toml"
        expect = []
        [parameters]
        BUG = 3
        [driver]
        queue_pairs = 2
        events = "flags"
        tx = { shape = "indirect", batch = 4 }
        misbehave = [{ what = "bad_head", queue = 1, at = 2 }]
        [host.link]
        lanes = 16
        [traffic]
        direction = "tx"
        generator = { sizes = { fixed = { bytes = 100 } } }
        [[phase]]
        do = "traffic"
        frames = 3
        wait = false
        [[phase]]
        do = "device_reset"
        [[phase]]
        do = "control"
        command = { rx_mode = { mode = "allmulti", on = true } }
        ok = true
        "#,
    )
    .unwrap();
    assert!(s.dut.unwrap().ends_with("my/dut.toml"));
    assert_eq!(s.parameters["BUG"], ParamValue::Int(3));
    assert_eq!(
        s.phases[0],
        Phase::Traffic {
            frames: Some(3),
            wait: false
        }
    );
    let command = Command::RxMode {
        mode: RxMode::Allmulti,
        on: true,
    };
    assert_eq!(
        s.phases[2],
        Phase::Control {
            command,
            ok: Some(true)
        }
    );
}

#[test]
fn a_phase_is_told_as_a_file_says_it() {
    let command = Command::RxMode {
        mode: RxMode::Allmulti,
        on: true,
    };
    let told = Phase::Control { command, ok: None }.to_string();
    assert_eq!(
        told,
        r#"{ command = { rx_mode = { mode = "allmulti", on = true } }, do = "control" }"#
    );
    assert_eq!(Phase::DeviceReset {}.to_string(), r#"{ do = "device_reset" }"#);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let e = load("seed = 1\n[driver]\nqueue_pares = 2\n").unwrap_err();
    assert!(
        e.contains("DIR/case.toml")
            && e.contains("line 3, column 1")
            && e.contains("unknown field `queue_pares`"),
        "{e}"
    );
    assert_eq!(
        load("[driver]\nqueue_size = 100").unwrap_err(),
        "scenario case: driver.queue_size = 100: a power of two up to 32768, or 0 for the device's maximum"
    );
    assert_eq!(
        load("[host.link]\nlanes = 3").unwrap_err(),
        "scenario case: host.link.lanes = 3: 1, 2, 4, 8 or 16 lanes"
    );
    assert!(
        load("expect = [\"NO-SUCH-RULE\"]")
            .unwrap_err()
            .contains("NO-SUCH-RULE")
    );
    assert!(load("[[phase]]\ndo = \"dance\"").unwrap_err().contains("dance"));
    assert!(
        Scenario::load(Path::new("/nowhere/x.toml"))
            .unwrap_err()
            .to_string()
            .starts_with("cannot read scenario /nowhere/x.toml")
    );
}
