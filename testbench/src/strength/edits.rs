//! What can be changed in an expression or a statement, as text.

use std::ops::Range;

use super::tokens::{Kind, Token, tokens};

/// What a stretch of source becomes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// An expression: another one.
    Expression(String),
    /// A statement: it is left out.
    Dropped,
}

/// One small change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Its kind, in a word.
    pub operator: &'static str,
    /// What is changed, in bytes of the text that was asked about.
    pub range: Range<usize>,
    /// What it becomes.
    pub change: Change,
}

/// Binary operators by how tightly they bind, loosest first. Those of one row bind alike, from the left.
const ROWS: [&[&str]; 9] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<", "<=", ">", ">="],
    &["<<", ">>"],
    &["+", "-"],
];
/// What another operator may stand for.
const SWAPS: [(&str, &str, &str); 13] = [
    ("==", "!=", "comparison"),
    ("!=", "==", "comparison"),
    ("<", "<=", "boundary"),
    ("<=", "<", "boundary"),
    (">", ">=", "boundary"),
    (">=", ">", "boundary"),
    ("&&", "||", "logic"),
    ("||", "&&", "logic"),
    ("&", "|", "logic"),
    ("|", "&", "logic"),
    ("^", "|", "logic"),
    ("+", "-", "arithmetic"),
    ("-", "+", "arithmetic"),
];

/// The changes of `text`, the source of some cell; `compares`: a `<=` outside all brackets is a comparison. None where it is neither an expression with an operator nor a statement that is understood.
#[must_use]
pub fn edits(text: &str, compares: bool) -> Vec<Edit> {
    let Some(tokens) = tokens(text).filter(|t| !t.is_empty()) else {
        return Vec::new();
    };
    let read = Reading {
        text,
        tokens,
        compares,
    };
    if read.word(0) == "if" {
        read.condition()
    } else if read.sign_at(read.tokens.len() - 1, ";") {
        read.statement()
    } else {
        read.expression()
    }
}

/// A text that is being read.
struct Reading<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    compares: bool,
}

impl Reading<'_> {
    fn word(&self, index: usize) -> &str {
        &self.text[self.tokens[index].range.clone()]
    }

    fn sign_at(&self, index: usize, sign: &str) -> bool {
        self.tokens[index].kind == Kind::Sign && self.word(index) == sign
    }

    /// Text from one token to before another.
    fn between(&self, from: usize, to: usize) -> &str {
        &self.text[self.tokens[from].range.start..self.tokens[to - 1].range.end]
    }

    /// Is the token at `index` an operator between two operands?
    fn binary(&self, index: usize) -> bool {
        let operand = |t: &Token| matches!(t.kind, Kind::Word | Kind::Literal | Kind::Close);
        self.tokens[index].depth == 0
            && self.tokens[index].kind == Kind::Sign
            && index > 0
            && index + 1 < self.tokens.len()
            && operand(&self.tokens[index - 1])
    }

    /// The whole text becomes this.
    fn whole(&self, operator: &'static str, to: String) -> Edit {
        Edit {
            operator,
            range: self.tokens[0].range.start..self.tokens[self.tokens.len() - 1].range.end,
            change: Change::Expression(to),
        }
    }

    /// `if (...)`: its condition always holds, or never.
    fn condition(&self) -> Vec<Edit> {
        let mut brackets = (1..self.tokens.len()).filter(|i| self.tokens[*i].depth == 0);
        let (Some(1), Some(close)) = (brackets.next(), brackets.next()) else {
            return Vec::new();
        };
        if self.word(1) != "(" || self.word(close) != ")" || close < 3 || self.text.contains("planted") {
            return Vec::new();
        }
        let range = self.tokens[2].range.start..self.tokens[close - 1].range.end;
        ["1'b1", "1'b0"]
            .map(|to| Edit {
                operator: "condition",
                range: range.clone(),
                change: Change::Expression(to.to_owned()),
            })
            .into()
    }

    /// `q <= d;`: it is left out.
    fn statement(&self) -> Vec<Edit> {
        let last = self.tokens.len() - 1;
        let ends = (0..=last).filter(|i| self.sign_at(*i, ";")).count();
        let assigns = (0..last).find(|i| self.tokens[*i].depth == 0 && self.sign_at(*i, "<="));
        let to = |i: usize| {
            self.tokens[..i]
                .iter()
                .all(|t| t.depth > 0 || t.kind != Kind::Sign || &self.text[t.range.clone()] == ".")
        };
        if ends != 1
            || !assigns.is_some_and(|i| i > 0 && i + 1 < last && to(i))
            || self.text.contains("planted")
        {
            return Vec::new();
        }
        vec![Edit {
            operator: "statement",
            range: self.tokens[0].range.start..self.tokens[last].range.end,
            change: Change::Dropped,
        }]
    }

    fn expression(&self) -> Vec<Edit> {
        // An assignment, a label, a list: no expression, or not only one.
        let odd = |i: usize| {
            self.tokens[i].depth == 0
                && self.tokens[i].kind == Kind::Sign
                && (self.word(i).ends_with('=') && !["==", "!=", "<=", ">="].contains(&self.word(i))
                    || [",", ";", "++", "--"].contains(&self.word(i)))
        };
        let assigns = |i: usize| !self.compares && self.tokens[i].depth == 0 && self.sign_at(i, "<=");
        if (0..self.tokens.len()).any(|i| odd(i) || assigns(i)) || self.text.contains("planted") {
            return Vec::new();
        }
        if let Some(question) =
            (0..self.tokens.len()).find(|i| self.tokens[*i].depth == 0 && self.sign_at(*i, "?"))
        {
            return self.choice(question);
        }
        for row in ROWS {
            let of_row = |i: &usize| self.binary(*i) && row.contains(&self.word(*i));
            if let Some(at) = (0..self.tokens.len()).rev().find(of_row) {
                return self.swapped(at);
            }
        }
        let rest =
            self.tokens.len() > 1 && (0..self.tokens.len()).all(|i| !self.binary(i) || self.word(i) == ".");
        match self.word(0) {
            "!" if rest => vec![self.whole(
                "negation",
                format!("(({}) && 1'b1)", self.between(1, self.tokens.len())),
            )],
            "~" if rest => vec![self.whole("negation", format!("({})", self.between(1, self.tokens.len())))],
            _ => Vec::new(),
        }
    }

    /// `c ? a : b`: its arms change places.
    fn choice(&self, question: usize) -> Vec<Edit> {
        let mut open = 0;
        for i in question + 1..self.tokens.len() - 1 {
            let (nested, colon) = (self.sign_at(i, "?"), self.sign_at(i, ":"));
            if self.tokens[i].depth > 0 || !(nested || colon) {
                continue;
            }
            if nested {
                open += 1;
            } else if open > 0 {
                open -= 1;
            } else if question > 0 && i > question + 1 {
                let (yes, no) = (
                    self.between(question + 1, i),
                    self.between(i + 1, self.tokens.len()),
                );
                let to = format!("{} ? ({no}) : ({yes})", self.between(0, question));
                return vec![self.whole("arms", to)];
            }
        }
        Vec::new()
    }

    /// `a op b`: another operator, one side only, a number one greater.
    fn swapped(&self, at: usize) -> Vec<Edit> {
        let (left, right) = (self.between(0, at), self.between(at + 1, self.tokens.len()));
        let mut found = Vec::new();
        if let Some((old, new, operator)) = SWAPS.iter().find(|(old, ..)| *old == self.word(at)) {
            found.push(self.whole(operator, format!("{left} {new} {right}")));
            if ["&&", "||"].contains(old) {
                found.extend([left, right].map(|side| self.whole("side", format!("(({side}) && 1'b1)"))));
            }
        }
        if at + 2 == self.tokens.len() && !["&", "|", "^", "&&", "||"].contains(&self.word(at)) {
            let next = greater(right).map(|n| format!("{left} {} {n}", self.word(at)));
            found.extend(next.map(|to| self.whole("constant", to)));
        }
        found
    }
}

/// A number, one greater, in as many bits.
fn greater(literal: &str) -> Option<String> {
    let Some((bits, based)) = literal.split_once('\'') else {
        return literal.parse::<u32>().ok()?.checked_add(1).map(|n| n.to_string());
    };
    let bits: u32 = bits.parse().ok().filter(|b| (1..=64).contains(b))?;
    let digits: String = based.get(1..)?.chars().filter(|c| *c != '_').collect();
    let radix = match based.get(..1)? {
        "d" => 10,
        "h" => 16,
        "b" => 2,
        _ => return None,
    };
    let value = u128::from_str_radix(&digits, radix).ok()?;
    Some(format!("{bits}'d{}", (value + 1) % (1 << bits)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn becomes(text: &str) -> Vec<(&str, String)> {
        let to = |e: &Edit| match &e.change {
            Change::Expression(to) => format!("{}{to}{}", &text[..e.range.start], &text[e.range.end..]),
            Change::Dropped => "-".to_owned(),
        };
        edits(text, !text.contains(';'))
            .iter()
            .map(|e| (e.operator, to(e)))
            .collect()
    }

    fn texts(text: &str) -> Vec<String> {
        becomes(text).into_iter().map(|(_, t)| t).collect()
    }

    #[test]
    fn operators_change_places() {
        assert_eq!(texts("a == b[c != d]"), ["a != b[c != d]"]);
        assert_eq!(texts("a + b - c"), ["a + b + c"]);
        assert_eq!(texts("a <= b & c"), ["a <= b | c"]);
        assert_eq!(texts("(a | b) ^ c"), ["(a | b) | c"]);
        assert_eq!(texts("p::X(a) >= -b"), ["p::X(a) > -b"]);
        assert_eq!(
            texts("a && b || c"),
            ["a && b && c", "((a && b) && 1'b1)", "((c) && 1'b1)"]
        );
    }

    #[test]
    fn numbers_grow_by_one_in_their_width() {
        assert_eq!(texts("n < 4'd9"), ["n <= 4'd9", "n < 4'd10"]);
        assert_eq!(texts("n == 2'b11"), ["n != 2'b11", "n == 2'd0"]);
        assert_eq!(texts("n - 16'hff_ff"), ["n + 16'hff_ff", "n - 16'd0"]);
        assert_eq!(texts("n + 1"), ["n - 1", "n + 2"]);
        assert_eq!(texts("n != '0"), ["n == '0"]);
        assert_eq!(texts("n == 65'd1"), ["n != 65'd1"]);
    }

    #[test]
    fn choices_negations_conditions_and_statements() {
        assert_eq!(texts("a ? b ? 1 : 2 : c"), ["a ? (c) : (b ? 1 : 2)"]);
        assert_eq!(texts("a[x ? 1 : 0] ? b : c"), ["a[x ? 1 : 0] ? (c) : (b)"]);
        assert_eq!(texts("!a.b[2]"), ["((a.b[2]) && 1'b1)"]);
        assert_eq!(texts("~(a + b)"), ["((a + b))"]);
        assert_eq!(
            texts("if (a && b) q <= d; else q <= e;"),
            ["if (1'b1) q <= d; else q <= e;", "if (1'b0) q <= d; else q <= e;"]
        );
        assert_eq!(becomes("q.x[a <= b] <= d;"), [("statement", "-".to_owned())]);
    }

    #[test]
    fn what_is_not_understood_stays() {
        for text in [
            "",
            "a",
            "q = d;",
            "a += b",
            "i++",
            "a, b == c",
            "a == b; c",
            "begin q <= d; end",
            "q <= d; r <= e;",
            "case (a)",
            "(a",
            "a && !planted(BUG, 3)",
            "if (planted(BUG, 3)) q <= d;",
            "'{a: b == c}",
            "a ? b",
            "a ? : b",
            "? a : b",
            "==",
            "a ==",
            "if (",
            "if ()",
            "!",
            "x <=;",
        ] {
            let found = becomes(text);
            assert_eq!(found, [], "{text}");
        }
    }
}
