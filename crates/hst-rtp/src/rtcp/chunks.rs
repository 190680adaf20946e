use crate::wire::put_u16;

/// A run names at most so many packets.
const MAX_RUN: u16 = 0x1fff;
/// A vector names so many packets, by two bits or by one each.
const TWO_BITS: u16 = 7;
const ONE_BIT: u16 = 14;

/// What a feedback says of a packet (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Lost = 0,
    /// It arrived, and when is said in a byte.
    Small = 1,
    /// In two bytes.
    Large = 2,
    Reserved = 3,
}

/// The statuses of some packets: a run of the same, or one for each (the same draft, sections 3.1.3 and 3.1.4).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chunk(pub(crate) u16);

impl Status {
    /// How many bytes say when it arrived.
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Lost | Self::Reserved => 0,
            Self::Small => 1,
            Self::Large => 2,
        }
    }

    fn of_bits(bits: u16) -> Self {
        match bits & 3 {
            0 => Self::Lost,
            1 => Self::Small,
            2 => Self::Large,
            _ => Self::Reserved,
        }
    }
}

impl Chunk {
    /// A run of none.
    pub(crate) const NONE: Self = Self(0);

    pub(crate) fn len(self) -> u16 {
        match self.0 >> 14 {
            0 | 1 => self.0 & MAX_RUN,
            2 => ONE_BIT,
            _ => TWO_BITS,
        }
    }

    /// The status of one of its packets.
    pub(crate) fn status(self, at: u16) -> Status {
        Status::of_bits(match self.0 >> 14 {
            0 | 1 => self.0 >> 13,
            2 => self.0 >> (ONE_BIT - 1 - at) & 1,
            _ => self.0 >> (2 * (TWO_BITS - 1 - at)),
        })
    }

    fn run(of: Status, len: u16) -> Self {
        Self((of as u16) << 13 | len)
    }

    fn vector(statuses: impl Iterator<Item = Status>, len: u16) -> Self {
        let (kind, bits) = if len == ONE_BIT { (2, 1) } else { (3, 2) };
        let begin = (kind << 14, ONE_BIT - bits);
        let (chunk, _) = statuses.fold(begin, |(chunk, shift), status| {
            (chunk | (status as u16) << shift, shift.wrapping_sub(bits))
        });
        Self(chunk)
    }
}

/// Appends the chunks of so many of these statuses as take no more than `room` bytes, with the times that belong to them; says
/// how many there were.
pub(crate) fn write(out: &mut Vec<u8>, statuses: impl Iterator<Item = Status> + Clone, room: usize) -> u16 {
    let (mut rest, mut room, mut count) = (statuses, room, 0_u16);
    while let Some(left) = room.checked_sub(2)
        && let Some((chunk, len)) = next(rest.clone(), left)
        && let Some(sum) = count.checked_add(len)
    {
        put_u16(out, chunk.0);
        room = left - rest.by_ref().take(len.into()).map(Status::len).sum::<usize>();
        count = sum;
    }
    count
}

/// The chunk that says the most of what comes next, and of how many packets: so many that `room` bytes hold their times.
fn next(statuses: impl Iterator<Item = Status> + Clone, room: usize) -> Option<(Chunk, u16)> {
    let mut left = room;
    let fits = statuses.map_while(move |status| {
        left = left.checked_sub(status.len())?;
        Some(status)
    });
    let first = fits.clone().next()?;
    let run = fits
        .clone()
        .take(MAX_RUN.into())
        .take_while(|status| *status == first)
        .count() as u16;
    let is_plain = |len: u16| fits.clone().take(len.into()).all(|status| status != Status::Large);
    let vector = if is_plain(ONE_BIT) { ONE_BIT } else { TWO_BITS };
    let named = fits.clone().take(vector.into()).count() as u16;
    Some(match run >= named {
        true => (Chunk::run(first, run), run),
        false => (Chunk::vector(fits.take(vector.into()), vector), named),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::statuses::Statuses, Status::*, *};

    fn written(statuses: &[Status], room: usize) -> (Vec<u8>, u16) {
        let mut out = Vec::new();
        let count = write(&mut out, statuses.iter().copied(), room);
        assert!(Statuses::new(&out, count).eq(statuses[..count.into()].iter().copied()));
        (out, count)
    }

    #[test]
    fn the_shortest_kind_is_taken() {
        assert_eq!(written(&[Lost; 221], 1000), (vec![0x00, 0xdd], 221));
        assert_eq!(written(&[Small; 3], 1000), (vec![0x20, 3], 3));
        assert_eq!(written(&[Lost, Small, Small], 1000), (vec![0x98, 0], 3));
        assert_eq!(written(&[Lost, Large, Small], 1000), (vec![0xc9, 0], 3));
        let mixed = [&[Small; 20][..], &[Lost, Small, Lost, Large], &[Large; 9000]].concat();
        assert_eq!(written(&mixed, 20_000).0.len(), 8);
    }

    #[test]
    fn what_has_no_room_is_left_for_the_next_time() {
        let times = |count: u16| 2 + usize::from(count);
        assert_eq!(written(&[Small; 100], times(60)).1, 60);
        assert_eq!(written(&[Lost, Small, Small, Small], times(2)).1, 3);
        assert_eq!(written(&[Large; 4], 2 + 5).1, 2);
        assert_eq!(written(&[Large], 3).1, 0);
        assert_eq!(written(&[Small], 1).1, 0);
    }
}
