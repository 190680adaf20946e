use crate::micros::Micros;

/// What was sent within this time is one burst: a queue drains it at once, and times within it say little.
const LENGTH: Micros = Micros::millis(5);
/// What a path held back and let go at once is one burst, too, up to this.
const LONGEST: Micros = Micros::millis(100);

/// Tells packets apart by the bursts that they were sent in, and how much later each burst arrived than the one before.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Bursts {
    before: Option<Burst>,
    present: Option<Burst>,
}

/// From one burst to the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    /// When the later one was there, on the receiver's clock.
    pub(crate) at: Micros,
    /// The time between them where they were sent.
    pub(crate) sent: Micros,
    /// How much more it was where they arrived.
    pub(crate) delay: Micros,
}

#[derive(Debug, Clone, Copy)]
struct Burst {
    first_sent: Micros,
    last_sent: Micros,
    first_arrival: Micros,
    last_arrival: Micros,
}

impl Bursts {
    /// Takes a packet; a step is known when it is the first of a further burst. One that was overtaken by a burst says
    /// nothing.
    pub(crate) fn add(&mut self, sent: Micros, arrival: Micros) -> Option<Step> {
        let next = Burst {
            first_sent: sent,
            last_sent: sent,
            first_arrival: arrival,
            last_arrival: arrival,
        };
        let Some(present) = &mut self.present else {
            self.present = Some(next);
            return None;
        };
        if sent < present.first_sent {
            return None;
        }
        if present.includes(sent, arrival) {
            present.last_sent = present.last_sent.max(sent);
            present.last_arrival = present.last_arrival.max(arrival);
            return None;
        }
        let present = self.present.replace(next)?;
        let before = self.before.replace(present)?;
        let arrived = present.last_arrival - before.last_arrival;
        let sent = present.last_sent - before.last_sent;
        (arrived >= Micros::ZERO).then_some(Step {
            at: present.last_arrival,
            sent,
            delay: arrived - sent,
        })
    }

    /// What comes next is not compared to what was before.
    pub(crate) fn restart(&mut self) {
        *self = Self::default();
    }
}

impl Burst {
    fn includes(&self, sent: Micros, arrival: Micros) -> bool {
        let was_held_back = || {
            let gap = arrival - self.last_arrival;
            gap <= LENGTH && gap < sent - self.last_sent && arrival - self.first_arrival < LONGEST
        };
        sent - self.first_sent <= LENGTH || was_held_back()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(packets: &[(i64, i64)]) -> Vec<(i64, i64)> {
        let mut bursts = Bursts::default();
        packets
            .iter()
            .filter_map(|&(sent, arrival)| bursts.add(Micros::millis(sent), Micros::millis(arrival)))
            .map(|step| (step.sent.get() / 1000, step.delay.get() / 1000))
            .collect()
    }

    #[test]
    fn bursts_are_compared_by_their_last_packets() {
        let frames = [(0, 50), (3, 53), (40, 92), (44, 98), (80, 140), (120, 180)];
        assert_eq!(steps(&frames), [(41, 4), (36, 6)]);
    }

    #[test]
    fn what_was_held_back_together_is_one_burst() {
        let held = [
            (0, 50),
            (20, 70),
            (40, 130),
            (60, 131),
            (80, 132),
            (100, 150),
            (120, 170),
        ];
        assert_eq!(steps(&held), [(20, 0), (60, 2), (20, -2)]);
    }

    #[test]
    fn what_was_overtaken_says_nothing() {
        assert_eq!(
            steps(&[(0, 50), (20, 70), (10, 90), (40, 90), (60, 110)]),
            [(20, 0), (20, 0)]
        );
    }
}
