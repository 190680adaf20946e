//! Which checks have come, so that whoever sends one again from elsewhere is not taken for the client.

use crate::remote::Remote;

/// How many are remembered of a connection, in 32 KiB: as many as a browser sends within some five hours. None is forgotten for
/// another, or it could be sent again. Where they are too many the client moves no more, unless it restarts ICE, which makes all of
/// before worthless.
const MAX: usize = 8192;

/// The transaction ids of one ICE session's checks, by where each came from.
#[derive(Debug, Default)]
pub(super) struct Seen(Vec<(Remote, Vec<u32>)>);

impl Seen {
    /// Takes note of a check. `false` is one that has come from elsewhere already, or may have.
    pub(super) fn take(&mut self, source: Remote, id: u32) -> bool {
        let is_elsewhere = |(from, ids): &(Remote, Vec<u32>)| *from != source && ids.binary_search(&id).is_ok();
        if self.0.iter().any(is_elsewhere) {
            return false;
        }
        let is_full = self.0.iter().map(|(_, ids)| ids.len()).sum::<usize>() >= MAX;
        let known = self.0.iter().position(|(from, _)| *from == source);
        match known {
            _ if is_full => known.is_some(),
            Some(at) => {
                let ids = &mut self.0[at].1;
                if let Err(place) = ids.binary_search(&id) {
                    ids.insert(place, id);
                }
                true
            }
            None => {
                self.0.push((source, vec![id]));
                true
            }
        }
    }

    /// The check is from there after all, and what came from elsewhere was a copy of it.
    pub(super) fn give_back(&mut self, source: Remote, id: u32) {
        self.0.iter_mut().for_each(|(_, ids)| ids.retain(|it| *it != id));
        self.take(source, id);
    }
}

/// The transaction id of a check (RFC 8489 section 5): its words together, whichever of them the client changes.
pub(super) fn id(check: &[u8]) -> u32 {
    let words = check.get(8..20).unwrap_or_default().chunks_exact(4);
    words.fold(0, |id: u32, word| {
        id.rotate_left(11) ^ u32::from_be_bytes([word[0], word[1], word[2], word[3]])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> Remote {
        Remote::udp(([192, 0, 2, 1], port).into())
    }

    #[test]
    fn n2_nothing_is_forgotten_and_who_has_sent_too_much_moves_no_more() {
        let mut seen = Seen::default();
        assert!(seen.take(at(2), 0));
        assert!(
            (1..MAX as u32 + 100).all(|id| seen.take(at(1), id)),
            "where it is, it may stay"
        );
        assert!((0..MAX as u32).all(|id| !seen.take(at(3), id)));
        assert!(!seen.take(at(3), u32::MAX));
        assert!(seen.take(at(2), u32::MAX));
        assert_eq!(seen.0.iter().map(|(_, ids)| ids.len()).sum::<usize>(), MAX);
    }

    #[test]
    fn an_id_is_another_whichever_byte_of_it_is_another() {
        let check = [7; 20];
        for place in 8..20 {
            let mut other = check;
            other[place] += 1;
            assert_ne!(id(&check), id(&other), "{place}");
        }
        assert_eq!(id(&check[..19]), id(&[7; 16]));
    }
}
