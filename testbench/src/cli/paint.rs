//! A little colour, on a terminal only.

use std::io::IsTerminal as _;

/// Colours text, or does not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint(bool);

impl Paint {
    /// For standard output.
    pub(super) fn stdout() -> Self {
        Paint(std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none())
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// Good news.
    pub(super) fn good(self, text: &str) -> String {
        self.with("1;32", text)
    }

    /// Bad news.
    pub(super) fn bad(self, text: &str) -> String {
        self.with("1;31", text)
    }

    /// Of less weight.
    pub(super) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    /// Of more weight.
    pub(super) fn strong(self, text: &str) -> String {
        self.with("1", text)
    }
}

/// Tells on the terminal's error stream what takes long; says nothing to a file or a pipe.
pub(super) struct Progress(Option<indicatif::ProgressBar>);

impl Progress {
    /// A new one.
    pub(super) fn new() -> Self {
        Progress(std::io::stderr().is_terminal().then(|| {
            let bar = indicatif::ProgressBar::new_spinner();
            bar.enable_steady_tick(std::time::Duration::from_millis(120));
            bar
        }))
    }

    /// Since when, for people who wait: zero where nobody looks.
    pub(super) fn elapsed(&self) -> std::time::Duration {
        self.0
            .as_ref()
            .map(indicatif::ProgressBar::elapsed)
            .unwrap_or_default()
    }

    /// Does something while it is not there: prints a line that is to stay.
    pub(super) fn hide(&self, what: impl FnOnce()) {
        match &self.0 {
            Some(bar) => bar.suspend(what),
            None => what(),
        }
    }

    /// Says what is done now.
    pub(super) fn say(&self, text: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(text.to_owned());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// A number with thin groups of three digits.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// One thing or several.
pub(super) fn count(n: u64, thing: &str) -> String {
    format!("{} {thing}{}", grouped(n), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let all: Vec<String> = [0, 999, 1000, 1_234_567].map(grouped).into();
        assert_eq!(all, ["0", "999", "1 000", "1 234 567"]);
        assert_eq!(
            (count(1, "frame"), count(2, "frame")),
            ("1 frame".into(), "2 frames".into())
        );
    }
}
