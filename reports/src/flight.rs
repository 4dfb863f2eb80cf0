//! The device's reads in flight, and what memory they brought: completions carry no address, their requests do.

use std::collections::BTreeMap;

use ringside_models::tlp::{Body, CplStatus, Tlp};

/// What a queue looked like when the device asked: chains (split) or slots (packed) since its enabling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Known to the device.
    pub(crate) known: u64,
    /// To be found in memory by then, as far as the trace tells; 0 where only the device's own reads do.
    pub(crate) visible: u64,
}

/// Data that a completion brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Brought<'a> {
    /// Address of the first byte.
    pub(crate) addr: u64,
    /// The bytes asked for, without the padding to whole dwords.
    pub(crate) data: &'a [u8],
    /// What the caller noted at the request.
    pub(crate) note: Asked,
    /// Cycles since the request, if this ended it.
    pub(crate) round_trip_cycles: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Read {
    cycle: u64,
    note: Asked,
    next: u64,
    left: u64,
}

/// Reads that wait for completions.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    reads: BTreeMap<(u16, u16), Read>,
}

impl Flight {
    /// Reads that wait now.
    pub(crate) fn len(&self) -> u64 {
        self.reads.len() as u64
    }

    pub(crate) fn clear(&mut self) {
        self.reads.clear();
    }

    /// A request of the device, with a note for when it is answered.
    pub(crate) fn request(&mut self, cycle: u64, tlp: &Tlp, note: Asked) {
        if let Body::MRd { req, tag, addr, .. } = &tlp.body {
            let (next, left) = tlp.span().unwrap_or((*addr, 1));
            self.reads.insert(
                (*req, *tag),
                Read {
                    cycle,
                    note,
                    next,
                    left,
                },
            );
        }
    }

    /// A completion of the host; `None` if nobody asked.
    pub(crate) fn completion<'a>(&mut self, cycle: u64, tlp: &'a Tlp) -> Option<Brought<'a>> {
        let Body::Cpl {
            req,
            tag,
            status,
            data,
            ..
        } = &tlp.body
        else {
            return None;
        };
        let read = self.reads.get_mut(&(*req, *tag))?;
        let addr = read.next;
        let skip = ((addr & 3) as usize).min(data.len());
        let n = ((data.len() - skip) as u64).min(read.left);
        read.next += n;
        read.left -= n;
        let over = read.left == 0 || *status != CplStatus::Sc;
        let (asked, note) = (read.cycle, read.note);
        if over {
            self.reads.remove(&(*req, *tag));
        }
        let good = *status == CplStatus::Sc && !tlp.poisoned;
        Some(Brought {
            addr,
            data: if good { &data[skip..skip + n as usize] } else { &[] },
            note,
            round_trip_cycles: over.then(|| cycle - asked),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked = Asked { known: 7, visible: 9 };

    #[test]
    fn split_completions_get_their_addresses() {
        let mut f = Flight::default();
        f.request(
            10,
            &Tlp::new(Body::MRd {
                req: 1,
                tag: 5,
                addr: 0x1000,
                dw: 3,
                fbe: 0b1100,
                lbe: 0b0011,
            }),
            ASKED,
        );
        assert_eq!(f.len(), 1);
        let part = |bytes, lower, data: Vec<u8>| {
            Tlp::new(Body::Cpl {
                cpl: 0,
                req: 1,
                tag: 5,
                status: CplStatus::Sc,
                bytes,
                lower,
                data,
            })
        };
        let first = part(8, 2, vec![0, 0, 1, 2]);
        assert_eq!(
            f.completion(20, &first),
            Some(Brought {
                addr: 0x1002,
                data: &[1, 2],
                note: ASKED,
                round_trip_cycles: None
            })
        );
        let second = part(6, 4, vec![3, 4, 5, 6, 7, 8, 0, 0]);
        assert_eq!(
            f.completion(30, &second),
            Some(Brought {
                addr: 0x1004,
                data: &[3, 4, 5, 6, 7, 8],
                note: ASKED,
                round_trip_cycles: Some(20)
            })
        );
        assert_eq!((f.len(), f.completion(31, &second)), (0, None));
    }
}
