//! A frontend of vhost-user, small: it speaks the protocol and drives split or packed rings in a shared file. Its memory is read and written as a
//! file, which the kernel keeps the same as the mapping that the other side has.

use std::fs::File;
use std::io::{IoSlice, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use ringside::serve::vhost_user::message::{F_PROTOCOL_FEATURES, Request};
use rustix::event::{EventfdFlags, eventfd};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

/// Guest physical address of its memory.
pub(crate) const GUEST: u64 = 0x4000_0000;
/// Where it believes to have it itself.
pub(crate) const USER: u64 = 0x7f12_3400_0000;
/// Bytes of it.
pub(crate) const MEMORY_BYTES: u64 = 0x10_0000;
/// Entries of each ring.
pub(crate) const SIZE: u16 = 16;
/// Header before each frame.
const HEADER: usize = 12;
const BUFFER: u64 = 2048;
const VERSION_1: u64 = 1 << 32;
const MQ: u64 = 1 << 22;
const RING_PACKED: u64 = 1 << 34;
/// Time that anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Descriptor flag: the device writes.
const WRITE: u16 = 2;
/// Packed descriptor flags.
const AVAIL: u16 = 1 << 7;
const USED: u16 = 1 << 15;

/// How it kicks and is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Eventfds,
    Polling,
}

pub(crate) struct Frontend {
    stream: UnixStream,
    pub(crate) memory: File,
    pub(crate) packed: bool,
    kicks: Vec<OwnedFd>,
    calls: Vec<OwnedFd>,
    /// Buffers given and taken back, each ring.
    given: [u16; 4],
    taken: [u16; 4],
    /// Queue pairs that it wants.
    pub(crate) pairs: usize,
    /// Where its rings are to go on.
    pub(crate) bases: [u32; 4],
}

fn ring_at(ring: usize) -> u64 {
    0x4000 * ring as u64
}

fn buffer_at(ring: usize, slot: u16) -> u64 {
    0x1_0000 + 0x2_0000 * ring as u64 + BUFFER * u64::from(slot)
}

impl Frontend {
    pub(crate) fn connect(path: &Path, packed: bool) -> Self {
        let start = Instant::now();
        let stream = loop {
            match UnixStream::connect(path) {
                Ok(stream) => break stream,
                Err(e) => assert!(start.elapsed() < PATIENCE, "{e}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let memory = tempfile::tempfile().unwrap();
        memory.set_len(MEMORY_BYTES).unwrap();
        Frontend {
            stream,
            memory,
            packed,
            kicks: Vec::new(),
            calls: Vec::new(),
            given: [0; 4],
            taken: [0; 4],
            pairs: 1,
            bases: [0; 4],
        }
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn send(&mut self, request: Request, words: &[u64], fds: &[BorrowedFd<'_>]) {
        let payload: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        self.send_bytes(request, &payload, fds, false);
    }

    fn send_bytes(&mut self, request: Request, payload: &[u8], fds: &[BorrowedFd<'_>], need_reply: bool) {
        let flags = 1 | u32::from(need_reply) << 3;
        let header = [request as u32, flags, payload.len() as u32];
        let mut bytes: Vec<u8> = header.iter().flat_map(|w| w.to_le_bytes()).collect();
        bytes.extend(payload);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            assert!(control.push(SendAncillaryMessage::ScmRights(fds)));
        }
        sendmsg(
            &self.stream,
            &[IoSlice::new(&bytes)],
            &mut control,
            SendFlags::NOSIGNAL,
        )
        .unwrap();
    }

    /// A message with an answer: its payload.
    pub(crate) fn ask(&mut self, request: Request, payload: &[u8]) -> Vec<u8> {
        self.send_bytes(request, payload, &[], false);
        self.answer(request)
    }

    /// A message that is to be answered with 0.
    pub(crate) fn confirm(&mut self, request: Request, words: &[u64]) -> u64 {
        let payload: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        self.send_bytes(request, &payload, &[], true);
        u64::from_le_bytes(self.answer(request).try_into().unwrap())
    }

    fn answer(&mut self, request: Request) -> Vec<u8> {
        let mut header = [0; 12];
        self.stream.read_exact(&mut header).unwrap();
        assert_eq!((header[0], header[4]), (request as u8, 5));
        let mut payload = vec![0; usize::from(u16::from_le_bytes([header[8], header[9]]))];
        self.stream.read_exact(&mut payload).unwrap();
        payload
    }

    /// Waits until the other side has hung up.
    pub(crate) fn is_hung_up_on(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => rest.is_empty(),
            // What was not read when it was closed.
            Err(e) => e.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    pub(crate) fn memory_table(&mut self) {
        let memory = self.memory.try_clone().unwrap();
        let table = [1, GUEST, MEMORY_BYTES, USER, 0];
        self.send(Request::SetMemTable, &table, &[memory.as_fd()]);
    }

    /// Features and memory.
    pub(crate) fn hello(&mut self, protocol: u64) {
        self.send(Request::SetOwner, &[], &[]);
        let offered = u64::from_le_bytes(self.ask(Request::GetFeatures, &[]).try_into().unwrap());
        let packed = if self.packed { RING_PACKED } else { 0 };
        let many = if self.pairs > 1 { MQ } else { 0 };
        let want = VERSION_1 | F_PROTOCOL_FEATURES | packed | many;
        assert_eq!(offered & want, want, "{offered:#x}");
        self.ask(Request::GetProtocolFeatures, &[]);
        self.send(Request::SetProtocolFeatures, &[protocol], &[]);
        self.send(Request::SetFeatures, &[want], &[]);
        self.memory_table();
    }

    /// Ring addresses: user addresses of descriptor, device and driver areas.
    pub(crate) fn addresses(ring: usize) -> [u64; 3] {
        let at = USER + ring_at(ring);
        [at, at + 0x2000, at + 0x1000]
    }

    /// Describes all rings.
    pub(crate) fn rings(&mut self, manner: Manner) {
        self.kicks.clear();
        self.calls.clear();
        for ring in 0..2 * self.pairs {
            let index = ring as u64;
            self.send(Request::SetVringNum, &[index | u64::from(SIZE) << 32], &[]);
            self.send(
                Request::SetVringBase,
                &[index | u64::from(self.bases[ring]) << 32],
                &[],
            );
            let [descriptor, device, driver] = Self::addresses(ring);
            self.send(
                Request::SetVringAddr,
                &[index, descriptor, device, driver, 0],
                &[],
            );
            for request in [Request::SetVringCall, Request::SetVringKick] {
                if manner == Manner::Polling {
                    self.send(request, &[index | 1 << 8], &[]);
                    continue;
                }
                let fd = eventfd(0, EventfdFlags::NONBLOCK).unwrap();
                self.send(request, &[index], &[fd.as_fd()]);
                if request == Request::SetVringKick {
                    self.kicks.push(fd);
                } else {
                    self.calls.push(fd);
                }
            }
            self.send(Request::SetVringEnable, &[index | 1 << 32], &[]);
        }
    }

    pub(crate) fn put(&self, at: u64, bytes: &[u8]) {
        self.memory.write_all_at(bytes, at).unwrap();
    }

    pub(crate) fn get<const N: usize>(&self, at: u64) -> [u8; N] {
        let mut bytes = [0; N];
        self.memory.read_exact_at(&mut bytes, at).unwrap();
        bytes
    }

    /// Gives a buffer: to receive into, or a frame to send.
    pub(crate) fn give(&mut self, ring: usize, frame: Option<&[u8]>) {
        let slot = self.given[ring] % SIZE;
        let at = buffer_at(ring, slot);
        let (len, mut flags) = match frame {
            Some(frame) => {
                self.put(at, &[&[0; HEADER], frame].concat());
                ((HEADER + frame.len()) as u32, 0)
            }
            None => (BUFFER as u32, WRITE),
        };
        let entry = ring_at(ring) + 16 * u64::from(slot);
        self.put(entry, &(GUEST + at).to_le_bytes());
        self.put(entry + 8, &len.to_le_bytes());
        if self.packed {
            let lap = self.given[ring] / SIZE % 2;
            flags |= if lap == 0 { AVAIL } else { USED };
            self.put(entry + 12, &slot.to_le_bytes());
            self.put(entry + 14, &flags.to_le_bytes());
        } else {
            self.put(entry + 12, &flags.to_le_bytes());
            let driver = ring_at(ring) + 0x1000;
            self.put(driver + 4 + 2 * u64::from(slot), &slot.to_le_bytes());
            let index = self.given[ring].wrapping_add(1);
            self.put(driver + 2, &index.to_le_bytes());
        }
        self.given[ring] += 1;
    }

    /// Stores an available index that no honest driver would.
    pub(crate) fn put_index(&self, ring: usize, index: u16) {
        self.put(ring_at(ring) + 0x1000 + 2, &index.to_le_bytes());
    }

    /// Overwrites the descriptors of a ring.
    pub(crate) fn put_descriptors(&self, ring: usize, bytes: &[u8]) {
        self.put(ring_at(ring), bytes);
    }

    pub(crate) fn kick(&self, ring: usize) {
        rustix::io::write(&self.kicks[ring], &1u64.to_ne_bytes()).unwrap();
    }

    /// Has the other side called since the last time?
    pub(crate) fn was_called(&self, ring: usize) -> bool {
        rustix::io::read(&self.calls[ring], &mut [0; 8]).is_ok()
    }

    /// The next buffer that came back, with the bytes that the device reports of it. Waits for it.
    pub(crate) fn take(&mut self, ring: usize) -> Vec<u8> {
        let start = Instant::now();
        loop {
            if let Some(frame) = self.try_take(ring) {
                return frame;
            }
            assert!(start.elapsed() < PATIENCE, "ring {ring} brings nothing back");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn try_take(&mut self, ring: usize) -> Option<Vec<u8>> {
        let (slot, len) = if self.packed {
            let entry = ring_at(ring) + 16 * u64::from(self.taken[ring] % SIZE);
            let flags = u16::from_le_bytes(self.get(entry + 14));
            let lap = (self.taken[ring] / SIZE).is_multiple_of(2);
            if (flags & AVAIL != 0) != lap || (flags & USED != 0) != lap {
                return None;
            }
            (
                u16::from_le_bytes(self.get(entry + 12)),
                u32::from_le_bytes(self.get(entry + 8)),
            )
        } else {
            let device = ring_at(ring) + 0x2000;
            if u16::from_le_bytes(self.get(device + 2)) == self.taken[ring] {
                return None;
            }
            let entry = device + 4 + 8 * u64::from(self.taken[ring] % SIZE);
            (
                u32::from_le_bytes(self.get(entry)) as u16,
                u32::from_le_bytes(self.get(entry + 4)),
            )
        };
        self.taken[ring] += 1;
        let mut bytes = vec![0; len as usize];
        self.memory
            .read_exact_at(&mut bytes, buffer_at(ring, slot))
            .unwrap();
        Some(bytes.split_off(HEADER.min(bytes.len())))
    }

    /// Where the ring stopped.
    pub(crate) fn stop(&mut self, ring: u32) -> u32 {
        let payload = [ring.to_le_bytes(), [0; 4]].concat();
        let answer = self.ask(Request::GetVringBase, &payload);
        assert_eq!(answer[..4], ring.to_le_bytes());
        u32::from_le_bytes([answer[4], answer[5], answer[6], answer[7]])
    }
}
