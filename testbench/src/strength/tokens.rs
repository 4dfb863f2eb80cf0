//! SystemVerilog text as tokens, as far as an expression needs them.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name, a keyword, a system call.
    Word,
    /// A number, sized or not, or a string.
    Literal,
    /// An operator or another sign.
    Sign,
    /// `(`, `[`, `{` or `'{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
}

/// A token: what it is and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where in the text, in bytes.
    pub range: Range<usize>,
    /// How many brackets are open round it; those of a pair are at the depth of what is round them.
    pub depth: usize,
}

/// Signs of more than one character, longest first.
const SIGNS: [&str; 32] = [
    "<<<=", ">>>=", "===", "!==", "==?", "!=?", "<<<", ">>>", "<<=", ">>=", "|->", "|=>", "->>", "&&&", "==",
    "!=", "<=", ">=", "&&", "||", "<<", ">>", "+=", "-=", "&=", "|=", "^=", "++", "--", "+:", "-:", "::",
];

/// The tokens of `text`, without spaces and comments; `None` where brackets do not match.
#[must_use]
pub fn tokens(text: &str) -> Option<Vec<Token>> {
    let bytes = text.as_bytes();
    let (mut found, mut at, mut depth) = (Vec::new(), 0, 0_usize);
    while at < bytes.len() {
        let rest = &text[at..];
        let length = if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        } else if rest.starts_with("/*") {
            at += rest.find("*/").map_or(rest.len(), |end| end + 2);
            continue;
        } else if bytes[at].is_ascii_whitespace() {
            at += 1;
            continue;
        } else {
            length(rest)
        };
        let first = bytes[at];
        let kind = match first {
            b'(' | b'[' | b'{' => Kind::Open,
            b'\'' if rest[1..].starts_with('{') => Kind::Open,
            b')' | b']' | b'}' => Kind::Close,
            b'"' | b'\'' | b'0'..=b'9' => Kind::Literal,
            _ if word(first) || first == b'$' => Kind::Word,
            _ => Kind::Sign,
        };
        if kind == Kind::Close {
            depth = depth.checked_sub(1)?;
        }
        found.push(Token {
            kind,
            range: at..at + length,
            depth,
        });
        if kind == Kind::Open {
            depth += 1;
        }
        at += length;
    }
    (depth == 0).then_some(found)
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Bytes of the token at the beginning of `rest`, which is no space.
fn length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let while_word = |from: usize| bytes[from..].iter().take_while(|b| word(**b)).count();
    match bytes[0] {
        b'"' => rest[1..].find('"').map_or(rest.len(), |end| end + 2),
        b'\'' if rest[1..].starts_with('{') => 2,
        b'\'' if rest[1..].starts_with('(') => 1,
        b'0'..=b'9' => {
            let digits = while_word(0);
            // The base and the digits of a sized number.
            let based = rest[digits..].starts_with('\'')
                && bytes.get(digits + 1).is_some_and(u8::is_ascii_alphabetic);
            if based {
                digits + 1 + while_word(digits + 1)
            } else {
                digits
            }
        }
        b'\'' | b'$' => 1 + while_word(1),
        first if word(first) => while_word(0),
        _ => SIGNS.iter().find(|sign| rest.starts_with(**sign)).map_or_else(
            || rest.chars().next().map_or(1, char::len_utf8),
            |sign| sign.len(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<(&str, Kind, usize)> {
        let found = tokens(text).unwrap();
        found
            .iter()
            .map(|t| (&text[t.range.clone()], t.kind, t.depth))
            .collect()
    }

    #[test]
    fn an_expression_is_taken_apart() {
        use Kind::{Close, Literal, Open, Sign, Word};
        assert_eq!(
            texts("a_q[4'd3] >= 16'(x) // >= no\n&& $bits(t)"),
            [
                ("a_q", Word, 0),
                ("[", Open, 0),
                ("4'd3", Literal, 1),
                ("]", Close, 0),
                (">=", Sign, 0),
                ("16", Literal, 0),
                ("'", Literal, 0),
                ("(", Open, 0),
                ("x", Word, 1),
                (")", Close, 0),
                ("&&", Sign, 0),
                ("$bits", Word, 0),
                ("(", Open, 0),
                ("t", Word, 1),
                (")", Close, 0),
            ]
        );
        assert_eq!(texts("'{a: '0}").len(), 5);
        assert_eq!(texts("p::X /* a\n */ <= \"b <= c\"").len(), 5);
    }

    #[test]
    fn what_is_torn_is_no_expression() {
        assert!(tokens("(a").is_none() && tokens("a)").is_none());
        assert_eq!(tokens("é'").map(|t| t.len()), Some(2));
        for odd in ["'", "\"", "$", "/*", "'{"] {
            let _ = tokens(odd);
        }
    }
}
