use crate::{
    BranchId, DescriptorPatch, Edit, Encodings, MAX_ENCODINGS, Packet, layer::Layer, omissions::Omissions,
    reading::Reading, track::Admitted,
};

/// Which layers of a track somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) encodings: Encodings,
    /// None of the encodings' spatial layers above this one.
    pub(crate) spatial: u8,
}

/// What a neighbour wants of a track, and how he gets it.
#[derive(Debug)]
pub(crate) struct Demand {
    pub(crate) branch: BranchId,
    pub(crate) wanted: Wanted,
    /// The most of it that the way there carries; `None` is nothing.
    bound: Option<Layer>,
    /// Whether that was ever less than what is wanted, since the way had a bound.
    pub(crate) was_bound: bool,
    /// What goes there: what is wanted, as far as it is carried.
    crosses: Wanted,
    /// By encoding.
    passages: [Passage; MAX_ENCODINGS],
}

/// How an encoding goes on to a neighbour: which of its layers, and under which numbers. They are those that it comes with,
/// until something is left out that is not wanted there: then those behind it close the gap, so that it is not taken for lost.
#[derive(Debug, Default)]
struct Passage {
    /// Spatial layers up to this one go there; `None` before the first packet.
    spatial: Option<u8>,
    /// The timestamp of the newest picture, whose layers are settled.
    picture: Option<u32>,
    /// Nothing of it goes there until a keyframe begins.
    is_paused: bool,
    /// How many were left out of former sources, and what was of the present one.
    before: u16,
    omissions: Omissions,
}

impl Wanted {
    pub(crate) const NOTHING: Self = Self {
        encodings: Encodings::NONE,
        spatial: u8::MAX,
    };
    pub(crate) const ALL: Self = Self {
        encodings: Encodings::ALL,
        spatial: u8::MAX,
    };

    pub(crate) fn is_nothing(self) -> bool {
        self.encodings.is_empty()
    }

    /// What of it is no more than this; a smaller encoding, where it is only larger ones.
    fn up_to(self, most: Layer) -> Self {
        let smaller: Encodings = self.encodings.iter().filter(|&it| it <= most.encoding).collect();
        let is_none = smaller.is_empty() && !self.is_nothing();
        Self {
            encodings: if is_none {
                Encodings::from_iter([most.encoding])
            } else {
                smaller
            },
            spatial: self.spatial.min(most.spatial),
        }
    }

    /// What either wants.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self.is_nothing(), other.is_nothing()) {
            (true, _) => other,
            (_, true) => self,
            (false, false) => Self {
                encodings: self.encodings.and(other.encodings),
                spatial: self.spatial.max(other.spatial),
            },
        }
    }
}

impl Demand {
    pub(crate) fn new(branch: BranchId, wanted: Wanted) -> Self {
        let passages = Default::default();
        Self {
            branch,
            wanted,
            bound: Some(Layer::BEST),
            was_bound: false,
            crosses: wanted,
            passages,
        }
    }

    /// So much is wanted from now on.
    pub(crate) fn want(&mut self, wanted: Wanted) {
        self.wanted = wanted;
        self.bind(self.bound);
    }

    /// The way there carries so much of it from now on.
    pub(crate) fn bind(&mut self, most: Option<Layer>) {
        self.bound = most;
        self.crosses = match most {
            Some(most) => self.wanted.up_to(most),
            None => Wanted::NOTHING,
        };
        self.was_bound |= self.crosses != self.wanted;
    }

    pub(crate) fn bound(&self) -> Option<Layer> {
        self.bound
    }

    /// What goes there.
    pub(crate) fn crosses(&self) -> Wanted {
        self.crosses
    }

    /// A packet goes there, unless it is of a layer that does not: then this is `None`. What is silent is left out.
    pub(crate) fn pass(
        &mut self,
        packet: &Packet<'_>,
        admitted: Admitted,
        read: &Reading,
        is_silent: bool,
    ) -> Option<Option<Edit>> {
        let passage = self.passages.get_mut(usize::from(packet.encoding))?;
        if admitted.is_restart {
            passage.restart();
        }
        passage.settle(packet, admitted, read, self.crosses.spatial);
        let is_carried = self.crosses.encodings.contains(packet.encoding);
        passage.is_paused = !is_carried || passage.is_paused && !(read.starts_keyframe && admitted.is_newest);
        if is_silent || passage.is_paused || read.spatial > passage.top() {
            passage.omissions.omit(admitted.index, None);
            return None;
        }
        passage.edit(packet, admitted, read)
    }

    /// What comes next is of another source, or goes on elsewhere in this one.
    pub(crate) fn restart(&mut self) {
        self.passages.iter_mut().for_each(Passage::restart);
    }
}

impl Passage {
    fn restart(&mut self) {
        self.before = self.before.wrapping_add(self.omissions.packets() as u16);
        self.omissions = Omissions::default();
        (self.spatial, self.picture) = (None, None);
    }

    fn top(&self) -> u8 {
        self.spatial.unwrap_or(u8::MAX)
    }

    /// Layers can be left out from each new picture on, and be taken up from each keyframe on.
    fn settle(&mut self, packet: &Packet<'_>, admitted: Admitted, read: &Reading, wanted: u8) {
        if !self.omissions.is_newest(admitted.index) {
            return;
        }
        let is_new = self.picture.replace(packet.timestamp) != Some(packet.timestamp);
        if read.starts_keyframe || self.spatial.is_none() {
            self.spatial = Some(wanted);
        } else if is_new {
            self.spatial = Some(self.top().min(wanted));
        }
    }

    /// `Some(None)` is as it came.
    fn edit(&mut self, packet: &Packet<'_>, admitted: Admitted, read: &Reading) -> Option<Option<Edit>> {
        let (omitted, _) = self.omissions.before(admitted.index)?;
        self.omissions.keep(admitted.index);
        let moved = self.before.wrapping_add(omitted as u16);
        let top = self.top();
        if moved == 0 && top == u8::MAX {
            return Some(None);
        }
        let layer = Layer {
            spatial: top,
            ..Layer::all_of(packet.encoding)
        };
        let active = read
            .frame
            .and_then(|frame| Some((frame.number, frame.targets?.up_to(layer))));
        Some(Some(Edit {
            seq: packet.seq.wrapping_sub(moved),
            ends_picture: read.ends_layer && read.spatial == top,
            descriptor: active
                .filter(|_| top != u8::MAX)
                .map(|(frame_number, active)| DescriptorPatch {
                    frame_number,
                    active: Some(active),
                }),
        }))
    }
}
