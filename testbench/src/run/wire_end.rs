//! The wire of a run: takes what the device sends, brings it back or not, and gives it what it is to receive.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use ringside_sim::Sim;

use crate::boundary::{
    BackPressure, FrameFeeder, FrameSink, FrameSource, LinkUp, NetPorts, Pressure, RxFrame, TxFrame,
};
use crate::host::Recorder;
use crate::host::dice::Dice;
use crate::scenario::{Direction, Scenario, Spread};
use crate::wire::Frame;
use crate::wire::flow::{flow_hash, pair_of};

/// What went over the wire.
#[derive(Debug, Default)]
pub struct WireCounts {
    /// Whole frames that the device sent.
    pub sent: Cell<u64>,
    /// Bytes of them.
    pub sent_bytes: Cell<u64>,
    /// Whole frames by transmit queue pair.
    pub sent_by: RefCell<BTreeMap<u16, u64>>,
    /// Frames that the device marked as broken.
    pub broken: Cell<u64>,
    /// Frames that the device dropped, by reason.
    pub drops: RefCell<BTreeMap<u8, u64>>,
}

/// What a station at the wire's end answers to a frame.
pub type Answer = Box<dyn FnMut(&[u8]) -> Option<Vec<u8>>>;

/// The wire's end of the run.
pub struct WireEnd {
    station: Rc<RefCell<Option<Answer>>>,
    feeder: FrameFeeder,
    gate: Rc<Cell<bool>>,
    link: LinkUp,
    counts: Rc<WireCounts>,
    spread: Spread,
    pairs: u16,
    given: Cell<u64>,
}

/// Flow hash that selects exactly this pair.
fn flow_of_pair(pair: u16, pairs: u16) -> u16 {
    ((u32::from(pair) * 0x1_0000).div_ceil(u32::from(pairs.max(1)))) as u16
}

impl WireEnd {
    /// Puts a wire on the frame streams.
    pub fn install(sim: &mut Sim, net: &NetPorts, scenario: &Scenario, recorder: &Recorder) -> Self {
        let law = |per_mille| {
            if per_mille == 0 {
                BackPressure::None
            } else {
                BackPressure::Random { per_mille }
            }
        };
        let pressure = |per_mille, path| Pressure::new(law(per_mille), Dice::new(scenario.seed, path));
        let counts: Rc<WireCounts> = Rc::default();
        let drops = Rc::clone(&counts);
        let (source, feeder) = FrameSource::new(
            net,
            pressure(scenario.wire.rx_pause_per_mille, "wire/rx"),
            recorder.clone(),
            Box::new(move |_, reason| *drops.drops.borrow_mut().entry(reason).or_default() += 1),
        );
        let loops = scenario.traffic.direction == Direction::Loopback;
        let (spread, pairs) = (scenario.traffic.spread, scenario.driver.queue_pairs);
        let station: Rc<RefCell<Option<Answer>>> = Rc::default();
        let (taken, back, answers) = (Rc::clone(&counts), feeder.clone(), Rc::clone(&station));
        let take = move |frame: TxFrame| {
            if frame.error {
                taken.broken.set(taken.broken.get() + 1);
                return;
            }
            taken.sent.set(taken.sent.get() + 1);
            *taken.sent_by.borrow_mut().entry(frame.queue).or_default() += 1;
            taken
                .sent_bytes
                .set(taken.sent_bytes.get() + frame.data.len() as u64);
            let data = match answers.borrow_mut().as_mut() {
                Some(answer) => answer(&frame.data),
                None => loops.then_some(frame.data),
            };
            if let Some(data) = data {
                let flow = match spread {
                    Spread::Flow => flow_hash(&data),
                    Spread::RoundRobin => flow_of_pair(frame.queue, pairs),
                };
                // A frame without bytes cannot be on a wire; the pin monitor has told of it.
                let _ = back.push(RxFrame {
                    not_before: frame.cycle + 1,
                    flow,
                    data,
                });
            }
        };
        let sink = FrameSink::new(
            net,
            pressure(scenario.wire.tx_stall_per_mille, "wire/tx"),
            recorder.clone(),
            Box::new(take),
        );
        let gate = sink.gate();
        sim.add_bfm(Box::new(sink));
        sim.add_bfm(Box::new(source));
        let link = LinkUp::new(net, sim.handle(), recorder.clone());
        WireEnd {
            station,
            feeder,
            gate,
            link,
            counts,
            spread,
            pairs,
            given: Cell::new(0),
        }
    }

    /// What went over it.
    #[must_use]
    pub fn counts(&self) -> &WireCounts {
        &self.counts
    }

    /// The link state that the device sees.
    #[must_use]
    pub fn link(&self) -> &LinkUp {
        &self.link
    }

    /// Stops or resumes taking what the device sends.
    pub fn take_frames(&self, on: bool) {
        self.gate.set(on);
    }

    /// Puts a station at the wire's end: from now on each frame gets its answer, instead of what the scenario's direction says.
    pub fn answer_with(&self, answer: Answer) {
        *self.station.borrow_mut() = Some(answer);
    }

    /// Gives the device a frame to receive, from `cycle` on.
    pub fn give(&self, cycle: u64, frame: &Frame) {
        let flow = match self.spread {
            Spread::Flow => flow_hash(&frame.data),
            Spread::RoundRobin => flow_of_pair((self.given.get() % u64::from(self.pairs)) as u16, self.pairs),
        };
        self.given.set(self.given.get() + 1);
        let _ = self.feeder.push(RxFrame {
            not_before: cycle,
            flow,
            data: frame.data.clone(),
        });
    }

    /// Frames that the device has taken whole.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.feeder.sent()
    }

    /// Frames that the device has not taken yet.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.feeder.pending()
    }

    /// Frames that the device said it dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.feeder.dropped()
    }
}

/// Queue pair through which the driver sends frame number `number`.
#[must_use]
pub fn tx_pair(spread: Spread, pairs: u16, number: u64, frame: &Frame) -> usize {
    match spread {
        Spread::Flow => pair_of(flow_hash(&frame.data), pairs).into(),
        Spread::RoundRobin => (number % u64::from(pairs)) as usize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pairs_flow_leads_to_it() {
        for pairs in 1..=16 {
            for pair in 0..pairs {
                assert_eq!(
                    pair_of(flow_of_pair(pair, pairs), pairs),
                    pair,
                    "{pair} of {pairs}"
                );
            }
        }
    }
}
