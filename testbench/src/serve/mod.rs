//! Drivers that nobody here wrote, on the device: in this process ([`in_process`]), in another one over a socket ([`vhost_user`]),
//! or in a guest that has the whole function ([`pci`]).

pub mod in_process;
pub mod parent;
pub mod pci;
pub mod service;
pub mod shadow_control;
#[expect(unsafe_code, reason = "memory that another process stores to")]
pub mod shared_memory;
pub mod vhost_user;
