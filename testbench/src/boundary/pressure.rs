//! When the testbench is ready, or has something to give: back-pressure laws.

use serde::{Deserialize, Serialize};

use crate::host::dice::Dice;

/// A law of stalls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BackPressure {
    /// Never stalls.
    #[default]
    None,
    /// Stalls in so many cycles out of a thousand, each by itself.
    Random {
        /// Chance per thousand, at most 990.
        per_mille: u32,
    },
    /// Goes and stalls by turns.
    Burst {
        /// Cycles without a stall.
        go_cycles: u32,
        /// Cycles stalled.
        stall_cycles: u32,
    },
}

/// A law at work.
#[derive(Clone, Debug)]
pub struct Pressure {
    law: BackPressure,
    dice: Dice,
}

impl Pressure {
    /// A law with its own dice.
    #[must_use]
    pub fn new(law: BackPressure, dice: Dice) -> Self {
        Pressure { law, dice }
    }

    /// Go in this cycle? Asked once a cycle.
    pub fn go(&mut self, now: u64) -> bool {
        match self.law {
            BackPressure::None => true,
            // Beyond 990 nothing might ever move.
            BackPressure::Random { per_mille } => !self.dice.chance(per_mille.min(990)),
            BackPressure::Burst {
                go_cycles,
                stall_cycles,
            } => {
                let go = u64::from(go_cycles.max(1));
                now % (go + u64::from(stall_cycles)) < go
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goes(law: BackPressure) -> usize {
        let mut p = Pressure::new(law, Dice::new(1, "pressure"));
        (0..1000).filter(|now| p.go(*now)).count()
    }

    #[test]
    fn laws_hold() {
        assert_eq!(goes(BackPressure::None), 1000);
        assert_eq!(
            goes(BackPressure::Burst {
                go_cycles: 3,
                stall_cycles: 7
            }),
            300
        );
        assert!((200..300).contains(&goes(BackPressure::Random { per_mille: 750 })));
        assert!(
            goes(BackPressure::Random { per_mille: 1000 }) > 0,
            "never for ever"
        );
        assert!(
            goes(BackPressure::Burst {
                go_cycles: 0,
                stall_cycles: 9
            }) > 0
        );
    }
}
