//! `ringside serve pci` under a guest of our own: enumeration, interrupts and frames through messages, and everything that a guest can do wrong. Linux is in
//! `make drivers`.

mod guest;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use ringside::run::{Ended, RunOptions, RunResult};
use ringside::scenario::{Direction, Scenario};
use ringside::serve::pci::report::GuestReport;
use ringside::serve::pci::server::{PciOptions, serve};
use ringside::serve::service::{HOST_MEMORY, ServeOptions};
use ringside::serve::vhost_user::message::Request;
use ringside_models::rules::Scope;

use guest::{Guest, PROTOCOL, message};

struct Server {
    _dir: tempfile::TempDir,
    path: PathBuf,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(RunResult, Vec<GuestReport>)>,
}

impl Server {
    fn start(mirror: bool) -> Self {
        Self::withholding(mirror, 0)
    }

    fn withholding(mirror: bool, withheld: u128) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let stop = Arc::new(AtomicBool::new(false));
        let (socket, flag) = (path.clone(), Arc::clone(&stop));
        let mut scenario = Scenario {
            name: "slot".to_owned(),
            ..Scenario::default()
        };
        scenario.host.memory.base = HOST_MEMORY;
        scenario.host.link.mps_bytes = 128;
        scenario.driver.queue_pairs = 1;
        scenario.traffic.direction = Direction::Loopback;
        let thread = std::thread::spawn(move || {
            let options = PciOptions {
                service: ServeOptions {
                    socket,
                    once: false,
                    stop: flag,
                    say: Box::new(|_| ()),
                },
                calendar: None,
                mirror,
                withheld,
            };
            serve(&scenario, &RunOptions::default(), &options, &|_| {}).unwrap()
        });
        Server {
            _dir: dir,
            path,
            stop,
            thread,
        }
    }

    fn guest(&self) -> Guest {
        Guest::connect(&self.path)
    }

    fn end(self) -> (RunResult, Vec<GuestReport>) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn assert_clean(result: &RunResult) {
    assert!(matches!(result.ended, Ended::Complete), "{:?}", result.ended);
    assert_eq!(result.complaints, Vec::<String>::new());
    let verdict = result.findings.verdict.as_ref().expect("somebody judged");
    let device = |v: &&ringside_models::judge::Violation| v.scope() != Scope::Driver;
    let broken: BTreeSet<_> = verdict.violations.iter().filter(device).map(|v| v.rule).collect();
    assert_eq!(broken, BTreeSet::new(), "by the device");
}

fn frame(number: u8) -> Vec<u8> {
    let mut frame = vec![0x52, 0x54, 0, 0, 0, 1, 0x52, 0x54, 0, 0, 0, 2, 0x88, 0xb5];
    frame.extend((0..46 + 5 * number).map(|i| i ^ number));
    frame
}

#[test]
fn a_guest_places_the_bars_programs_the_vectors_and_gets_its_frames_and_interrupts() {
    let server = Server::start(false);
    for round in 0..2 {
        let mut g = server.guest();
        g.start();
        g.enumerate();
        assert!(
            !g.bars.is_empty() && g.bars.iter().all(|b| b.1 >= 0xf000_0000),
            "{:x?}",
            g.bars
        );
        // All sizes of a read, and one that no instruction makes.
        let id = [
            g.config(0, 1),
            g.config(1, 1),
            g.config(2, 2),
            g.config(0, 4),
            g.config(0, 8),
        ];
        assert_eq!((id[0], id[1], id[2]), (0xf4, 0x1a, 0x1041));
        assert_eq!((id[3], id[4] as u32), (0x1041_1af4, 0x1041_1af4));
        g.drive();
        for number in 0..40 {
            assert_eq!(g.exchange(&frame(number)), frame(number), "round {round}");
        }
        assert!(g.was_called());
    }
    let (result, guests) = server.end();
    assert_clean(&result);
    assert_eq!((result.frames.wire_tx, result.frames.wire_rx), (80, 80));
    for g in &guests {
        assert!(g.left.is_fair(), "{}", g.left);
        assert_eq!((g.counts.starts, g.counts.kicks, g.interrupts), (1, 80, 80));
        assert_eq!((g.features, g.time_ns), (3 << 32, None));
    }
    assert_eq!(guests.len(), 2, "the second found the function as the first did");
}

#[test]
fn everybody_on_a_mirror_answers() {
    let server = Server::start(true);
    let mut g = server.guest();
    g.start();
    g.enumerate();
    g.drive();
    let mut ask = vec![0xff; 6];
    ask.extend([0x52, 0x54, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    ask.extend([0x52, 0x54, 0, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1]);
    let back = g.exchange(&ask);
    assert_eq!((back[21], &back[28..32]), (2, &[10, 0, 0, 1][..]));
    drop(g);
    assert_clean(&server.end().0);
}

#[test]
fn what_a_guest_may_not_is_told_and_the_next_one_is_served() {
    type Wrong = (&'static str, fn(&mut Guest));
    let wrong: [Wrong; 16] = [
        ("operation 9 is none", |g| g.command(&message(9, 0, 4, 0, &[]), 4)),
        ("operation 0 is none", |g| g.command(&message(0, 0, 4, 0, &[]), 4)),
        ("its header alone", |g| g.command(&[1; 15], 4)),
        ("its header alone", |g| g.command(&[], 4)),
        ("configuration access of 3 bytes", |g| {
            g.command(&message(1, 0, 3, 0, &[]), 4);
        }),
        ("at 0x1000", |g| g.command(&message(1, 0, 4, 4096, &[]), 4)),
        ("a read of 4 bytes has room for 2", |g| {
            g.command(&message(1, 0, 4, 0, &[]), 2);
        }),
        ("a write of 4 bytes brings 1", |g| {
            g.command(&message(2, 0, 4, 4, &[0]), 0);
        }),
        ("BAR0 has no address", |g| g.command(&message(3, 0, 4, 0, &[]), 4)),
        ("1 to 4096 bytes", |g| {
            g.command(&message(3, 0, u32::MAX, 0, &[]), 4);
        }),
        ("which has", |g| {
            g.enumerate();
            let (bar, _, size) = g.bars[0];
            // The last bytes are there; those behind them are not.
            g.read(bar, size - 4, 4);
            g.command(&message(4, bar, 8, size - 4, &[0; 8]), 0);
        }),
        ("which has", |g| {
            g.enumerate();
            g.command(&message(3, g.bars[0].0, 4, u64::MAX - 1, &[]), 4);
        }),
        ("200 ahead; it has 16", |g| {
            g.put(0x1002, &200_u16.to_le_bytes());
            g.send(Request::VringKick, &[0], &[], false);
        }),
        ("ring 1 has 0 entries", |g| {
            g.send(Request::SetVringNum, &[1], &[], false);
        }),
        ("names ring 2: there are 2", |g| {
            g.send(Request::VringKick, &[2], &[], false);
        }),
        ("are needed as well", |g| {
            g.send(Request::SetProtocolFeatures, &[PROTOCOL & !(1 << 14)], &[], false);
            g.send(Request::SetVringEnable, &[1 << 32], &[], false);
        }),
    ];
    let server = Server::start(false);
    for (why, go_wrong) in &wrong {
        let mut g = server.guest();
        g.start();
        go_wrong(&mut g);
        assert!(g.is_hung_up_on(), "{why}");
    }
    let mut undescribed = server.guest();
    undescribed.send(Request::SetVringEnable, &[1 << 32], &[], false);
    assert!(undescribed.is_hung_up_on());
    // One that dies in the middle of a message, and one with everything in flight.
    let mut cut = server.guest();
    cut.start();
    cut.raw(&[35, 0, 0]);
    drop(cut);
    let mut killed = server.guest();
    killed.start();
    killed.enumerate();
    killed.drive();
    killed.command(&message(1, 0, 4, 0, &[]), 4);
    drop(killed);
    let mut good = server.guest();
    good.start();
    good.enumerate();
    good.drive();
    assert_eq!(good.exchange(&frame(1)), frame(1));
    drop(good);
    let (result, guests) = server.end();
    assert_clean(&result);
    let told: Vec<String> = guests.iter().map(|g| g.left.to_string()).collect();
    let last = ["was not said", "in the middle of a message", "", ""];
    for (why, left) in wrong.iter().map(|w| w.0).chain(last).zip(&told) {
        assert!(left.contains(why), "{why}: {left}");
    }
    assert_eq!(told.len(), wrong.len() + last.len());
    assert!(guests[told.len() - 1].left.is_fair());
}

#[test]
fn a_function_whose_memory_space_is_off_reads_as_all_ones_and_interrupts_need_its_table() {
    let server = Server::start(false);
    let mut g = server.guest();
    g.start();
    g.enumerate();
    g.drive();
    let (bar, ..) = g.bars[0];
    g.set_config(4, &[0, 0]);
    assert_eq!(g.read(bar, 0, 4), [0xff; 4]);
    g.set_config(4, &[6, 0]);
    assert_ne!(g.read(bar, 0x12, 2), [0xff; 2], "num_queues");
    assert_eq!(g.exchange(&frame(2)), frame(2));
    // Function Level Reset: everything has to be placed anew.
    let pcie = g.capabilities.iter().find(|c| c.0 == 0x10).unwrap().1;
    g.set_config(pcie + 8, &[0, 0x80]);
    let gone = message(3, bar, 4, 0, &[]);
    g.command(&gone, 4);
    assert!(g.is_hung_up_on());
    let (result, guests) = server.end();
    assert_clean(&result);
    assert!(
        guests[0].left.to_string().contains("has no address"),
        "{}",
        guests[0].left
    );
}

#[test]
fn what_is_withheld_is_not_offered() {
    let offers = [0, 1_u128 << 34 | 1 << 15].map(|withheld| {
        let server = Server::withholding(false, withheld);
        let mut g = server.guest();
        g.start();
        g.enumerate();
        let offered = [0_u32, 1, 2].map(|word| {
            g.common_write(0, &word.to_le_bytes());
            g.common_read(4, 4)
        });
        drop(g);
        server.end();
        offered
    });
    let [all, less] = offers;
    assert_eq!(all[0] & 1 << 15, 1 << 15);
    assert_eq!(
        (all[0] & !(1 << 15), all[1] & !4, all[2]),
        (less[0], less[1], less[2])
    );
    assert_eq!(all[1] & 4, 4);
}
