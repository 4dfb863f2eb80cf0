//! The clock and its tasks: phases, waits, limits, and how a run ends.

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use common::counter;
use ringside_sim::{Bfm, Cycle, Port, SimError, SimOptions};

/// Writes a counting pattern into `mid_i` and records what it sees on `mid_o`.
struct Pattern {
    mid_i: Port,
    mid_o: Port,
    next: u64,
    seen: Rc<RefCell<Vec<(u64, u64)>>>,
}

impl Bfm for Pattern {
    fn sample(&mut self, cx: &mut Cycle<'_>) {
        self.seen.borrow_mut().push((cx.now, self.mid_o.get_u64()));
    }

    fn drive(&mut self, _: &mut Cycle<'_>) {
        self.next += 1;
        self.mid_i.set_u64(self.next);
    }
}

#[test]
fn a_task_counts_cycles_and_drives_like_a_flop() {
    let sim = counter(SimOptions::default());
    let [enable, count] = ["enable_i", "count_o"].map(|name| sim.port(name).unwrap());
    let outcome = sim
        .run(async |sim| {
            assert_eq!((sim.now(), count.get_u64()), (16, 0));
            sim.write(enable, 1);
            sim.cycles(10).await;
            // The write took effect after the first of ten edges.
            assert_eq!((sim.now(), count.get_u64()), (26, 9));
            sim.rising_edge().await;
            count.get_u64()
        })
        .unwrap();
    assert_eq!((outcome.value, outcome.cycles), (10, 27));
}

type Rows = Vec<(u64, u64, bool)>;

/// Answers the design through its combinational path: enable, the path's end, the next value.
struct Toggle(Port, Port, bool);
impl Bfm for Toggle {
    fn sample(&mut self, _: &mut Cycle<'_>) {
        self.2 = !self.1.get_bool();
    }
    fn drive(&mut self, _: &mut Cycle<'_>) {
        self.0.set_bool(self.2);
    }
}

/// Records cycle, count and the combinational output.
struct Watch(Port, Port, Rc<RefCell<Rows>>);
impl Bfm for Watch {
    fn sample(&mut self, cx: &mut Cycle<'_>) {
        self.2
            .borrow_mut()
            .push((cx.now, self.0.get_u64(), self.1.get_bool()));
    }
    fn drive(&mut self, _: &mut Cycle<'_>) {}
}

#[test]
fn the_order_of_bus_models_never_matters() {
    let run = |swap: bool| {
        let mut sim = counter(SimOptions::default());
        let [enable, count, next] = ["enable_i", "count_o", "next_o"].map(|name| sim.port(name).unwrap());
        let seen = Rc::new(RefCell::new(Rows::new()));
        let mut models: Vec<Box<dyn Bfm>> = vec![
            Box::new(Toggle(enable, next, false)),
            Box::new(Watch(count, next, Rc::clone(&seen))),
        ];
        if swap {
            models.reverse();
        }
        for model in models {
            sim.add_bfm(model);
        }
        sim.run(async |sim| sim.cycles(20).await).unwrap();
        seen.take()
    };
    let first = run(false);
    assert_eq!(first.len(), 20);
    assert_eq!(first.last().map(|row| row.1), Some(9), "{first:?}");
    assert_eq!(first, run(true));
}

#[test]
fn sample_is_before_the_edge_and_drive_after_it() {
    let mut sim = counter(SimOptions {
        reset_cycles: 4,
        ..SimOptions::default()
    });
    let [mid_i, mid_o] = ["mid_i", "mid_o"].map(|name| sim.port(name).unwrap());
    let seen = Rc::new(RefCell::new(Vec::new()));
    sim.add_bfm(Box::new(Pattern {
        mid_i,
        mid_o,
        next: 0,
        seen: Rc::clone(&seen),
    }));
    sim.run(async |sim| sim.cycles(3).await).unwrap();
    let not = |n: u64| !n & 0xff_ffff_ffff;
    assert_eq!(seen.take(), [(4, not(0)), (5, not(1)), (6, not(2))]);
}

#[test]
fn the_main_task_may_borrow() {
    let mut seen = Vec::new();
    let sim = counter(SimOptions::default());
    sim.run(async |sim| {
        for _ in 0..3 {
            sim.cycles(2).await;
            seen.push(sim.now());
        }
    })
    .unwrap();
    assert_eq!(seen, [18, 20, 22]);
}

#[test]
fn until_wakes_once_in_the_cycle_in_which_it_holds() {
    let sim = counter(SimOptions::default());
    let [enable, count] = ["enable_i", "count_o"].map(|name| sim.port(name).unwrap());
    let asked = Rc::new(Cell::new(0));
    let counted = Rc::clone(&asked);
    let outcome = sim
        .run(async move |sim| {
            sim.write(enable, 1);
            sim.until("count is 100", move || {
                counted.set(counted.get() + 1);
                count.get_u64() == 100
            })
            .await;
            (sim.now(), count.get_u64())
        })
        .unwrap();
    assert_eq!(outcome.value, (117, 100));
    assert_eq!(asked.get(), 102, "once when called, then once a cycle");
}

#[test]
fn timeouts_are_in_cycles_and_the_future_wins_a_tie() {
    let outcome = counter(SimOptions::default())
        .run(async |sim| {
            let late = sim.timeout(10, sim.cycles(11)).await.unwrap_err();
            assert_eq!((late.cycles, sim.now()), (10, 26));
            assert!(
                late.to_string()
                    .starts_with("nothing within 10 cycles (sim/tests/clock.rs:"),
                "{late}"
            );
            sim.timeout(10, sim.cycles(10)).await.expect("a tie");
            sim.timeout(0, async { 7 }).await.expect("ready at once")
        })
        .unwrap();
    assert_eq!((outcome.value, outcome.cycles), (7, 36));
}

#[test]
fn quiet_is_a_number_of_cycles_without_a_change() {
    let outcome = counter(SimOptions {
        quiet_limit_cycles: 500,
        ..SimOptions::default()
    })
    .run(async |sim| {
        let counter = Rc::new(Cell::new(0_u64));
        let (busy, theirs) = (sim.clone(), Rc::clone(&counter));
        sim.spawn("busy", async move {
            for _ in 0..5 {
                busy.cycles(30).await;
                theirs.set(theirs.get() + 1);
            }
        })
        .detach();
        let watched = Rc::clone(&counter);
        sim.quiet(50, move || watched.get())
            .await
            .expect("it falls quiet");
        let when = sim.now();
        let never = sim.clone();
        let elapsed = sim.quiet(50, move || never.now()).await.unwrap_err();
        (when, elapsed.cycles)
    })
    .unwrap();
    // The last change happens in cycle 16 + 150 and is seen one cycle later.
    assert_eq!(outcome.value, (16 + 150 + 1 + 50, 500));
}

#[test]
fn tasks_join_and_cancel() {
    let outcome = counter(SimOptions::default())
        .run(async |sim| {
            let child = sim.clone();
            let five = sim.spawn("five", async move {
                child.cycles(5).await;
                child.now()
            });
            let flag = Rc::new(Cell::new(false));
            let (child, theirs) = (sim.clone(), Rc::clone(&flag));
            let never = sim.spawn("never", async move {
                child.cycles(3).await;
                theirs.set(true);
            });
            sim.cycles(1).await;
            never.cancel();
            let at = five.await;
            (at, flag.get())
        })
        .unwrap();
    assert_eq!(outcome.value, (21, false));
}

#[test]
fn a_panic_in_a_task_is_an_error_with_name_and_cycle() {
    let error = counter(SimOptions::default())
        .run(async |sim| {
            let child = sim.clone();
            sim.spawn("broken", async move {
                child.cycles(4).await;
                panic!("the answer is not {}", 42);
            })
            .detach();
            sim.cycles(100).await;
        })
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "cycle 20: task `broken` panicked: the answer is not 42"
    );
}

struct Broken;

impl Bfm for Broken {
    fn sample(&mut self, cx: &mut Cycle<'_>) {
        assert!(cx.now < 30, "a bug of mine");
    }
    fn drive(&mut self, _: &mut Cycle<'_>) {}
}

#[test]
fn a_panic_in_a_bus_model_is_an_error_too() {
    let mut sim = counter(SimOptions::default());
    sim.add_bfm(Box::new(Broken));
    let error = sim.run(async |sim| sim.cycles(100).await).unwrap_err();
    assert_eq!(error.to_string(), "cycle 30: a bus model panicked: a bug of mine");
}

#[test]
fn limits_of_cycles_and_of_real_time_end_a_run() {
    let error = counter(SimOptions {
        max_cycles: 1000,
        ..SimOptions::default()
    })
    .run(async |sim| sim.cycles(5000).await)
    .unwrap_err();
    assert!(
        matches!(error, SimError::Limit { max_cycles: 1000, .. }),
        "{error}"
    );
    let limit = std::time::Duration::from_millis(50);
    let error = counter(SimOptions {
        wall_limit: Some(limit),
        ..SimOptions::default()
    })
    .run(async |sim| sim.cycles(u64::MAX).await)
    .unwrap_err();
    assert!(matches!(error, SimError::WallClock { .. }), "{error}");
}

#[test]
fn a_gated_clock_sees_every_edge() {
    let dut = common::dut("gated");
    let mut model = ringside_sim::Model::load(&common::model(&dut, ringside_sim::Mode::Fast), 1).unwrap();
    let [clock, reset, enable, gate, count] =
        ["clk_i", "rst_ni", "enable_i", "clock_o", "count_o"].map(|name| model.port(name).unwrap());
    let mut seen = Vec::new();
    for (in_reset, enabled) in [
        (true, true),
        (false, true),
        (false, false),
        (false, true),
        (false, true),
    ] {
        reset.set_bool(!in_reset);
        enable.set_bool(enabled);
        clock.set_bool(false);
        model.eval().unwrap();
        clock.set_bool(true);
        // Nothing but the clock has moved, and something combinational reads it.
        model.eval_edge().unwrap();
        seen.push((gate.get_bool(), count.get_u64()));
    }
    assert_eq!(seen, [(true, 0), (true, 1), (false, 1), (true, 2), (true, 3)]);
}
