//! The host's own requests: configuration and register accesses on `cq`, their answers on `cc`. All leave in the order in which they were asked for, so a posted
//! write is always before a later read.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

use ringside_models::tlp::{Body, CplStatus, Tlp};
use ringside_sim::sync::{OneshotReceiver, OneshotSender, oneshot_named};

use super::root_complex::ROOT_ID;

/// Tags of the host: as many non-posted requests are under way at most.
pub const TAGS: u16 = 32;

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Configuration read of a dword.
    ConfigRead {
        /// Bus/device/function.
        bdf: u16,
        /// Register, byte offset.
        reg: u16,
    },
    /// Configuration write.
    ConfigWrite {
        /// Bus/device/function.
        bdf: u16,
        /// Register, byte offset.
        reg: u16,
    },
    /// Memory read.
    Read {
        /// Byte address.
        addr: u64,
        /// Bytes.
        len_bytes: u64,
    },
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Asked::ConfigRead { bdf, reg } => write!(f, "CfgRd of register {reg:#x} of {bdf:#06x}"),
            Asked::ConfigWrite { bdf, reg } => write!(f, "CfgWr of register {reg:#x} of {bdf:#06x}"),
            Asked::Read { addr, len_bytes } => write!(f, "MRd of {len_bytes} bytes at {addr:#x}"),
        }
    }
}

/// Why a request has no good answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No answer in time.
    #[error("{asked}: no completion within {cycles} cycles")]
    Timeout {
        /// The request.
        asked: Asked,
        /// Time allowed.
        cycles: u64,
    },
    /// Another status than success.
    #[error("{asked}: {status}")]
    Status {
        /// The request.
        asked: Asked,
        /// The status.
        status: CplStatus,
    },
    /// The completion's data are marked as bad.
    #[error("{asked}: the completion is poisoned")]
    Poisoned {
        /// The request.
        asked: Asked,
    },
    /// The completion does not fit the request.
    #[error(
        "{asked}: the completion brings {got_bytes} payload bytes, Byte Count {count}; {want_bytes} bytes are due"
    )]
    Misfit {
        /// The request.
        asked: Asked,
        /// Payload bytes that came.
        got_bytes: usize,
        /// Byte Count that came.
        count: u16,
        /// Payload bytes that were due.
        want_bytes: usize,
    },
    /// An access that no processor makes.
    #[error("access of {size} bytes at {addr:#x}: sizes are 1, 2, 4 or 8, naturally aligned")]
    Access {
        /// Byte address or register.
        addr: u64,
        /// Bytes.
        size: usize,
    },
    /// The simulation ended while the request was under way.
    #[error("{asked}: the run ended before its completion")]
    Ended {
        /// The request.
        asked: Asked,
    },
}

type Answer = Result<Vec<u8>, RequestError>;

#[derive(Debug)]
struct Outgoing {
    tlp: Tlp,
    /// First cycle in which it may leave the processor.
    not_before: u64,
    answer: Option<Waiting>,
}

struct Waiting {
    asked: Asked,
    want_bytes: usize,
    data: Vec<u8>,
    sender: OneshotSender<Answer>,
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.asked)
    }
}

#[derive(Debug)]
struct Shared {
    queue: VecDeque<Outgoing>,
    free: VecDeque<u16>,
    waiting: Vec<Option<Waiting>>,
}

/// The queue of requests; clones share it.
#[derive(Clone, Debug)]
pub struct Requests(Rc<RefCell<Shared>>);

impl Default for Requests {
    fn default() -> Self {
        Requests(Rc::new(RefCell::new(Shared {
            queue: VecDeque::new(),
            free: (0..TAGS).collect(),
            waiting: (0..TAGS).map(|_| None).collect(),
        })))
    }
}

impl Requests {
    /// Queues a posted request that may leave from `not_before` on.
    pub fn post(&self, tlp: Tlp, not_before: u64) {
        self.0.borrow_mut().queue.push_back(Outgoing {
            tlp,
            not_before,
            answer: None,
        });
    }

    /// Queues a non-posted request. Its tag is given when it leaves.
    pub fn ask(&self, tlp: Tlp, asked: Asked, want_bytes: usize, not_before: u64) -> OneshotReceiver<Answer> {
        let (sender, receiver) = oneshot_named("completion");
        let answer = Some(Waiting {
            asked,
            want_bytes,
            data: Vec::new(),
            sender,
        });
        self.0.borrow_mut().queue.push_back(Outgoing {
            tlp,
            not_before,
            answer,
        });
        receiver
    }

    /// The next packet for `cq`, if there is one, it may leave, and a tag is free for it.
    #[must_use]
    pub fn next(&self, now: u64) -> Option<Tlp> {
        let s = &mut *self.0.borrow_mut();
        let first = s.queue.front()?;
        if first.not_before > now || first.answer.is_some() && s.free.is_empty() {
            return None;
        }
        let mut out = s.queue.pop_front()?;
        if let Some(waiting) = out.answer {
            let new = s.free.pop_front()?;
            match &mut out.tlp.body {
                Body::MRd { tag, .. } | Body::CfgRd { tag, .. } | Body::CfgWr { tag, .. } => *tag = new,
                _ => {}
            }
            s.waiting[usize::from(new)] = Some(waiting);
        }
        Some(out.tlp)
    }

    /// A completion of the device has come. An error text if nobody asked for it.
    ///
    /// # Errors
    /// What is strange about a completion that belongs to no request.
    pub fn complete(&self, tlp: &Tlp) -> Result<(), String> {
        let Body::Cpl {
            req,
            tag,
            status,
            bytes,
            data,
            ..
        } = &tlp.body
        else {
            return Err("a request came on cc".to_owned());
        };
        let s = &mut *self.0.borrow_mut();
        let slot = s.waiting.get_mut(usize::from(*tag));
        let Some(waiting) = slot.filter(|_| *req == ROOT_ID) else {
            return Err(format!(
                "completion for requester {req:#06x} tag {tag}: not the host's"
            ));
        };
        let Some(mut w) = waiting.take() else {
            return Err(format!(
                "completion for tag {tag}: no request with it is under way"
            ));
        };
        let asked = w.asked;
        let answer = if *status != CplStatus::Sc {
            Some(Err(RequestError::Status {
                asked,
                status: *status,
            }))
        } else if tlp.poisoned {
            Some(Err(RequestError::Poisoned { asked }))
        } else if w.data.len() + data.len() > w.want_bytes || data.is_empty() && w.want_bytes > 0 {
            Some(Err(RequestError::Misfit {
                asked,
                got_bytes: w.data.len() + data.len(),
                count: *bytes,
                want_bytes: w.want_bytes,
            }))
        } else {
            w.data.extend_from_slice(data);
            (w.data.len() == w.want_bytes).then(|| Ok(std::mem::take(&mut w.data)))
        };
        match answer {
            Some(answer) => {
                w.sender.send(answer);
                s.free.push_back(*tag);
            }
            None => *waiting = Some(w),
        }
        Ok(())
    }

    /// Nothing queued, nothing unanswered.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let s = self.0.borrow();
        s.queue.is_empty() && s.waiting.iter().all(Option::is_none)
    }

    /// One line for the picture of a hang.
    #[must_use]
    pub fn status(&self) -> Option<String> {
        let s = self.0.borrow();
        let under_way: Vec<String> = s.waiting.iter().flatten().map(|w| w.asked.to_string()).collect();
        (!s.queue.is_empty() || !under_way.is_empty()).then(|| {
            format!(
                "host: {} requests queued, unanswered: [{}]",
                s.queue.len(),
                under_way.join(", ")
            )
        })
    }
}

/// Byte enables and place of an access of `size` bytes within its dwords: (dwords, first byte enables, last byte enables).
///
/// # Errors
/// [`RequestError::Access`] unless the size is 1, 2, 4 or 8 and the address a multiple of it.
pub fn enables(addr: u64, size: usize) -> Result<(u16, u8, u8), RequestError> {
    if ![1, 2, 4, 8].contains(&size) || !addr.is_multiple_of(size as u64) {
        return Err(RequestError::Access { addr, size });
    }
    Ok(match size {
        8 => (2, 0xf, 0xf),
        n => (1, ((1_u8 << n) - 1) << (addr & 3), 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config_read() -> Tlp {
        Tlp::new(Body::CfgRd {
            req: ROOT_ID,
            tag: 0,
            target: 0x100,
            reg: 0,
            fbe: 0xf,
        })
    }

    const ASKED: Asked = Asked::ConfigRead { bdf: 0x100, reg: 0 };

    fn completion(tag: u16, status: CplStatus, data: &[u8]) -> Tlp {
        Tlp::new(Body::Cpl {
            cpl: 0x100,
            req: ROOT_ID,
            tag,
            status,
            bytes: 4,
            lower: 0,
            data: data.to_vec(),
        })
    }

    fn write(addr: u64) -> Tlp {
        Tlp::new(Body::MWr {
            req: ROOT_ID,
            tag: 0,
            addr,
            fbe: 0xf,
            lbe: 0,
            data: vec![0; 4],
        })
    }

    fn tag_of(tlp: &Tlp) -> u16 {
        match tlp.body {
            Body::CfgRd { tag, .. } => tag,
            _ => panic!("{tlp:?}"),
        }
    }

    #[test]
    fn requests_leave_in_order_and_not_too_early() {
        let r = Requests::default();
        r.post(write(0x10), 5);
        let _wait = r.ask(config_read(), ASKED, 4, 0);
        assert_eq!(r.next(4), None);
        assert_eq!(r.next(5), Some(write(0x10)));
        assert_eq!(tag_of(&r.next(5).unwrap()), 0);
        assert!(r.next(5).is_none() && !r.is_idle());
        assert!(r.status().unwrap().contains("CfgRd of register 0x0"));
        r.complete(&completion(0, CplStatus::Sc, &[1, 2, 3, 4])).unwrap();
        assert!(r.is_idle());
    }

    #[test]
    fn tags_are_unique_and_come_back() {
        let r = Requests::default();
        let waits: Vec<_> = (0..40).map(|_| r.ask(config_read(), ASKED, 4, 0)).collect();
        let tags: Vec<u16> = std::iter::from_fn(|| r.next(0)).map(|t| tag_of(&t)).collect();
        assert_eq!(tags, (0..32).collect::<Vec<_>>());
        r.complete(&completion(7, CplStatus::Ur, &[])).unwrap();
        assert_eq!(tag_of(&r.next(0).unwrap()), 7);
        assert!(r.complete(&completion(7, CplStatus::Sc, &[0; 4])).is_ok());
        let twice = r.complete(&completion(7, CplStatus::Sc, &[0; 4]));
        assert!(twice.unwrap_err().contains("no request with it is under way"));
        drop(waits);
    }

    #[test]
    fn strange_completions_are_told() {
        let r = Requests::default();
        assert!(r.complete(&completion(3, CplStatus::Sc, &[0; 4])).is_err());
        assert!(r.complete(&completion(99, CplStatus::Sc, &[0; 4])).is_err());
        assert!(r.complete(&write(0)).is_err());
    }

    #[test]
    fn byte_enables_follow_size_and_address() {
        assert_eq!(enables(0x14, 1), Ok((1, 0b0001, 0)));
        assert_eq!(enables(0x15, 1), Ok((1, 0b0010, 0)));
        assert_eq!(enables(0x16, 2), Ok((1, 0b1100, 0)));
        assert_eq!(enables(0x14, 4), Ok((1, 0b1111, 0)));
        assert_eq!(enables(0x18, 8), Ok((2, 0xf, 0xf)));
        for (addr, size) in [(0x15, 2), (0x14, 8), (0x14, 3), (0x16, 4), (0, 0)] {
            assert!(enables(addr, size).is_err(), "{addr:#x} {size}");
        }
    }
}
