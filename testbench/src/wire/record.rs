//! Frames out, as a classic pcap file with nanosecond time stamps made from cycles.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::unfinished::Unfinished;
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use pcap_file::{DataLink, Endianness, TsResolution};

/// Why frames could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {cause}", path.display())]
pub struct RecordError {
    /// The file.
    pub path: PathBuf,
    /// What went wrong.
    pub cause: String,
}

/// A capture being written. Time zero of the file is cycle zero of the run.
pub struct Recording {
    writer: PcapWriter<BufWriter<File>>,
    unfinished: Unfinished,
    path: PathBuf,
    ns_per_cycle: f64,
    frames: u64,
}

impl Recording {
    /// Creates the file.
    ///
    /// # Errors
    /// [`RecordError`] when the file cannot be created.
    pub fn create(path: &Path, clock_mhz: f64) -> Result<Self, RecordError> {
        let fail = |cause: String| RecordError {
            path: path.to_owned(),
            cause,
        };
        let (file, unfinished) = Unfinished::create(path).map_err(|e| fail(e.to_string()))?;
        let header = PcapHeader {
            datalink: DataLink::ETHERNET,
            ts_resolution: TsResolution::NanoSecond,
            endianness: Endianness::Little,
            snaplen: 65535,
            ..PcapHeader::default()
        };
        let writer =
            PcapWriter::with_header(BufWriter::new(file), header).map_err(|e| fail(e.to_string()))?;
        Ok(Recording {
            writer,
            unfinished,
            path: path.to_owned(),
            ns_per_cycle: 1000.0 / clock_mhz,
            frames: 0,
        })
    }

    /// Adds a frame that was complete at `cycle`.
    ///
    /// # Errors
    /// [`RecordError`] when the disk does not take it.
    pub fn frame(&mut self, cycle: u64, data: &[u8]) -> Result<(), RecordError> {
        // A product of two numbers that every machine rounds alike; the file is the same everywhere.
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "cycles stay below 2^53 and times are not negative"
        )]
        let at = Duration::from_nanos((cycle as f64 * self.ns_per_cycle) as u64);
        self.frames += 1;
        self.writer
            .write_packet(&PcapPacket::new(at, data.len() as u32, data))
            .map(|_| ())
            .map_err(|e| RecordError {
                path: self.path.clone(),
                cause: e.to_string(),
            })
    }

    /// Writes out what is buffered; the number of frames in the file. A capture that is not `whole` (the run was
    /// stopped) stays beside its place, see [`crate::unfinished`].
    ///
    /// # Errors
    /// [`RecordError`] when the disk does not take it.
    pub fn finish(self, whole: bool) -> Result<u64, RecordError> {
        let Recording {
            writer,
            unfinished,
            path,
            frames,
            ..
        } = self;
        let named = writer.into_writer().flush().and_then(|()| {
            if whole {
                unfinished.finish()
            } else {
                unfinished.leave();
                Ok(())
            }
        });
        named.map_err(|e| RecordError {
            path,
            cause: e.to_string(),
        })?;
        Ok(frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::capture::{self, Limits};

    #[test]
    fn what_is_written_is_read_back_with_its_times() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.pcap");
        let mut out = Recording::create(&path, 250.0).unwrap();
        out.frame(100, &[1; 60]).unwrap();
        out.frame(350, &[2; 61]).unwrap();
        assert_eq!(out.finish(true).unwrap(), 2);
        let back = capture::read(&path, &Limits::default()).unwrap().frames;
        assert_eq!(back[0].data, [1; 60]);
        assert_eq!((back[1].data.len(), back[1].at_ns), (61, 1000));
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let Err(e) = Recording::create(Path::new("/proc/nowhere/out.pcap"), 250.0) else {
            panic!("created")
        };
        assert!(
            e.to_string().starts_with("cannot write /proc/nowhere/out.pcap: "),
            "{e}"
        );
    }
}
