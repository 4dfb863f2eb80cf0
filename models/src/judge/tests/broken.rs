//! One wrong behaviour for each rule.
pub(super) struct Case {
    pub(super) rule: &'static str,
}
pub(super) fn cases() -> Vec<Case> {
    Vec::new()
}
