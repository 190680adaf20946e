use std::collections::VecDeque;

use bytes::Bytes;
use hst_proto::{EventBody, RequestId, frame_event, number_reply};
use serde::{Deserialize, Serialize};

/// Frames that are kept until the client confirms them. When there are more, the oldest are dropped, and a client that
/// would need them is told that it missed something.
const FRAMES: usize = 8192;
/// Their bytes, with the same consequence.
const BYTES: usize = 2 * 1024 * 1024;

/// The numbered frames of a session that its client has not confirmed.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    last: u64,
    /// The frames up to `last`, without a gap.
    frames: VecDeque<Kept>,
    bytes: usize,
}

/// A frame without its number. Events are shared with all other sessions that were told.
#[derive(Debug)]
enum Kept {
    Event(EventBody),
    Reply(RequestId, Bytes),
}

/// A backlog on its way to another node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PackedBacklog {
    last: u64,
    frames: Vec<PackedFrame>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PackedFrame {
    Event(EventBody),
    Reply(RequestId, String),
}

impl Kept {
    fn size(&self) -> usize {
        match self {
            Self::Event(body) => body.size(),
            Self::Reply(_, reply) => reply.len(),
        }
    }

    fn frame(&self, seq: u64) -> Bytes {
        match self {
            Self::Event(body) => frame_event(Some(seq), body),
            Self::Reply(_, reply) => number_reply(seq, reply),
        }
    }
}

impl PackedBacklog {
    /// The backlog as it was, within the bounds of any.
    pub(super) fn unpack(self) -> Backlog {
        let mut backlog = Backlog {
            last: self.last.saturating_sub(self.frames.len() as u64),
            ..Backlog::default()
        };
        for frame in self.frames {
            match frame {
                PackedFrame::Event(body) => drop(backlog.event(body)),
                // A number is put into it as into an object.
                PackedFrame::Reply(re, reply) if reply.starts_with('{') => drop(backlog.reply(re, reply.into())),
                PackedFrame::Reply(re, _) => drop(backlog.reply(re, Bytes::from_static(b"{}"))),
            }
        }
        backlog
    }
}

impl Backlog {
    /// Numbers and keeps an event.
    pub(super) fn event(&mut self, body: EventBody) -> Bytes {
        self.keep(Kept::Event(body))
    }

    /// Numbers and keeps a reply.
    pub(super) fn reply(&mut self, re: RequestId, reply: Bytes) -> Bytes {
        self.keep(Kept::Reply(re, reply))
    }

    /// The reply to this request, if it is kept.
    pub(super) fn reply_to(&self, request: RequestId) -> Option<Bytes> {
        let mut numbered = (self.first()..).zip(&self.frames);
        let (seq, kept) = numbered.find(|(_, kept)| matches!(kept, Kept::Reply(re, _) if *re == request))?;
        Some(kept.frame(seq))
    }

    /// How many frames are kept, and how many bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.frames.len(), self.bytes)
    }

    /// The client has everything up to this number.
    pub(super) fn confirm(&mut self, seq: u64) {
        while !self.frames.is_empty() && self.first() <= seq {
            self.drop_first();
        }
    }

    /// The frames behind this number; `None` when some of them are kept no longer, and then none is.
    pub(super) fn after(&mut self, seq: u64) -> Option<impl Iterator<Item = Bytes> + '_> {
        self.confirm(seq);
        if self.first() != seq + 1 {
            // A client cannot have got what was never sent: it would not know either what it missed.
            self.frames.clear();
            self.bytes = 0;
            return None;
        }
        Some((seq + 1..).zip(&self.frames).map(|(seq, kept)| kept.frame(seq)))
    }

    /// What another node is to go on with.
    pub(super) fn pack(&self) -> PackedBacklog {
        let pack = |kept: &Kept| match kept {
            Kept::Event(body) => PackedFrame::Event(body.clone()),
            Kept::Reply(re, reply) => PackedFrame::Reply(*re, String::from_utf8_lossy(reply).into_owned()),
        };
        PackedBacklog {
            last: self.last,
            frames: self.frames.iter().map(pack).collect(),
        }
    }

    fn first(&self) -> u64 {
        self.last + 1 - self.frames.len() as u64
    }

    fn keep(&mut self, kept: Kept) -> Bytes {
        self.last += 1;
        let frame = kept.frame(self.last);
        self.bytes += kept.size();
        self.frames.push_back(kept);
        while self.frames.len() > FRAMES || (self.bytes > BYTES && self.frames.len() > 1) {
            self.drop_first();
        }
        frame
    }

    fn drop_first(&mut self) {
        if let Some(first) = self.frames.pop_front() {
            self.bytes -= first.size();
        }
        if self.frames.is_empty() {
            // An idle session keeps no memory for it.
            self.frames = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use hst_proto::{Event, encode_event};

    use super::*;

    fn event(generation: u32) -> EventBody {
        encode_event(&Event::TransportLost { generation })
    }

    fn after(backlog: &mut Backlog, seq: u64) -> Option<usize> {
        backlog.after(seq).map(Iterator::count)
    }

    #[test]
    fn what_is_not_confirmed_comes_again_under_the_same_numbers() {
        let mut backlog = Backlog::default();
        let sent: Vec<_> = (1..=5).map(|n| backlog.event(event(n))).collect();
        backlog.confirm(2);
        let again: Vec<_> = backlog.after(3).unwrap().collect();
        assert_eq!(again, sent[3..]);
        assert_eq!(after(&mut backlog, 5), Some(0));
    }

    #[test]
    fn numbers_that_were_never_sent_or_are_kept_no_longer_are_a_gap() {
        let mut backlog = Backlog::default();
        assert_eq!(after(&mut backlog, 0), Some(0));
        for n in 1..=5 {
            backlog.event(event(n));
        }
        backlog.confirm(3);
        assert_eq!(after(&mut backlog, 2), None);
        assert_eq!(after(&mut backlog, 6), None);
        backlog.event(event(6));
        assert_eq!(after(&mut backlog, 5), Some(1), "after a gap it goes on");
    }

    #[test]
    fn the_oldest_give_way_by_number_and_by_size() {
        let mut backlog = Backlog::default();
        for n in 0..=FRAMES {
            backlog.event(event(n as u32));
        }
        assert_eq!(backlog.frames.len(), FRAMES);
        assert_eq!(after(&mut backlog, 0), None);

        let mut backlog = Backlog::default();
        let reply = Bytes::from(vec![b'{'; BYTES / 4]);
        for _ in 0..5 {
            backlog.reply(1, reply.clone());
        }
        assert_eq!((backlog.frames.len(), backlog.bytes), (4, BYTES));
        backlog.reply(2, vec![b'{'; 2 * BYTES].into());
        assert_eq!(
            after(&mut backlog, 5),
            Some(1),
            "the last one is kept whatever its size"
        );
    }
}
