//! A vhost-user backend whose rings are processed by the RTL: the control path is software, as in vDPA.

pub mod backend;
pub mod message;
pub mod regions;
pub mod ring;
pub mod server;
pub mod socket;
