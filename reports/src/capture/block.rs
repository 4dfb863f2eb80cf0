//! pcapng blocks, written and read one by one.

use std::io::{self, BufRead, ErrorKind, Write};

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
const MAGIC: u32 = 0x1a2b_3c4d;

const OPTION_COMMENT: u16 = 1;
const SECTION_APPLICATION: u16 = 4;
const INTERFACE_NAME: u16 = 2;
const INTERFACE_RESOLUTION: u16 = 9;

/// Longest text of an option, in bytes.
const LONGEST_OPTION: usize = 60_000;
/// Longest block that is read, in bytes: far above anything sensible, far below what fills a machine.
const LONGEST_BLOCK: usize = 16 << 20;

/// Options of a block, coded.
#[derive(Default)]
struct Options(Vec<u8>);

impl Options {
    fn add(mut self, code: u16, value: &[u8]) -> Self {
        self.0.extend(code.to_le_bytes());
        self.0.extend((value.len() as u16).to_le_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    fn text(self, code: u16, text: &str) -> Self {
        let mut end = text.len().min(LONGEST_OPTION);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.add(code, &text.as_bytes()[..end])
    }

    fn done(mut self) -> Vec<u8> {
        if !self.0.is_empty() {
            self.0.extend([0; 4]);
        }
        self.0
    }
}

fn block(out: &mut impl Write, kind: u32, parts: &[&[u8]]) -> io::Result<()> {
    let body: usize = parts.iter().map(|p| p.len()).sum();
    let length = (12 + body.next_multiple_of(4)) as u32;
    out.write_all(&kind.to_le_bytes())?;
    out.write_all(&length.to_le_bytes())?;
    for part in parts {
        out.write_all(part)?;
    }
    out.write_all(&[0; 3][..body.next_multiple_of(4) - body])?;
    out.write_all(&length.to_le_bytes())
}

/// The section header.
pub(super) fn section(out: &mut impl Write, comment: &str) -> io::Result<()> {
    let mut fixed = MAGIC.to_le_bytes().to_vec();
    fixed.extend(1u16.to_le_bytes()); // version 1.0
    fixed.extend(0u16.to_le_bytes());
    fixed.extend(u64::MAX.to_le_bytes()); // length of the section: not said
    let options = Options::default()
        .text(OPTION_COMMENT, comment)
        .text(SECTION_APPLICATION, "ringside");
    block(out, SECTION, &[&fixed, &options.done()])
}

/// An interface whose times are nanoseconds.
pub(super) fn interface(out: &mut impl Write, link_type: u16, name: &str) -> io::Result<()> {
    let mut fixed = link_type.to_le_bytes().to_vec();
    fixed.extend([0; 6]); // reserved; no limit of length
    let options = Options::default()
        .text(INTERFACE_NAME, name)
        .add(INTERFACE_RESOLUTION, &[9]);
    block(out, INTERFACE, &[&fixed, &options.done()])
}

/// A packet of an interface.
pub(super) fn packet(
    out: &mut impl Write,
    interface: u32,
    ns: u64,
    data: &[u8],
    comments: &[String],
) -> io::Result<()> {
    let mut head = Vec::with_capacity(20);
    for word in [
        interface,
        (ns >> 32) as u32,
        ns as u32,
        data.len() as u32,
        data.len() as u32,
    ] {
        head.extend(word.to_le_bytes());
    }
    let options = comments
        .iter()
        .fold(Options::default(), |o, c| o.text(OPTION_COMMENT, c));
    let pad = data.len().next_multiple_of(4) - data.len();
    block(out, PACKET, &[&head, data, &[0; 3][..pad], &options.done()])
}

/// A packet that was read.
pub(super) struct Packet {
    pub(super) link_type: u16,
    pub(super) data: Vec<u8>,
}

/// Reads the packets of a pcapng file.
pub(super) struct Blocks<R> {
    input: R,
    big_endian: bool,
    /// Link types of this section's interfaces.
    interfaces: Vec<u16>,
    /// Where the block being read begins, in bytes.
    pub(super) offset: u64,
    next: u64,
    /// Packets read.
    pub(super) packets: u64,
}

impl<R: BufRead> Blocks<R> {
    pub(super) fn new(input: R) -> Self {
        Blocks {
            input,
            big_endian: false,
            interfaces: Vec::new(),
            offset: 0,
            next: 0,
            packets: 0,
        }
    }

    /// An error that says where.
    pub(super) fn wrong(&self, cause: impl std::fmt::Display) -> io::Error {
        io::Error::new(
            ErrorKind::InvalidData,
            format!(
                "block at byte {}, packets before it: {}: {cause}",
                self.offset, self.packets
            ),
        )
    }

    fn word(&self, b: &[u8]) -> u32 {
        let b = [b[0], b[1], b[2], b[3]];
        if self.big_endian {
            u32::from_be_bytes(b)
        } else {
            u32::from_le_bytes(b)
        }
    }

    fn half(&self, b: &[u8]) -> u16 {
        let b = [b[0], b[1]];
        if self.big_endian {
            u16::from_be_bytes(b)
        } else {
            u16::from_le_bytes(b)
        }
    }

    /// The next packet; `None` at the end of the file.
    pub(super) fn packet(&mut self) -> io::Result<Option<Packet>> {
        loop {
            self.offset = self.next;
            if self.input.fill_buf()?.is_empty() {
                return Ok(None);
            }
            let mut head = [0; 12];
            self.fill(&mut head)?;
            if self.offset == 0 && head[..4] != SECTION.to_le_bytes() {
                return Err(self.wrong("no pcapng file begins so"));
            }
            if head[..4] == SECTION.to_le_bytes() {
                self.big_endian = match u32::from_le_bytes([head[8], head[9], head[10], head[11]]) {
                    MAGIC => false,
                    m if m == MAGIC.swap_bytes() => true,
                    _ => return Err(self.wrong("section header without byte-order magic")),
                };
                self.interfaces.clear();
            }
            let (kind, length) = (self.word(&head), self.word(&head[4..]) as usize);
            if length < 12 || !length.is_multiple_of(4) || length > LONGEST_BLOCK {
                return Err(self.wrong(format!("block length {length}")));
            }
            // what follows the twelve bytes, its second length included
            let mut body = head[8..].to_vec();
            if length > 12 {
                body.resize(length - 8, 0);
                self.fill(&mut body[4..])?;
            }
            self.next += length as u64;
            let tail = body.split_off(body.len() - 4);
            if self.word(&tail) as usize != length {
                return Err(self.wrong(format!(
                    "block length {length} at its head, {} at its end",
                    self.word(&tail)
                )));
            }
            match kind {
                INTERFACE if body.len() >= 8 => self.interfaces.push(self.half(&body)),
                PACKET => return self.data(&body).map(Some),
                3 => {
                    return Err(self.wrong("a simple packet block: it does not say of which interface it is"));
                }
                _ => {}
            }
        }
    }

    fn fill(&mut self, into: &mut [u8]) -> io::Result<()> {
        self.input.read_exact(into).map_err(|e| match e.kind() {
            ErrorKind::UnexpectedEof => self.wrong("the file ends inside it"),
            _ => e,
        })
    }

    fn data(&mut self, body: &[u8]) -> io::Result<Packet> {
        if body.len() < 20 {
            return Err(self.wrong("a packet block without its fixed part"));
        }
        let (id, kept, whole) = (
            self.word(body) as usize,
            self.word(&body[12..]) as usize,
            self.word(&body[16..]) as usize,
        );
        let Some(link_type) = self.interfaces.get(id).copied() else {
            return Err(self.wrong(format!(
                "a packet of interface {id}, which the file does not describe"
            )));
        };
        if kept < whole {
            return Err(self.wrong(format!(
                "{kept} of {whole} bytes were kept: a snap length cut the packet"
            )));
        }
        let Some(data) = body.get(20..20 + kept) else {
            return Err(self.wrong(format!("{kept} bytes of packet do not fit the block")));
        };
        self.packets += 1;
        Ok(Packet {
            link_type,
            data: data.to_vec(),
        })
    }
}
