/// Which layers of a track a receiver gets: one encoding of those that are sent side by side (simulcast), and of it the
/// spatial and temporal layers up to these (SVC). All are numbered from 0, the smallest, on.
///
/// They are ordered by what they cost: by encoding first, then by size, then by frame rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Layer {
    /// The encoding (a `rid`, in WebRTC).
    pub(crate) encoding: u8,
    /// The largest size.
    pub(crate) spatial: u8,
    /// The highest frame rate.
    pub(crate) temporal: u8,
}

impl Layer {
    /// The best that there may be, before it is known what there is.
    pub(crate) const BEST: Self = Self::all_of(MAX_ENCODINGS as u8 - 1);

    /// Everything of an encoding.
    pub(crate) const fn all_of(encoding: u8) -> Self {
        Self {
            encoding,
            spatial: u8::MAX,
            temporal: u8::MAX,
        }
    }
}

/// The most encodings of one track.
pub const MAX_ENCODINGS: usize = 4;

/// A set of encodings of one track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Encodings(u8);

impl Encodings {
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// All that a track may have.
    pub const ALL: Self = Self((1 << MAX_ENCODINGS) - 1);

    /// Whether it is the empty set.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// The numbers of those in the set, the smallest first.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..MAX_ENCODINGS as u8).filter(move |&encoding| self.contains(encoding))
    }

    /// Whether the set has this encoding.
    pub fn contains(self, encoding: u8) -> bool {
        usize::from(encoding) < MAX_ENCODINGS && self.0 & (1 << encoding) != 0
    }

    /// Those of either set.
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that are not in the other set.
    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) fn insert(&mut self, encoding: u8) {
        debug_assert!(
            usize::from(encoding) < MAX_ENCODINGS,
            "encodings are checked where they come in"
        );
        self.0 |= 1 << encoding;
    }
}

impl FromIterator<u8> for Encodings {
    fn from_iter<I: IntoIterator<Item = u8>>(encodings: I) -> Self {
        let mut set = Self::default();
        encodings.into_iter().for_each(|encoding| set.insert(encoding));
        set
    }
}
