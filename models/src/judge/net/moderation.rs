//! Control commands of interrupt moderation (class `NOTF_COAL`): their acknowledge, their effect, their result, and whether the driver may send them.

use super::control::Ack;
use crate::judge::coalesce::{Limits, Settings};
use crate::judge::features::{self, Features};
use crate::judge::world::World;
use crate::rules::RuleId;

/// Class of the commands.
pub(super) const CLASS: u8 = 6;
const TX_SET: u8 = 0;
const RX_SET: u8 = 1;
const VQ_SET: u8 = 2;
const VQ_GET: u8 = 3;
/// Acknowledge byte and result of a query.
const QUERY_BYTES: u64 = 9;
/// A device may refuse limits that it cannot keep (NETCOAL-DEV-002, 003). Up to here no device that offers the feature has a reason to.
const MODEST: u32 = 65_535;

fn word(data: &[u8]) -> Option<u16> {
    data.first_chunk::<2>().map(|b| u16::from_le_bytes(*b))
}

/// What the command is acknowledged with, and its effect on the settings if it succeeds. `room`: bytes of the writable part.
pub(super) fn apply(s: &mut Settings, has: Features, command: u8, data: &[u8], room: u64) -> Ack {
    let (feature, bytes) = match command {
        TX_SET | RX_SET => (features::NOTF_COAL, 8),
        VQ_SET => (features::VQ_NOTF_COAL, 12),
        VQ_GET => (features::VQ_NOTF_COAL, 4),
        _ => return Ack::Err,
    };
    if data.len() < bytes {
        return Ack::Err;
    }
    let queue = word(data).unwrap_or_default();
    let sure = features::has(has, feature) && data.len() == bytes;
    let limits = match command {
        VQ_GET if s.of(queue).is_none() => return Ack::Err,
        VQ_GET => {
            return if sure && room >= QUERY_BYTES {
                Ack::Ok
            } else {
                Ack::Either
            };
        }
        VQ_SET => Limits::from_bytes(&data[4..]),
        _ => Limits::from_bytes(data),
    };
    let limits = limits.unwrap_or_default();
    let known = if command == VQ_SET {
        s.set(queue, limits)
    } else {
        s.set_all(usize::from(command == TX_SET), limits);
        true
    };
    match known {
        false => Ack::Err,
        true if sure && limits.max_packets <= MODEST && limits.max_usecs <= MODEST => Ack::Ok,
        true => Ack::Either,
    }
}

/// A command of this class was acknowledged: the driver may have sent it, and a query brought the limits that were in force.
pub(super) fn returned(
    before: &Settings,
    has: Features,
    command: &[u8],
    ok: bool,
    result: &[u8],
    w: &mut World,
) {
    let &[CLASS, number, ref data @ ..] = command else {
        return;
    };
    let single = matches!(number, VQ_SET | VQ_GET);
    let feature = if single {
        features::VQ_NOTF_COAL
    } else {
        features::NOTF_COAL
    };
    let queue = word(data).filter(|_| single);
    let in_force = queue.and_then(|q| before.of(q));
    w.book.check(
        RuleId::DriverCoalesce,
        queue,
        features::has(has, feature) && (!single || in_force.is_some()),
        || format!("feature {feature} negotiated; an enabled data queue"),
        || {
            queue.map_or(format!("command {number}"), |q| {
                format!("command {number} for queue {q}")
            })
        },
    );
    if let Some(in_force) = in_force.filter(|_| ok && number == VQ_GET) {
        let result = Limits::from_bytes(result);
        w.book.check(
            RuleId::NetCoalesceQuery,
            queue,
            result == Some(in_force),
            || {
                format!(
                    "{} behind the acknowledge byte, and both in the used length",
                    in_force.words()
                )
            },
            || result.map_or("no whole result".into(), Limits::words),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Features = 1 << features::NOTF_COAL | 1 << features::VQ_NOTF_COAL;

    fn settings() -> Settings {
        let mut s = Settings::default();
        s.enable(0);
        s.enable(1);
        s
    }

    #[test]
    fn every_command_has_its_answer() {
        let limits = [7, 0, 0, 0, 9, 0, 0, 0];
        let of = |queue: u8| [&[queue, 0, 0xff, 0xee][..], &limits].concat();
        let get = [1, 0, 0xff, 0xff];
        for (command, data, room, want) in [
            (TX_SET, &limits[..], 1, Ack::Ok),
            (RX_SET, &limits[..], 1, Ack::Ok),
            (TX_SET, &limits[..7], 1, Ack::Err),
            (TX_SET, &[0xff; 8], 1, Ack::Either),
            (VQ_SET, &of(1), 1, Ack::Ok),
            (VQ_SET, &of(2), 1, Ack::Err),
            (VQ_SET, &of(1)[..11], 1, Ack::Err),
            (VQ_GET, &get, 9, Ack::Ok),
            (VQ_GET, &get, 8, Ack::Either),
            (VQ_GET, &[3, 0, 0, 0], 9, Ack::Err),
            (VQ_GET, &get[..3], 9, Ack::Err),
            (4, &limits, 9, Ack::Err),
        ] {
            let got = apply(&mut settings(), BOTH, command, data, room);
            assert_eq!(got, want, "{command} {data:?}");
        }
        assert_eq!(apply(&mut settings(), 0, TX_SET, &limits, 1), Ack::Either);
    }

    #[test]
    fn the_last_command_that_covers_a_queue_decides() {
        let mut s = settings();
        let limits = |n: u8| Limits {
            max_packets: n.into(),
            max_usecs: n.into(),
        };
        let bytes = |n: u8| [n, 0, 0, 0, n, 0, 0, 0];
        apply(&mut s, BOTH, VQ_SET, &[&[0, 0, 0, 0][..], &bytes(3)].concat(), 1);
        assert_eq!((s.of(0), s.of(1)), (Some(limits(3)), Some(limits(0))));
        apply(&mut s, BOTH, RX_SET, &bytes(4), 1);
        assert_eq!((s.of(0), s.of(1)), (Some(limits(4)), Some(limits(0))));
        apply(&mut s, BOTH, TX_SET, &bytes(5), 1);
        assert_eq!((s.of(0), s.of(1)), (Some(limits(4)), Some(limits(5))));
    }
}
