//! Simulated time of user-mode Linux (`time-travel=ext`, Linux `uapi/linux/um_timetravel.h`): the guest says until when it sleeps, and runs again when it
//! is told to. This process is the calendar and the device in one, so the RTL's clock and the guest's are the same.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Bytes of a message: operation, number, time in nanoseconds.
const BYTES: usize = 16;
/// Longest wait for something that the guest owes.
const PATIENCE: Duration = Duration::from_secs(30);
/// Messages in one exchange: a guest that has more to say will never come to an end.
const TALK_MAX: u32 = 100_000;

const ACK: u32 = 0;
const START: u32 = 1;
const REQUEST: u32 = 2;
const WAIT: u32 = 3;
const GET: u32 = 4;
const UPDATE: u32 = 5;
const RUN: u32 = 6;
const FREE_UNTIL: u32 = 7;
const GET_TOD: u32 = 8;

/// Time of day at which every guest starts: the same for all, so that runs repeat. 2023-11-14 22:13:20 UTC, in nanoseconds.
const TIME_OF_DAY_NS: u64 = 1_700_000_000_000_000_000;
/// A request for this time or later is for no time at all.
const NEVER: u64 = i64::MAX as u64;

/// The guest's clock is lost.
#[derive(Debug, thiserror::Error)]
pub enum CalendarError {
    /// The guest has gone.
    #[error("the guest closed the connection to its calendar")]
    Closed,
    /// It says nothing, or stopped in the middle of a message.
    #[error("the guest said nothing to its calendar for {} s, in the middle of an exchange", PATIENCE.as_secs())]
    Silent,
    /// It says too much.
    #[error("the guest said more than {TALK_MAX} things to its calendar in one exchange")]
    Endless,
    /// It speaks another language.
    #[error("operation {op} at {time} ns is none that a guest tells its calendar")]
    Operation {
        /// Its number.
        op: u32,
        /// Its time.
        time: u64,
    },
    /// It went back.
    #[error("the guest's clock went back from {from} to {to} ns")]
    Back {
        /// The time that it was.
        from: u64,
        /// The time that it says.
        to: u64,
    },
    /// The system refuses.
    #[error("calendar: {0}")]
    System(#[from] std::io::Error),
}

/// A connection to a guest's clock.
#[derive(Debug)]
pub struct Calendar {
    stream: UnixStream,
    /// The guest's time, in nanoseconds.
    now: u64,
    /// When it wants to run again.
    request: u64,
    waits: bool,
    /// Words that it was sent and had to acknowledge.
    runs: u32,
    gets: u64,
    /// Messages heard in this exchange.
    talk: u32,
}

impl Calendar {
    /// Of a guest that has just connected.
    ///
    /// # Errors
    /// The system refuses.
    pub fn new(stream: UnixStream) -> std::io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Calendar {
            stream,
            now: 0,
            request: NEVER,
            waits: false,
            runs: 0,
            gets: 0,
            talk: 0,
        })
    }

    /// To poll.
    #[must_use]
    pub fn socket(&self) -> &UnixStream {
        &self.stream
    }

    /// The guest's time in nanoseconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now
    }

    /// While it sleeps: until when, if not until something happens.
    #[must_use]
    pub fn sleeps_until(&self) -> Option<Option<u64>> {
        self.waits
            .then_some((self.request < NEVER).then_some(self.request))
    }

    fn receive(&mut self) -> Result<(u32, u32, u64), CalendarError> {
        let mut m = [0; BYTES];
        match self.stream.read_exact(&mut m) {
            Ok(()) => {}
            Err(e) if [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset].contains(&e.kind()) => {
                return Err(CalendarError::Closed);
            }
            Err(e) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&e.kind()) => {
                return Err(CalendarError::Silent);
            }
            Err(e) => return Err(e.into()),
        }
        let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| m[at + i]));
        Ok((word(0), word(4), u64::from(word(8)) | u64::from(word(12)) << 32))
    }

    fn send(&mut self, op: u32, number: u32, time: u64) -> Result<(), CalendarError> {
        let mut m = [0; BYTES];
        m[..4].copy_from_slice(&op.to_le_bytes());
        m[4..8].copy_from_slice(&number.to_le_bytes());
        m[8..].copy_from_slice(&time.to_le_bytes());
        match self.stream.write_all(&m) {
            Err(e) if [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset].contains(&e.kind()) => {
                Err(CalendarError::Closed)
            }
            done => Ok(done?),
        }
    }

    /// Takes what the guest says, and acknowledges it: its operation.
    fn hear(&mut self) -> Result<(u32, u32), CalendarError> {
        self.talk += 1;
        if self.talk > TALK_MAX {
            return Err(CalendarError::Endless);
        }
        let (op, number, time) = self.receive()?;
        let mut answer = 0;
        match op {
            ACK => return Ok((op, number)),
            START => {}
            REQUEST => self.request = time,
            WAIT => self.waits = true,
            GET => {
                answer = self.now;
                self.gets += 1;
            }
            UPDATE if time < self.now => {
                return Err(CalendarError::Back {
                    from: self.now,
                    to: time,
                });
            }
            UPDATE => self.now = time,
            GET_TOD => answer = TIME_OF_DAY_NS,
            _ => return Err(CalendarError::Operation { op, time }),
        }
        self.send(ACK, number, answer)?;
        Ok((op, number))
    }

    /// Takes the next message. Waits for it, so the caller polls first.
    ///
    /// # Errors
    /// [`CalendarError`].
    pub fn take(&mut self) -> Result<(), CalendarError> {
        self.talk = 0;
        self.hear().map(|_| ())
    }

    /// It is that late for a guest that sleeps or waits for an answer.
    pub fn set_now(&mut self, ns: u64) {
        self.now = self.now.max(ns);
    }

    /// The guest was called: it asks for the time before it does anything else. Then it may want to run now, or have no need to (it was called before
    /// and has not come to it yet). What it says to a word without meaning, that it may run freely until 0, comes behind that.
    ///
    /// # Errors
    /// [`CalendarError`].
    pub fn await_look(&mut self) -> Result<(), CalendarError> {
        self.talk = 0;
        let before = self.gets;
        while self.gets == before {
            self.hear()?;
        }
        self.runs += 1;
        let mine = self.runs;
        self.send(FREE_UNTIL, mine, 0)?;
        while self.hear()? != (ACK, mine) {}
        Ok(())
    }

    /// Lets the guest run from now on.
    ///
    /// # Errors
    /// [`CalendarError`].
    pub fn run(&mut self) -> Result<(), CalendarError> {
        self.talk = 0;
        loop {
            self.runs += 1;
            let mine = self.runs;
            self.send(RUN, mine, self.now)?;
            let mut swallowed = false;
            loop {
                match self.hear()? {
                    (ACK, number) if number == mine => break,
                    // It was in the middle of saying something, and took the word for no more than the time: it has to be told again.
                    _ => swallowed = true,
                }
            }
            if !swallowed {
                (self.waits, self.request) = (false, NEVER);
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Calendar, UnixStream) {
        let (mine, guest) = UnixStream::pair().unwrap();
        (Calendar::new(mine).unwrap(), guest)
    }

    fn say(guest: &mut UnixStream, op: u32, number: u32, time: u64) {
        let mut m = [op.to_le_bytes(), number.to_le_bytes()].concat();
        m.extend(time.to_le_bytes());
        guest.write_all(&m).unwrap();
    }

    fn heard(guest: &mut UnixStream) -> (u32, u32, u64) {
        let mut m = [0; BYTES];
        guest.read_exact(&mut m).unwrap();
        let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| m[at + i]));
        (word(0), word(4), u64::from(word(8)) | u64::from(word(12)) << 32)
    }

    #[test]
    fn a_guest_sleeps_and_runs_again() {
        let (mut c, mut guest) = pair();
        for (number, (op, time)) in [(START, 5), (GET_TOD, 0), (REQUEST, 700), (WAIT, 0)]
            .into_iter()
            .enumerate()
        {
            say(&mut guest, op, number as u32, time);
            c.take().unwrap();
            let answer = if op == GET_TOD { TIME_OF_DAY_NS } else { 0 };
            assert_eq!(heard(&mut guest), (ACK, number as u32, answer));
        }
        assert_eq!(c.sleeps_until(), Some(Some(700)));
        // It is called at 300 and looks at the clock, the second time with a wish to run now; the word to run crosses another one.
        c.set_now(300);
        say(&mut guest, GET, 8, 0);
        say(&mut guest, ACK, 1, 0);
        c.await_look().unwrap();
        assert_eq!(heard(&mut guest), (ACK, 8, 300));
        assert_eq!(heard(&mut guest), (FREE_UNTIL, 1, 0));
        assert_eq!(c.sleeps_until(), Some(Some(700)), "it has no need to run");
        say(&mut guest, GET, 9, 0);
        say(&mut guest, REQUEST, 10, 300);
        say(&mut guest, ACK, 2, 0);
        c.await_look().unwrap();
        assert_eq!(heard(&mut guest), (ACK, 9, 300));
        assert_eq!(
            (heard(&mut guest).0, heard(&mut guest)),
            (FREE_UNTIL, (ACK, 10, 0))
        );
        assert_eq!(c.sleeps_until(), Some(Some(300)));
        say(&mut guest, REQUEST, 11, 300);
        say(&mut guest, ACK, 3, 0);
        say(&mut guest, ACK, 4, 0);
        c.run().unwrap();
        assert_eq!(heard(&mut guest), (RUN, 3, 300));
        assert_eq!(heard(&mut guest), (ACK, 11, 0));
        assert_eq!(heard(&mut guest), (RUN, 4, 300), "told again");
        assert_eq!((c.sleeps_until(), c.now()), (None, 300));
        say(&mut guest, REQUEST, 11, NEVER);
        say(&mut guest, WAIT, 12, 0);
        c.take().unwrap();
        c.take().unwrap();
        assert_eq!(c.sleeps_until(), Some(None));
    }

    #[test]
    fn a_guest_that_talks_for_ever_is_not_listened_to_for_ever() {
        let (mut c, mut guest) = pair();
        let mut answers = guest.try_clone().unwrap();
        std::thread::spawn(move || std::io::copy(&mut answers, &mut std::io::sink()));
        std::thread::spawn(move || {
            let mut m = [0; BYTES];
            m[..4].copy_from_slice(&REQUEST.to_le_bytes());
            while guest.write_all(&m).is_ok() {}
        });
        assert!(matches!(c.await_look(), Err(CalendarError::Endless)));
        assert!(matches!(c.run(), Err(CalendarError::Endless)));
    }

    #[test]
    fn clocks_that_go_wrong_are_told() {
        let (mut c, mut guest) = pair();
        c.set_now(10);
        say(&mut guest, UPDATE, 1, 9);
        assert!(c.take().unwrap_err().to_string().contains("back from 10 to 9"));
        for op in [RUN, FREE_UNTIL, 9, 10, u32::MAX] {
            say(&mut guest, op, 1, 0);
            assert!(c.take().unwrap_err().to_string().contains("is none that"), "{op}");
        }
        guest.write_all(&[1, 0, 0]).unwrap();
        drop(guest);
        assert!(matches!(c.take(), Err(CalendarError::Closed)));
    }
}
