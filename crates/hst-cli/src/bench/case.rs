use std::time::Duration;

use clap::ValueEnum;
use hst_load::{Audience, Kind, Pace};
use serde::Serialize;

/// The bytes of a packet of video, and how many of them a frame has.
const PICTURE: usize = 1100;
const FRAME: usize = 8;
const FRAMES_PER_SECOND: u32 = 30;
/// In groups of four the frames are fewer, so that clients of one machine can take them all.
const FEW_FRAMES_PER_SECOND: u32 = 5;
/// A thousand get what a camera of the platform sends when nothing else is asked for: 360 kbit/s.
const SMALL_PICTURE: usize = 1000;
const SMALL_FRAME: usize = 3;
const SMALL_FRAMES_PER_SECOND: u32 = 15;
/// The bytes of a packet of sound, which comes every 20 ms.
const SOUND: usize = 80;
const SOUNDS_PER_SECOND: u32 = 50;
/// So many speakers are heard at a time in a large group.
const LOUDEST: usize = 5;
/// No receiver gets more than so many bits in a second: above 50 million a server believes in no network.
const MOST_BITS: f64 = 40e6;

/// Who sends what to how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize)]
pub(crate) enum Case {
    /// One camera to one.
    #[value(name = "1to1", aliases = ["1-1", "1x1", "1→1"])]
    #[serde(rename = "1to1")]
    OneToOne,
    /// One camera to ten.
    #[value(name = "1to10", aliases = ["1-10", "1x10", "1→10"])]
    #[serde(rename = "1to10")]
    OneToTen,
    /// One camera to a hundred.
    #[default]
    #[value(name = "1to100", aliases = ["1-100", "1x100", "1→100"])]
    #[serde(rename = "1to100")]
    OneToHundred,
    /// One small camera to a thousand.
    #[value(name = "1to1000", aliases = ["1-1000", "1x1000", "1→1000"])]
    #[serde(rename = "1to1000")]
    OneToThousand,
    /// Ten who all see each other.
    #[value(name = "10x10", alias = "10-10")]
    #[serde(rename = "10x10")]
    Meeting,
    /// Fifty groups of four who see each other.
    #[value(name = "50x4", aliases = ["50-4", "groups"])]
    #[serde(rename = "50x4")]
    Groups,
    /// Ten speakers to five hundred listeners; the loudest go on.
    #[value(name = "audio", aliases = ["audio10to500", "10to500", "10-500", "10→500"])]
    #[serde(rename = "audio")]
    Hall,
}

/// What a case consists of.
pub(super) struct Shape {
    pub(super) groups: usize,
    /// Of each group.
    pub(super) publishers: usize,
    listeners: usize,
    /// Whether who publishes receives all others, too.
    pub(super) is_mutual: bool,
    pub(super) kind: Kind,
    pub(super) pace: Pace,
    /// How many of them are forwarded: of many who speak, the loudest.
    forwarded: usize,
}

impl Case {
    pub(super) fn shape(self) -> Shape {
        match self {
            Self::OneToOne => Shape::broadcast(1),
            Self::OneToTen => Shape::broadcast(10),
            Self::OneToHundred => Shape::broadcast(100),
            Self::OneToThousand => Shape {
                pace: Pace {
                    every: Duration::from_secs(1) / SMALL_FRAMES_PER_SECOND,
                    burst: SMALL_FRAME,
                    size: SMALL_PICTURE,
                },
                ..Shape::broadcast(1000)
            },
            Self::Meeting => Shape::meetings(1, 10, FRAMES_PER_SECOND),
            Self::Groups => Shape::meetings(50, 4, FEW_FRAMES_PER_SECOND),
            Self::Hall => Shape {
                publishers: 10,
                listeners: 500,
                kind: Kind::Sound,
                pace: Pace {
                    every: Duration::from_secs(1) / SOUNDS_PER_SECOND,
                    burst: 1,
                    size: SOUND,
                },
                forwarded: LOUDEST,
                ..Shape::broadcast(500)
            },
        }
    }
}

impl Case {
    /// How many groups keep a thread busy for this share of the time, while nobody's camera is far from what cameras are.
    pub(super) fn groups_for(self, load: f64) -> usize {
        let half = match self {
            Self::OneToOne => 100,
            Self::OneToTen => 20,
            Self::OneToHundred => 4,
            Self::OneToThousand => 1,
            Self::Meeting => 5,
            Self::Groups => 50,
            Self::Hall => 1,
        };
        ((f64::from(half) * load / 0.5).round() as usize).max(self.shape().groups)
    }
}

impl Shape {
    fn broadcast(listeners: usize) -> Self {
        Self {
            groups: 1,
            publishers: 1,
            listeners,
            is_mutual: false,
            kind: Kind::Picture,
            pace: frames(FRAMES_PER_SECOND),
            forwarded: 1,
        }
    }

    fn meetings(groups: usize, members: usize, frames_per_second: u32) -> Self {
        Self {
            groups,
            publishers: members,
            listeners: 0,
            is_mutual: true,
            pace: frames(frames_per_second),
            forwarded: members,
            ..Self::broadcast(0)
        }
    }

    /// Whether not all who publish are forwarded, so that it depends on who goes on.
    pub(super) fn is_chosen(&self) -> bool {
        self.forwarded < self.publishers
    }

    /// Who gets what.
    pub(super) fn audience(&self) -> Audience {
        Audience {
            groups: self.groups,
            streams: self.forwarded,
            receivers: self.receivers() / self.groups,
            is_mutual: self.is_mutual,
        }
    }

    /// How many get a packet that is published, on average: of those who speak not all are forwarded.
    pub(super) fn copies(&self) -> f64 {
        let others = if self.is_mutual {
            self.publishers - 1
        } else {
            self.listeners
        };
        others as f64 * self.forwarded as f64 / self.publishers as f64
    }

    /// How many packets all publishers send in a while.
    pub(super) fn published(&self, length: Duration) -> f64 {
        let bursts = length.as_secs_f64() / self.pace.every.as_secs_f64();
        (self.groups * self.publishers * self.pace.burst) as f64 * bursts
    }

    /// The shortest time between two bursts that receivers' networks are believed to carry.
    pub(super) fn shortest(&self) -> Duration {
        let copies = self.copies() * self.publishers as f64 * self.groups as f64;
        let bits = (self.pace.burst * self.pace.size * 8) as f64 * copies / self.receivers() as f64;
        Duration::from_secs_f64(bits / MOST_BITS)
    }

    /// Whether one publishes, and all others receive it.
    pub(super) fn is_broadcast(&self) -> bool {
        self.groups == 1 && self.publishers == 1
    }

    /// Of each group.
    pub(super) fn group_size(&self) -> usize {
        self.publishers + self.listeners
    }

    /// Of all groups.
    pub(super) fn members(&self) -> usize {
        self.groups * self.group_size()
    }

    /// Those who receive something.
    pub(super) fn receivers(&self) -> usize {
        let of_group = if self.is_mutual {
            self.publishers
        } else {
            self.listeners
        };
        self.groups * of_group
    }
}

fn frames(per_second: u32) -> Pace {
    Pace {
        every: Duration::from_secs(1) / per_second,
        burst: FRAME,
        size: PICTURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_is_published_each_receiver_gets_what_is_forwarded() {
        let copies = |case: Case| case.shape().copies();
        assert_eq!((copies(Case::OneToTen), copies(Case::Meeting)), (10.0, 9.0));
        assert_eq!((copies(Case::Groups), copies(Case::Hall)), (3.0, 250.0));
        let published = |case: Case| case.shape().published(Duration::from_secs(2)).round();
        assert_eq!((published(Case::Meeting), published(Case::Hall)), (4800.0, 1000.0));
    }

    #[test]
    fn nobody_gets_more_than_a_network_is_believed_to_carry() {
        for case in [Case::OneToOne, Case::OneToHundred, Case::Meeting, Case::Groups] {
            let shape = case.shape();
            let streams = if shape.is_mutual { shape.publishers - 1 } else { 1 };
            let bits = (shape.pace.burst * shape.pace.size * 8 * streams) as f64 / shape.shortest().as_secs_f64();
            assert!((bits / MOST_BITS - 1.0).abs() < 1e-3, "{case:?}: {bits}");
            assert!(shape.shortest() < shape.pace.every);
        }
    }

    #[test]
    fn more_load_takes_more_groups() {
        assert_eq!(Case::OneToTen.groups_for(0.05), 2);
        assert_eq!(Case::OneToTen.groups_for(0.5), 20);
        assert_eq!((Case::Groups.groups_for(0.1), Case::Hall.groups_for(0.1)), (50, 1));
    }
}
