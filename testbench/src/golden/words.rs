//! A difference in words.

/// What is different where golden has the lines `golden` and the other trace `other`.
pub(super) fn words(stream: &str, golden: &[&str], other: &[&str]) -> String {
    let times = |n: usize| match n {
        1 => format!("a {}", thing(stream, "")),
        n => format!("{n} {}", thing(stream, "s")),
    };
    match (golden, other) {
        (gone, []) => format!("{} of golden missing now", times(gone.len())),
        ([], new) => format!("{} that golden does not have", times(new.len())),
        ([a, ..], [b, ..]) => {
            let rest = match (golden.len(), other.len()) {
                (1, 1) => String::new(),
                (a, b) => format!("; {a} of golden became {b} here"),
            };
            format!("another {}: {}{rest}", thing(stream, ""), changed(a, b))
        }
    }
}

/// What a line of a stream is; `s` makes it several.
fn thing(stream: &str, s: &str) -> String {
    let (channel, rest) = stream.split_once(' ').unwrap_or((stream, ""));
    match (channel, rest) {
        ("rq", _) => match rest.rsplit_once(" q") {
            Some((purpose, queue)) => format!("`{purpose}` request{s} of queue {queue}"),
            None => format!("`{rest}` request{s}"),
        },
        ("cq", "") => format!("request{s} of the host"),
        ("cq", _) => format!("kick{s}"),
        ("cc", _) => format!("completion{s} of the device"),
        ("store", _) => format!("store{s} of the driver"),
        ("net_tx", _) => format!("frame{s} sent"),
        ("net_rx", "") => format!("frame{s} received"),
        ("net_rx", _) => format!("drop{s}"),
        _ => format!("line{s}"),
    }
}

/// What makes two lines differ: address, length, byte enables, data ...
fn changed(a: &str, b: &str) -> String {
    let (x, y): (Vec<&str>, Vec<&str>) = (a.split(' ').collect(), b.split(' ').collect());
    if x.first() != y.first() {
        return format!(
            "{} instead of {}",
            y.first().unwrap_or(&""),
            x.first().unwrap_or(&"")
        );
    }
    let mut said = Vec::new();
    for (i, (old, new)) in x.iter().zip(&y).enumerate().skip(1).filter(|(_, (o, n))| o != n) {
        let name = x[i - 1];
        said.push(match (name, address(old), address(new)) {
            (_, Some(from), Some(to)) => {
                let sign = if to > from { '+' } else { '-' };
                format!("{new} instead of {old} ({sign}{:#x})", to.abs_diff(from))
            }
            ("be", ..) => format!("byte enables {new} instead of {old}"),
            _ if x.get(i + 1) == Some(&"dw") || x.get(i + 1) == Some(&"bytes") => {
                format!("{new} {} instead of {old}", x[i + 1])
            }
            _ => data(old, new),
        });
    }
    if x.len() != y.len() {
        said.push(format!("{} fields instead of {}", y.len(), x.len()));
    }
    if said.is_empty() {
        "other spacing".to_owned()
    } else {
        said.join(", ")
    }
}

fn address(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// Where two strings of digits part.
fn data(old: &str, new: &str) -> String {
    let digits =
        |s: &str| s.len() > 2 && s.len().is_multiple_of(2) && s.bytes().all(|b| b.is_ascii_hexdigit());
    if !(digits(old) && digits(new)) {
        return format!("{new} instead of {old}");
    }
    if old.len() != new.len() {
        return format!("{} bytes of data instead of {}", new.len() / 2, old.len() / 2);
    }
    let at = old.bytes().zip(new.bytes()).take_while(|(x, y)| x == y).count() / 2;
    let byte = |s: &str| s[2 * at..2 * at + 2].to_owned();
    let differ = (0..old.len() / 2)
        .filter(|i| old[2 * i..2 * i + 2] != new[2 * i..2 * i + 2])
        .count();
    format!(
        "byte {at} of the data is {} instead of {}{}",
        byte(new),
        byte(old),
        if differ > 1 {
            format!(", {differ} bytes differ")
        } else {
            String::new()
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named() {
        let read = "MRd 0x1000 4 dw be f/f";
        for (stream, golden, other, said) in [
            (
                "rq descriptor q1",
                vec![],
                vec![read],
                "a `descriptor` request of queue 1 that golden does not have",
            ),
            (
                "rq used index q0",
                vec![read, read],
                vec![],
                "2 `used index` requests of queue 0 of golden missing now",
            ),
            (
                "rq descriptor q1",
                vec![read],
                vec!["MRd 0xff0 8 dw be f/c"],
                "another `descriptor` request of queue 1: 0xff0 instead of 0x1000 (-0x10), 8 dw instead of 4, byte enables f/c instead of f/f",
            ),
            (
                "rq used element q1",
                vec!["MWr 0x2000 be f/f 0100000048000000"],
                vec!["MWr 0x2000 be f/f 0100000049000001", read],
                "another `used element` request of queue 1: byte 4 of the data is 49 instead of 48, 2 bytes differ; 1 of golden became 2 here",
            ),
            (
                "cc",
                vec![read],
                vec!["Cpl (SC) 4 bytes"],
                "another completion of the device: Cpl instead of MRd",
            ),
            (
                "net_tx q0",
                vec!["0102"],
                vec!["010203"],
                "another frame sent: 010203 instead of 0102",
            ),
        ] {
            assert_eq!(words(stream, &golden, &other), said);
        }
    }
}
