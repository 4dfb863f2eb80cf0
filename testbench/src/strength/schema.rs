//! A copy of the sources with all mutants in it. Each stands beside what it replaces, behind a comparison with the number of the mutant in force; 0 is none of them.
//!
//! `a == b` with mutant 7 becomes `((mutant_pkg::chosen == 7) ? (a != b) : (a == b))`, a statement left out `begin if (mutant_pkg::chosen != 7) q <= d; end`.
//! Within what a mutant puts in, no other is: only one is in force. The number comes as plusarg `+MUTANT=number`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::StrengthError;
use super::cells::Source;
use super::edits::Change;
use super::mutant::Mutant;
use super::tokens::{Kind, tokens};

/// Parameter of the mutated design's top that says which mutant is in force, and the name of the plusarg.
pub const PARAMETER: &str = "MUTANT";

/// The file that holds the number.
const PACKAGE: &str = "/// The mutant in force; 0: none.
package mutant_pkg;
  int unsigned chosen;

  function automatic void choose();
    if ($value$plusargs(\"MUTANT=%d\", chosen) == 0) chosen = 0;
  endfunction
endpackage
";

/// A stretch of a file and the mutants that change just that, by their numbers.
struct Node<'a> {
    from: usize,
    to: usize,
    mutants: Vec<(usize, &'a Change)>,
    inside: Vec<Node<'a>>,
}

/// Writes the mutated sources below `folder`: the files in compile order. Mutants are numbered from 1 in their order.
///
/// # Errors
/// The top module is not understood, or a file cannot be written.
pub fn write(
    sources: &[Source],
    base: &Path,
    top: &str,
    mutants: &[Mutant],
    folder: &Path,
) -> Result<Vec<PathBuf>, StrengthError> {
    let mut files = vec![folder.join("mutant_pkg.sv")];
    put(&files[0], PACKAGE.as_bytes())?;
    let mut has_top = false;
    for (index, source) in sources.iter().enumerate() {
        let numbered = mutants.iter().zip(1..).filter(|(m, _)| m.source == index);
        let mut text = mutated(&source.text, numbered);
        if let Some(chooses) = with_choice(&text, top) {
            (text, has_top) = (chooses, true);
        }
        let below = source.path.strip_prefix(base).map_or_else(
            |_| Path::new("elsewhere").join(source.path.file_name().unwrap_or_default()),
            Path::to_owned,
        );
        files.push(folder.join(below));
        put(&files[index + 1], text.as_bytes())?;
    }
    if !has_top {
        return Err(StrengthError::Top { top: top.to_owned() });
    }
    Ok(files)
}

/// Writes a file whole, unless that is what it holds: others may be reading it.
///
/// # Errors
/// It cannot be written.
pub fn put(path: &Path, text: &[u8]) -> Result<(), StrengthError> {
    if std::fs::read(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(StrengthError::file("create", parent))?;
    let begun = path.with_extension(format!("{}.part", std::process::id()));
    std::fs::write(&begun, text).map_err(StrengthError::file("write", &begun))?;
    std::fs::rename(&begun, path).map_err(StrengthError::file("write", path))
}

/// The text of a file with its mutants.
fn mutated<'a>(text: &str, mutants: impl Iterator<Item = (&'a Mutant, usize)>) -> String {
    let mut nodes: Vec<Node> = Vec::new();
    for (mutant, number) in mutants {
        let (from, to) = (mutant.range.start, mutant.range.end);
        match nodes.iter_mut().find(|n| (n.from, n.to) == (from, to)) {
            Some(node) => node.mutants.push((number, &mutant.change)),
            None => nodes.push(Node {
                from,
                to,
                mutants: vec![(number, &mutant.change)],
                inside: Vec::new(),
            }),
        }
    }
    nodes.sort_by_key(|n| (n.from, std::cmp::Reverse(n.to)));
    let mut out = String::new();
    render(text, 0..text.len(), &nest(nodes), &mut out);
    out
}

/// What lies within another belongs into it. What overlaps another, which expressions of a grammar do not, is left out.
fn nest(nodes: Vec<Node>) -> Vec<Node> {
    let mut roots: Vec<Node> = Vec::new();
    for node in nodes {
        place(&mut roots, node);
    }
    roots
}

fn place<'a>(among: &mut Vec<Node<'a>>, node: Node<'a>) {
    match among.last_mut() {
        Some(last) if node.to <= last.to => place(&mut last.inside, node),
        Some(last) if node.from < last.to => {}
        _ => among.push(node),
    }
}

fn render(text: &str, range: std::ops::Range<usize>, nodes: &[Node], out: &mut String) {
    let mut at = range.start;
    for node in nodes {
        out.push_str(&text[at..node.from]);
        let mut drops = Vec::new();
        let mut brackets = 0;
        for (number, change) in &node.mutants {
            match change {
                Change::Expression(to) => {
                    // A comment at the end of a line would swallow what follows it.
                    let _ = write!(out, "((mutant_pkg::chosen == {number}) ? (\n{to}\n) : ");
                    brackets += 1;
                }
                Change::Dropped => drops.push(format!("mutant_pkg::chosen != {number}")),
            }
        }
        let (open, close) = match (drops.is_empty(), brackets) {
            (false, _) => (format!("begin if ({}) ", drops.join(" && ")), " end"),
            (true, _) => ("(".to_owned(), ")"),
        };
        out.push_str(&open);
        render(text, node.from..node.to, &node.inside, out);
        out.push_str(close);
        out.push_str(&")".repeat(brackets));
        at = node.to;
    }
    out.push_str(&text[at..range.end]);
}

/// The file of the top module: the parameter, and the choice when a simulation begins. `None`: it is not in this file.
fn with_choice(text: &str, top: &str) -> Option<String> {
    let found = tokens(text)?;
    let is = |i: usize, what: &str| found.get(i).is_some_and(|t| text[t.range.clone()] == *what);
    let module = (0..found.len()).find(|i| is(*i, "module") && is(*i + 1, top))?;
    let list = (module..found.len()).find(|i| is(*i, "#") && is(*i + 1, "(") && found[*i].depth == 0)?;
    let end = (list..found.len()).find(|i| is(*i, "endmodule") && found[*i].kind == Kind::Word)?;
    let (inside, end) = (found[list + 1].range.end, found[end].range.start);
    let first = if is(list + 2, ")") { "" } else { "," };
    Some(format!(
        "{}\n    parameter int unsigned {PARAMETER} = 0{first}{}  initial if ({PARAMETER} != 0) mutant_pkg::choose();\n{}",
        &text[..inside],
        &text[inside..end],
        &text[end..]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strength::edits::edits;
    use crate::strength::mutant::Name;

    fn of(text: &str, part: &str) -> Vec<Mutant> {
        let at = text.find(part).unwrap();
        edits(part, false)
            .into_iter()
            .map(|e| Mutant {
                name: Name {
                    file: "m.sv".to_owned(),
                    from: part.to_owned(),
                    to: String::new(),
                },
                twin: 0,
                operator: e.operator,
                source: 0,
                range: at + e.range.start..at + e.range.end,
                change: e.change,
                line: 1,
            })
            .collect()
    }

    fn squeezed(text: &str, mutants: &[Mutant]) -> String {
        let out = mutated(text, mutants.iter().zip(1..));
        out.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .replace("mutant_pkg::chosen", "n")
    }

    #[test]
    fn mutants_nest_and_only_the_original_holds_others() {
        let text = "x = a == b && c;";
        let mut mutants = of(text, "a == b && c");
        mutants.extend(of(text, "a == b"));
        assert_eq!(
            squeezed(text, &mutants),
            "x = ((n == 1) ? ( a == b || c ) : ((n == 2) ? ( ((a == b) && 1'b1) ) : ((n == 3) ? ( ((c) && 1'b1) ) : \
             (((n == 4) ? ( a != b ) : (a == b)) && c))));"
        );
    }

    #[test]
    fn a_statement_is_left_out_within_a_condition() {
        let text = "if (go) q <= d; else r <= e;";
        let mut mutants = of(text, text);
        mutants.extend(of(text, "q <= d;"));
        assert_eq!(
            squeezed(text, &mutants),
            "if (((n == 1) ? ( 1'b1 ) : ((n == 2) ? ( 1'b0 ) : (go)))) begin if (n != 3) q <= d; end else r <= e;"
        );
    }

    #[test]
    fn the_top_gets_the_parameter_and_the_choice() {
        let text = "// module top #(\nmodule top\n  import p::*;\n#(\n  parameter A = 1\n) (\n  input a\n);\nendmodule\n";
        let out = with_choice(text, "top").unwrap();
        assert!(
            out.contains("#(\n    parameter int unsigned MUTANT = 0,\n  parameter A"),
            "{out}"
        );
        assert!(out.contains("choose();\nendmodule"), "{out}");
        assert!(with_choice(text, "other").is_none());
    }
}
