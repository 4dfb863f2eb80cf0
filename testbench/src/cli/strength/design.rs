//! The mutated design in its folder: sources, description, the mutants' numbers.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ringside_sim::{DutConfig, DutError};
use sha2::{Digest as _, Sha256};

use crate::cli::CliError;
use crate::cli::paint::Progress;
use crate::strength::cells::Source;
use crate::strength::mutant::{self, Mutant};
use crate::strength::{StrengthError, sample, schema};
use crate::workspace;

/// Raised when the same sources are mutated in another way.
const FORMAT: &str = "mutants 1";
/// Assertions are no hardware, and what only they read is none either.
const SYNTHESIS: &str = "proc; chformal -remove; opt_expr; opt_clean";

/// A design with mutants.
pub(super) struct Design {
    /// The folder of all that belongs to it.
    pub(super) folder: PathBuf,
    /// Its description.
    pub(super) dut: PathBuf,
    /// The description of the design without mutants.
    pub(super) original: PathBuf,
    /// Digest of its model.
    pub(super) model: String,
    /// The mutants; numbered from 1.
    pub(super) mutants: Vec<Mutant>,
    /// The folder that names of files are relative to, as a person knows it.
    base: PathBuf,
}

impl Design {
    /// Makes it, or finds it made.
    ///
    /// # Errors
    /// The description, the synthesis, the sources, the build.
    pub(super) fn make(dut: &Path, count: usize, seed: u64, progress: &Progress) -> Result<Self, CliError> {
        let config = DutConfig::load(dut)?;
        let sources = config
            .files
            .iter()
            .map(|f| Source::read(f))
            .collect::<Result<Vec<_>, _>>()?;
        let cache = absolute(&workspace::path(".cache/strength"));
        std::fs::create_dir_all(&cache).map_err(CliError::file("create", &cache))?;
        let netlist = netlist(&config, &sources, &cache, progress)?;
        progress.say("choosing mutants");
        let all = mutant::all(&netlist, &sources, &config.base_dir)?;
        if all.is_empty() {
            return Err(StrengthError::Nothing { dut: config.name }.into());
        }
        let mutants = sample::sample(&all, count, seed);
        let key = digest(
            mutants
                .iter()
                .map(|m| format!("{m:?}"))
                .chain(sources.iter().map(|s| s.text.clone()))
                .chain([format!("{FORMAT} {:?}", config.parameters)]),
        );
        let folder = cache.join(&key[..16]);
        let files = schema::write(
            &sources,
            &config.base_dir,
            &config.top,
            &mutants,
            &folder.join("rtl"),
        )?;
        let made = folder.join("dut.toml");
        let text = description(dut, &config, &files, mutants.len())?;
        schema::put(&made, text.as_bytes())?;
        let mutated = DutConfig::load(&made)?;
        let built = ringside_sim::build(&mutated, ringside_sim::Mode::Fast, &|text| progress.say(text))?;
        Ok(Design {
            folder,
            dut: made,
            original: dut.to_owned(),
            model: built.hash,
            mutants,
            base: dut.parent().unwrap_or(Path::new("")).to_owned(),
        })
    }

    /// Where a mutant is and what it changes.
    pub(super) fn told(&self, number: usize) -> String {
        let m = &self.mutants[number - 1];
        let to = if m.name.to.is_empty() {
            "nothing"
        } else {
            &m.name.to
        };
        let place = self.base.join(&m.name.file);
        format!("{}:{}: {} becomes {to}", place.display(), m.line, m.name.from)
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Digest of texts, in hexadecimal digits.
pub(super) fn digest(texts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> String {
    let mut sum = Sha256::new();
    for text in texts {
        sum.update((text.as_ref().len() as u64).to_le_bytes());
        sum.update(text.as_ref());
    }
    sum.finalize().iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The netlist before technology mapping, made anew when sources or parameters are not those of the one that is there.
fn netlist(
    config: &DutConfig,
    sources: &[Source],
    cache: &Path,
    progress: &Progress,
) -> Result<String, CliError> {
    let mut read = vec!["read_slang --keep-hierarchy --top".to_owned(), config.top.clone()];
    read.extend(config.include_dirs.iter().map(|d| format!("-I{}", d.display())));
    read.extend(config.defines.iter().map(|(k, v)| format!("-D{k}={v}")));
    read.extend(config.parameters.iter().map(|(k, v)| format!("-G{k}={v}")));
    read.extend(config.files.iter().map(|f| f.display().to_string()));
    let read = read.join(" ");
    let key = digest(
        sources
            .iter()
            .map(|s| s.text.as_str())
            .chain([read.as_str(), SYNTHESIS, FORMAT]),
    );
    let path = cache.join(format!("{}.il", &key[..16]));
    if let Ok(text) = std::fs::read_to_string(&path) {
        return Ok(text);
    }
    progress.say("synthesising: which expressions are hardware");
    let begun = cache.join(format!("{}.{}.il", &key[..16], std::process::id()));
    let script = cache.join(format!("{}.{}.ys", &key[..16], std::process::id()));
    let text = format!("{read}\n{SYNTHESIS}\nwrite_rtlil {}\n", begun.display());
    std::fs::write(&script, text).map_err(CliError::file("write", &script))?;
    let python = absolute(&workspace::path(".venv/bin/python"));
    let done = Command::new(&python)
        .arg(absolute(&workspace::path("tools/yosys.py")))
        .arg("-s")
        .arg(&script)
        // Paths in the netlist are relative to this.
        .current_dir(&config.base_dir)
        .stdin(Stdio::null())
        .output()
        .map_err(CliError::file("run (`make setup-lint` installs yosys)", &python))?;
    let _ = std::fs::remove_file(&script);
    if !done.status.success() {
        let said = [done.stdout, done.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let errors: Vec<&str> = said
            .lines()
            .filter(|l| l.to_lowercase().contains("error"))
            .take(10)
            .collect();
        return Err(CliError::Usage(format!(
            "yosys cannot read {} (`make setup-lint` installs it):\n{}",
            config.name,
            errors.join("\n")
        )));
    }
    std::fs::rename(&begun, &path).map_err(CliError::file("write", &path))?;
    std::fs::read_to_string(&path).map_err(CliError::file("read", &path))
}

/// The description of the mutated design: the old one with other files and one parameter more.
fn description(dut: &Path, config: &DutConfig, files: &[PathBuf], last: usize) -> Result<String, CliError> {
    let text = std::fs::read_to_string(dut).map_err(CliError::file("read", dut))?;
    let mut table: toml::Table = toml::from_str(&text).map_err(|error| {
        CliError::Dut(DutError::Value {
            path: dut.to_owned(),
            message: error.message().to_owned(),
        })
    })?;
    let paths = |of: &[PathBuf]| -> toml::Value {
        of.iter()
            .map(|p| absolute(p).display().to_string())
            .collect::<Vec<_>>()
            .into()
    };
    table.remove("filelist");
    table.insert("files".to_owned(), paths(files));
    table.insert("include_dirs".to_owned(), paths(&config.include_dirs));
    table.insert("name".to_owned(), format!("{}_mutants", config.name).into());
    // The judge is asked, not the design.
    table.insert("no_assert".to_owned(), true.into());
    let mut inside = |name: &str, value: toml::Value| {
        let under = table.entry(name).or_insert_with(|| toml::Table::new().into());
        if let Some(under) = under.as_table_mut() {
            under.insert(schema::PARAMETER.to_owned(), value);
        }
    };
    inside("parameters", 0.into());
    let mut choice = toml::Table::new();
    choice.insert("built_as".to_owned(), 1.into());
    choice.insert(
        "range".to_owned(),
        vec![0, i64::try_from(last).unwrap_or(i64::MAX)].into(),
    );
    inside("runtime", choice.into());
    Ok(format!(
        "# Made by ringside strength from {}.\n{table}",
        dut.display()
    ))
}
