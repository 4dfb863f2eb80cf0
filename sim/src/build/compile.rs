//! Runs the C++ compiler: grouped translation units, as many at once as there are cores.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::error::BuildError;
use super::key::KeyHasher;
use super::tool::{Compiler, Verilator};

/// Generated files are compiled in groups of about this size: every unit pays two seconds for the headers.
const GROUP_BYTES: u64 = 600_000;

/// The flags every object of a model shares; one differing macro would break the one-definition rule.
pub(super) fn common_flags(verilator: &Verilator, compiler: &Compiler, support: &Path) -> Vec<String> {
    let mut flags: Vec<String> = [
        "-std=c++20",
        "-fPIC",
        "-fvisibility=hidden",
        "-fvisibility-inlines-hidden",
        "-fno-strict-aliasing",
        "-w",
        "-DVERILATOR=1",
        "-DVM_COVERAGE=1",
        "-DVM_SC=0",
        "-DVM_TIMING=0",
        "-DVM_TRACE=1",
        "-DVM_TRACE_FST=1",
        "-DVM_TRACE_VCD=0",
        "-DVM_TRACE_SAIF=0",
        "-DVL_TIME_CONTEXT",
        "-DVL_USER_FINISH",
        "-DVL_USER_STOP",
        "-DVL_USER_FATAL",
        "-DVL_USER_WARN",
        "-DVL_PRINTF=ringside_printf",
    ]
    .map(str::to_owned)
    .to_vec();
    if !compiler.is_clang {
        // A "unique" symbol is shared by all libraries of a process, RTLD_LOCAL or not: two models would mix.
        flags.push("-fno-gnu-unique".to_owned());
    }
    let include = verilator.root.join("include");
    flags.push(format!("-I{}", include.display()));
    flags.push(format!("-I{}", include.join("vltstd").display()));
    flags.push("-include".to_owned());
    flags.push(support.join("print.h").display().to_string());
    flags.extend(extra_flags());
    flags
}

/// `RINGSIDE_CXXFLAGS`: for example `-O3 -march=native` with clang, worth 10 to 20 %.
pub(super) fn extra_flags() -> Vec<String> {
    let given = std::env::var("RINGSIDE_CXXFLAGS").unwrap_or_default();
    given.split_whitespace().map(str::to_owned).collect()
}

/// One compiler run.
pub(super) struct Job {
    pub(super) source: PathBuf,
    pub(super) object: PathBuf,
    pub(super) flags: Vec<String>,
}

/// Writes the unit files that include the generated ones, biggest work first. Slow files run once per simulation: -O0.
pub(super) fn group_units(folder: &Path) -> Result<Vec<(PathBuf, bool)>, BuildError> {
    let entries = std::fs::read_dir(folder).map_err(BuildError::io("cannot list", folder))?;
    let mut fast = Vec::new();
    let mut slow = Vec::new();
    for entry in entries {
        let entry = entry.map_err(BuildError::io("cannot list", folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with("Vdut") || entry.path().extension().is_none_or(|ext| ext != "cpp") {
            continue;
        }
        let bytes = entry.metadata().map_or(0, |meta| meta.len());
        if name.contains("__Slow") {
            slow.push((name, bytes));
        } else {
            fast.push((name, bytes));
        }
    }
    let mut units = Vec::new();
    for (mut files, is_slow) in [(fast, false), (slow, true)] {
        files.sort();
        let mut text = String::new();
        let mut filled = 0;
        let mut index = 0;
        let count = files.len();
        for (position, (name, bytes)) in files.into_iter().enumerate() {
            let _ = writeln!(text, "#include \"{name}\"");
            filled += bytes;
            if filled >= GROUP_BYTES || position + 1 == count {
                let unit = folder.join(format!("{}_{index}.cc", if is_slow { "slow" } else { "fast" }));
                std::fs::write(&unit, &text).map_err(BuildError::io("cannot write", &unit))?;
                units.push((unit, is_slow));
                text.clear();
                filled = 0;
                index += 1;
            }
        }
    }
    Ok(units)
}

/// Runs all jobs, in order of the list, on all cores. The first failure wins; jobs not yet begun are not begun.
pub(super) fn run(dut: &str, compiler: &Compiler, cwd: &Path, jobs: &[Job]) -> Result<(), BuildError> {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let failure: Mutex<Option<BuildError>> = Mutex::new(None);
    let workers = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(jobs.len());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) else {
                        break;
                    };
                    let mut command = compiler.command();
                    command
                        .current_dir(cwd)
                        .args(&job.flags)
                        .arg("-c")
                        .arg(&job.source);
                    command.arg("-o").arg(&job.object);
                    if let Err(error) = run_tool(dut, &mut command, &job.source) {
                        stop.store(true, Ordering::Relaxed);
                        let mut slot = failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        slot.get_or_insert(error);
                    }
                }
            });
        }
    });
    let failure = failure
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    failure.map_or(Ok(()), Err)
}

/// Runs one compiler command to its end.
pub(super) fn run_tool(dut: &str, command: &mut Command, file: &Path) -> Result<(), BuildError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|source| BuildError::Start { program, source })?;
    if output.status.success() {
        return Ok(());
    }
    Err(BuildError::Compiler {
        name: dut.to_owned(),
        file: file
            .file_name()
            .unwrap_or(file.as_os_str())
            .to_string_lossy()
            .into_owned(),
        command: show(command),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// A command as one could type it.
pub(super) fn show(command: &Command) -> String {
    let mut text = String::new();
    for word in std::iter::once(command.get_program()).chain(command.get_args()) {
        if !text.is_empty() {
            text.push(' ');
        }
        let word = word.to_string_lossy();
        if word.contains([' ', '"', '\'', '$']) {
            text.push('\'');
            text.push_str(&word.replace('\'', "'\\''"));
            text.push('\'');
        } else {
            text.push_str(&word);
        }
    }
    text
}

/// Objects of Verilator's own runtime: the same for every model, so built once per cache.
pub(super) fn runtime_objects(
    dut: &str,
    cache: &Path,
    verilator: &Verilator,
    compiler: &Compiler,
    support: &Path,
    names: &[String],
    progress: &dyn Fn(&str),
) -> Result<Vec<PathBuf>, BuildError> {
    let mut key = KeyHasher::new();
    key.part(&verilator.version);
    key.part(verilator.root.as_os_str().as_encoded_bytes());
    key.part(&compiler.version);
    key.part(super::PRINT_H);
    for flag in extra_flags() {
        key.part(flag);
    }
    key.part("runtime 1");
    let folder = cache.join(format!("runtime-{}", key.finish()));
    std::fs::create_dir_all(&folder).map_err(BuildError::io("cannot create", &folder))?;
    let objects: Vec<PathBuf> = names
        .iter()
        .map(|name| folder.join(format!("{name}.o")))
        .collect();
    if objects.iter().all(|object| object.is_file()) {
        return Ok(objects);
    }
    let _lock = super::lock::hold(&folder.join("lock"), progress)?;
    let mut jobs = Vec::new();
    let mut renames = Vec::new();
    for (name, object) in names.iter().zip(&objects) {
        if object.is_file() {
            continue;
        }
        let fresh = object.with_extension("o.tmp");
        let mut flags = vec!["-O2".to_owned()];
        flags.extend(common_flags(verilator, compiler, support));
        let source = verilator.root.join("include").join(format!("{name}.cpp"));
        jobs.push(Job {
            source,
            object: fresh.clone(),
            flags,
        });
        renames.push((fresh, object));
    }
    if !jobs.is_empty() {
        progress("compiling the simulation runtime, once");
        run(dut, compiler, &folder, &jobs)?;
    }
    for (fresh, object) in renames {
        std::fs::rename(&fresh, object).map_err(BuildError::io("cannot rename", &fresh))?;
    }
    Ok(objects)
}
