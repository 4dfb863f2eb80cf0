//! The socket: who may listen where, and messages with files in them.

use std::io::{ErrorKind, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::message::{FDS_MAX, HEADER_BYTES, Header, Message, MessageError, Request, reply};

/// Longest wait for the rest of a message, or for room for a reply.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Nobody can listen there.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody listens already.
    #[error("{}: another process listens on this socket", path.display())]
    Taken {
        /// The path.
        path: PathBuf,
    },
    /// Something else has the name.
    #[error("{}: this is no socket, and is not touched", path.display())]
    NoSocket {
        /// The path.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("{}: cannot listen: {cause}", path.display())]
    System {
        /// The path.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
}

/// A socket that listens; its name goes with it.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    path: PathBuf,
}

impl Listener {
    /// Listens. What a process that is gone left behind is removed; nothing else is.
    ///
    /// # Errors
    /// [`ListenError`].
    pub fn bind(path: &Path) -> Result<Self, ListenError> {
        let system = |cause| ListenError::System {
            path: path.to_owned(),
            cause,
        };
        match std::fs::symlink_metadata(path) {
            Ok(there) if !there.file_type().is_socket() => {
                return Err(ListenError::NoSocket {
                    path: path.to_owned(),
                });
            }
            Ok(_) => match UnixStream::connect(path) {
                Err(e) if e.kind() == ErrorKind::ConnectionRefused => {
                    std::fs::remove_file(path).map_err(system)?;
                }
                Ok(_) => {
                    return Err(ListenError::Taken {
                        path: path.to_owned(),
                    });
                }
                Err(e) => return Err(system(e)),
            },
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(system(e)),
        }
        let socket = UnixListener::bind(path).map_err(system)?;
        socket.set_nonblocking(true).map_err(system)?;
        Ok(Listener {
            socket,
            path: path.to_owned(),
        })
    }

    /// Somebody who has connected meanwhile.
    ///
    /// # Errors
    /// The system refuses.
    pub fn accept(&self) -> std::io::Result<Option<Channel>> {
        self.accept_stream()?.map(Channel::new).transpose()
    }

    /// Somebody who has connected meanwhile, whatever he speaks.
    ///
    /// # Errors
    /// The system refuses.
    pub fn accept_stream(&self) -> std::io::Result<Option<UnixStream>> {
        match self.socket.accept() {
            Ok((stream, _)) => Ok(Some(stream)),
            Err(e) if [ErrorKind::WouldBlock, ErrorKind::Interrupted].contains(&e.kind()) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// To poll.
    #[must_use]
    pub fn socket(&self) -> &UnixListener {
        &self.socket
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The conversation cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The frontend has gone.
    #[error("the frontend closed the connection")]
    Closed,
    /// It has gone, or stopped, in the middle of a message.
    #[error("the frontend stopped in the middle of a message ({got} of {want} bytes)")]
    Cut {
        /// Bytes that came.
        got: usize,
        /// Bytes due.
        want: usize,
    },
    /// It speaks another language.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The system refuses.
    #[error("socket: {0}")]
    System(#[from] std::io::Error),
}

/// A connection to a frontend.
#[derive(Debug)]
pub struct Channel(UnixStream);

impl Channel {
    fn new(stream: UnixStream) -> std::io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Channel(stream))
    }

    /// To poll.
    #[must_use]
    pub fn socket(&self) -> &UnixStream {
        &self.0
    }

    /// The next message. Waits for it, so the caller polls first.
    ///
    /// # Errors
    /// [`ChannelError`].
    pub fn receive(&mut self) -> Result<Message, ChannelError> {
        let mut header = [0; HEADER_BYTES];
        let (got, fds) = self.first_bytes(&mut header)?;
        self.rest(&mut header, got, HEADER_BYTES)?;
        let header = Header::parse(header)?;
        let mut payload = vec![0; header.payload_bytes];
        self.rest(&mut payload, 0, header.payload_bytes)?;
        Ok(Message {
            request: header.request,
            need_reply: header.need_reply,
            payload,
            fds,
        })
    }

    /// Files come with a message's first byte.
    fn first_bytes(&mut self, into: &mut [u8]) -> Result<(usize, Vec<OwnedFd>), ChannelError> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS_MAX))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let got = loop {
            let flags = RecvFlags::CMSG_CLOEXEC;
            match recvmsg(&self.0, &mut [IoSliceMut::new(into)], &mut control, flags) {
                Ok(message) => break message.bytes,
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::CONNRESET) => return Err(ChannelError::Closed),
                Err(e) => return Err(std::io::Error::from(e).into()),
            }
        };
        let mut fds = Vec::new();
        for part in control.drain() {
            if let RecvAncillaryMessage::ScmRights(files) = part {
                fds.extend(files);
            }
        }
        if got == 0 {
            Err(ChannelError::Closed)
        } else {
            Ok((got, fds))
        }
    }

    fn rest(&mut self, into: &mut [u8], from: usize, want: usize) -> Result<(), ChannelError> {
        let mut got = from;
        while got < want {
            match self.0.read(&mut into[got..want]) {
                Ok(0) => return Err(ChannelError::Cut { got, want }),
                Ok(n) => got += n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&e.kind()) => {
                    return Err(ChannelError::Cut { got, want });
                }
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    /// Answers.
    ///
    /// # Errors
    /// The frontend has gone, or takes nothing.
    pub fn reply(&mut self, request: Request, payload: &[u8]) -> Result<(), ChannelError> {
        match self.0.write_all(&reply(request, payload)) {
            Err(e) if e.kind() == ErrorKind::BrokenPipe => Err(ChannelError::Closed),
            done => Ok(done?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_over_only_from_the_dead() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let first = Listener::bind(&path).unwrap();
        assert!(matches!(Listener::bind(&path), Err(ListenError::Taken { .. })));
        drop(first);
        assert!(!path.exists());
        // What a killed process leaves behind.
        drop(UnixListener::bind(&path).unwrap());
        drop(Listener::bind(&path).unwrap());
        std::fs::write(&path, "mine").unwrap();
        assert!(matches!(Listener::bind(&path), Err(ListenError::NoSocket { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        let nowhere = dir.path().join("no/where");
        assert!(matches!(
            Listener::bind(&nowhere),
            Err(ListenError::System { .. })
        ));
    }

    #[test]
    fn ends_in_the_middle_are_told_from_ends() {
        let pair = || {
            UnixStream::pair()
                .map(|(a, b)| (Channel::new(a).unwrap(), b))
                .unwrap()
        };
        let (mut channel, peer) = pair();
        drop(peer);
        assert!(matches!(channel.receive(), Err(ChannelError::Closed)));
        let (mut channel, mut peer) = pair();
        peer.write_all(&[1, 0, 0]).unwrap();
        drop(peer);
        assert!(matches!(
            channel.receive(),
            Err(ChannelError::Cut { got: 3, want: 12 })
        ));
        let (mut channel, mut peer) = pair();
        peer.write_all(&[2, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 9]).unwrap();
        drop(peer);
        assert!(matches!(
            channel.receive(),
            Err(ChannelError::Cut { got: 1, want: 8 })
        ));
        let (mut channel, mut peer) = pair();
        peer.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        assert!(matches!(
            channel.receive(),
            Err(ChannelError::Message(MessageError::Flags { .. }))
        ));
        drop(peer);
        assert!(channel.reply(Request::GetFeatures, &[0; 8]).is_err());
    }
}
