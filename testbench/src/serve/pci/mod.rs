//! The whole function in the slot of a guest: user-mode Linux (`UML_PCI_OVER_VIRTIO`) speaks vhost-user to a device whose two queues carry accesses to
//! configuration space and BARs one way and interrupts the other. Each access becomes TLPs to the RTL; what the RTL writes and reads is the guest's memory.
//!
//! [`op`] is what the messages say, [`mailbox`] the queues that carry them, [`slot`] the function behind them, [`frontend`] the conversation about all
//! that, [`calendar`] simulated time, [`report`] what came of it, and [`server`] what keeps them going.

pub mod calendar;
pub mod frontend;
pub mod mailbox;
pub mod op;
pub mod report;
pub mod server;
pub mod slot;
mod time;
