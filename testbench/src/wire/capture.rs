//! Reading recordings: pcap and pcapng, Ethernet only.
//!
//! A recording is checked as a whole before a run begins, so that a fault in it is reported with its place and not in the middle of a
//! simulation. What does not fit the device (empty, longer than its maximum, captured only in part) is an error unless [`Unfit`] says otherwise.

use std::path::{Path, PathBuf};

use pcap_file::pcap::PcapParser;
use pcap_file::pcapng::{Block, PcapNgParser};
use pcap_file::{DataLink, PcapError, TsResolution};
use serde::{Deserialize, Serialize};

use super::Frame;

/// What to do with a frame that the device cannot take as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unfit {
    /// Refuse the recording.
    #[default]
    Error,
    /// Leave the frame out.
    Skip,
    /// Cut a long frame, take a partly captured one as far as it goes; an empty one is left out.
    Clamp,
}

/// What is taken from a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest frame of the device in bytes, without FCS.
    pub max_bytes: usize,
    /// Frames that do not fit.
    pub unfit: Unfit,
    /// Take at most so many frames.
    pub frames: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_bytes: 9216,
            unfit: Unfit::Error,
            frames: None,
        }
    }
}

/// A recording that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Its frames, in file order.
    pub frames: Vec<Frame>,
    /// Frames left out because they did not fit.
    pub skipped: usize,
    /// Frames cut.
    pub clamped: usize,
}

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file could not be read.
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// Neither pcap nor pcapng.
    #[error("{}: not a capture: neither a pcap nor a pcapng file begins so ({found})", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What it begins with.
        found: String,
    },
    /// It is a capture of something else.
    #[error("{}: link type {link_type} is not Ethernet (1): Ringside's wire takes Ethernet frames only", path.display())]
    LinkType {
        /// The file.
        path: PathBuf,
        /// The link type's number.
        link_type: u32,
    },
    /// The file ends inside a record.
    #[error(
        "{}: truncated at byte {offset}: the file ends inside the record that begins there; {good} whole frames come before it",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Where the cut record begins, in bytes.
        offset: usize,
        /// Whole frames before it.
        good: usize,
    },
    /// A record that makes no sense.
    #[error("{}: damaged record at byte {offset}, after {good} good frames: {cause}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the record begins, in bytes.
        offset: usize,
        /// Whole frames before it.
        good: usize,
        /// What is wrong with it.
        cause: String,
    },
    /// A frame without bytes.
    #[error("{}: frame {frame} has zero length; to leave such frames out: --unfit skip", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// Frame number, from 1 as Wireshark counts.
        frame: usize,
    },
    /// A frame longer than the device takes.
    #[error(
        "{}: frame {frame} is {bytes} bytes, the device takes at most {max_bytes}; to leave such frames out or cut them: --unfit skip|clamp",
        path.display()
    )]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Frame number, from 1 as Wireshark counts.
        frame: usize,
        /// Its length in bytes.
        bytes: usize,
        /// The device's maximum.
        max_bytes: usize,
    },
    /// The recorder kept only the beginning of a frame.
    #[error(
        "{}: frame {frame} was captured only in part ({bytes} of {wire_bytes} bytes; a snap length was set); to leave such frames out or take \
         what is there: --unfit skip|clamp",
        path.display()
    )]
    Partial {
        /// The file.
        path: PathBuf,
        /// Frame number, from 1 as Wireshark counts.
        frame: usize,
        /// Bytes in the file.
        bytes: usize,
        /// Bytes that were on the wire.
        wire_bytes: usize,
    },
    /// No frame at all.
    #[error("{}: the capture holds no frame that could be sent ({skipped} left out)", path.display())]
    Nothing {
        /// The file.
        path: PathBuf,
        /// Frames left out because they did not fit.
        skipped: usize,
    },
}

/// Reads a recording.
///
/// # Errors
/// [`CaptureError`], which names the file and the place in it.
pub fn read(path: &Path, limits: &Limits) -> Result<Capture, CaptureError> {
    let bytes = std::fs::read(path).map_err(|cause| CaptureError::Unreadable {
        path: path.to_owned(),
        cause,
    })?;
    parse(&bytes, path, limits)
}

/// Reads a recording that is already in memory; `path` is for messages.
///
/// # Errors
/// [`CaptureError`], which names the file and the place in it.
pub fn parse(bytes: &[u8], path: &Path, limits: &Limits) -> Result<Capture, CaptureError> {
    let mut taker = Taker {
        path,
        limits,
        seen: 0,
        first_ns: None,
        capture: Capture {
            frames: vec![],
            skipped: 0,
            clamped: 0,
        },
    };
    match bytes.get(..4) {
        Some([0x0a, 0x0d, 0x0d, 0x0a]) => read_pcapng(bytes, &mut taker)?,
        Some([0xd4 | 0x4d, 0xc3 | 0x3c, 0xb2, 0xa1] | [0xa1, 0xb2, 0xc3 | 0x3c, 0xd4 | 0x4d]) => {
            read_pcap(bytes, &mut taker)?;
        }
        Some(other) => {
            let found = format!(
                "{:02x} {:02x} {:02x} {:02x}",
                other[0], other[1], other[2], other[3]
            );
            return Err(CaptureError::Format {
                path: path.to_owned(),
                found,
            });
        }
        None => {
            let found = format!("{} bytes in all", bytes.len());
            return Err(CaptureError::Format {
                path: path.to_owned(),
                found,
            });
        }
    }
    if taker.capture.frames.is_empty() {
        return Err(CaptureError::Nothing {
            path: path.to_owned(),
            skipped: taker.capture.skipped,
        });
    }
    Ok(taker.capture)
}

struct Taker<'a> {
    path: &'a Path,
    limits: &'a Limits,
    seen: usize,
    first_ns: Option<u64>,
    capture: Capture,
}

impl Taker<'_> {
    fn full(&self) -> bool {
        self.limits.frames.is_some_and(|n| self.capture.frames.len() >= n)
    }

    fn take(&mut self, data: &[u8], wire_bytes: usize, ns: u64) -> Result<(), CaptureError> {
        self.seen += 1;
        let (path, frame, bytes) = (self.path.to_owned(), self.seen, data.len());
        let max_bytes = self.limits.max_bytes;
        let problem = if bytes == 0 {
            Some(CaptureError::Empty { path, frame })
        } else if wire_bytes > bytes {
            Some(CaptureError::Partial {
                path,
                frame,
                bytes,
                wire_bytes,
            })
        } else if bytes > max_bytes {
            Some(CaptureError::TooLong {
                path,
                frame,
                bytes,
                max_bytes,
            })
        } else {
            None
        };
        let mut keep = bytes;
        if let Some(problem) = problem {
            match self.limits.unfit {
                Unfit::Error => return Err(problem),
                Unfit::Clamp if bytes > 0 => {
                    keep = bytes.min(max_bytes);
                    self.capture.clamped += 1;
                }
                Unfit::Skip | Unfit::Clamp => {
                    self.capture.skipped += 1;
                    return Ok(());
                }
            }
        }
        let first = *self.first_ns.get_or_insert(ns);
        self.capture.frames.push(Frame {
            data: data[..keep].to_vec(),
            at_ns: ns.saturating_sub(first),
        });
        Ok(())
    }

    fn failure(&self, offset: usize, error: &PcapError) -> CaptureError {
        let (path, good) = (self.path.to_owned(), self.seen);
        match error {
            PcapError::IncompleteBuffer => CaptureError::Truncated { path, offset, good },
            other => CaptureError::Damaged {
                path,
                offset,
                good,
                cause: other.to_string(),
            },
        }
    }

    fn ethernet(&self, link: DataLink) -> Result<(), CaptureError> {
        if link == DataLink::ETHERNET {
            Ok(())
        } else {
            Err(CaptureError::LinkType {
                path: self.path.to_owned(),
                link_type: link.into(),
            })
        }
    }
}

fn read_pcap(bytes: &[u8], taker: &mut Taker<'_>) -> Result<(), CaptureError> {
    let (mut rest, parser) = PcapParser::new(bytes).map_err(|e| taker.failure(0, &e))?;
    let header = parser.header();
    taker.ethernet(header.datalink)?;
    let fraction_ns = if header.ts_resolution == TsResolution::NanoSecond {
        1
    } else {
        1000
    };
    while !rest.is_empty() && !taker.full() {
        let offset = bytes.len() - rest.len();
        // The raw form: files whose lengths exceed their own snap length are common and harmless.
        let (after, packet) = parser
            .next_raw_packet(rest)
            .map_err(|e| taker.failure(offset, &e))?;
        let ns = u64::from(packet.ts_sec) * 1_000_000_000 + u64::from(packet.ts_frac) * fraction_ns;
        taker.take(&packet.data, packet.orig_len as usize, ns)?;
        rest = after;
    }
    Ok(())
}

fn read_pcapng(bytes: &[u8], taker: &mut Taker<'_>) -> Result<(), CaptureError> {
    check_blocks(bytes, taker)?;
    let (mut rest, mut parser) = PcapNgParser::new(bytes).map_err(|e| taker.failure(0, &e))?;
    while !rest.is_empty() && !taker.full() {
        let offset = bytes.len() - rest.len();
        let (after, block) = parser.next_block(rest).map_err(|e| taker.failure(offset, &e))?;
        let interface = |id: u32| {
            parser
                .interfaces()
                .get(id as usize)
                .map(|i| i.linktype)
                .ok_or_else(|| CaptureError::Damaged {
                    path: taker.path.to_owned(),
                    offset,
                    good: taker.seen,
                    cause: format!("a packet of interface {id}, which the file does not describe"),
                })
        };
        match block {
            Block::EnhancedPacket(packet) => {
                taker.ethernet(interface(packet.interface_id)?)?;
                // The parser hands the raw count over as nanoseconds whatever the interface's resolution is; scale it.
                let count = u64::try_from(packet.timestamp.as_nanos()).unwrap_or(u64::MAX);
                let ns = to_ns(count, &parser.interfaces()[packet.interface_id as usize]);
                taker.take(&packet.data, packet.original_len as usize, ns)?;
            }
            Block::SimplePacket(packet) => {
                taker.ethernet(interface(0)?)?;
                let held = packet.data.len().min(packet.original_len as usize);
                taker.take(&packet.data[..held], packet.original_len as usize, 0)?;
            }
            _ => {}
        }
        rest = after;
    }
    Ok(())
}

fn to_ns(
    count: u64,
    interface: &pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionBlock<'_>,
) -> u64 {
    use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionOption as Option_;
    let resolution = interface.options.iter().find_map(|o| match o {
        Option_::IfTsResol(r) => Some(*r),
        _ => None,
    });
    match resolution.unwrap_or(6) {
        r if r & 0x80 != 0 => ((u128::from(count) * 1_000_000_000) >> (r & 0x7f)) as u64,
        r if r <= 9 => count.saturating_mul(10u64.pow(u32::from(9 - r))),
        r => count / 10u64.checked_pow(u32::from(r - 9)).unwrap_or(u64::MAX),
    }
}

/// Walks the block lengths of a pcapng file. The parser below trusts them.
fn check_blocks(bytes: &[u8], taker: &Taker<'_>) -> Result<(), CaptureError> {
    let (mut at, mut big_endian, mut frames) = (0, false, 0);
    while at < bytes.len() {
        let truncated = CaptureError::Truncated {
            path: taker.path.to_owned(),
            offset: at,
            good: frames,
        };
        let damaged = |cause: String| CaptureError::Damaged {
            path: taker.path.to_owned(),
            offset: at,
            good: frames,
            cause,
        };
        let Some(head) = bytes.get(at..at + 12) else {
            return Err(truncated);
        };
        if head[..4] == [0x0a, 0x0d, 0x0d, 0x0a] {
            big_endian = match head[8..12] {
                [0x1a, 0x2b, 0x3c, 0x4d] => true,
                [0x4d, 0x3c, 0x2b, 0x1a] => false,
                _ => return Err(damaged("section header without byte-order magic".into())),
            };
        }
        let word = |b: &[u8]| {
            let b = [b[0], b[1], b[2], b[3]];
            if big_endian {
                u32::from_be_bytes(b)
            } else {
                u32::from_le_bytes(b)
            }
        };
        let (kind, length) = (word(head), word(&head[4..]) as usize);
        if length < 12 || length % 4 != 0 {
            return Err(damaged(format!("block length {length}")));
        }
        let Some(tail) = bytes.get(at + length - 4..at + length) else {
            return Err(truncated);
        };
        if word(tail) as usize != length {
            return Err(damaged(format!(
                "block length {length} at its head, {} at its end",
                word(tail)
            )));
        }
        frames += usize::from(kind == 6 || kind == 3);
        at += length;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
