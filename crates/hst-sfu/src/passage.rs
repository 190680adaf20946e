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
            passages,
        }
    }

    /// A packet goes there, unless it is of a layer that is not wanted: then this is `None`. What is `is_silent` is left out.
    pub(crate) fn pass(
        &mut self,
        packet: &Packet<'_>,
        admitted: Admitted,
        read: &Reading,
        is_silent: bool,
    ) -> Option<Option<Edit>> {
        if !self.wanted.encodings.contains(packet.encoding) {
            return None;
        }
        let passage = self.passages.get_mut(usize::from(packet.encoding))?;
        if admitted.is_restart {
            passage.restart();
        }
        passage.settle(packet, admitted, read, self.wanted.spatial);
        if is_silent || read.spatial > passage.top() {
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
