//! What a guest did here, and how it left.

use super::calendar::CalendarError;
use super::mailbox::MailboxError;
use super::op::OpError;
use super::slot::{Counts, SlotError};
use crate::serve::vhost_user::backend::BackendError;
use crate::serve::vhost_user::socket::ChannelError;

/// How a guest left.
#[derive(Debug, thiserror::Error)]
pub enum Left {
    /// The connection.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// What its frontend said.
    #[error(transparent)]
    Frontend(#[from] BackendError),
    /// A queue of messages.
    #[error(transparent)]
    Mailbox(#[from] MailboxError),
    /// A message.
    #[error(transparent)]
    Op(#[from] OpError),
    /// An access.
    #[error(transparent)]
    Slot(#[from] SlotError),
    /// Its clock.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// It listens no more.
    #[error("the guest takes no calls of its queue {queue}")]
    Deaf {
        /// Which queue.
        queue: u16,
    },
    /// It has gone, as guests do.
    #[error("the guest has gone")]
    Gone,
    /// It is sent away.
    #[error("the service ends")]
    Stopped,
    /// The system refuses to wait, or to let it in.
    #[error("{0}")]
    System(#[from] std::io::Error),
}

impl Left {
    /// Did it leave as one does?
    #[must_use]
    pub fn is_fair(&self) -> bool {
        matches!(self, Left::Gone | Left::Stopped)
    }

    /// A guest that ends closes its connections in any order: that is one way to leave, not two.
    #[must_use]
    pub fn settled(self) -> Self {
        match self {
            Left::Channel(ChannelError::Closed) | Left::Calendar(CalendarError::Closed) => Left::Gone,
            other => other,
        }
    }
}

/// What a guest did here.
#[derive(Debug)]
pub struct GuestReport {
    /// Its accesses.
    pub counts: Counts,
    /// Interrupts that it was sent.
    pub interrupts: u64,
    /// Features that its last driver took.
    pub features: u128,
    /// Its own time when it left, in nanoseconds; without a calendar there is none.
    pub time_ns: Option<u64>,
    /// How it left.
    pub left: Left,
}
