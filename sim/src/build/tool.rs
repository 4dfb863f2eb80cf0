//! Finds Verilator and the C++ compiler. Nothing is downloaded here: `make setup` does that.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::BuildError;

/// Verilator: the binary itself (its own front ends look for another one first), its tree and its version.
#[derive(Debug, Clone)]
pub(crate) struct Verilator {
    pub(crate) binary: PathBuf,
    pub(crate) root: PathBuf,
    /// From `include/verilated_config.h`; `--version` of the packaged build is empty.
    pub(crate) version: String,
}

/// Environment, the repository's own environment, then the system.
pub(crate) fn find_verilator(start: &Path) -> Result<Verilator, BuildError> {
    let path = |name| std::env::var_os(name).map(PathBuf::from);
    search(
        path("VERILATOR_BIN"),
        path("VERILATOR_ROOT"),
        &venv_folders(start),
        on_path("verilator_bin"),
    )
}

fn search(
    binary: Option<PathBuf>,
    root: Option<PathBuf>,
    venvs: &[PathBuf],
    on_path: Option<PathBuf>,
) -> Result<Verilator, BuildError> {
    let mut looked = Vec::new();
    if let Some(binary) = binary {
        let root = root.or_else(|| ask_root(&binary));
        if let Some(tool) = root.and_then(|root| verilator_at(&binary, &root)) {
            return Ok(tool);
        }
        looked.push(format!("VERILATOR_BIN={}", binary.display()));
    }
    for folder in venvs {
        for package in site_packages(folder) {
            for binary in ["bin/verilator_bin", "verilator_bin"] {
                if let Some(tool) = verilator_at(&package.join(binary), &package) {
                    return Ok(tool);
                }
            }
        }
        looked.push(folder.display().to_string());
    }
    if let Some(binary) = on_path
        && let Some(tool) = ask_root(&binary).and_then(|root| verilator_at(&binary, &root))
    {
        return Ok(tool);
    }
    looked.push("PATH".to_owned());
    Err(BuildError::NoVerilator {
        looked: looked.join(", "),
    })
}

fn verilator_at(binary: &Path, root: &Path) -> Option<Verilator> {
    if !binary.is_file() {
        return None;
    }
    let config = std::fs::read_to_string(root.join("include/verilated_config.h")).ok()?;
    let version = config.lines().find_map(|line| {
        let value = line.strip_prefix("#define VERILATOR_VERSION ")?.trim();
        Some(value.trim_matches('"').to_owned())
    })?;
    Some(Verilator {
        binary: binary.to_owned(),
        root: root.to_owned(),
        version,
    })
}

/// `.venv` upward from the working directory, from the design, and beside this source tree.
fn venv_folders(start: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    let cwd = std::env::current_dir().unwrap_or_default();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for from in [cwd.as_path(), start, here] {
        for folder in from.ancestors() {
            let candidate = folder.join(".venv");
            if candidate.is_dir() && !folders.contains(&candidate) {
                folders.push(candidate);
            }
        }
    }
    folders
}

fn site_packages(venv: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(venv.join("lib")) else {
        return Vec::new();
    };
    let mut packages: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("python3"))
        .map(|entry| entry.path().join("site-packages/verilator"))
        .filter(|package| package.is_dir())
        .collect();
    packages.sort();
    packages
}

fn ask_root(binary: &Path) -> Option<PathBuf> {
    let output = Command::new(binary)
        .args(["--getenv", "VERILATOR_ROOT"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| PathBuf::from(text))
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// What compiles a model unless `CXX` says otherwise: the first that is there. clang takes half of g++'s time for the same
/// files, and its models run an eighth faster (docs/bench.md).
const COMPILERS: [&str; 3] = ["clang++-19", "g++", "clang++"];

/// The C++ compiler: `CXX` (it may hold arguments) or the first of [`COMPILERS`], behind ccache when that is installed.
#[derive(Debug, Clone)]
pub(crate) struct Compiler {
    words: Vec<OsString>,
    /// First line of `--version`: part of the model's hash.
    pub(crate) version: String,
    /// clang's objects call libatomic where gcc's have the instruction.
    pub(crate) is_clang: bool,
}

impl Compiler {
    pub(crate) fn find() -> Result<Self, BuildError> {
        let given = std::env::var("CXX").ok().filter(|text| !text.trim().is_empty());
        let mut words: Vec<OsString> = given
            .as_deref()
            .unwrap_or_else(|| first_there(&COMPILERS))
            .split_whitespace()
            .map(OsString::from)
            .collect();
        let program = words
            .first()
            .map_or_else(String::new, |w| w.to_string_lossy().into_owned());
        let output = Command::new(&words[0])
            .args(&words[1..])
            .arg("--version")
            .output()
            .map_err(|source| BuildError::Start {
                program: program.clone(),
                source,
            })?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.lines().next().unwrap_or("").to_owned();
        let is_clang = text.contains("clang");
        if !program.ends_with("ccache") && std::env::var_os("RINGSIDE_NO_CCACHE").is_none() {
            words.splice(0..0, on_path("ccache").map(PathBuf::into_os_string));
        }
        Ok(Self {
            words,
            version,
            is_clang,
        })
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]);
        command
    }
}

/// The first of these programs that is installed; none: the last, whose absence is then the error.
fn first_there(programs: &[&'static str]) -> &'static str {
    let there = programs.iter().find(|program| on_path(program).is_some());
    there.or(programs.last()).copied().unwrap_or("g++")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_compiler_that_is_installed_is_taken() {
        assert_eq!(first_there(&["no-such-compiler", "sh", "cat"]), "sh");
        assert_eq!(first_there(&["no-such-compiler", "nor-this-one"]), "nor-this-one");
    }

    /// A tree that looks like the packaged tool.
    fn package(folder: &Path, version: &str) -> PathBuf {
        let root = folder.join("lib/python3.11/site-packages/verilator");
        std::fs::create_dir_all(root.join("include")).unwrap();
        std::fs::create_dir_all(root.join("bin")).unwrap();
        std::fs::write(root.join("bin/verilator_bin"), "").unwrap();
        let config =
            format!("#define VERILATOR_PRODUCT \"Verilator\"\n#define VERILATOR_VERSION \"{version}\"\n");
        std::fs::write(root.join("include/verilated_config.h"), config).unwrap();
        root
    }

    #[test]
    fn the_environment_goes_before_the_repository() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, theirs) = (dir.path().join(".venv"), dir.path().join("other"));
        package(&ours, "5.49");
        let root = package(&theirs, "5.006 2023-01-22");
        let venvs = [ours];
        assert_eq!(search(None, None, &venvs, None).unwrap().version, "5.49");
        let found = search(Some(root.join("bin/verilator_bin")), Some(root), &venvs, None).unwrap();
        assert_eq!(found.version, "5.006 2023-01-22");
    }

    #[test]
    fn a_missing_tool_is_one_line_with_the_cure() {
        let error = search(
            Some("/none/verilator_bin".into()),
            None,
            &["/none/.venv".into()],
            None,
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "Verilator is not installed: run `make setup` (looked at VERILATOR_BIN=/none/verilator_bin, /none/.venv, PATH)"
        );
    }
}
