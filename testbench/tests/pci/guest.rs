//! A guest, small: a frontend of vhost-user that carries accesses as user-mode Linux does (`virtio_pcidev`), and on top of that enough of an operating
//! system to size and place BARs, program MSI-X and drive virtio-net on split rings. Its memory is read and written as a file.

use std::fs::File;
use std::io::{IoSlice, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use ringside::serve::vhost_user::message::{F_PROTOCOL_FEATURES, Request, protocol};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

/// Guest physical address of its memory.
pub(crate) const MEMORY: u64 = 0x20_0000;
/// Bytes of it.
pub(crate) const MEMORY_BYTES: u64 = 0x10_0000;
/// Entries of each ring, those of the messages too.
pub(crate) const SIZE: u16 = 16;
/// Time that anything may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Protocol features of UML.
pub(crate) const PROTOCOL: u64 = protocol::REPLY_ACK | protocol::BACKEND_REQ | protocol::INBAND_NOTIFICATIONS;
const VERSION_1: u64 = 1 << 32;
/// Where its BARs go, and where interrupts.
const WINDOW: u64 = 0xf000_0000;
pub(crate) const MSI: u64 = 0xa_0000;
/// Header before each frame.
const HEADER: usize = 12;

const COMMANDS: u64 = 0;
const INTERRUPTS: u64 = 1;

/// Areas of queue `queue` of the messages (0, 1) or of the device (2, 3): descriptors, driver, device.
fn areas(queue: u64) -> [u64; 3] {
    let at = 0x4000 * queue;
    [at, at + 0x1000, at + 0x2000]
}

fn buffer(queue: u64, slot: u16) -> u64 {
    0x2_0000 + 0x2_0000 * queue + 0x1000 * u64::from(slot)
}

pub(crate) struct Guest {
    stream: UnixStream,
    memory: File,
    calls: File,
    /// Chains made available and taken back, each queue.
    given: [u16; 4],
    taken: [u16; 4],
    /// BARs: index, base, size.
    pub(crate) bars: Vec<(u8, u64, u64)>,
    /// Capabilities: id, offset.
    pub(crate) capabilities: Vec<(u8, u16)>,
    /// BAR and offset of the structures: common, notify, and the multiplier of the latter.
    common: (u8, u64),
    notify: (u8, u64),
    multiplier: u64,
}

impl Guest {
    /// Connects and says what it can.
    pub(crate) fn connect(path: &Path) -> Self {
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
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        rustix::fs::fcntl_setfl(&reader, rustix::fs::OFlags::NONBLOCK).unwrap();
        let mut guest = Guest {
            stream,
            memory,
            calls: File::from(reader),
            given: [0; 4],
            taken: [0; 4],
            bars: Vec::new(),
            capabilities: Vec::new(),
            common: (0, 0),
            notify: (0, 0),
            multiplier: 0,
        };
        guest.hello(&writer);
        guest
    }

    fn hello(&mut self, calls: &OwnedFd) {
        self.send(Request::SetOwner, &[], &[], false);
        let offered = self.ask(Request::GetFeatures, &[]);
        let want = VERSION_1 | F_PROTOCOL_FEATURES;
        assert_eq!(u64::from_le_bytes(offered[..].try_into().unwrap()) & want, want);
        let offered = self.ask(Request::GetProtocolFeatures, &[]);
        assert_eq!(
            u64::from_le_bytes(offered[..].try_into().unwrap()) & PROTOCOL,
            PROTOCOL
        );
        self.send(Request::SetProtocolFeatures, &[PROTOCOL], &[], false);
        self.send(Request::SetBackendReqFd, &[], &[calls.as_fd()], true);
        self.send(Request::SetFeatures, &[want], &[], true);
        let memory = self.memory.try_clone().unwrap();
        let table = [1, MEMORY, MEMORY_BYTES, MEMORY, 0];
        self.send(Request::SetMemTable, &table, &[memory.as_fd()], true);
    }

    /// Starts the two queues of the messages.
    pub(crate) fn start(&mut self) {
        for queue in [COMMANDS, INTERRUPTS] {
            self.confirm(Request::SetVringNum, &[queue | u64::from(SIZE) << 32]);
            self.confirm(Request::SetVringBase, &[queue]);
            let [descriptor, driver, device] = areas(queue).map(|a| MEMORY + a);
            self.confirm(Request::SetVringAddr, &[queue, descriptor, device, driver, 0]);
            self.confirm(Request::SetVringEnable, &[queue | 1 << 32]);
        }
        for _ in 0..SIZE / 2 {
            self.offer(INTERRUPTS, &[], 20);
        }
        self.confirm(Request::VringKick, &[INTERRUPTS]);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    pub(crate) fn send(&mut self, request: Request, words: &[u64], fds: &[BorrowedFd<'_>], confirm: bool) {
        let payload: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        let header = [request as u32, 1 | u32::from(confirm) << 3, payload.len() as u32];
        let mut bytes: Vec<u8> = header.iter().flat_map(|w| w.to_le_bytes()).collect();
        bytes.extend(payload);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            assert!(control.push(SendAncillaryMessage::ScmRights(fds)));
        }
        let parts = [IoSlice::new(&bytes)];
        // Whoever has hung up is found out by the answer.
        let _ = sendmsg(&self.stream, &parts, &mut control, SendFlags::NOSIGNAL);
        if confirm {
            assert_eq!(self.answer(request), [0; 8]);
        }
    }

    fn confirm(&mut self, request: Request, words: &[u64]) {
        self.send(request, words, &[], true);
    }

    fn ask(&mut self, request: Request, words: &[u64]) -> Vec<u8> {
        self.send(request, words, &[], false);
        self.answer(request)
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
        match self.stream.read_to_end(&mut Vec::new()) {
            Ok(_) => true,
            Err(e) => e.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    pub(crate) fn put(&self, at: u64, bytes: &[u8]) {
        self.memory.write_all_at(bytes, at).unwrap();
    }

    fn get<const N: usize>(&self, at: u64) -> [u8; N] {
        let mut bytes = [0; N];
        self.memory.read_exact_at(&mut bytes, at).unwrap();
        bytes
    }

    /// Makes a chain available: a buffer to be read, unless it is empty, and one of `room` bytes to be written, unless that is 0.
    pub(crate) fn offer(&mut self, queue: u64, message: &[u8], room: u32) {
        let q = queue as usize;
        let slot = self.given[q] % SIZE;
        let [descriptors, driver, _] = areas(queue);
        let (at, mut parts) = (buffer(queue, slot), Vec::new());
        if !message.is_empty() {
            self.put(at, message);
            parts.push((MEMORY + at, message.len() as u32, 0_u16));
        }
        if room > 0 {
            parts.push((MEMORY + at + 0x800, room, 2));
        }
        // Accesses are made one at a time, so two descriptors for each are enough.
        let head = if queue == COMMANDS {
            slot % (SIZE / 2) * 2
        } else {
            slot
        };
        for (i, (addr, len, flags)) in parts.iter().enumerate() {
            let index = head + i as u16;
            let more = u16::from(i + 1 < parts.len());
            let mut entry = addr.to_le_bytes().to_vec();
            entry.extend(len.to_le_bytes());
            entry.extend((flags | more).to_le_bytes());
            entry.extend((index + 1).to_le_bytes());
            self.put(descriptors + 16 * u64::from(index), &entry);
        }
        self.put(driver + 4 + 2 * u64::from(slot), &head.to_le_bytes());
        self.given[q] += 1;
        self.put(driver + 2, &self.given[q].to_le_bytes());
    }

    /// What the next chain came back with, if it has: bytes written.
    fn back(&mut self, queue: u64) -> Option<(u16, usize)> {
        let q = queue as usize;
        let [_, _, device] = areas(queue);
        if u16::from_le_bytes(self.get(device + 2)) == self.taken[q] {
            return None;
        }
        let slot = self.taken[q] % SIZE;
        let entry: [u8; 8] = self.get(device + 4 + 8 * u64::from(slot));
        self.taken[q] += 1;
        Some((slot, u32::from_le_bytes(entry[4..].try_into().unwrap()) as usize))
    }

    /// Sends one message of the slot's language.
    pub(crate) fn command(&mut self, message: &[u8], room: u32) {
        self.offer(COMMANDS, message, room);
        self.send(Request::VringKick, &[COMMANDS], &[], false);
    }

    fn access(&mut self, op: u8, bar: u8, size: u32, addr: u64, data: &[u8]) -> Vec<u8> {
        let room = if op % 2 == 1 && op < 4 { size } else { 0 };
        let message = message(op, bar, size, addr, data);
        self.offer(COMMANDS, &message, room);
        self.confirm(Request::VringKick, &[COMMANDS]);
        let (slot, len) = self
            .back(COMMANDS)
            .expect("an access is done when its kick is answered");
        assert_eq!(len, room as usize);
        let mut bytes = vec![0; len];
        self.memory
            .read_exact_at(&mut bytes, buffer(COMMANDS, slot) + 0x800)
            .unwrap();
        bytes
    }

    pub(crate) fn config(&mut self, reg: u16, size: u32) -> u64 {
        number(&self.access(1, 0, size, reg.into(), &[]))
    }

    pub(crate) fn set_config(&mut self, reg: u16, data: &[u8]) {
        self.access(2, 0, data.len() as u32, reg.into(), data);
    }

    pub(crate) fn read(&mut self, bar: u8, offset: u64, size: u32) -> Vec<u8> {
        self.access(3, bar, size, offset, &[])
    }

    pub(crate) fn write(&mut self, bar: u8, offset: u64, data: &[u8]) {
        self.access(4, bar, data.len() as u32, offset, data);
    }

    /// Interrupts that came meanwhile: address and data.
    pub(crate) fn interrupts(&mut self) -> Vec<(u64, u32)> {
        let mut came = Vec::new();
        while let Some((slot, len)) = self.back(INTERRUPTS) {
            let m: [u8; 20] = self.get(buffer(INTERRUPTS, slot) + 0x800);
            assert_eq!((len, m[0], m[4]), (20, 7, 4));
            came.push((number(&m[8..16]), number(&m[16..]) as u32));
            self.offer(INTERRUPTS, &[], 20);
        }
        if !came.is_empty() {
            self.confirm(Request::VringKick, &[INTERRUPTS]);
        }
        came
    }

    /// Was it called?
    pub(crate) fn was_called(&mut self) -> bool {
        let mut bytes = [0; 20];
        self.calls.read_exact(&mut bytes).is_ok() && bytes[0] == 4
    }

    /// Sizes and places BARs, finds the capabilities, enables memory space and bus mastering.
    pub(crate) fn enumerate(&mut self) {
        assert_eq!(self.config(0, 2), 0x1af4);
        self.set_config(4, &[0, 0]);
        let (mut bar, mut next) = (0, WINDOW);
        while bar < 6 {
            let reg = 0x10 + 4 * bar;
            self.set_config(reg, &[0xff; 4]);
            let low = self.config(reg, 4);
            if low == 0 {
                bar += 1;
                continue;
            }
            assert_eq!(low & 7, 4, "memory, 64-bit");
            self.set_config(reg + 4, &[0xff; 4]);
            let mask = low & !15 | self.config(reg + 4, 4) << 32;
            let size = (!mask).wrapping_add(1);
            let base = next.next_multiple_of(size);
            next = base + size;
            self.set_config(reg, &(base as u32).to_le_bytes());
            self.set_config(reg + 4, &[0; 4]);
            self.bars.push((bar as u8, base, size));
            bar += 2;
        }
        self.set_config(4, &[6, 0]);
        let mut at = self.config(0x34, 1) as u16;
        while at != 0 {
            let id = self.config(at, 1) as u8;
            if id == 9 {
                let place = (self.config(at + 4, 1) as u8, self.config(at + 8, 4));
                match self.config(at + 3, 1) {
                    1 => self.common = place,
                    2 => (self.notify, self.multiplier) = (place, self.config(at + 16, 4)),
                    _ => {}
                }
            }
            self.capabilities.push((id, at));
            at = self.config(at + 1, 1) as u16;
        }
    }

    /// The MSI-X capability.
    pub(crate) fn msix(&self) -> u16 {
        self.capabilities.iter().find(|c| c.0 == 0x11).expect("MSI-X").1
    }

    fn vectors(&mut self) {
        let at = self.msix();
        let table = self.config(at + 4, 4);
        self.set_config(at + 2, &[0, 0xc0]);
        for vector in 0..3_u64 {
            let entry = (table & !7) + 16 * vector;
            let mut words = MSI.to_le_bytes().to_vec();
            words.extend((32 + vector as u32).to_le_bytes());
            words.extend([0; 4]);
            // A part at a time, and the last two words together.
            self.write((table & 7) as u8, entry, &words[..4]);
            self.write((table & 7) as u8, entry + 4, &words[4..8]);
            self.write((table & 7) as u8, entry + 8, &words[8..]);
        }
        assert_eq!(self.read((table & 7) as u8, table & !7, 8), MSI.to_le_bytes());
        self.set_config(at + 2, &[0, 0x80]);
    }

    pub(crate) fn common_read(&mut self, offset: u64, size: u32) -> u64 {
        let (bar, at) = self.common;
        number(&self.read(bar, at + offset, size))
    }

    pub(crate) fn common_write(&mut self, offset: u64, data: &[u8]) {
        let (bar, at) = self.common;
        self.write(bar, at + offset, data);
    }

    /// Brings virtio-net up on split rings, queues 0 and 1, a vector each.
    pub(crate) fn drive(&mut self) {
        self.vectors();
        self.common_write(0x14, &[0]);
        while self.common_read(0x14, 1) != 0 {}
        self.common_write(0x14, &[3]);
        for (word, features) in [(0_u32, 0_u32), (1, 1 | 1 << 1)] {
            self.common_write(8, &word.to_le_bytes());
            self.common_write(12, &features.to_le_bytes());
        }
        self.common_write(0x14, &[11]);
        assert_eq!(self.common_read(0x14, 1), 11, "the features stand");
        for queue in 0..2_u16 {
            self.common_write(0x16, &queue.to_le_bytes());
            self.common_write(0x18, &SIZE.to_le_bytes());
            self.common_write(0x1a, &(queue + 1).to_le_bytes());
            assert_eq!(self.common_read(0x1a, 2), u64::from(queue) + 1);
            let places = areas(u64::from(queue) + 2).map(|a| MEMORY + a);
            for (i, place) in places.iter().enumerate() {
                self.common_write(0x20 + 8 * i as u64, &place.to_le_bytes()[..4]);
                self.common_write(0x24 + 8 * i as u64, &place.to_le_bytes()[4..]);
            }
            self.common_write(0x1c, &[1, 0]);
        }
        self.common_write(0x14, &[15]);
    }

    fn kick(&mut self, queue: u16) {
        self.common_write(0x16, &queue.to_le_bytes());
        let off = self.common_read(0x1e, 2);
        let (bar, at) = self.notify;
        self.write(bar, at + off * self.multiplier, &queue.to_le_bytes());
    }

    /// Sends a frame and waits for one that comes, for the interrupts of both queues too.
    pub(crate) fn exchange(&mut self, frame: &[u8]) -> Vec<u8> {
        self.offer(2, &[], 0x800);
        self.kick(0);
        self.offer(3, &[&[0; HEADER], frame].concat(), 0);
        self.kick(1);
        let start = Instant::now();
        let (mut received, mut sent, mut vectors) = (None, false, Vec::new());
        while received.is_none() || !sent || vectors.len() < 2 {
            assert!(start.elapsed() < PATIENCE, "{received:?} {sent} {vectors:?}");
            received = received.or_else(|| self.back(2));
            sent |= self.back(3).is_some();
            vectors.extend(self.interrupts());
            std::thread::sleep(Duration::from_millis(1));
        }
        vectors.sort_unstable();
        assert_eq!(vectors, [(MSI, 33), (MSI, 34)]);
        let (slot, len) = received.unwrap();
        let mut bytes = vec![0; len];
        self.memory
            .read_exact_at(&mut bytes, buffer(2, slot) + 0x800)
            .unwrap();
        bytes.split_off(HEADER)
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b))
}

/// The bytes of a message.
pub(crate) fn message(op: u8, bar: u8, size: u32, addr: u64, data: &[u8]) -> Vec<u8> {
    let mut m = vec![op, bar, 0, 0];
    m.extend(size.to_le_bytes());
    m.extend(addr.to_le_bytes());
    m.extend(data);
    m
}
