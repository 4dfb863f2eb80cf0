//! Tables: the one form in which numbers reach the page, the JSON and the CSV files.

use serde_json::{Map, Value as Json};

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Words.
    Text(String),
    /// A whole number.
    Count(u64),
    /// A fraction; the page shows so many digits after the point, the files ten significant ones.
    Number(f64, usize),
    /// Nothing to say: no sample, no divisor.
    None,
}

impl Value {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Value::Text(text.into())
    }

    /// `a / b`, nothing when `b` is zero.
    pub(crate) fn ratio(a: u64, b: u64, digits: usize) -> Self {
        if b == 0 {
            Value::None
        } else {
            Value::Number(a as f64 / b as f64, digits)
        }
    }

    /// `a / b` in per cent.
    pub(crate) fn percent(a: f64, b: f64) -> Self {
        if b > 0.0 {
            Value::Number(100.0 * a / b, 1)
        } else {
            Value::None
        }
    }

    /// A fraction that may be missing.
    pub(crate) fn number(number: Option<f64>, digits: usize) -> Self {
        number
            .filter(|n| n.is_finite())
            .map_or(Value::None, |n| Value::Number(n, digits))
    }

    /// A whole number that may be missing.
    pub(crate) fn count(count: Option<u64>) -> Self {
        count.map_or(Value::None, Value::Count)
    }

    /// As the page shows it: thousands apart, fractions rounded, a dash for nothing.
    pub(crate) fn show(&self) -> String {
        match self {
            Value::Text(t) => t.clone(),
            Value::Count(n) => thousands(&n.to_string()),
            Value::Number(n, digits) => thousands(&format!("{n:.digits$}")),
            Value::None => "–".to_owned(),
        }
    }

    /// As files carry it.
    pub(crate) fn plain(&self) -> String {
        match self {
            Value::Text(t) => t.clone(),
            Value::Count(n) => n.to_string(),
            Value::Number(n, _) => tidy(*n).to_string(),
            Value::None => String::new(),
        }
    }

    pub(crate) fn json(&self) -> Json {
        match self {
            Value::Text(t) => Json::from(t.as_str()),
            Value::Count(n) => Json::from(*n),
            Value::Number(n, _) => Json::from(tidy(*n)),
            Value::None => Json::Null,
        }
    }

    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Value::Text(_))
    }

    /// The number, if it is one.
    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Count(n) => Some(*n as f64),
            Value::Number(n, _) => Some(tidy(*n)),
            Value::Text(_) | Value::None => None,
        }
    }
}

/// Ten significant digits: what lies behind them is the arithmetic's, not the trace's.
pub(crate) fn tidy(n: f64) -> f64 {
    format!("{n:.9e}").parse().unwrap_or(n)
}

/// Groups of three digits before the point, set apart by a thin space that does not break.
fn thousands(number: &str) -> String {
    let (whole, rest) = number.split_at(number.find('.').unwrap_or(number.len()));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |d| ("-", d));
    let mut out = String::from(sign);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(c);
    }
    out + rest
}

/// A column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Name in files: lower case, with its unit.
    pub(crate) key: &'static str,
    /// Title on the page; an empty one is not shown there.
    pub(crate) title: &'static str,
}

/// Shorthand for a column.
pub(crate) const fn col(key: &'static str, title: &'static str) -> Column {
    Column { key, title }
}

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    /// Name of its CSV file and of its member in the JSON.
    pub(crate) id: &'static str,
    /// What it shows, in one line.
    pub(crate) caption: &'static str,
    pub(crate) columns: &'static [Column],
    pub(crate) rows: Vec<Vec<Value>>,
}

impl Table {
    pub(crate) fn new(id: &'static str, caption: &'static str, columns: &'static [Column]) -> Self {
        Table {
            id,
            caption,
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row, a cell for each column.
    pub(crate) fn push(&mut self, row: Vec<Value>) {
        debug_assert_eq!(row.len(), self.columns.len(), "table {}", self.id);
        self.rows.push(row);
    }

    /// The table as CSV (RFC 4180), names of the columns first.
    pub(crate) fn csv(&self) -> String {
        let mut out = self.columns.iter().map(|c| c.key).collect::<Vec<_>>().join(",") + "\r\n";
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|v| quoted(&v.plain())).collect();
            out += &cells.join(",");
            out += "\r\n";
        }
        out
    }

    /// The table as an array of objects.
    pub(crate) fn json(&self) -> Json {
        let object = |row: &Vec<Value>| {
            let members: Map<String, Json> = self
                .columns
                .iter()
                .zip(row)
                .map(|(c, v)| (c.key.to_owned(), v.json()))
                .collect();
            Json::Object(members)
        };
        Json::Array(self.rows.iter().map(object).collect())
    }

    /// Place of a column.
    pub(crate) fn at(&self, key: &str) -> usize {
        self.columns.iter().position(|c| c.key == key).unwrap_or(0)
    }
}

/// A cell of a CSV file.
pub(crate) fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_for_people_and_for_programs() {
        for (v, shown, plain) in [
            (Value::Count(1_234_567), "1\u{202f}234\u{202f}567", "1234567"),
            (Value::Count(999), "999", "999"),
            (Value::Number(12_345.678, 1), "12\u{202f}345.7", "12345.678"),
            (Value::Number(-1234.5, 0), "-1\u{202f}234", "-1234.5"),
            (Value::ratio(1, 3, 2), "0.33", "0.3333333333"),
            (Value::ratio(1, 0, 2), "–", ""),
            (Value::text("a \"b\", c"), "a \"b\", c", "a \"b\", c"),
        ] {
            assert_eq!((v.show().as_str(), v.plain().as_str()), (shown, plain));
        }
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        const COLUMNS: &[Column] = &[col("a", "A"), col("b", "B")];
        let mut t = Table::new("t", "", COLUMNS);
        t.push(vec![Value::text("x, \"y\""), Value::None]);
        assert_eq!(t.csv(), "a,b\r\n\"x, \"\"y\"\"\",\r\n");
        assert_eq!(t.json().to_string(), r#"[{"a":"x, \"y\"","b":null}]"#);
    }
}
