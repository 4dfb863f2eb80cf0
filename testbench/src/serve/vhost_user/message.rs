//! What frontends say (vhost-user specification of QEMU): a header of three words, a payload, file descriptors beside it.

use std::fmt;
use std::os::fd::OwnedFd;

/// Bytes of a header.
pub const HEADER_BYTES: usize = 12;
/// Longest payload taken: a table of 8 regions has 264 bytes, a device configuration at most 268.
pub const PAYLOAD_MAX: usize = 4096;
/// Regions in one table.
pub const REGIONS_MAX: usize = 8;
/// File descriptors with one message.
pub const FDS_MAX: usize = REGIONS_MAX;

/// Version in the flags.
const VERSION: u32 = 1;
/// Flag: this is a reply.
const REPLY: u32 = 4;
/// Flag: a reply is wanted, even where there is none by itself.
const NEED_REPLY: u32 = 8;

/// `VHOST_USER_F_PROTOCOL_FEATURES`, in the words of virtio features.
pub const F_PROTOCOL_FEATURES: u64 = 1 << 30;
/// `VHOST_F_LOG_ALL`.
pub const F_LOG_ALL: u64 = 1 << 26;

/// Protocol features (bits).
pub mod protocol {
    /// More than one pair.
    pub const MQ: u64 = 1 << 0;
    /// Every message can be answered.
    pub const REPLY_ACK: u64 = 1 << 3;
    /// The backend has a channel of its own for requests.
    pub const BACKEND_REQ: u64 = 1 << 5;
    /// The frontend reads the device configuration here.
    pub const CONFIG: u64 = 1 << 9;
    /// `RESET_DEVICE`.
    pub const RESET_DEVICE: u64 = 1 << 13;
    /// Kicks and calls are messages.
    pub const INBAND_NOTIFICATIONS: u64 = 1 << 14;
    /// Regions come and go one by one.
    pub const CONFIGURE_MEM_SLOTS: u64 = 1 << 15;
    /// The frontend passes the device status on.
    pub const STATUS: u64 = 1 << 16;
}

macro_rules! requests {
    ($($name:ident = $number:literal),* $(,)?) => {
        /// Requests of a frontend, by their numbers.
        #[expect(missing_docs, reason = "the specification's names")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum Request { $($name = $number),* }

        impl Request {
            /// The request with this number.
            #[must_use]
            pub fn of(number: u32) -> Option<Self> {
                match number { $($number => Some(Request::$name),)* _ => None }
            }
        }
    };
}

requests! {
    GetFeatures = 1, SetFeatures = 2, SetOwner = 3, ResetOwner = 4, SetMemTable = 5, SetLogBase = 6, SetLogFd = 7,
    SetVringNum = 8, SetVringAddr = 9, SetVringBase = 10, GetVringBase = 11, SetVringKick = 12, SetVringCall = 13,
    SetVringErr = 14, GetProtocolFeatures = 15, SetProtocolFeatures = 16, GetQueueNum = 17, SetVringEnable = 18,
    SendRarp = 19, NetSetMtu = 20, SetBackendReqFd = 21, IotlbMsg = 22, GetConfig = 24, SetConfig = 25,
    ResetDevice = 34, VringKick = 35, GetMaxMemSlots = 36, AddMemReg = 37, RemMemReg = 38, SetStatus = 39, GetStatus = 40,
}

/// A message as it came.
#[derive(Debug)]
pub struct Message {
    /// Which.
    pub request: Request,
    /// The frontend wants an answer in any case.
    pub need_reply: bool,
    /// What belongs to it.
    pub payload: Vec<u8>,
    /// Files.
    pub fds: Vec<OwnedFd>,
}

/// A header that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which request.
    pub request: Request,
    /// The frontend wants an answer.
    pub need_reply: bool,
    /// Payload that follows, in bytes.
    pub payload_bytes: usize,
}

/// A message that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Another protocol, or bytes out of step.
    #[error("header flags {flags:#x}: version {VERSION} of the protocol and a request were expected")]
    Flags {
        /// The flags.
        flags: u32,
    },
    /// A number that no request has.
    #[error("request {number} is none that this backend knows")]
    Request {
        /// The number.
        number: u32,
    },
    /// A payload that is too long for anything.
    #[error("{request:?} announces a payload of {bytes} bytes; {PAYLOAD_MAX} is the most taken")]
    Long {
        /// The request.
        request: Request,
        /// Bytes announced.
        bytes: usize,
    },
    /// The payload ends too early.
    #[error("{request:?} has a payload of {bytes} bytes, {want} are needed")]
    Short {
        /// The request.
        request: Request,
        /// Bytes there.
        bytes: usize,
        /// Bytes needed.
        want: usize,
    },
    /// Not the files that it should bring.
    #[error("{request:?} brings {got} file descriptors, {want} are due")]
    Fds {
        /// The request.
        request: Request,
        /// How many came.
        got: usize,
        /// How many were due.
        want: usize,
    },
}

impl Header {
    /// Reads a header.
    ///
    /// # Errors
    /// [`MessageError`]: not this protocol.
    pub fn parse(bytes: [u8; HEADER_BYTES]) -> Result<Self, MessageError> {
        let word = |i: usize| u32::from_le_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
        let (number, flags, size) = (word(0), word(4), word(8) as usize);
        if flags & 3 != VERSION || flags & REPLY != 0 {
            return Err(MessageError::Flags { flags });
        }
        let request = Request::of(number).ok_or(MessageError::Request { number })?;
        if size > PAYLOAD_MAX {
            return Err(MessageError::Long { request, bytes: size });
        }
        Ok(Header {
            request,
            need_reply: flags & NEED_REPLY != 0,
            payload_bytes: size,
        })
    }
}

/// The bytes of a reply.
#[must_use]
pub fn reply(request: Request, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
    for word in [request as u32, VERSION | REPLY, payload.len() as u32] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(payload);
    bytes
}

/// The bytes of a backend's own request that calls a ring (`VHOST_USER_BACKEND_VRING_CALL`); no reply is wanted.
#[must_use]
pub fn vring_call(ring: u32) -> [u8; 20] {
    const VRING_CALL: u32 = 4;
    let mut bytes = [0; 20];
    for (at, word) in [VRING_CALL, VERSION, 8, ring].into_iter().enumerate() {
        bytes[4 * at..4 * at + 4].copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// A region of memory, as the frontend describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegionInfo {
    /// Guest physical address: what descriptors hold, and what the device uses.
    pub guest: u64,
    /// Bytes.
    pub len_bytes: u64,
    /// The frontend's own address of it: what ring addresses are given in.
    pub user: u64,
    /// Where it begins in its file.
    pub offset: u64,
}

/// Ring addresses, in the frontend's own address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VringAddr {
    /// Ring.
    pub index: u32,
    /// Flags: bit 0, the used ring's writes are to be logged.
    pub flags: u32,
    /// Descriptor area.
    pub descriptor: u64,
    /// Device area.
    pub device: u64,
    /// Driver area.
    pub driver: u64,
}

impl Message {
    fn need(&self, want: usize) -> Result<(), MessageError> {
        let bytes = self.payload.len();
        if bytes < want {
            let request = self.request;
            return Err(MessageError::Short { request, bytes, want });
        }
        Ok(())
    }

    fn word(&self, at: usize) -> u64 {
        let mut word = [0; 8];
        let part = self.payload.get(at..).unwrap_or_default();
        let n = part.len().min(8);
        word[..n].copy_from_slice(&part[..n]);
        u64::from_le_bytes(word)
    }

    /// One 64-bit number.
    ///
    /// # Errors
    /// The payload is too short.
    pub fn u64(&self) -> Result<u64, MessageError> {
        self.need(8)?;
        Ok(self.word(0))
    }

    /// A ring and a number.
    ///
    /// # Errors
    /// The payload is too short.
    pub fn vring_state(&self) -> Result<(u32, u32), MessageError> {
        let word = self.u64()?;
        Ok((word as u32, (word >> 32) as u32))
    }

    /// Ring addresses.
    ///
    /// # Errors
    /// The payload is too short.
    pub fn vring_addr(&self) -> Result<VringAddr, MessageError> {
        self.need(40)?;
        Ok(VringAddr {
            index: self.word(0) as u32,
            flags: (self.word(0) >> 32) as u32,
            descriptor: self.word(8),
            device: self.word(16),
            driver: self.word(24),
        })
    }

    /// A ring, and the file with it unless the frontend says that there is none (polling).
    ///
    /// # Errors
    /// Too short, or not the one file that is due.
    pub fn vring_fd(&mut self) -> Result<(u32, Option<OwnedFd>), MessageError> {
        const NO_FD: u64 = 1 << 8;
        let word = self.u64()?;
        let want = usize::from(word & NO_FD == 0);
        self.take_fds(want)
            .map(|mut fds| ((word & 0xff) as u32, fds.pop()))
    }

    /// Exactly `want` files.
    ///
    /// # Errors
    /// Another number came.
    pub fn take_fds(&mut self, want: usize) -> Result<Vec<OwnedFd>, MessageError> {
        let got = self.fds.len();
        if got != want {
            let request = self.request;
            return Err(MessageError::Fds { request, got, want });
        }
        Ok(std::mem::take(&mut self.fds))
    }

    fn region_at(&self, at: usize) -> RegionInfo {
        RegionInfo {
            guest: self.word(at),
            len_bytes: self.word(at + 8),
            user: self.word(at + 16),
            offset: self.word(at + 24),
        }
    }

    /// A whole table, each region with its file.
    ///
    /// # Errors
    /// Too short, too many, or not a file for each.
    pub fn regions(&mut self) -> Result<Vec<(RegionInfo, OwnedFd)>, MessageError> {
        self.need(8)?;
        let count = self.word(0) as u32 as usize;
        if count > REGIONS_MAX {
            let request = self.request;
            return Err(MessageError::Fds {
                request,
                got: count,
                want: REGIONS_MAX,
            });
        }
        self.need(8 + 32 * count)?;
        let fds = self.take_fds(count)?;
        Ok((0..count).map(|i| self.region_at(8 + 32 * i)).zip(fds).collect())
    }

    /// One region of its own.
    ///
    /// # Errors
    /// Too short.
    pub fn region(&self) -> Result<RegionInfo, MessageError> {
        self.need(40)?;
        Ok(self.region_at(8))
    }

    /// A part of the device configuration: offset, length, flags.
    ///
    /// # Errors
    /// Too short.
    pub fn config(&self) -> Result<(u32, u32, u32), MessageError> {
        self.need(12)?;
        Ok((self.word(0) as u32, self.word(4) as u32, self.word(8) as u32))
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.request)?;
        if let (8, Ok(word)) = (self.payload.len(), self.u64()) {
            write!(f, " {word:#x}")?;
        }
        if !self.fds.is_empty() {
            write!(f, ", {} fds", self.fds.len())?;
        }
        if self.need_reply {
            f.write_str(", reply wanted")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(words: [u32; 3]) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        for (i, word) in words.iter().enumerate() {
            bytes[4 * i..4 * i + 4].copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    fn message(request: Request, payload: &[u8]) -> Message {
        Message {
            request,
            need_reply: false,
            payload: payload.to_vec(),
            fds: Vec::new(),
        }
    }

    #[test]
    fn headers_are_of_this_protocol_or_refused() {
        let good = Header::parse(header([8, 9, 8])).unwrap();
        assert_eq!(
            (good.request, good.need_reply, good.payload_bytes),
            (Request::SetVringNum, true, 8)
        );
        assert_eq!(
            Header::parse(header([8, 2, 8])),
            Err(MessageError::Flags { flags: 2 })
        );
        assert_eq!(
            Header::parse(header([8, 5, 8])),
            Err(MessageError::Flags { flags: 5 })
        );
        assert_eq!(
            Header::parse(header([99, 1, 8])),
            Err(MessageError::Request { number: 99 })
        );
        assert!(matches!(
            Header::parse(header([5, 1, u32::MAX])),
            Err(MessageError::Long { .. })
        ));
        assert_eq!(
            reply(Request::GetStatus, &[7])[..],
            [40, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 7]
        );
    }

    #[test]
    fn short_payloads_and_missing_files_are_errors() {
        assert!(message(Request::SetFeatures, &[1; 7]).u64().is_err());
        assert!(message(Request::SetVringAddr, &[0; 39]).vring_addr().is_err());
        assert!(message(Request::AddMemReg, &[0; 39]).region().is_err());
        assert!(message(Request::GetConfig, &[0; 11]).config().is_err());
        assert!(message(Request::SetMemTable, &[0; 4]).regions().is_err());
        let mut two = vec![2, 0, 0, 0, 0, 0, 0, 0];
        assert!(message(Request::SetMemTable, &two).regions().is_err());
        two.extend([0; 64]);
        let error = message(Request::SetMemTable, &two).regions().unwrap_err();
        assert_eq!(
            error.to_string(),
            "SetMemTable brings 0 file descriptors, 2 are due"
        );
        let many = [255; 8];
        assert!(message(Request::SetMemTable, &many).regions().is_err());
        let kick = [3, 0, 0, 0, 0, 0, 0, 0];
        assert!(message(Request::SetVringKick, &kick).vring_fd().is_err());
        let polling = [3, 1, 0, 0, 0, 0, 0, 0];
        let (ring, fd) = message(Request::SetVringKick, &polling).vring_fd().unwrap();
        assert!(ring == 3 && fd.is_none());
    }
}
