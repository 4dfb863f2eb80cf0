//! `dut.toml`, the build, its errors and its cache.

mod common;

use std::cell::RefCell;
use std::fs;
use std::path::Path;

use common::{dut, folder};
use ringside_sim::build::BuildError;
use ringside_sim::{DutConfig, DutError, Mode, Model, build};

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn load_error(text: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        "a.sv",
        "module a(input logic clk_i, input logic rst_ni); endmodule\n",
    );
    write(dir.path(), "dut.toml", text);
    let error = DutConfig::load(&dir.path().join("dut.toml")).unwrap_err();
    error
        .to_string()
        .replace(&format!("{}/", dir.path().canonicalize().unwrap().display()), "")
        .replace(&format!("{}/", dir.path().display()), "")
}

#[test]
fn mistakes_in_a_description_have_a_place() {
    assert_eq!(
        load_error("top = \"a\"\nfiles = [\"a.sv\"]\nclock_mzh = 100.0\n"),
        "dut.toml:3:1: unknown field `clock_mzh`, expected one of `name`, `top`, `files`, `filelist`, `include_dirs`, `defines`, `parameters`, `runtime`, `fixed`, `clock`, `clock_mhz`, `reset`, `no_assert`, `x_random`, `verilator_args`, `meta`"
    );
    assert_eq!(
        load_error("files = [\"a.sv\"]\n"),
        "dut.toml:1:1: missing field `top`"
    );
    assert_eq!(
        load_error("top = \"a\"\nfiles = [\"b.sv\"]\n"),
        "dut.toml: the design names b.sv, which does not exist"
    );
    for (given, shown) in [
        ("-1.0", "-1"),
        ("0.0", "0"),
        ("nan", "NaN"),
        ("inf", "inf"),
        ("1e9", "1000000000"),
    ] {
        assert_eq!(
            load_error(&format!("top = \"a\"\nfiles = [\"a.sv\"]\nclock_mhz = {given}\n")),
            format!(
                "dut.toml: clock_mhz = {shown} is no clock in MHz that can be simulated: give 0.1 to 10000"
            )
        );
    }
    assert_eq!(
        load_error("top = \"a\"\n"),
        "dut.toml: no source file: give files = [..] or filelist = \"..\""
    );
    assert_eq!(
        load_error("top = \"a\"\nfiles = [\"a.sv\"]\n[parameters]\nN = 4\n[fixed]\nN = 4\n"),
        "dut.toml: N is in [parameters] and in [fixed]: a parameter that the sources still have is not fixed"
    );
    let text = load_error("top = \"a\"\nfiles = [\"a.sv\"]\n[reset]\nport = \"rst\"\nlow = true\n");
    assert!(text.starts_with("dut.toml:5:1: unknown field `low`"), "{text}");
    assert!(matches!(
        DutConfig::load(Path::new("/nowhere/dut.toml")),
        Err(DutError::Read { .. })
    ));
}

#[test]
fn the_free_table_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.sv", "module a; endmodule\n");
    write(
        dir.path(),
        "dut.toml",
        "top = \"a\"\nfiles = [\"a.sv\"]\n[parameters]\nN = 4\nFAST = true\n[meta]\nqueues = 4\n",
    );
    let dut = DutConfig::load(&dir.path().join("dut.toml")).unwrap();
    assert_eq!(dut.meta["queues"].as_integer(), Some(4));
    assert_eq!(
        (dut.parameters["N"].literal(), dut.parameters["FAST"].literal()),
        ("4".to_owned(), "1".to_owned())
    );
    assert_eq!(
        (dut.clock.as_str(), dut.clock_mhz, dut.period_ps()),
        ("clk_i", 250.0, 4000)
    );
}

#[test]
fn bad_source_is_an_error_with_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        "bad.sv",
        "module bad(input logic clk_i);\n  assign x = ;\nendmodule\n",
    );
    write(dir.path(), "dut.toml", "top = \"bad\"\nfiles = [\"bad.sv\"]\n");
    let dut = DutConfig::load(&dir.path().join("dut.toml")).unwrap();
    let error = build(&dut, Mode::Fast, &|_| {}).unwrap_err();
    let text = error.to_string();
    let BuildError::Verilator {
        place: Some(place),
        command,
        ..
    } = error
    else {
        panic!("{text}")
    };
    assert_eq!((place.file.as_str(), place.line), ("bad.sv", 2), "{text}");
    assert!(
        text.starts_with("bad: the design does not elaborate at bad.sv:2"),
        "{text}"
    );
    assert!(text.contains("assign x = ;"), "the source line is shown: {text}");
    assert!(command.contains("--top-module bad"), "{command}");
}

#[test]
fn a_parameter_or_a_port_that_cannot_be_is_named() {
    let error = build(&dut("counter").with_parameter("STEPS", 3), Mode::Fast, &|_| {})
        .unwrap_err()
        .to_string();
    assert!(error.contains("STEPS"), "{error}");
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        "a.sv",
        "module a(input logic clk_i, input logic rst_ni, output logic [3:0] y_o [2]);\nassign y_o[0] = 1; assign y_o[1] = 2;\nendmodule\n",
    );
    write(dir.path(), "dut.toml", "top = \"a\"\nfiles = [\"a.sv\"]\n");
    let dut = DutConfig::load(&dir.path().join("dut.toml")).unwrap();
    let error = build(&dut, Mode::Fast, &|_| {}).unwrap_err().to_string();
    assert_eq!(
        error,
        "a: port `y_o` is an unpacked array; ports of the top module must be flat (packed)"
    );
}

/// A design with warnings is a user's business, not an error.
#[test]
fn warnings_do_not_stop_a_build() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        "w.sv",
        "module w(input logic clk_i, input logic rst_ni, input logic [7:0] a_i, output logic [3:0] y_o);\n  logic unused;\n  assign y_o = a_i;\n  always @(posedge clk_i) #1 unused = a_i;\nendmodule\n",
    );
    write(dir.path(), "dut.toml", "top = \"w\"\nfiles = [\"w.sv\"]\n");
    let dut = DutConfig::load(&dir.path().join("dut.toml")).unwrap();
    build(&dut, Mode::Fast, &|_| {}).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn the_cache_knows_what_changed() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["tree.sv", "tree.f", "tree.toml", "include/tree.svh"] {
        write(
            dir.path(),
            name,
            &fs::read_to_string(folder().join(name)).unwrap(),
        );
    }
    let load = || DutConfig::load(&dir.path().join("tree.toml")).unwrap();
    let steps = RefCell::new(Vec::new());
    let built = |dut: &DutConfig, mode| {
        steps.borrow_mut().clear();
        build(dut, mode, &|step| steps.borrow_mut().push(step.to_owned()))
            .unwrap_or_else(|error| panic!("{error}"))
    };
    // A comment no other run has written: the first build here is never a hit.
    let unique = format!("// {}\n", dir.path().display());
    let text = fs::read_to_string(dir.path().join("tree.sv")).unwrap();
    fs::write(dir.path().join("tree.sv"), unique + &text).unwrap();

    let first = built(&load(), Mode::Fast);
    assert!(!first.cached);
    assert!(
        steps
            .borrow()
            .iter()
            .any(|step| step.starts_with("elaborating tree (fast)")),
        "{:?}",
        steps.borrow()
    );
    let again = built(&load(), Mode::Fast);
    assert!(again.cached && again.hash == first.hash && steps.borrow().is_empty());

    let value = |library: &ringside_sim::BuiltModel| {
        let mut model = Model::load(library, 1).unwrap();
        let [clock, reset, y] = ["clk_i", "rst_ni", "y_o"].map(|name| model.port(name).unwrap());
        reset.set_bool(true);
        clock.set_bool(true);
        model.eval().unwrap();
        y.get_u64()
    };
    assert_eq!(value(&first), 3);

    write(dir.path(), "include/tree.svh", "`define OFFSET 9\n");
    let changed = built(&load(), Mode::Fast);
    assert!(!changed.cached && changed.hash != first.hash);
    assert_eq!(value(&changed), 9);

    write(dir.path(), "include/tree.svh", "`define OFFSET 3\n");
    assert!(
        built(&load(), Mode::Fast).cached,
        "what was built once is found again"
    );

    // Another option is another model.
    let hash = |change: &dyn Fn(&mut DutConfig)| {
        let mut dut = load();
        change(&mut dut);
        built(&dut, Mode::Fast).hash
    };
    let no_assert = hash(&|dut| dut.no_assert = true);
    assert_ne!(no_assert, first.hash);

    // Made for this test alone: nobody will look for them again. A removed model is built again.
    for model in [&first, &changed] {
        fs::remove_dir_all(model.library.parent().unwrap()).unwrap();
    }
    let rebuilt = built(&load(), Mode::Fast);
    assert!(!rebuilt.cached && rebuilt.hash == first.hash);
    fs::remove_dir_all(rebuilt.library.parent().unwrap()).unwrap();
}

#[test]
fn parameters_make_models_of_their_own() {
    let hash = |dut: &DutConfig| build(dut, Mode::Fast, &|_| {}).unwrap().hash;
    let plain = hash(&dut("counter"));
    assert_ne!(
        plain,
        hash(
            &dut("counter")
                .with_parameter("STEP", 3)
                .with_parameter("TAG", "16'hbeef")
                .with_parameter("NAME", "ringside")
        )
    );
    assert_eq!(plain, hash(&dut("counter")));
}

#[test]
fn a_damaged_library_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let mut built = build(&dut("counter"), Mode::Fast, &|_| {}).unwrap();
    built.library = dir.path().join("model.so");
    fs::write(&built.library, "not a library").unwrap();
    let error = Model::load(&built, 1).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot load the model") && error.contains("model.so"),
        "{error}"
    );
}

/// Four threads ask for the same new model at once: one builds it, three wait and find it.
#[test]
fn parallel_callers_build_once() {
    let dir = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(folder().join("xinit.sv")).unwrap();
    write(
        dir.path(),
        "xinit.sv",
        &format!("// parallel {}\n{text}", dir.path().display()),
    );
    write(
        dir.path(),
        "xinit.toml",
        "top = \"xinit\"\nfiles = [\"xinit.sv\"]\n",
    );
    let built: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let dut = DutConfig::load(&dir.path().join("xinit.toml")).unwrap();
                    build(&dut, Mode::Fast, &|_| {}).unwrap()
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(built.iter().filter(|model| !model.cached).count(), 1);
    assert!(built.iter().all(|model| model.hash == built[0].hash));
    fs::remove_dir_all(built[0].library.parent().unwrap()).unwrap();
}
