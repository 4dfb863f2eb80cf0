//! The control queue: what each command must be acknowledged with, and what it does to the filters.

use crate::judge::met;
use std::collections::VecDeque;

use super::filter::{Filter, Mac};
use super::moderation;
use crate::hex;
use crate::judge::coalesce::Settings;
use crate::judge::features::{self, Features};
use crate::judge::world::World;
use crate::rules::RuleId;

/// Acknowledge values.
const OK: u8 = 0;
const ERR: u8 = 1;

/// What the command set predicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ack {
    Ok,
    Err,
    /// Left open by the specification.
    Either,
}

impl Ack {
    fn words(self) -> &'static str {
        match self {
            Ack::Ok => "acknowledge byte 0 (OK)",
            Ack::Err => "acknowledge byte 1 (ERR)",
            Ack::Either => "acknowledge byte 0 or 1",
        }
    }
}

#[derive(Debug)]
struct Command {
    chain: u64,
    bytes: Vec<u8>,
    /// Bytes of the writable part.
    room: u64,
    /// A read of it failed: the device cannot know what it says.
    unreadable: bool,
}

/// What commands change.
#[derive(Clone, Debug)]
struct State {
    filter: Filter,
    coalesce: Settings,
}

/// State of the control queue, and what may be in force.
#[derive(Debug)]
pub(crate) struct Control {
    features: Features,
    max_pairs: Option<u16>,
    /// In force for certain when no command is outstanding: the first one.
    states: VecDeque<State>,
    commands: VecDeque<Command>,
}

impl Control {
    pub(crate) fn new(features: Features, max_pairs: Option<u16>, mac: Option<Mac>) -> Self {
        Control {
            features,
            max_pairs,
            states: [State {
                filter: Filter::new(mac),
                coalesce: Settings::default(),
            }]
            .into(),
            commands: VecDeque::new(),
        }
    }

    /// Something other than a command changes the limits of interrupt moderation.
    pub(crate) fn coalesce(&mut self, change: impl Fn(&mut Settings)) {
        self.states.iter_mut().for_each(|s| change(&mut s.coalesce));
    }

    /// Takes over the commands that another one has not seen returned.
    pub(crate) fn adopt(&mut self, other: Control) {
        for c in other.commands {
            self.command(c.chain, c.bytes, c.room);
        }
    }

    /// Filter states that may be in force now.
    pub(crate) fn states(&self) -> impl Iterator<Item = &Filter> {
        self.states.iter().map(|s| &s.filter)
    }

    /// Queue pairs when all commands given so far have been carried out.
    pub(super) fn commanded_pairs(&self) -> u16 {
        self.states.back().map_or(1, |s| s.filter.pairs)
    }

    /// Limits of interrupt moderation that may be in force now.
    pub(crate) fn settings(&self) -> impl Iterator<Item = &Settings> {
        self.states.iter().map(|s| &s.coalesce)
    }

    /// A command was made available (or, without stores, read).
    pub(crate) fn command(&mut self, chain: u64, bytes: Vec<u8>, room: u64) {
        let command = Command {
            chain,
            bytes,
            room,
            unreadable: false,
        };
        if let Some(last) = self.states.back() {
            let next = self.apply(last.clone(), &command).1;
            self.states.push_back(next);
        }
        self.commands.push_back(command);
    }

    /// A read of a command failed: the device has to say so, or may have known enough.
    pub(crate) fn unreadable(&mut self, chain: u64) {
        for c in self.commands.iter_mut().filter(|c| c.chain == chain) {
            c.unreadable = true;
        }
    }

    /// A command was returned with this answer: acknowledge byte, then the result. Empty: nothing was written.
    pub(crate) fn returned(&mut self, queue: u16, chain: u64, answer: &[u8], w: &mut World) {
        let ack = answer.first().copied();
        let Some(at) = self.commands.iter().position(|c| c.chain == chain) else {
            return;
        };
        let Some(command) = self.commands.remove(at) else {
            return;
        };
        let Some(before) = self.states.front().cloned() else {
            return;
        };
        let (mut predicted, after) = self.apply(before.clone(), &command);
        if command.unreadable && predicted == Ack::Ok {
            predicted = Ack::Either;
        }
        let ok = match (predicted, ack) {
            (_, None) => false,
            (Ack::Ok, Some(a)) => a == OK,
            (Ack::Err, Some(a)) => a == ERR,
            (Ack::Either, Some(a)) => a == OK || a == ERR,
        };
        w.book.compared.commands += 1;
        met::command(command.bytes.first().copied(), ack == Some(OK), w);
        w.book.check(
            RuleId::NetCtrlAck,
            Some(queue),
            ok,
            || {
                format!(
                    "{} for command {}",
                    predicted.words(),
                    hex::text(&command.bytes[..command.bytes.len().min(16)], " ")
                )
            },
            || ack.map_or("no acknowledge byte".into(), |a| format!("{a}")),
        );
        let done = ack == Some(OK);
        let result = answer.get(1..).unwrap_or_default();
        moderation::returned(&before.coalesce, self.features, &command.bytes, done, result, w);
        let now = if done { after } else { before };
        // What is still outstanding acts on top of it.
        let mut states = VecDeque::from([now.clone()]);
        let mut state = now;
        for c in &self.commands {
            state = self.apply(state, c).1;
            states.push_back(state.clone());
        }
        self.states = states;
    }

    fn apply(&self, mut s: State, command: &Command) -> (Ack, State) {
        let before = s.clone();
        let ack = if let [moderation::CLASS, n, ref data @ ..] = command.bytes[..] {
            moderation::apply(&mut s.coalesce, self.features, n, data, command.room)
        } else {
            let (ack, filter) = self.filter(s.filter, &command.bytes);
            s.filter = filter;
            ack
        };
        if ack == Ack::Err { (ack, before) } else { (ack, s) }
    }

    fn filter(&self, mut f: Filter, command: &[u8]) -> (Ack, Filter) {
        let before = f.clone();
        let has = |bit| features::has(self.features, bit);
        let ack = match command {
            [0, n, data @ ..] if *n <= 5 => {
                let feature = if *n < 2 {
                    features::CTRL_RX
                } else {
                    features::CTRL_RX_EXTRA
                };
                match data.first() {
                    None => Ack::Err,
                    Some(&v) => {
                        let on = v != 0;
                        match n {
                            0 => f.promisc = Some(on),
                            1 => f.allmulti = on,
                            2 => f.alluni = on,
                            3 => f.nomulti = on,
                            4 => f.nouni = on,
                            _ => f.nobcast = on,
                        }
                        if has(feature) && data.len() == 1 && v <= 1 {
                            Ack::Ok
                        } else {
                            Ack::Either
                        }
                    }
                }
            }
            [1, 0, data @ ..] => match tables(data) {
                None => Ack::Err,
                Some((uni, multi, exact)) => {
                    let small = uni.len() + multi.len() <= 16;
                    (f.unicast, f.multicast) = (uni, multi);
                    if has(features::CTRL_RX) && exact && small {
                        Ack::Ok
                    } else {
                        Ack::Either
                    }
                }
            },
            [1, 1, data @ ..] => match data.first_chunk::<6>() {
                None => Ack::Err,
                Some(mac) => {
                    f.mac = Some(*mac);
                    if has(features::CTRL_MAC_ADDR) && data.len() == 6 {
                        Ack::Ok
                    } else {
                        Ack::Either
                    }
                }
            },
            [2, n @ (0 | 1), data @ ..] => match data.first_chunk::<2>() {
                None => Ack::Err,
                Some(id) => {
                    let id = u16::from_le_bytes(*id);
                    if *n == 0 {
                        f.vlans.insert(id);
                    } else {
                        f.vlans.remove(&id);
                    }
                    if has(features::CTRL_VLAN) && data.len() == 2 && id < 4096 {
                        Ack::Ok
                    } else {
                        Ack::Either
                    }
                }
            },
            [4, 0, data @ ..] => match data.first_chunk::<2>().map(|b| u16::from_le_bytes(*b)) {
                None => Ack::Err,
                Some(n) => {
                    f.pairs = n;
                    let fits = self.max_pairs.map(|m| (1..=m).contains(&n));
                    match fits {
                        Some(false) => Ack::Err,
                        Some(true) if has(features::MQ) && data.len() == 2 => Ack::Ok,
                        _ if n == 0 => Ack::Err,
                        _ => Ack::Either,
                    }
                }
            },
            [3 | 5 | 7..=9, ..] | [4, 1 | 2, ..] => Ack::Either, // commands whose features this model does not cover
            _ => Ack::Err,
        };
        if ack == Ack::Err { (ack, before) } else { (ack, f) }
    }
}

/// Unicast and multicast table of `MAC_TABLE_SET`, and whether the data ends exactly after them.
fn tables(data: &[u8]) -> Option<(Vec<Mac>, Vec<Mac>, bool)> {
    let table = |data: &[u8]| -> Option<(Vec<Mac>, usize)> {
        let n = u32::from_le_bytes(*data.first_chunk::<4>()?) as usize;
        let end = n.checked_mul(6)?.checked_add(4)?;
        let macs = data
            .get(4..end)?
            .chunks_exact(6)
            .filter_map(|c| c.first_chunk::<6>().copied())
            .collect();
        Some((macs, end))
    };
    let (unicast, a) = table(data)?;
    let (multicast, b) = table(&data[a..])?;
    Some((unicast, multicast, a + b == data.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Features = 1 << features::CTRL_RX
        | 1 << features::CTRL_RX_EXTRA
        | 1 << features::CTRL_VLAN
        | 1 << features::MQ
        | 1 << features::CTRL_MAC_ADDR;

    fn ack(command: &[u8]) -> (Ack, Filter) {
        Control::new(ALL, Some(4), None).filter(Filter::new(None), command)
    }

    #[test]
    fn every_command_has_its_answer() {
        for (command, want) in [
            (&[0, 0, 1][..], Ack::Ok),
            (&[0, 5, 0], Ack::Ok),
            (&[0, 6, 0], Ack::Err),
            (&[0, 0], Ack::Err),
            (&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0], Ack::Ok),
            (&[1, 0, 1, 0, 0, 0, 0, 0, 0, 0], Ack::Err),
            (&[1, 0, 0xff, 0xff, 0xff, 0xff, 0, 0], Ack::Err),
            (&[1, 1, 2, 0, 0, 0, 0, 7], Ack::Ok),
            (&[2, 0, 5, 0], Ack::Ok),
            (&[2, 1, 5], Ack::Err),
            (&[2, 2, 5, 0], Ack::Err),
            (&[4, 0, 4, 0], Ack::Ok),
            (&[4, 0, 5, 0], Ack::Err),
            (&[4, 0, 0, 0], Ack::Err),
            (&[200, 0], Ack::Err),
            (&[7], Ack::Either),
            (&[], Ack::Err),
        ] {
            assert_eq!(ack(command).0, want, "{command:?}");
        }
    }

    #[test]
    fn commands_change_the_filter_and_refused_ones_do_not() {
        assert_eq!(ack(&[0, 0, 1]).1.promisc, Some(true));
        assert_eq!(ack(&[4, 0, 3, 0]).1.pairs, 3);
        assert_eq!(ack(&[4, 0, 9, 0]).1.pairs, 1);
        let t = ack(&[1, 0, 1, 0, 0, 0, 2, 2, 2, 2, 2, 2, 1, 0, 0, 0, 3, 3, 3, 3, 3, 3]).1;
        assert_eq!((t.unicast, t.multicast), (vec![[2; 6]], vec![[3; 6]]));
    }
}
