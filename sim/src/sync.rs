//! Talk between bus models and tasks, in simulated time: a message sent in a cycle is received in that cycle.
//!
//! All of it is single-threaded and never blocks the sender, so bus models use the sending halves from `sample` and `drive`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::wait::{Awaited, note};

struct Queue<T> {
    messages: VecDeque<T>,
    senders: usize,
    receiver: bool,
    waker: Option<Waker>,
}

/// An unbounded channel, first in first out.
#[must_use]
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    channel_named("channel")
}

/// An unbounded channel with the name that a hang's picture shows.
#[must_use]
pub fn channel_named<T>(name: &'static str) -> (Sender<T>, Receiver<T>) {
    let queue = Queue {
        messages: VecDeque::new(),
        senders: 1,
        receiver: true,
        waker: None,
    };
    let queue = Rc::new(RefCell::new(queue));
    (
        Sender {
            queue: Rc::clone(&queue),
        },
        Receiver { queue, name },
    )
}

/// The sending half of [`channel`].
pub struct Sender<T> {
    queue: Rc<RefCell<Queue<T>>>,
}

impl<T> Sender<T> {
    /// Queues a message; it is dropped when the receiver is gone.
    pub fn send(&self, message: T) {
        let waker = {
            let mut queue = self.queue.borrow_mut();
            if !queue.receiver {
                return;
            }
            queue.messages.push_back(message);
            queue.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// True when nobody will receive any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        !self.queue.borrow().receiver
    }

    /// Messages not yet received.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.borrow().messages.len()
    }

    /// True when every message has been received.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.queue.borrow_mut().senders += 1;
        Self {
            queue: Rc::clone(&self.queue),
        }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let waker = {
            let mut queue = self.queue.borrow_mut();
            queue.senders -= 1;
            if queue.senders == 0 {
                queue.waker.take()
            } else {
                None
            }
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The receiving half of [`channel`].
pub struct Receiver<T> {
    queue: Rc<RefCell<Queue<T>>>,
    name: &'static str,
}

impl<T> Receiver<T> {
    /// Waits for the next message; `None` when every sender is gone and nothing is left.
    #[track_caller]
    pub fn recv(&mut self) -> Recv<'_, T> {
        Recv {
            receiver: self,
            at: Location::caller(),
        }
    }

    /// The next message, if it is there. Bus models read their commands with this.
    pub fn try_recv(&mut self) -> Option<T> {
        self.queue.borrow_mut().messages.pop_front()
    }

    /// Messages waiting.
    #[must_use]
    pub fn len(&self) -> usize {
        self.queue.borrow().messages.len()
    }

    /// True when no message waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let messages = {
            let mut queue = self.queue.borrow_mut();
            queue.receiver = false;
            queue.waker = None;
            std::mem::take(&mut queue.messages)
        };
        // Outside the borrow: a message may hold a sender of this very channel.
        drop(messages);
    }
}

/// See [`Receiver::recv`].
#[must_use = "a wait does nothing unless awaited"]
pub struct Recv<'a, T> {
    receiver: &'a mut Receiver<T>,
    at: &'static Location<'static>,
}

impl<T> Future for Recv<'_, T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut queue = self.receiver.queue.borrow_mut();
        if let Some(message) = queue.messages.pop_front() {
            return Poll::Ready(Some(message));
        }
        if queue.senders == 0 {
            return Poll::Ready(None);
        }
        keep_waker(&mut queue.waker, cx);
        note(Awaited::Message(self.receiver.name), self.at);
        Poll::Pending
    }
}

/// The other half was dropped without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` was dropped without an answer")]
pub struct Dropped {
    /// Name of the oneshot.
    pub name: &'static str,
}

struct Answer<T> {
    value: Option<T>,
    sender: bool,
    waker: Option<Waker>,
}

/// One answer to one question.
pub fn oneshot<T>() -> (OneshotSender<T>, OneshotReceiver<T>) {
    oneshot_named("oneshot")
}

/// One answer, with the name that a hang's picture shows.
#[track_caller]
pub fn oneshot_named<T>(name: &'static str) -> (OneshotSender<T>, OneshotReceiver<T>) {
    let answer = Rc::new(RefCell::new(Answer {
        value: None,
        sender: true,
        waker: None,
    }));
    let at = Location::caller();
    (
        OneshotSender {
            answer: Rc::clone(&answer),
        },
        OneshotReceiver { answer, name, at },
    )
}

/// Gives the answer.
pub struct OneshotSender<T> {
    answer: Rc<RefCell<Answer<T>>>,
}

impl<T> OneshotSender<T> {
    /// Answers; the value is dropped when nobody waits any more.
    pub fn send(self, value: T) {
        self.answer.borrow_mut().value = Some(value);
        // The drop wakes.
    }

    /// True when nobody waits any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        Rc::strong_count(&self.answer) == 1
    }
}

impl<T> Drop for OneshotSender<T> {
    fn drop(&mut self) {
        let waker = {
            let mut answer = self.answer.borrow_mut();
            answer.sender = false;
            answer.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Awaits the answer.
#[must_use = "a wait does nothing unless awaited"]
pub struct OneshotReceiver<T> {
    answer: Rc<RefCell<Answer<T>>>,
    name: &'static str,
    at: &'static Location<'static>,
}

impl<T> OneshotReceiver<T> {
    /// The answer, if it is there.
    pub fn try_recv(&mut self) -> Option<T> {
        self.answer.borrow_mut().value.take()
    }
}

impl<T> Future for OneshotReceiver<T> {
    type Output = Result<T, Dropped>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut answer = self.answer.borrow_mut();
        if let Some(value) = answer.value.take() {
            return Poll::Ready(Ok(value));
        }
        if !answer.sender {
            return Poll::Ready(Err(Dropped { name: self.name }));
        }
        keep_waker(&mut answer.waker, cx);
        note(Awaited::Answer(self.name), self.at);
        Poll::Pending
    }
}

#[derive(Default)]
struct Bell {
    rings: u64,
    wakers: Vec<Waker>,
}

/// Something that happens again and again, with any number of waiters and no message.
#[derive(Clone)]
pub struct Event {
    bell: Rc<RefCell<Bell>>,
    name: &'static str,
}

impl Event {
    /// A new event with the name that a hang's picture shows.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            bell: Rc::default(),
            name,
        }
    }

    /// Wakes everybody who waits now.
    pub fn notify(&self) {
        let wakers = {
            let mut bell = self.bell.borrow_mut();
            bell.rings += 1;
            std::mem::take(&mut bell.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// How often it happened.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.bell.borrow().rings
    }

    /// Waits for the next time, counted from this call (not from the first poll).
    #[track_caller]
    pub fn wait(&self) -> EventWait {
        EventWait {
            event: self.clone(),
            from: self.count(),
            at: Location::caller(),
        }
    }
}

/// See [`Event::wait`].
#[must_use = "a wait does nothing unless awaited"]
pub struct EventWait {
    event: Event,
    from: u64,
    at: &'static Location<'static>,
}

impl Future for EventWait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut bell = self.event.bell.borrow_mut();
        if bell.rings != self.from {
            return Poll::Ready(());
        }
        if !bell.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            bell.wakers.push(cx.waker().clone());
        }
        note(Awaited::Event(self.event.name), self.at);
        Poll::Pending
    }
}

fn keep_waker(place: &mut Option<Waker>, cx: &Context<'_>) {
    match place {
        Some(waker) if waker.will_wake(cx.waker()) => {}
        _ => *place = Some(cx.waker().clone()),
    }
}

/// Which of two futures came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first one, also when both came in the same cycle.
    First(A),
    /// The second one.
    Second(B),
}

/// Waits for whichever comes first; in a tie the first argument wins, always.
pub fn select2<A: Future + Unpin, B: Future + Unpin>(first: A, second: B) -> Select2<A, B> {
    Select2 { first, second }
}

/// See [`select2`].
#[must_use = "a wait does nothing unless awaited"]
pub struct Select2<A, B> {
    first: A,
    second: B,
}

impl<A: Future + Unpin, B: Future + Unpin> Future for Select2<A, B> {
    type Output = Either<A::Output, B::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(value) = Pin::new(&mut self.first).poll(cx) {
            return Poll::Ready(Either::First(value));
        }
        Pin::new(&mut self.second).poll(cx).map(Either::Second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_may_hold_its_own_sender() {
        struct Loop(#[expect(dead_code, reason = "only its drop matters")] Option<Sender<Loop>>);
        let (sender, receiver) = channel::<Loop>();
        sender.send(Loop(Some(sender.clone())));
        drop(receiver);
        assert!(sender.is_closed());
    }

    #[test]
    fn an_event_counts_from_the_call() {
        let event = Event::new("e");
        let wait = event.wait();
        event.notify();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(std::pin::pin!(wait).poll(&mut cx).is_ready());
        assert!(std::pin::pin!(event.wait()).poll(&mut cx).is_pending());
    }
}
