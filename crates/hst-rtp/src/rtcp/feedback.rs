use std::time::Duration;

use super::{
    ReferenceClock,
    chunks::{self, Status},
    frame::{self, kind},
    reference::STEP,
    statuses::Statuses,
};
use crate::wire::{put_u16, put_u24, put_u32, u16_at, u32_at};

/// The steps in which arrivals are told.
const TICK: Duration = Duration::from_micros(250);
/// How long a message is before its chunks, and without its common header.
const FIXED: usize = 16;

/// When the packets of a transport arrived (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).
#[derive(Debug, Clone)]
pub struct TransportFeedback<'a> {
    /// Whom and what it is about.
    pub header: FeedbackHeader,
    /// Of how many packets it tells.
    pub status_count: u16,
    /// The time that arrivals are told from, in steps of 64 ms: 24 bits, then it begins anew.
    pub reference: u32,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

/// Whom and what a feedback is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FeedbackHeader {
    /// Who tells it.
    pub sender: u32,
    /// Any source of the transport.
    pub media: u32,
    /// The transport-wide sequence number of the first packet.
    pub base_seq: u16,
    /// One more than that of the feedback before.
    pub number: u8,
}

impl<'a> TransportFeedback<'a> {
    pub(crate) const FORMAT: u8 = 15;

    pub(crate) fn status_count_of(body: &[u8]) -> Option<u16> {
        u16_at(body, 10)
    }

    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let rest = body.get(FIXED..)?;
        let (status_count, last) = (Self::status_count_of(body)?, u32_at(body, 12)?);
        let mut statuses = Statuses::new(rest, status_count);
        let (mut told, mut deltas_len) = (0, 0);
        for status in statuses.by_ref() {
            if status == Status::Reserved {
                return None;
            }
            told += 1;
            deltas_len += status.len();
        }
        let (chunks, deltas) = rest.split_at(rest.len() - statuses.rest.len());
        let is_whole = told != 0 && told == status_count && deltas_len <= deltas.len();
        is_whole.then_some(Self {
            header: FeedbackHeader {
                sender: u32_at(body, 0)?,
                media: u32_at(body, 4)?,
                base_seq: u16_at(body, 8)?,
                number: last as u8,
            },
            status_count,
            reference: last >> 8,
            chunks,
            deltas,
        })
    }

    /// The packets in their order, each with its time of arrival, where it has arrived. The clock is that of the transport: it
    /// counts from whatever moment the receiver does.
    pub fn arrivals(&self, clock: &mut ReferenceClock) -> impl Iterator<Item = (u16, Option<Duration>)> + use<'a> {
        let mut time = clock.extend(self.reference);
        let mut deltas = self.deltas;
        let mut seq = self.header.base_seq;
        Statuses::new(self.chunks, self.status_count).map(move |status| {
            let delta = match status {
                Status::Small => deltas.split_off_first().map(|byte| i16::from(*byte)),
                Status::Large => deltas
                    .split_off(..2)
                    .and_then(|bytes| u16_at(bytes, 0))
                    .map(|delta| delta as i16),
                Status::Lost | Status::Reserved => None,
            };
            let packet = seq;
            seq = seq.wrapping_add(1);
            let arrived = delta.map(|delta| {
                let step = TICK * delta.unsigned_abs().into();
                time = if delta < 0 {
                    time.saturating_sub(step)
                } else {
                    time + step
                };
                time
            });
            (packet, arrived)
        })
    }

    /// Appends a message of the packets from `header.base_seq` on, each with its time of arrival, where it has arrived: of so
    /// many as it can tell of within `max_len` bytes. Gives their number; where it is zero, nothing was written.
    ///
    /// It ends before a packet that arrived 8 s before or after the one before.
    pub fn write<A>(out: &mut Vec<u8>, header: FeedbackHeader, max_len: usize, arrivals: A) -> u16
    where
        A: Iterator<Item = Option<Duration>> + Clone,
    {
        let Some(first) = arrivals.clone().flatten().next() else {
            return 0;
        };
        let reference = (first.as_nanos() / STEP.as_nanos()) as u64;
        let deltas = Deltas {
            arrivals,
            ticks: reference as i64 * (STEP.as_micros() / TICK.as_micros()) as i64,
        };
        let start = out.len();
        let room = max_len.saturating_sub(frame::HEADER + FIXED) / 4 * 4;
        let mut count = 0;
        frame::write(out, kind::TRANSPORT_FEEDBACK, |out| {
            put_u32(out, header.sender);
            put_u32(out, header.media);
            put_u16(out, header.base_seq);
            let count_at = out.len();
            put_u16(out, 0);
            put_u24(out, reference as u32);
            out.push(header.number);
            count = chunks::write(out, deltas.clone().map(status), room);
            out[count_at..count_at + 2].copy_from_slice(&count.to_be_bytes());
            for delta in deltas.take(count.into()).flatten() {
                match u8::try_from(delta) {
                    Ok(small) => out.push(small),
                    Err(_) => put_u16(out, delta as u16),
                }
            }
            Self::FORMAT
        });
        if count == 0 {
            out.truncate(start);
        }
        count
    }
}

/// How many ticks each packet arrived after the one before, up to the first of which that cannot be told.
#[derive(Debug, Clone)]
struct Deltas<A> {
    arrivals: A,
    /// When the last one arrived, as far as it could be told.
    ticks: i64,
}

impl<A: Iterator<Item = Option<Duration>>> Iterator for Deltas<A> {
    type Item = Option<i16>;

    fn next(&mut self) -> Option<Option<i16>> {
        let Some(arrived) = self.arrivals.next()? else {
            return Some(None);
        };
        let ticks = (arrived.as_nanos() / TICK.as_nanos()) as i64;
        let delta = i16::try_from(ticks - self.ticks).ok()?;
        self.ticks = ticks;
        Some(Some(delta))
    }
}

fn status(delta: Option<i16>) -> Status {
    match delta {
        None => Status::Lost,
        Some(0..=255) => Status::Small,
        Some(_) => Status::Large,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Compound, super::Message, *};

    const HEADER: FeedbackHeader = FeedbackHeader {
        sender: 1,
        media: 2,
        base_seq: 65_534,
        number: 9,
    };

    fn ms(ms: u64) -> Option<Duration> {
        Some(Duration::from_millis(ms))
    }

    fn read(bytes: &[u8]) -> TransportFeedback<'_> {
        match Compound::new(bytes).next() {
            Some(Message::TransportFeedback(feedback)) => feedback,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_feedback_is_written_as_the_draft_draws_it() {
        let arrivals = [ms(640), None, ms(650), ms(750), ms(740)];
        let mut out = Vec::new();
        assert_eq!(
            TransportFeedback::write(&mut out, HEADER, 1200, arrivals.into_iter()),
            5
        );
        let figure = [
            0x8f, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2, // transport-wide feedback
            0xff, 0xfe, 0, 5, 0, 0, 10, 9, // from 65534 on, 5 packets, 10 times 64 ms, the ninth
            0xd1, 0xa0, 0, 40, 1, 0x90, 0xff, 0xd8, // small lost small large large, with 0, 10, 100 and -10 ms
        ];
        assert_eq!(out, figure);
        let feedback = read(&out);
        assert_eq!(
            (feedback.header, feedback.status_count, feedback.reference),
            (HEADER, 5, 10)
        );
        let mut clock = ReferenceClock::default();
        let told: Vec<_> = feedback.arrivals(&mut clock).collect();
        let begin = told[0].1.unwrap() - Duration::from_millis(640);
        let since = |at: usize| told[at].1.map(|time| time - begin);
        assert_eq!([0, 1, 2, 3, 4].map(since), arrivals);
        assert!(told.iter().map(|(seq, _)| *seq).eq([65_534, 65_535, 0, 1, 2]));
    }

    #[test]
    fn it_ends_before_what_it_cannot_tell() {
        let mut out = Vec::new();
        let count = TransportFeedback::write(&mut out, HEADER, 1200, [ms(0), None, ms(8_200)].into_iter());
        assert_eq!(count, 2);
        assert_eq!(read(&out).status_count, 2);
    }

    #[test]
    fn it_is_never_longer_than_it_may_be() {
        for max_len in 0..120 {
            let mut out = Vec::new();
            // Every other one takes two bytes.
            let arrivals = (0..60_u64).map(|at| if at % 5 == 0 { None } else { ms(at / 2 * 100) });
            let count = TransportFeedback::write(&mut out, HEADER, max_len, arrivals);
            assert!(out.len() <= max_len);
            assert_eq!(count == 0, out.is_empty());
            if count != 0 {
                assert_eq!(read(&out).status_count, count);
            }
        }
    }

    #[test]
    fn nothing_is_told_where_nothing_arrived() {
        let mut out = Vec::new();
        assert_eq!(
            TransportFeedback::write(&mut out, HEADER, 1200, [None, None].into_iter()),
            0
        );
        assert!(out.is_empty());
    }

    #[test]
    fn a_feedback_that_lacks_something_is_none() {
        let mut out = Vec::new();
        TransportFeedback::write(&mut out, HEADER, 1200, [ms(1), ms(2), ms(3)].into_iter());
        let body = &out[4..];
        assert!(TransportFeedback::read(body).is_some());
        for len in 0..body.len() - 3 {
            assert!(TransportFeedback::read(&body[..len]).is_none(), "{len}");
        }
        let with = |at: usize, byte: u8| {
            let mut body = body.to_vec();
            body[at] = byte;
            TransportFeedback::read(&body).is_some()
        };
        assert!(!with(11, 0), "of no packets");
        assert!(!with(10, 0xff), "of more packets than its chunks name");
        assert!(!with(16, 0x60), "of a status that nobody knows");
    }
}
