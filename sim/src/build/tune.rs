//! Two shortcuts in the code that Verilator generated, taken only where the text shows that nothing can come of it.
//!
//! * An assertion asks the runtime every time whether assertions are on: a call out of the model for each of them. A design
//!   without `$asserton`, `$assertoff` and `$assertcontrol` cannot change the answer.
//! * Each `eval` first computes what follows from the inputs alone, though at a clock edge only the clock has moved since
//!   the last one. Where nothing combinational reads the clock port, that pass is left to `eval` and not done by `eval_edge`.
//!
//! Code of another Verilator that looks different is left as it is: slower, never wrong.

use std::path::{Path, PathBuf};

use super::error::BuildError;

/// The flag that lets the pass over the inputs run; `model_main.cc` defines it.
const SETTLE: &str = "extern constinit thread_local bool ringside_settle;\n";
const FIRST_PASS: &str = "__VicoFirstIteration = 1U;";
const FIRST_PASS_IF: &str = "__VicoFirstIteration = ringside_settle;";
const ASSERT_ON: &str = "vlSymsp->_vm_contextp__->assertOnGet(";

/// Rewrites the generated files in `work`; `clock` is the name of the clock port.
pub(super) fn tune(work: &Path, clock: &str) -> Result<(), BuildError> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(work).map_err(BuildError::io("cannot read", work))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|end| end == "cpp") {
            let text = std::fs::read_to_string(&path).map_err(BuildError::io("cannot read", &path))?;
            files.push((path, text));
        }
    }
    let before: Vec<usize> = files.iter().map(|(_, text)| text.len()).collect();
    assertions_always_on(&mut files);
    inputs_once(&mut files, clock);
    for ((path, text), before) in files.iter().zip(before) {
        // Either rewriting changes a file's length.
        if text.len() != before {
            std::fs::write(path, text).map_err(BuildError::io("cannot write", path))?;
        }
    }
    Ok(())
}

fn assertions_always_on(files: &mut [(PathBuf, String)]) {
    let controls = ["assertOnSet(", "assertOnClear(", "assertOn("];
    if files
        .iter()
        .any(|(_, text)| controls.iter().any(|call| text.contains(call)))
    {
        return;
    }
    for (_, text) in files {
        let mut tuned = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((head, tail)) = rest.split_once(ASSERT_ON) {
            let Some((_, after)) = tail.split_once(')') else {
                break;
            };
            tuned.push_str(head);
            tuned.push_str("true");
            rest = after;
        }
        tuned.push_str(rest);
        *text = tuned;
    }
}

fn inputs_once(files: &mut [(PathBuf, String)], clock: &str) {
    let passes: usize = files
        .iter()
        .map(|(_, text)| text.matches(FIRST_PASS).count())
        .sum();
    if passes != 1 || files.iter().any(|(_, text)| input_logic_reads(text, clock)) {
        return;
    }
    if let Some((_, text)) = files.iter_mut().find(|(_, text)| text.contains(FIRST_PASS)) {
        *text = format!("{SETTLE}{}", text.replace(FIRST_PASS, FIRST_PASS_IF));
    }
}

/// Whether a function of the pass over the inputs (`ico` in its name) mentions the port.
fn input_logic_reads(text: &str, port: &str) -> bool {
    let mut inside = false;
    text.lines().any(|line| {
        // Generated functions begin in the first column and end with a brace there.
        if line.ends_with(") {") && !line.starts_with([' ', '}']) {
            inside = line.contains("ico_") || line.contains("__ico");
        } else if line.starts_with('}') {
            inside = false;
        }
        inside && mentions(line, port)
    })
}

/// Whether `line` holds `word` as a whole identifier, or as the first part of one that Verilator derived from it.
fn mentions(line: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(part_of_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuned(text: &str) -> String {
        let mut files = vec![(PathBuf::from("a.cpp"), text.to_owned())];
        assertions_always_on(&mut files);
        inputs_once(&mut files, "clk_i");
        files.remove(0).1
    }

    const EVAL: &str =
        "void Vdut___024root___eval(Vdut___024root* vlSelf) {\n    vlSelfRef.__VicoFirstIteration = 1U;\n}\n";

    #[test]
    fn assertions_do_not_ask() {
        let text = "    if (vlSymsp->_vm_contextp__->assertOnGet(2, 1)) {\n        if (a) stop();\n    }\n";
        assert_eq!(tuned(text), "    if (true) {\n        if (a) stop();\n    }\n");
    }

    #[test]
    fn a_design_that_controls_assertions_is_left_alone() {
        let text = "vlSymsp->_vm_contextp__->assertOnClear(1, 2);\nif (vlSymsp->_vm_contextp__->assertOnGet(2, 1)) {\n";
        assert_eq!(tuned(text), text);
    }

    #[test]
    fn inputs_are_passed_once_where_nothing_combinational_reads_the_clock() {
        let pass = "void Vdut___024root___ico_sequent__TOP__0(Vdut___024root* vlSelf) {\n    vlSelfRef.b = vlSelfRef.a;\n}\n";
        let text = tuned(&format!("{pass}{EVAL}"));
        assert!(text.starts_with(SETTLE) && text.contains(FIRST_PASS_IF), "{text}");
    }

    #[test]
    fn a_gated_clock_keeps_the_second_pass() {
        let pass = "void Vdut___024root___ico_sequent__TOP__0(Vdut___024root* vlSelf) {\n    vlSelfRef.gated = (vlSelfRef.clk_i & vlSelfRef.a);\n}\n";
        let text = format!("{pass}{EVAL}");
        assert_eq!(tuned(&text), text);
    }
}
