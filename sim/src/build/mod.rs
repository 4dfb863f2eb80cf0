//! From a [`DutConfig`] to a shared library: elaborated by Verilator, compiled at -O2, kept under the hash of all that went in.

mod compile;
mod error;
mod key;
mod lock;
mod ports;
mod tool;
mod tune;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use error::{BuildError, Place};
pub use ports::{Direction, PortInfo};

use crate::dut::{DutConfig, ParamValue};
use crate::runtime;
use compile::Job;
use key::KeyHasher;
use tool::{Compiler, Verilator};

const ABI_H: &str = include_str!("../../cpp/abi.h");
const MAIN_CC: &str = include_str!("../../cpp/model_main.cc");
pub(crate) const PRINT_H: &str = include_str!("../../cpp/print.h");

/// Raised when the generated code changes though no input of the key does.
const FORMAT: &str = "model 2";

/// What a model is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// As fast as it gets: no waveforms, no coverage.
    Fast,
    /// Waveforms compiled in, off until armed; 16 % slower while off.
    Trace,
    /// Line coverage and `cover property`; about half as fast.
    Cover,
}

impl Mode {
    /// The mode's name, as users type it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Trace => "trace",
            Self::Cover => "cover",
        }
    }
}

/// A model in the cache, ready to load.
#[derive(Debug, Clone)]
pub struct BuiltModel {
    /// The shared library.
    pub library: PathBuf,
    /// Hash of everything that went in: sources, parameters, mode, tools.
    pub hash: String,
    /// What it was built for.
    pub mode: Mode,
    /// Ports of the top module, sorted by name.
    pub ports: Vec<PortInfo>,
    /// What the design reads as `+NAME=value` when a simulation begins: parameters chosen at run time.
    pub plusargs: Vec<String>,
    /// True when nothing had to be built.
    pub cached: bool,
}

/// Builds the model of `dut`, or finds it in the cache (`RINGSIDE_CACHE`, else `.cache/models` in the workspace).
///
/// Parallel callers, also in other processes, build once. `progress` hears one short line per step.
///
/// The environment may name the tools: `VERILATOR_BIN` with `VERILATOR_ROOT`, `CXX` (default clang++-19 or g++, behind ccache when
/// that is installed and `RINGSIDE_NO_CCACHE` is not set), and `RINGSIDE_CXXFLAGS` for more flags after `-O2`.
///
/// # Errors
/// [`BuildError`]: no Verilator, the design does not elaborate (with file and line), the C++ does not compile, the disk.
pub fn build(dut: &DutConfig, mode: Mode, progress: &dyn Fn(&str)) -> Result<BuiltModel, BuildError> {
    let verilator = tool::find_verilator(&dut.base_dir)?;
    let compiler = Compiler::find()?;
    let root = source_root(&dut.base_dir);
    let (parameters, plusargs) = runtime::resolve(dut)?;
    let arguments = elaborator_arguments(dut, &parameters, mode, &root);
    let hash = hash(dut, mode, &root, &arguments, &verilator, &compiler)?;
    let cache = cache_folder()?;
    let folder = cache.join(&hash);
    if let Some(model) = finished(&folder, &hash, mode, &plusargs, true) {
        return Ok(model);
    }
    let _lock = lock::hold(&cache.join(format!("{hash}.lock")), progress)?;
    if let Some(model) = finished(&folder, &hash, mode, &plusargs, true) {
        return Ok(model);
    }
    let work = cache.join(format!("{hash}.tmp"));
    // Left behind by a build that was killed.
    let _ = std::fs::remove_dir_all(&work);
    std::fs::create_dir_all(&work).map_err(BuildError::io("cannot create", &work))?;
    let outcome = build_in(
        dut, mode, &root, &arguments, &verilator, &compiler, &cache, &work, progress,
    );
    if outcome.is_ok() {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::rename(&work, &folder).map_err(BuildError::io("cannot rename", &work))?;
    } else {
        let _ = std::fs::remove_dir_all(&work);
    }
    outcome?;
    finished(&folder, &hash, mode, &plusargs, false).ok_or_else(|| {
        BuildError::io("cannot read back the model in", &folder)(std::io::ErrorKind::NotFound.into())
    })
}

/// The model in `folder`, if it is complete.
fn finished(folder: &Path, hash: &str, mode: Mode, plusargs: &[String], cached: bool) -> Option<BuiltModel> {
    let library = folder.join("model.so");
    let ports = std::fs::read(folder.join("ports.json")).ok()?;
    let ports = serde_json::from_slice(&ports).ok()?;
    library.is_file().then(|| BuiltModel {
        library,
        hash: hash.to_owned(),
        mode,
        ports,
        plusargs: plusargs.to_owned(),
        cached,
    })
}

#[expect(
    clippy::too_many_arguments,
    reason = "one private step of `build`, called once"
)]
fn build_in(
    dut: &DutConfig,
    mode: Mode,
    root: &Path,
    arguments: &[String],
    verilator: &Verilator,
    compiler: &Compiler,
    cache: &Path,
    work: &Path,
    progress: &dyn Fn(&str),
) -> Result<(), BuildError> {
    let write = |name: &str, text: &str| {
        let path = work.join(name);
        std::fs::write(&path, text).map_err(BuildError::io("cannot write", path))
    };
    progress(&format!("elaborating {} ({})", dut.name, mode.name()));
    let mut command = Command::new(&verilator.binary);
    command.env("VERILATOR_ROOT", &verilator.root).current_dir(root);
    command.arg("--Mdir").arg(work).args(arguments);
    let output = command.output().map_err(|source| BuildError::Start {
        program: verilator.binary.display().to_string(),
        source,
    })?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(BuildError::Verilator {
            name: dut.name.clone(),
            place: error::first_place(&stderr),
            command: format!(
                "cd {} && VERILATOR_ROOT={} {}",
                root.display(),
                verilator.root.display(),
                compile::show(&command)
            ),
            stderr,
        });
    }

    let header = work.join("Vdut.h");
    let header = std::fs::read_to_string(&header).map_err(BuildError::io("cannot read", &header))?;
    let members = ports::parse_header(&dut.name, &header)?;
    tune::tune(work, &dut.clock)?;
    write("abi.h", ABI_H)?;
    write("print.h", PRINT_H)?;
    write("ports.inc", &ports::table(&members))?;
    // Named like a generated file, so that it shares a translation unit with them.
    write("Vdut_ringside.cpp", MAIN_CC)?;

    let classes = work.join("Vdut_classes.mk");
    let classes = std::fs::read_to_string(&classes).map_err(BuildError::io("cannot read", &classes))?;
    let runtime = make_list(&classes, &["VM_GLOBAL_FAST", "VM_GLOBAL_SLOW"]);
    let support = cache.join("support");
    std::fs::create_dir_all(&support).map_err(BuildError::io("cannot create", &support))?;
    let runtime = {
        // The runtime's objects outlive this folder, so the header they are compiled with must too.
        let print = support.join("print.h");
        if std::fs::read_to_string(&print).ok().as_deref() != Some(PRINT_H) {
            std::fs::write(&print, PRINT_H).map_err(BuildError::io("cannot write", &print))?;
        }
        compile::runtime_objects(
            &dut.name, cache, verilator, compiler, &support, &runtime, progress,
        )?
    };

    let units = compile::group_units(work)?;
    let common = compile::common_flags(verilator, compiler, Path::new("."));
    let defines = [
        format!("-DRINGSIDE_TRACE={}", u8::from(mode == Mode::Trace)),
        format!("-DRINGSIDE_COVERAGE={}", u8::from(mode == Mode::Cover)),
    ];
    let mut objects = Vec::new();
    let jobs: Vec<Job> = units
        .iter()
        .map(|(unit, is_slow)| {
            // Relative names: ccache then hits whatever the folder is called.
            let source = PathBuf::from(unit.file_name().unwrap_or_default());
            let object = source.with_extension("o");
            objects.push(object.clone());
            let mut flags = vec![if *is_slow { "-O0" } else { "-O2" }.to_owned(), "-I.".to_owned()];
            flags.extend(defines.iter().cloned());
            flags.extend(common.iter().cloned());
            Job {
                source,
                object,
                flags,
            }
        })
        .collect();
    progress(&format!(
        "compiling {} ({}, {} units)",
        dut.name,
        mode.name(),
        jobs.len()
    ));
    compile::run(&dut.name, compiler, work, &jobs)?;

    let mut link = compiler.command();
    // Fast objects first: of an inline function compiled at both -O2 and -O0 the linker keeps the first.
    link.current_dir(work)
        .args(["-shared", "-o", "model.so"])
        .args(&objects)
        .args(&runtime);
    link.args(["-Wl,-Bsymbolic", "-Wl,-O1", "-lpthread"]);
    if mode == Mode::Trace {
        link.args(["-lz", "-llz4"]);
    }
    if compiler.is_clang {
        link.arg("-latomic");
    }
    compile::run_tool(&dut.name, &mut link, Path::new("model.so"))?;

    let infos: Vec<&PortInfo> = members.iter().map(|member| &member.info).collect();
    let infos = serde_json::to_string_pretty(&infos).unwrap_or_default();
    write("ports.json", &infos)?;
    write("build.log", &format!("{}\n{stderr}", compile::show(&command)))?;
    remove_intermediates(work);
    Ok(())
}

/// Keeps the library, its ports and the log; the rest is megabytes that a rebuild can make again.
fn remove_intermediates(work: &Path) {
    let Ok(entries) = std::fs::read_dir(work) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let keep = ["model.so", "ports.json", "build.log"]
            .iter()
            .any(|name| path.ends_with(name));
        if !keep {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn elaborator_arguments(
    dut: &DutConfig,
    parameters: &BTreeMap<String, ParamValue>,
    mode: Mode,
    root: &Path,
) -> Vec<String> {
    let mut arguments: Vec<String> = Vec::new();
    let mut add = |words: &[&str]| arguments.extend(words.iter().map(|word| (*word).to_owned()));
    add(&[
        "--cc",
        "-O3",
        "--prefix",
        "Vdut",
        "--top-module",
        &dut.top,
        "--no-timing",
        "--timescale",
        "1ns/1ps",
    ]);
    // A stranger's design may warn; lint is another tool's job. Errors stay errors.
    add(&["-Wno-fatal", "-Wno-lint", "-Wno-style"]);
    // The design's own word that it cannot be: $error and $fatal outside of processes.
    add(&["-Werror-USERERROR", "-Werror-USERFATAL"]);
    add(if dut.no_assert {
        &["--no-assert"]
    } else {
        &["--assert"]
    });
    let x = if dut.x_random { "unique" } else { "fast" };
    add(&["--x-assign", x, "--x-initial", x]);
    match mode {
        Mode::Fast => {}
        Mode::Trace => add(&["--trace-fst", "--trace-structs"]),
        // Never --coverage: its expression part crashes the packaged 5.48.
        Mode::Cover => add(&["--coverage-line", "--coverage-user"]),
    }
    for (name, value) in &dut.defines {
        add(&[&if value.is_empty() {
            format!("-D{name}")
        } else {
            format!("-D{name}={value}")
        }]);
    }
    for (name, value) in parameters {
        add(&[&format!("-G{name}={}", value.literal())]);
    }
    for dir in &dut.include_dirs {
        add(&[&format!("-I{}", relative(dir, root).display())]);
    }
    dut.verilator_args.iter().for_each(|argument| add(&[argument]));
    for file in &dut.files {
        add(&[&relative(file, root).display().to_string()]);
    }
    arguments
}

fn hash(
    dut: &DutConfig,
    mode: Mode,
    root: &Path,
    arguments: &[String],
    verilator: &Verilator,
    compiler: &Compiler,
) -> Result<String, BuildError> {
    let mut key = KeyHasher::new();
    for part in [
        FORMAT,
        ABI_H,
        MAIN_CC,
        PRINT_H,
        mode.name(),
        &verilator.version,
        &compiler.version,
    ] {
        key.part(part);
    }
    for argument in arguments {
        key.part(argument);
    }
    for flag in compile::extra_flags() {
        key.part(flag);
    }
    for file in &dut.files {
        key.file(&relative(file, root), file)?;
    }
    for dir in &dut.include_dirs {
        for file in key::files_below(dir)? {
            key.file(&relative(&file, root), &file)?;
        }
    }
    Ok(key.finish())
}

/// Names in messages, coverage and hashes are relative to this folder, so that they are the same in every clone.
fn source_root(base: &Path) -> PathBuf {
    let is_root = |folder: &&Path| folder.join(".git").exists() || folder.join("Cargo.lock").is_file();
    base.ancestors().find(is_root).unwrap_or(base).to_owned()
}

fn relative(path: &Path, root: &Path) -> PathBuf {
    let clean = clean(path);
    clean
        .strip_prefix(root)
        .map_or_else(|_| clean.clone(), Path::to_owned)
}

/// Without `.` and `..`, by name only: the same file must have one name.
fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                if !clean.pop() {
                    clean.push("..");
                }
            }
            other => clean.push(other),
        }
    }
    clean
}

fn cache_folder() -> Result<PathBuf, BuildError> {
    let folder = match std::env::var_os("RINGSIDE_CACHE") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => {
            let cwd =
                std::env::current_dir().map_err(BuildError::io("cannot find the working directory", "."))?;
            let workspace = cwd.ancestors().find(|folder| folder.join("Cargo.lock").is_file());
            workspace.unwrap_or(&cwd).join(".cache/models")
        }
    };
    std::fs::create_dir_all(&folder).map_err(BuildError::io("cannot create the model cache", &folder))?;
    folder
        .canonicalize()
        .map_err(BuildError::io("cannot open the model cache", &folder))
}

/// The words of the makefile variables `names`, which list the runtime files this model needs.
fn make_list(makefile: &str, names: &[&str]) -> Vec<String> {
    let mut words = Vec::new();
    let mut inside = false;
    for line in makefile.lines() {
        let text = line.trim_end_matches('\\').trim();
        if inside {
            words.extend(text.split_whitespace().map(str::to_owned));
        } else if let Some((name, rest)) = text.split_once("+=").or_else(|| text.split_once('='))
            && names.contains(&name.trim())
        {
            words.extend(rest.split_whitespace().map(str::to_owned));
            inside = true;
        }
        inside &= line.ends_with('\\');
    }
    words.sort();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makefile_lists_are_read_to_their_last_line() {
        let text = "VM_X += \\\n\ta \\\n\nVM_GLOBAL_FAST += \\\n\tverilated \\\n\tverilated_threads \\\n\n# c\nVM_GLOBAL_SLOW += \\\n\nVM_Y += \\\n\tz\n";
        assert_eq!(
            make_list(text, &["VM_GLOBAL_FAST", "VM_GLOBAL_SLOW"]),
            ["verilated", "verilated_threads"]
        );
    }

    #[test]
    fn paths_are_cleaned_by_name() {
        assert_eq!(clean(Path::new("/a/./b/../c.sv")), Path::new("/a/c.sv"));
        assert_eq!(
            relative(Path::new("/w/rtl/../x/a.sv"), Path::new("/w")),
            Path::new("x/a.sv")
        );
        assert_eq!(
            relative(Path::new("/else/a.sv"), Path::new("/w")),
            Path::new("/else/a.sv")
        );
    }
}
