//! What two sequences have in common, in order, so that one element more does not make everything after it differ.

use std::ops::Range;

/// Elements of both sides that no alignment may hold apart further than this: beyond it the rest counts as one difference.
const FURTHEST: usize = 2000;

/// A place where two sequences differ: what the one has there and what the other has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hunk {
    pub(super) a: Range<usize>,
    pub(super) b: Range<usize>,
}

/// The differences of two sequences, in order (Myers' greedy algorithm: fewest elements added and removed).
pub(super) fn align<T: PartialEq>(a: &[T], b: &[T]) -> Vec<Hunk> {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (a_rest, b_rest) = (&a[head..], &b[head..]);
    let tail = a_rest
        .iter()
        .rev()
        .zip(b_rest.iter().rev())
        .take_while(|(x, y)| x == y)
        .count();
    let (a_rest, b_rest) = (&a_rest[..a_rest.len() - tail], &b_rest[..b_rest.len() - tail]);
    let mut hunks = match edits(a_rest, b_rest) {
        Some(steps) => gather(&steps),
        None => vec![Hunk {
            a: 0..a_rest.len(),
            b: 0..b_rest.len(),
        }],
    };
    for h in &mut hunks {
        h.a = h.a.start + head..h.a.end + head;
        h.b = h.b.start + head..h.b.end + head;
    }
    hunks
}

/// One element of `a` removed, or one of `b` added, at this place of both.
#[derive(Clone, Copy, Debug)]
struct Step {
    removed: bool,
    x: usize,
    y: usize,
}

/// The fewest steps from `a` to `b`; `None` if there are too many. A diagonal is `x - y`.
fn edits<T: PartialEq>(a: &[T], b: &[T]) -> Option<Vec<Step>> {
    // the furthest `x` on each diagonal after so many steps; diagonal 0 is in the middle
    let most = (a.len() + b.len()).min(FURTHEST);
    let mut furthest = vec![0usize; 2 * most + 3];
    let at = |diagonal: isize| (diagonal + most.cast_signed() + 1).cast_unsigned();
    let mut history: Vec<Vec<usize>> = Vec::new();
    for count in 0..=most {
        let steps = count.cast_signed();
        for diagonal in (-steps..=steps).step_by(2) {
            let (left, right) = (furthest[at(diagonal - 1)], furthest[at(diagonal + 1)]);
            let down = diagonal == -steps || diagonal != steps && left < right;
            let mut x = if down { right } else { left + 1 };
            let mut y = (x.cast_signed() - diagonal).cast_unsigned();
            while x < a.len() && y < b.len() && a[x] == b[y] {
                x += 1;
                y += 1;
            }
            furthest[at(diagonal)] = x;
            if x >= a.len() && y >= b.len() {
                return Some(back(&history, a.len(), b.len()));
            }
        }
        // so many steps reach no diagonal further out
        history.push(furthest[at(-steps)..=at(steps)].to_vec());
    }
    None
}

/// The way back from the end.
fn back(history: &[Vec<usize>], mut x: usize, mut y: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    for (count, row) in history.iter().enumerate().rev() {
        let furthest = |diagonal: isize| {
            let index = usize::try_from(diagonal + count.cast_signed()).ok()?;
            row.get(index).copied()
        };
        let diagonal = x.cast_signed() - y.cast_signed();
        let (left, right) = (furthest(diagonal - 1), furthest(diagonal + 1));
        let down = left.is_none() || right.is_some_and(|r| left.is_some_and(|l| l < r));
        let (from, x_before) = if down {
            (diagonal + 1, right.unwrap_or(0))
        } else {
            (diagonal - 1, left.unwrap_or(0))
        };
        (x, y) = (x_before, (x_before.cast_signed() - from).cast_unsigned());
        steps.push(Step { removed: !down, x, y });
    }
    steps.reverse();
    steps
}

/// Steps that touch become one place.
fn gather(steps: &[Step]) -> Vec<Hunk> {
    let mut hunks: Vec<Hunk> = Vec::new();
    for s in steps {
        let (dx, dy) = (usize::from(s.removed), usize::from(!s.removed));
        match hunks.last_mut() {
            Some(h) if h.a.end == s.x && h.b.end == s.y => {
                h.a.end += dx;
                h.b.end += dy;
            }
            _ => hunks.push(Hunk {
                a: s.x..s.x + dx,
                b: s.y..s.y + dy,
            }),
        }
    }
    hunks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left when the differences are taken away must be the same on both sides.
    fn check(a: &[u32], b: &[u32]) -> Vec<Hunk> {
        let hunks = align(a, b);
        let (mut x, mut y) = (0, 0);
        for h in &hunks {
            assert!(h.a.start >= x && h.b.start >= y && !(h.a.is_empty() && h.b.is_empty()));
            assert_eq!(a[x..h.a.start], b[y..h.b.start], "{a:?} {b:?} {hunks:?}");
            (x, y) = (h.a.end, h.b.end);
        }
        assert_eq!(a[x..], b[y..], "{a:?} {b:?} {hunks:?}");
        hunks
    }

    fn sizes(hunks: &[Hunk]) -> usize {
        hunks.iter().map(|h| h.a.len() + h.b.len()).sum()
    }

    #[test]
    fn one_element_more_is_one_difference() {
        let a: Vec<u32> = (0..1000).collect();
        let mut b = a.clone();
        b.insert(400, 7);
        assert_eq!(
            check(&a, &b),
            [Hunk {
                a: 400..400,
                b: 400..401
            }]
        );
        assert_eq!(
            check(&b, &a),
            [Hunk {
                a: 400..401,
                b: 400..400
            }]
        );
        assert!(check(&a, &a).is_empty());
        assert_eq!(check(&[], &[1, 2]), [Hunk { a: 0..0, b: 0..2 }]);
        assert!(check(&[], &[]).is_empty());
    }

    /// Longest common subsequence, the slow way.
    fn common(a: &[u32], b: &[u32]) -> usize {
        let mut row = vec![0; b.len() + 1];
        for x in a {
            let mut diagonal = 0;
            for (j, y) in b.iter().enumerate() {
                let here = if x == y {
                    diagonal + 1
                } else {
                    row[j].max(row[j + 1])
                };
                diagonal = row[j + 1];
                row[j + 1] = here;
            }
        }
        row[b.len()]
    }

    #[test]
    fn differences_are_right_and_as_few_as_can_be() {
        let mut seed = 1u32;
        let mut next = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) % below
        };
        for round in 0..400 {
            let letters = 2 + round % 5;
            let mut word = |_| (0..next(12)).map(|_| next(letters)).collect::<Vec<u32>>();
            let (a, b) = (word(0), word(1));
            let hunks = check(&a, &b);
            assert_eq!(
                sizes(&hunks),
                a.len() + b.len() - 2 * common(&a, &b),
                "{a:?} {b:?} {hunks:?}"
            );
        }
    }

    #[test]
    fn what_has_nothing_in_common_is_one_difference() {
        let a: Vec<u32> = (0..3000).collect();
        let b: Vec<u32> = (5000..8000).collect();
        assert_eq!(
            check(&a, &b),
            [Hunk {
                a: 0..3000,
                b: 0..3000
            }]
        );
    }
}
