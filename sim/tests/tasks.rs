//! Tasks and bus models talking; hangs and their picture; the outside world.

mod common;

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use common::counter;
use ringside_sim::sync::{Either, Event, Receiver, Sender, channel, channel_named, oneshot, select2};
use ringside_sim::{Bfm, Cycle, ExternalPolicy, SimError, SimOptions, sim_select};

/// Sends 400 messages in cycle 20.
struct Burst(Sender<u64>);

impl Bfm for Burst {
    fn sample(&mut self, cx: &mut Cycle<'_>) {
        if cx.now == 20 {
            (0..400).for_each(|_| self.0.send(cx.now));
        }
    }
    fn drive(&mut self, _: &mut Cycle<'_>) {}
}

/// The landmine: under tokio's budget of 128 operations the last of these came 384 cycles late.
#[test]
fn four_hundred_messages_arrive_in_their_cycle() {
    let mut sim = counter(SimOptions::default());
    let (sender, mut receiver) = channel();
    // The same through tokio's own channel, which does count against the budget.
    let (outer, mut outer_receiver) = tokio::sync::mpsc::unbounded_channel();
    sim.add_bfm(Box::new(Burst(sender)));
    let outcome = sim
        .run(async move |sim| {
            let clock = sim.clone();
            let forwarded = sim.spawn("forward", async move {
                let mut arrivals = Vec::new();
                while arrivals.len() < 400 {
                    outer_receiver.recv().await.unwrap();
                    arrivals.push(clock.now());
                }
                arrivals
            });
            let mut arrivals = Vec::new();
            while arrivals.len() < 400 {
                let sent = receiver.recv().await.unwrap();
                outer.send(sent).unwrap();
                arrivals.push((sent, sim.now()));
            }
            (arrivals, forwarded.await)
        })
        .unwrap();
    let (ours, tokios) = outcome.value;
    assert!(
        ours.iter().all(|arrival| *arrival == (20, 21)),
        "{:?}",
        ours.last()
    );
    assert!(tokios.iter().all(|cycle| *cycle == 21), "{:?}", tokios.last());
}

/// Answers each question after three cycles.
struct Echo {
    questions: Receiver<(u64, ringside_sim::sync::OneshotSender<u64>)>,
    pending: Vec<(u64, u64, ringside_sim::sync::OneshotSender<u64>)>,
}

impl Bfm for Echo {
    fn sample(&mut self, cx: &mut Cycle<'_>) {
        while let Some((value, answer)) = self.questions.try_recv() {
            self.pending.push((cx.now + 3, value, answer));
        }
        for (_, value, answer) in self.pending.extract_if(.., |(due, _, _)| *due <= cx.now) {
            answer.send(value + 1);
        }
    }
    fn drive(&mut self, _: &mut Cycle<'_>) {}
}

#[test]
fn a_transaction_is_one_await() {
    let mut sim = counter(SimOptions::default());
    let (questions, receiver) = channel_named("questions");
    sim.add_bfm(Box::new(Echo {
        questions: receiver,
        pending: Vec::new(),
    }));
    let outcome = sim
        .run(async move |sim| {
            let ask = |value| {
                let (sender, answer) = oneshot();
                questions.send((value, sender));
                answer
            };
            let (a, b) = (ask(10), ask(20));
            let sum = a.await.unwrap() + b.await.unwrap();
            (sum, sim.now())
        })
        .unwrap();
    assert_eq!(outcome.value, (32, 20));
}

#[test]
fn selects_are_biased() {
    let outcome = counter(SimOptions::default())
        .run(async |sim| {
            let mut firsts = 0;
            for _ in 0..200 {
                let chosen = sim_select! {
                    () = sim.cycles(3) => 1,
                    () = sim.cycles(3) => 2,
                };
                firsts += u32::from(chosen == 1);
            }
            let tie = select2(sim.cycles(2), sim.cycles(2)).await;
            (firsts, matches!(tie, Either::First(())))
        })
        .unwrap();
    assert_eq!(outcome.value, (200, true));
}

/// A combinator with wakers of its own must not lose the clock's wake.
#[test]
fn waits_work_inside_combinators() {
    let outcome = counter(SimOptions::default())
        .run(async |sim| {
            let (a, b, c) = tokio::join!(
                async {
                    sim.cycles(5).await;
                    sim.now()
                },
                async {
                    sim.rising_edge().await;
                    sim.rising_edge().await;
                    sim.now()
                },
                async {
                    let clock = sim.clone();
                    sim.until("nine", move || clock.now() == 25).await;
                    sim.now()
                }
            );
            (a, b, c)
        })
        .unwrap();
    assert_eq!(outcome.value, (21, 18, 25));
}

/// What `FuturesUnordered` does: polls its child only when the child's own waker fired.
struct Strict<F> {
    child: Pin<Box<F>>,
    flag: Arc<Flag>,
}

struct Flag {
    woken: AtomicBool,
    parent: Mutex<Option<Waker>>,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        if let Some(parent) = self.parent.lock().unwrap().take() {
            parent.wake();
        }
    }
}

impl<F: Future> Future for Strict<F> {
    type Output = F::Output;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        *self.flag.parent.lock().unwrap() = Some(cx.waker().clone());
        if !self.flag.woken.swap(false, Ordering::SeqCst) {
            return Poll::Pending;
        }
        let waker = Waker::from(Arc::clone(&self.flag));
        self.child.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

fn strict<F: Future>(child: F) -> Strict<F> {
    let flag = Flag {
        woken: AtomicBool::new(true),
        parent: Mutex::new(None),
    };
    Strict {
        child: Box::pin(child),
        flag: Arc::new(flag),
    }
}

/// The clock's short cut wakes a task by number; a combinator's own waker must still be woken.
#[test]
fn every_wait_wakes_the_waker_it_was_given() {
    let mut sim = counter(SimOptions {
        idle_limit_cycles: 100,
        ..SimOptions::default()
    });
    let (sender, mut receiver) = channel();
    sim.add_bfm(Box::new(Burst(sender)));
    let outcome = sim
        .run(async move |sim| {
            strict(sim.rising_edge()).await;
            strict(sim.cycles(1)).await;
            strict(receiver.recv()).await;
            let clock = sim.clone();
            strict(sim.until("cycle 30", move || clock.now() == 30)).await;
            let child = sim.clone();
            let task = sim.spawn("child", async move { child.cycles(5).await });
            strict(task.join()).await;
            sim.now()
        })
        .unwrap();
    assert_eq!(outcome.value, 35);
}

#[test]
fn an_event_wakes_all_who_wait() {
    let outcome = counter(SimOptions::default())
        .run(async |sim| {
            let event = Event::new("go");
            let woken = Rc::new(Cell::new(0));
            let tasks: Vec<_> = (0..3)
                .map(|_| {
                    let (event, woken) = (event.clone(), Rc::clone(&woken));
                    sim.spawn("waiter", async move {
                        event.wait().await;
                        woken.set(woken.get() + 1);
                    })
                })
                .collect();
            sim.cycles(2).await;
            assert_eq!(woken.get(), 0);
            event.notify();
            for task in tasks {
                task.await;
            }
            (woken.get(), sim.now())
        })
        .unwrap();
    assert_eq!(outcome.value, (3, 18));
}

/// Moves on its own for 5000 cycles, and says so.
struct Busy(Option<Sender<()>>);

impl Bfm for Busy {
    fn sample(&mut self, cx: &mut Cycle<'_>) {
        cx.progress();
        if cx.now == 5000 {
            self.0.take().expect("once").send(());
        }
    }
    fn drive(&mut self, _: &mut Cycle<'_>) {}
}

#[test]
fn progress_of_a_bus_model_is_no_hang() {
    let mut sim = counter(SimOptions {
        idle_limit_cycles: 100,
        ..SimOptions::default()
    });
    let (sender, mut receiver) = channel();
    sim.add_bfm(Box::new(Busy(Some(sender))));
    let outcome = sim.run(async move |_| receiver.recv().await).unwrap();
    assert_eq!((outcome.value, outcome.cycles), (Some(()), 5001));
}

#[test]
fn a_circle_of_wakes_within_a_cycle_is_an_error() {
    let error = counter(SimOptions::default())
        .run(async |_| {
            std::future::poll_fn(|cx| {
                cx.waker().wake_by_ref();
                Poll::<()>::Pending
            })
            .await;
        })
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "cycle 16: tasks wake each other without end; one of them is `main`"
    );
}

#[test]
fn lockstep_lets_no_cycle_pass_while_the_outside_thinks() {
    let run = |external| {
        let options = SimOptions {
            external,
            max_cycles: 100_000_000,
            ..SimOptions::default()
        };
        counter(options)
            .run(async |sim| {
                let before = sim.now();
                sim.external(tokio::time::sleep(Duration::from_millis(20))).await;
                sim.now() - before
            })
            .unwrap()
            .value
    };
    assert_eq!(run(ExternalPolicy::Lockstep), 0);
    assert!(run(ExternalPolicy::FreeRun) > 0);
}

/// A real socket pair, a server on the same runtime, and the simulation between them.
#[test]
fn sockets_work_beside_the_clock() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let started = Instant::now();
    let options = SimOptions {
        external: ExternalPolicy::Lockstep,
        ..SimOptions::default()
    };
    let outcome = counter(options)
        .run(async |sim| {
            let (mut near, mut far) = tokio::net::UnixStream::pair().unwrap();
            tokio::spawn(async move {
                let mut byte = [0];
                while far.read_exact(&mut byte).await.is_ok() {
                    far.write_all(&[byte[0] + 1]).await.unwrap();
                }
            });
            let mut byte = [0];
            for _ in 0..100 {
                sim.external(async {
                    near.write_all(&byte).await.unwrap();
                    near.read_exact(&mut byte).await.unwrap();
                })
                .await;
                sim.cycles(1).await;
            }
            byte[0]
        })
        .unwrap();
    assert_eq!((outcome.value, outcome.cycles), (100, 116));
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_run_inside_a_runtime_is_refused() {
    let sim = counter(SimOptions::default());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(async { sim.run(async |_| ()).unwrap_err() });
    assert!(matches!(error, SimError::Nested), "{error}");
}

#[test]
fn a_run_ends_when_it_is_told_to_from_outside() {
    let stop = Arc::new(AtomicBool::new(false));
    let options = SimOptions {
        stop: Some(Arc::clone(&stop)),
        ..SimOptions::default()
    };
    let error = counter(options)
        .run(async move |sim: ringside_sim::SimHandle| {
            sim.cycles(1000).await;
            stop.store(true, Ordering::Relaxed);
            sim.cycles(1_000_000).await;
        })
        .unwrap_err();
    let cycle = error.cycle();
    assert!(matches!(error, SimError::Stopped { .. }), "{error}");
    assert!((1000..2000).contains(&cycle), "{cycle}");
}
