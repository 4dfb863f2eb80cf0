//! How one side says when it wants to be notified, and what that means for the positions that the other side passes.

use super::windows::crossed;

/// Form of the word in which a side says whether it wants to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// Split ring without `EVENT_IDX`: bit 0 set means no.
    Flag,
    /// Split ring with `EVENT_IDX`: the position that shall be passed, modulo 2^16.
    Position,
}

/// What a word asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    No,
    Yes,
}

impl Asking {
    /// Does this word ask to hear of the positions `from..to`?
    pub(crate) fn wish(self, word: u32, from: u64, to: u64) -> Wish {
        let yes = match self {
            Asking::Flag => word & 1 == 0,
            Asking::Position => crossed(word as u16, to as u16, from as u16),
        };
        if yes { Wish::Yes } else { Wish::No }
    }
}
