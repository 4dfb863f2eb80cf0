//! How one side says when it wants to be notified, and what that means for the positions that the other side passes.

use super::windows::crossed;

/// Form of the word in which a side says whether it wants to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// Split ring without `EVENT_IDX`: bit 0 set means no.
    Flag,
    /// Split ring with `EVENT_IDX`: the position that shall be passed, modulo 2^16.
    Position,
    /// Packed ring: {wrap, offset} in the lower half, the mode in the upper half.
    Structure { size: u16, event_idx: bool },
}

/// What a word asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    No,
    /// The word is not one that may be there; telling and not telling are both right.
    Either,
    Yes,
}

impl From<bool> for Wish {
    fn from(yes: bool) -> Self {
        if yes { Wish::Yes } else { Wish::No }
    }
}

impl Asking {
    /// Does this word ask to hear of the positions `from..to`?
    pub(crate) fn wish(self, word: u32, from: u64, to: u64) -> Wish {
        match self {
            Asking::Flag => (word & 1 == 0).into(),
            Asking::Position => crossed(word as u16, to as u16, from as u16).into(),
            Asking::Structure { size, event_idx } => match word >> 16 & 3 {
                0 => Wish::Yes,
                1 => Wish::No,
                2 if event_idx && word & 0x7fff < size.into() => {
                    (packed_distance(word as u16, from, size) < to - from).into()
                }
                _ => Wish::Either,
            },
        }
    }
}

/// Distance from a running position of a packed ring forward to {wrap, offset}, modulo two laps.
pub(crate) fn packed_distance(event: u16, from: u64, size: u16) -> u64 {
    let lap = u64::from(size);
    let offset = u64::from(event & 0x7fff) % (2 * lap);
    let place = if event >> 15 == 1 { offset } else { offset + lap };
    (place + 2 * lap - from % (2 * lap)) % (2 * lap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_crossing_is_the_definition() {
        for size in [1u16, 2, 3, 5, 8] {
            let asking = Asking::Structure {
                size,
                event_idx: true,
            };
            let lap = u64::from(size);
            for from in 0..4 * lap {
                for n in 0..=lap {
                    for (offset, wrap) in (0..size).flat_map(|o| [(o, 0u16), (o, 1)]) {
                        let passed = (from..from + n)
                            .any(|p| p % lap == u64::from(offset) && (p / lap % 2 == 0) == (wrap == 1));
                        let word = 2 << 16 | u32::from(wrap << 15 | offset);
                        assert_eq!(
                            asking.wish(word, from, from + n),
                            passed.into(),
                            "size {size} from {from} n {n} offset {offset} wrap {wrap}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn modes_and_words_that_may_not_be() {
        let asking = |event_idx| Asking::Structure { size: 4, event_idx };
        let wish = |mode: u32, word: u32| asking(true).wish(mode << 16 | word, 0, 4);
        assert_eq!((wish(0, 0), wish(1, 0)), (Wish::Yes, Wish::No));
        assert_eq!((wish(2, 4), wish(3, 0)), (Wish::Either, Wish::Either));
        assert_eq!((wish(2, 0x8003), wish(2, 3)), (Wish::Yes, Wish::No));
        assert_eq!(asking(false).wish(2 << 16, 0, 4), Wish::Either);
        assert_eq!(asking(true).wish(0xfffc_0000, 0, 1), Wish::Yes);
    }
}
