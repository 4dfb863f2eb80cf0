//! The conversation about the two queues (vhost-user): what the guest's frontend said so far.

use std::os::fd::OwnedFd;

use rustix::event::{PollFd, PollFlags};

use super::mailbox::Mailbox;
use crate::driver::features::VERSION_1;
use crate::host::Host;
use crate::serve::service::wait;
use crate::serve::vhost_user::backend::BackendError;
use crate::serve::vhost_user::message::{F_PROTOCOL_FEATURES, Message, Request, protocol, vring_call};
use crate::serve::vhost_user::regions::Regions;
use crate::serve::vhost_user::ring::{Kick, Ring};
use crate::serve::vhost_user::socket::PATIENCE;

/// Queue of the accesses.
pub const COMMANDS: u16 = 0;
/// Queue of the interrupts.
pub const INTERRUPTS: u16 = 1;
/// Both queues are served in software and carry few messages: neither events nor indirect tables are worth their while.
const OFFERED: u64 = 1 << VERSION_1 | F_PROTOCOL_FEATURES;
/// Kicks and calls are messages, so that each has its place among the accesses.
const NEEDED: u64 = protocol::BACKEND_REQ | protocol::INBAND_NOTIFICATIONS;
const PROTOCOL: u64 = protocol::REPLY_ACK | NEEDED;

/// What a message asks for.
#[derive(Debug)]
pub enum Said {
    /// This answer.
    Answer(Option<Vec<u8>>),
    /// A look at a queue, and then this answer.
    Kick(u16, Option<Vec<u8>>),
}

/// The state of a conversation.
#[derive(Debug, Default)]
pub struct Frontend {
    taken: u64,
    protocol: u64,
    /// The guest's memory.
    pub regions: Regions,
    rings: [Ring; 2],
    /// The queues that run.
    pub mailboxes: [Option<Mailbox>; 2],
    /// Where calls go.
    calls: Option<OwnedFd>,
}

impl Frontend {
    fn ring(&mut self, request: Request, ring: u32) -> Result<(usize, &mut Ring), BackendError> {
        let rings = self.rings.len();
        match usize::try_from(ring).ok().filter(|r| *r < rings) {
            Some(at) => Ok((at, &mut self.rings[at])),
            None => Err(BackendError::NoRing { request, ring, rings }),
        }
    }

    /// Takes a message.
    ///
    /// # Errors
    /// [`BackendError`]: the conversation cannot go on.
    pub fn take(&mut self, mut message: Message, host: &Host) -> Result<Said, BackendError> {
        let request = message.request;
        let number = |n: u64| Ok(Said::Answer(Some(n.to_le_bytes().to_vec())));
        let mut kicked = None;
        match request {
            Request::GetFeatures => return number(OFFERED),
            Request::GetProtocolFeatures => return number(PROTOCOL),
            Request::GetQueueNum => return number(1),
            Request::GetConfig => {
                // The queues have no configuration: an answer without bytes is the protocol's way to say so.
                let mut answer = message.payload.clone();
                message.config()?;
                answer.truncate(12);
                answer[4..8].fill(0);
                return Ok(Said::Answer(Some(answer)));
            }
            Request::GetVringBase => {
                let (ring, _) = message.vring_state()?;
                let (at, _) = self.ring(request, ring)?;
                let position = self.mailboxes[at].take().map_or(0, |m| m.position());
                let answer = [ring.to_le_bytes(), u32::from(position).to_le_bytes()].concat();
                return Ok(Said::Answer(Some(answer)));
            }
            Request::SetFeatures => {
                let taken = message.u64()?;
                let extra = taken & !OFFERED;
                if extra != 0 {
                    return Err(BackendError::Features {
                        taken,
                        offered: OFFERED,
                        extra,
                    });
                }
                self.taken = taken;
            }
            Request::SetProtocolFeatures => self.protocol = message.u64()? & PROTOCOL,
            Request::SetMemTable => {
                let mut regions = Regions::default();
                for (info, file) in message.regions()? {
                    regions.add(info, &file)?;
                }
                self.regions = regions;
                host.memory().lend(self.regions.lent());
            }
            Request::SetVringNum => {
                let (ring, size) = message.vring_state()?;
                self.ring(request, ring)?.1.resize(ring, size)?;
            }
            Request::SetVringBase => {
                let (ring, base) = message.vring_state()?;
                self.ring(request, ring)?.1.base = base;
            }
            Request::SetVringAddr => {
                let addr = message.vring_addr()?;
                self.ring(request, addr.index)?.1.addr = Some(addr);
            }
            Request::SetVringKick | Request::SetVringCall | Request::SetVringErr => {
                let (ring, _) = message.vring_fd()?;
                self.ring(request, ring)?;
            }
            Request::SetVringEnable => {
                let (ring, on) = message.vring_state()?;
                self.enable(request, ring, on != 0)?;
            }
            Request::SetBackendReqFd => self.calls = message.take_fds(1)?.pop(),
            Request::VringKick => {
                let (ring, _) = message.vring_state()?;
                kicked = Some(self.ring(request, ring)?.0 as u16);
            }
            Request::ResetDevice | Request::ResetOwner => self.mailboxes = [None, None],
            Request::SetOwner => {}
            Request::SetLogBase
            | Request::SetLogFd
            | Request::SendRarp
            | Request::NetSetMtu
            | Request::IotlbMsg
            | Request::SetConfig
            | Request::GetMaxMemSlots
            | Request::AddMemReg
            | Request::RemMemReg
            | Request::SetStatus
            | Request::GetStatus => return Err(BackendError::Unserved { request }),
        }
        let wanted = message.need_reply && self.protocol & protocol::REPLY_ACK != 0;
        let answer = wanted.then(|| 0_u64.to_le_bytes().to_vec());
        Ok(match kicked {
            Some(ring) => Said::Kick(ring, answer),
            None => Said::Answer(answer),
        })
    }

    fn enable(&mut self, request: Request, ring: u32, on: bool) -> Result<(), BackendError> {
        let (protocol, taken) = (self.protocol, self.taken);
        let (at, described) = self.ring(request, ring)?;
        described.enabled = on;
        if !on {
            self.mailboxes[at] = None;
            return Ok(());
        }
        let lacking = NEEDED & !protocol;
        if lacking != 0 {
            return Err(BackendError::Protocol {
                taken: protocol,
                lacking,
            });
        }
        if taken >> VERSION_1 & 1 == 0 {
            return Err(BackendError::Legacy { taken });
        }
        described.kick = Kick::Polled;
        let index = at as u16;
        let place = self.rings[at].place(index, false, &self.regions)?;
        let place = place.ok_or(BackendError::Undescribed { ring: index })?;
        self.mailboxes[at] = Some(Mailbox::new(index, &place));
        Ok(())
    }

    /// Calls a ring. False: nobody hears it.
    #[must_use]
    pub fn call(&self, ring: u16) -> bool {
        let Some(calls) = &self.calls else { return false };
        let mut fds = [PollFd::new(calls, PollFlags::OUT)];
        let message = vring_call(ring.into());
        wait(&mut fds, PATIENCE.as_millis() as i64).is_ok()
            && fds[0].revents() == PollFlags::OUT
            && rustix::io::write(calls, &message) == Ok(message.len())
    }
}
