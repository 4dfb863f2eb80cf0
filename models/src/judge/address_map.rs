//! Whose memory an address is: ring parts, buffers and indirect tables that the driver gave to the device.

use std::collections::BTreeMap;

/// Part of a ring, by the specification's general names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Area {
    /// Descriptor area: descriptor table (split) or descriptor ring (packed).
    Desc,
    /// Driver area: available ring or driver event suppression.
    Driver,
    /// Device area: used ring or device event suppression.
    Device,
}

/// A ring part in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RingArea {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) queue: u16,
    pub(crate) area: Area,
}

/// Ring parts of all enabled queues, sorted by address.
#[derive(Debug, Default)]
pub(crate) struct RingMap {
    areas: Vec<RingArea>,
}

impl RingMap {
    pub(crate) fn remove_queue(&mut self, queue: u16) {
        self.areas.retain(|a| a.queue != queue);
    }

    pub(crate) fn clear(&mut self) {
        self.areas.clear();
    }

    /// Adds a part; returns one that it overlaps, if any.
    pub(crate) fn add(&mut self, new: RingArea) -> Option<RingArea> {
        let clash = self
            .areas
            .iter()
            .copied()
            .find(|a| a.start < new.end && new.start < a.end);
        let at = self.areas.partition_point(|a| a.start < new.start);
        self.areas.insert(at, new);
        clash
    }

    /// The part that holds `addr`.
    pub(crate) fn at(&self, addr: u64) -> Option<RingArea> {
        let i = self.areas.partition_point(|a| a.start <= addr).checked_sub(1)?;
        Some(self.areas[i]).filter(|a| addr < a.end)
    }

    /// Parts that `addr..end` touches.
    pub(crate) fn touched(&self, addr: u64, end: u64) -> impl Iterator<Item = RingArea> {
        let from = self.areas.partition_point(|a| a.end <= addr);
        self.areas[from..]
            .iter()
            .take_while(move |a| a.start < end)
            .copied()
    }
}

/// What a span of driver memory is to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Device-readable buffer; its place in the readable part of the chain.
    Readable,
    /// Device-writable buffer; its place in the writable part of the chain.
    Writable,
    /// Indirect table.
    Indirect,
}

/// A buffer or indirect table of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) queue: u16,
    /// Running number of the chain.
    pub(crate) chain: u64,
    pub(crate) kind: Kind,
    /// Offset of the span's first byte in the chain's readable or writable part (or in the table).
    pub(crate) offset: u64,
    /// The chain has been returned: nothing may touch this any more.
    pub(crate) used: bool,
    /// The device has asked for the bytes below this address.
    pub(crate) reached: u64,
}

/// Handle of a span in [`SpanMap`].
pub(crate) type SpanKey = (u64, u64);

/// All spans, by address. Buffers of different chains may overlap.
#[derive(Debug, Default)]
pub(crate) struct SpanMap {
    spans: BTreeMap<SpanKey, Span>,
    next: u64,
    longest: u64,
}

impl SpanMap {
    pub(crate) fn add(&mut self, span: Span) -> SpanKey {
        self.next += 1;
        let key = (span.start, self.next);
        self.longest = self.longest.max(span.end.wrapping_sub(span.start));
        self.spans.insert(key, span);
        key
    }

    pub(crate) fn remove(&mut self, key: SpanKey) {
        self.spans.remove(&key);
    }

    pub(crate) fn mark_used(&mut self, key: SpanKey) {
        if let Some(s) = self.spans.get_mut(&key) {
            s.used = true;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.spans.clear();
        self.longest = 0;
    }

    /// The span that the device means with the bytes at `addr`, of a kind that `wanted` likes if there is one. Chains may share a buffer that is only
    /// read; each reads it for itself, the oldest first, so the oldest counts that has not been read there.
    pub(crate) fn at(&mut self, addr: u64, wanted: impl Fn(Kind) -> bool) -> Option<Span> {
        let best = self.best(addr, &wanted)?;
        if best.kind != Kind::Readable {
            return Some(best);
        }
        let fits = |s: &Span| !s.used && addr < s.end && s.reached <= addr && wanted(s.kind);
        // Their tables may have been answered in any order, so the oldest chain need not be the first in the map.
        let twins = self.spans.range_mut((best.start, 0)..=(best.start, u64::MAX));
        let fresh = twins.map(|(_, s)| s).filter(|s| fits(s));
        let Some(span) = fresh.min_by_key(|s| (s.queue, s.chain, s.offset)) else {
            return Some(best);
        };
        span.reached = addr.saturating_add(1);
        Some(*span)
    }

    /// The span that holds `addr` and suits best: of a chain in flight and of a kind that `wanted` likes, if there is one.
    fn best(&self, addr: u64, wanted: impl Fn(Kind) -> bool) -> Option<Span> {
        let lowest = addr.saturating_sub(self.longest);
        let mut best: Option<(u8, Span)> = None;
        for (_, s) in self.spans.range((lowest, 0)..=(addr, u64::MAX)).rev() {
            if addr >= s.end {
                continue;
            }
            let score = 2 * u8::from(!s.used) + u8::from(wanted(s.kind));
            if score == 3 {
                return Some(*s);
            }
            if best.is_none_or(|(b, _)| score > b) {
                best = Some((score, *s));
            }
        }
        best.map(|(_, s)| s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u64, end: u64, kind: Kind, used: bool) -> Span {
        Span {
            start,
            end,
            queue: 0,
            chain: start,
            kind,
            offset: 0,
            used,
            reached: start,
        }
    }

    #[test]
    fn chains_that_share_a_buffer_read_it_one_after_the_other() {
        let mut m = SpanMap::default();
        for chain in [2, 1, 3] {
            let shared = span(0x1000, 0x1080, Kind::Readable, false);
            m.add(Span { chain, ..shared });
        }
        let mut ask = |addr| m.at(addr, |k| k != Kind::Writable).map(|s| s.chain);
        assert_eq!([ask(0x1000), ask(0x1040)], [Some(1), Some(1)]);
        assert_eq!([ask(0x1000), ask(0x1000)], [Some(2), Some(3)]);
        // Nobody is left for whom it would be the first time.
        assert_eq!(ask(0x1000), Some(3));
        assert_eq!(ask(0x1080), None);
    }

    #[test]
    fn overlapping_spans_prefer_the_live_and_the_wanted() {
        let mut m = SpanMap::default();
        m.add(span(0x1000, 0x3000, Kind::Readable, false));
        m.add(span(0x2000, 0x2100, Kind::Writable, true));
        let k = m.add(span(0x2000, 0x2100, Kind::Writable, false));
        let at = |m: &mut SpanMap, a, w| m.at(a, |k| k == w).map(|s| (s.start, s.used));
        assert_eq!(at(&mut m, 0x2080, Kind::Readable), Some((0x1000, false)));
        assert_eq!(at(&mut m, 0x2080, Kind::Writable), Some((0x2000, false)));
        m.mark_used(k);
        assert_eq!(at(&mut m, 0x2080, Kind::Writable), Some((0x1000, false)));
        assert_eq!(at(&mut m, 0x3000, Kind::Writable), None);
        m.remove(k);
        m.clear();
        assert_eq!(at(&mut m, 0x2080, Kind::Writable), None);
    }

    #[test]
    fn ring_parts_are_found_and_overlaps_told() {
        let mut m = RingMap::default();
        let part = |start, end, queue| RingArea {
            start,
            end,
            queue,
            area: Area::Desc,
        };
        assert_eq!(m.add(part(0x1000, 0x1100, 0)), None);
        assert_eq!(m.add(part(0x2000, 0x2100, 1)), None);
        assert!(m.add(part(0x10ff, 0x1200, 2)).is_some());
        m.remove_queue(2);
        assert_eq!(m.at(0x10ff).map(|a| a.queue), Some(0));
        assert_eq!(m.at(0x1100), None);
        assert_eq!(m.touched(0x10f0, 0x2001).count(), 2);
    }
}
