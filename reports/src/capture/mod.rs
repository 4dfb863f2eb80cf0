//! Traces as packet captures: pcapng for Wireshark and for bus analysers, out and in. `docs/capture.md` is the manual.
//!
//! Each TLP is one packet of link type 147 (`USER0`): sixteen bytes that say when and on which channel, then the TLP as it crosses the link. Everything else
//! (header, stores, frames, credits ...) is text of the trace in packets of link type 148 (`USER1`), so that a capture holds its whole trace.

mod block;
mod read;
mod write;

use ringside_models::event::Channel;

pub use read::CaptureLines;
pub use write::{CaptureError, write};

/// Link type of the TLPs.
pub(crate) const LINK_TLP: u16 = 147;
/// Link type of the trace's other lines.
pub(crate) const LINK_TEXT: u16 = 148;
/// Version of what stands before a TLP.
const VERSION: u8 = 1;
/// Bytes before a TLP.
const LEAD: usize = 16;
/// Flag: the TLP took more than one beat, and bytes 12 to 15 say for how many cycles.
const HAS_START: u8 = 1;

fn channel_code(ch: Channel) -> u8 {
    match ch {
        Channel::Cq => 0,
        Channel::Cc => 1,
        Channel::Rq => 2,
        Channel::Rc => 3,
    }
}

fn channel_of(code: u8) -> Option<Channel> {
    match code {
        0 => Some(Channel::Cq),
        1 => Some(Channel::Cc),
        2 => Some(Channel::Rq),
        3 => Some(Channel::Rc),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
