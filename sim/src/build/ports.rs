//! The port table: read from the generated class header, written as C++ for the model library.
//!
//! The `VL_IN*`/`VL_OUT*` lines are the same in every Verilator since version 4, which its JSON and XML dumps are not.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::error::BuildError;

/// Which way a port goes, seen from the design.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// Driven by the testbench.
    Input,
    /// Driven by the design.
    Output,
}

/// One flat port of the top module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortInfo {
    /// Name in the source.
    pub name: String,
    /// Direction.
    pub dir: Direction,
    /// Width in bits.
    pub width_bits: u32,
}

/// A port with the C++ member that holds it.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) info: PortInfo,
    pub(super) cpp: String,
}

/// Reads the ports out of the generated `Vdut.h`.
pub(super) fn parse_header(dut: &str, header: &str) -> Result<Vec<Member>, BuildError> {
    let mut members = Vec::new();
    for line in header.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("VlUnpacked<").filter(|rest| rest.contains('&')) {
            let name = rest.rsplit('&').next().unwrap_or("").trim_end_matches(';');
            return Err(unsupported(dut, &decode(name), "an unpacked array"));
        }
        let (dir, rest) = if let Some(rest) = line.strip_prefix("VL_INOUT") {
            let name = rest
                .split_once("(&")
                .and_then(|(_, r)| r.split_once(','))
                .map_or("?", |(n, _)| n);
            return Err(unsupported(dut, &decode(name), "bidirectional"));
        } else if let Some(rest) = line.strip_prefix("VL_IN") {
            (Direction::Input, rest)
        } else if let Some(rest) = line.strip_prefix("VL_OUT") {
            (Direction::Output, rest)
        } else {
            continue;
        };
        let Some((_, arguments)) = rest.split_once('(') else {
            continue;
        };
        let arguments = arguments.trim_end_matches([';', ')']);
        let mut parts = arguments.split(',');
        let Some(cpp) = parts.next().and_then(|name| name.strip_prefix('&')) else {
            return Err(unsupported(dut, arguments, "an unpacked array"));
        };
        let mut number = || parts.next().and_then(|text| text.trim().parse::<u32>().ok());
        let (Some(msb), Some(lsb)) = (number(), number()) else {
            continue;
        };
        members.push(Member {
            info: PortInfo {
                name: decode(cpp),
                dir,
                width_bits: msb.abs_diff(lsb) + 1,
            },
            cpp: cpp.to_owned(),
        });
    }
    members.sort_by(|a, b| a.info.name.cmp(&b.info.name));
    Ok(members)
}

fn unsupported(dut: &str, port: &str, what: &str) -> BuildError {
    BuildError::Port {
        name: dut.to_owned(),
        port: port.to_owned(),
        what: what.to_owned(),
    }
}

/// Undoes Verilator's encoding of names: `__0HH` is the character with hex code HH, `__SYM__` guards a C++ keyword.
fn decode(cpp: &str) -> String {
    let mut rest = cpp.strip_prefix("__SYM__").unwrap_or(cpp);
    let mut name = String::with_capacity(rest.len());
    while let Some(at) = rest.find("__0") {
        let (before, code) = rest.split_at(at);
        name.push_str(before);
        if let Some(byte) = code.get(3..5).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            name.push(char::from(byte));
            rest = &code[5..];
        } else {
            name.push_str(&code[..3]);
            rest = &code[3..];
        }
    }
    name.push_str(rest);
    name
}

/// `ports.inc`: the three member functions of `Dut` that know the ports.
pub(super) fn table(members: &[Member]) -> String {
    let mut text = String::from("void Dut::clear_inputs() {\n");
    for member in members.iter().filter(|m| m.info.dir == Direction::Input) {
        let cpp = &member.cpp;
        let width = member.info.width_bits;
        if width > 64 {
            let _ = writeln!(
                text,
                "    for (int i = 0; i < {}; ++i) top_->{cpp}[i] = 0;",
                width.div_ceil(32)
            );
        } else {
            let _ = writeln!(text, "    top_->{cpp} = 0;");
        }
    }
    let _ = write!(
        text,
        "}}\n\nstd::size_t Dut::port_count() const {{ return {}; }}\n\nringside::PortRow Dut::port(std::size_t index) const {{\n    switch (index) {{\n",
        members.len()
    );
    for (index, member) in members.iter().enumerate() {
        let cpp = &member.cpp;
        let width = member.info.width_bits;
        let address = if width > 64 {
            format!("&top_->{cpp}[0]")
        } else {
            format!("&top_->{cpp}")
        };
        let is_input = u8::from(member.info.dir == Direction::Input);
        let name = member.info.name.escape_default();
        let _ = writeln!(
            text,
            "    case {index}: return ringside::PortRow{{\"{name}\", {address}, {width}u, {is_input}}};"
        );
    }
    text.push_str("    default: throw std::out_of_range(\"port index\");\n    }\n}\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "
    VL_IN8(&clk,0,0);
    VL_OUT8(&int_,3,0);
    VL_OUT16(&s___05Fx,8,0);
    VL_INW(&d,511,0,16);
    VL_OUT64(&w40,39,0);
    CData/*0:0*/ internal;
";

    #[test]
    fn every_kind_of_port_line_is_read() {
        let members = parse_header("t", HEADER).unwrap();
        let rows: Vec<_> = members
            .iter()
            .map(|m| (m.info.name.as_str(), m.info.dir, m.info.width_bits))
            .collect();
        assert_eq!(
            rows,
            [
                ("clk", Direction::Input, 1),
                ("d", Direction::Input, 512),
                ("int_", Direction::Output, 4),
                ("s__x", Direction::Output, 9),
                ("w40", Direction::Output, 40),
            ]
        );
        let table = table(&members);
        assert!(table.contains("top_->d[i] = 0"), "{table}");
        assert!(table.contains("{\"s__x\", &top_->s___05Fx, 9u, 0}"), "{table}");
    }

    #[test]
    fn ports_that_are_not_flat_are_named() {
        let text = parse_header("t", "VlUnpacked<IData/*31:0*/, 2> &arr;")
            .unwrap_err()
            .to_string();
        assert_eq!(
            text,
            "t: port `arr` is an unpacked array; ports of the top module must be flat (packed)"
        );
        let text = parse_header("t", "VL_INOUT8(&pad,0,0);").unwrap_err().to_string();
        assert!(text.contains("`pad` is bidirectional"), "{text}");
    }

    #[test]
    fn names_are_decoded() {
        assert_eq!(decode("a___05Fb"), "a__b");
        assert_eq!(decode("__SYM__int"), "int");
        assert_eq!(decode("a__02Eb"), "a.b");
        assert_eq!(decode("a__0"), "a__0");
    }
}
