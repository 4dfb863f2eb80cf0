//! Steps in an order that means something: what one of them stops another must let go on, and what they ask for must be possible.

use super::phase::Phase;

/// A step that cannot mean what it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("step {number} ({word}): {why}")]
pub struct StepError {
    /// Which, counted from 1.
    pub number: usize,
    /// The step's word.
    pub word: String,
    /// What is wrong with it.
    pub why: String,
}

/// What the host holds back while the steps go on.
#[derive(Default)]
struct Held {
    /// Queues whose reads wait, and since which step.
    reads: Vec<(u16, usize)>,
    /// The step that stopped the frames.
    frames: Option<usize>,
}

impl Held {
    /// The device may have to wait for these reads, and would wait for ever: the queue they are held back for.
    fn any(&self, of: Option<u16>) -> Option<u16> {
        let mut queues = self.reads.iter().map(|(queue, _)| *queue);
        queues.find(|queue| of.is_none_or(|of| of == *queue))
    }
}

/// Can these steps be done one after the other, with so many queue pairs?
///
/// # Errors
/// [`StepError`]: the first that cannot.
pub(super) fn check(steps: &[Phase], queue_pairs: u16) -> Result<(), StepError> {
    let mut held = Held::default();
    for (at, step) in steps.iter().enumerate() {
        one(step, at, queue_pairs, &mut held).map_err(|why| error(steps, at, why))?;
    }
    if let Some((queue, at)) = held.reads.first() {
        let why = format!("no later step releases queue {queue}: reads of it would never be answered");
        return Err(error(steps, *at, why));
    }
    if let Some(at) = held.frames {
        return Err(error(steps, at, "no later step takes frames again".to_owned()));
    }
    Ok(())
}

fn error(steps: &[Phase], at: usize, why: String) -> StepError {
    StepError {
        number: at + 1,
        word: steps[at].word(),
        why,
    }
}

fn one(step: &Phase, at: usize, queue_pairs: u16, held: &mut Held) -> Result<(), String> {
    let data_queues = 2 * u32::from(queue_pairs);
    match step {
        Phase::Withhold { queue, .. } if !held.reads.iter().any(|(q, _)| q == queue) => {
            held.reads.push((*queue, at));
        }
        Phase::Release { queue } => {
            let before = held.reads.len();
            held.reads.retain(|(q, _)| q != queue);
            if held.reads.len() == before {
                return Err(format!("no step before it withholds anything of queue {queue}"));
            }
        }
        Phase::TakeFrames { on: false } => held.frames = held.frames.or(Some(at)),
        Phase::TakeFrames { on: true } if held.frames.take().is_none() => {
            return Err("frames are taken already".to_owned());
        }
        Phase::Progress { queue, frames, .. } => {
            if u32::from(*queue) >= data_queues {
                return Err(format!(
                    "queue {queue}: the driver uses data queues 0 to {}",
                    data_queues - 1
                ));
            }
            if *frames == 0 {
                return Err("frames = 0: it would wait for nothing".to_owned());
            }
        }
        Phase::Fairness { per_mille, .. } => {
            if !(1..=1000).contains(per_mille) {
                return Err(format!("per_mille = {per_mille}: 1 to 1000"));
            }
            if queue_pairs < 2 {
                return Err("there is but one queue to be fair to: driver.queue_pairs is 1".to_owned());
            }
        }
        Phase::DeviceReset {} | Phase::FunctionReset {} | Phase::Restore { queue: None } => {
            if let Some(queue) = held.any(None) {
                return Err(format!(
                    "reads of queue {queue} are withheld: it could never be over"
                ));
            }
        }
        Phase::QueueReset { queue } | Phase::Restore { queue: Some(queue) }
            if held.any(Some(*queue)).is_some() =>
        {
            return Err(format!(
                "reads of queue {queue} are withheld: it could never be over"
            ));
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    fn says(steps: &str) -> String {
        let scenario: Scenario =
            toml::from_str(&format!("driver = {{ queue_pairs = 2 }}\nphase = [{steps}]")).unwrap();
        check(&scenario.phases, scenario.driver.queue_pairs)
            .map_or_else(|e| e.to_string(), |()| String::new())
    }

    #[test]
    fn what_is_held_back_is_let_go_again_and_before_any_reset() {
        let hold = r#"{ do = "withhold", queue = 1, what = "rings" }"#;
        let release = r#"{ do = "release", queue = 1 }"#;
        assert_eq!(says(&format!("{hold}, {hold}, {release}")), "");
        assert_eq!(
            says(hold),
            "step 1 (withhold): no later step releases queue 1: reads of it would never be answered"
        );
        assert_eq!(
            says(release),
            "step 1 (release): no step before it withholds anything of queue 1"
        );
        for reset in [
            r#"{ do = "device_reset" }"#,
            r#"{ do = "function_reset" }"#,
            r#"{ do = "restore" }"#,
            r#"{ do = "restore", queue = 1 }"#,
            r#"{ do = "queue_reset", queue = 1 }"#,
        ] {
            let text = says(&format!("{hold}, {reset}, {release}"));
            assert!(
                text.starts_with("step 2 (") && text.contains("of queue 1 are withheld"),
                "{text}"
            );
        }
        assert_eq!(
            says(&format!(
                r#"{hold}, {{ do = "queue_reset", queue = 3 }}, {release}"#
            )),
            "",
            "another queue's reset does not wait for these reads"
        );
    }

    #[test]
    fn frames_are_taken_again() {
        let take = |on: bool| format!(r#"{{ do = "take_frames", on = {on} }}"#);
        assert_eq!(says(&[take(false), take(true)].join(", ")), "");
        assert_eq!(
            says(&take(false)),
            "step 1 (take_frames): no later step takes frames again"
        );
        assert_eq!(
            says(&take(true)),
            "step 1 (take_frames): frames are taken already"
        );
    }

    #[test]
    fn demands_can_be_met_and_missed() {
        let progress = |queue: u16, frames: u64| {
            format!(r#"{{ do = "progress", queue = {queue}, frames = {frames}, cycles = 9 }}"#)
        };
        let fairness =
            |per_mille: u64| format!(r#"{{ do = "fairness", direction = "tx", per_mille = {per_mille} }}"#);
        assert_eq!(
            says(&[progress(3, 1), fairness(1), fairness(1000)].join(", ")),
            ""
        );
        assert_eq!(
            says(&progress(4, 1)),
            "step 1 (progress): queue 4: the driver uses data queues 0 to 3"
        );
        assert_eq!(
            says(&progress(0, 0)),
            "step 1 (progress): frames = 0: it would wait for nothing"
        );
        for wrong in [0, 1001] {
            assert_eq!(
                says(&fairness(wrong)),
                format!("step 1 (fairness): per_mille = {wrong}: 1 to 1000")
            );
        }
        let scenario: Scenario = toml::from_str(&format!("phase = [{}]", fairness(500))).unwrap();
        assert!(
            check(&scenario.phases, 1)
                .unwrap_err()
                .to_string()
                .contains("but one queue")
        );
    }
}
