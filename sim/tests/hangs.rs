//! The picture of a hang. In a file of its own: the snapshots hold its line numbers.

mod common;

use common::counter;
use ringside_sim::sync::{Event, channel_named, oneshot_named};
use ringside_sim::{Bfm, Cycle, SimError, SimHandle, SimOptions, sim_select};

async fn hanging(sim: SimHandle) {
    let (_keep, mut commands) = channel_named::<u32>("commands");
    let (_sender, answer) = oneshot_named::<u32>("register read");
    let reset = Event::new("reset done");
    let clock = sim.clone();
    sim.spawn("transmit", async move {
        clock.cycles(10).await;
        sim_select! {
            _ = commands.recv() => {},
            () = reset.wait() => {},
        }
    })
    .detach();
    let reader = sim.spawn("register reader", async move {
        let _ = answer.await;
    });
    reader.await;
}

#[test]
fn a_deadlock_shows_who_waits_for_whom() {
    let error = counter(SimOptions::default()).run(hanging).unwrap_err();
    assert!(matches!(error, SimError::Deadlock { .. }));
    insta::assert_snapshot!(error.to_string());
}

struct Stuck;

impl Bfm for Stuck {
    fn sample(&mut self, _: &mut Cycle<'_>) {}
    fn drive(&mut self, _: &mut Cycle<'_>) {}
    fn status(&self) -> Option<String> {
        Some("host: 3 reads outstanding, oldest since cycle 17".to_owned())
    }
}

#[test]
fn a_hang_with_a_bus_model_takes_the_idle_limit() {
    let mut sim = counter(SimOptions {
        idle_limit_cycles: 1000,
        ..SimOptions::default()
    });
    sim.add_bfm(Box::new(Stuck));
    let error = sim.run(hanging).unwrap_err();
    assert!(matches!(
        error,
        SimError::Hang {
            idle_cycles: 1000,
            ..
        }
    ));
    assert_eq!(error.cycle(), 26 + 1000);
    insta::assert_snapshot!(error.to_string());
}
