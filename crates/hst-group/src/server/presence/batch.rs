use std::collections::BTreeMap;

use hst_proto::{Event, encode_event};

use super::{
    Tell, WatcherId,
    told::Change,
    watcher::{Share, Watcher},
};

/// The most bytes of one event; a larger batch becomes several.
const MAX_EVENT_SIZE: usize = 64 * 1024;

/// The events that tell each watcher his share of these changes, which are in the order of names.
pub(super) fn tells(mut changes: &[Change], watchers: &BTreeMap<WatcherId, Watcher>) -> Vec<Tell> {
    let mut tells = Vec::new();
    while !changes.is_empty() {
        let (event, rest) = changes.split_at(fitting(changes));
        tell(&mut tells, event, watchers.iter().collect());
        changes = rest;
    }
    tells
}

/// How many of the first changes one event holds.
fn fitting(changes: &[Change]) -> usize {
    let mut size = 0;
    let fits = |change: &&Change| {
        size += change.shown.size;
        size <= MAX_EVENT_SIZE
    };
    changes.iter().take_while(fits).count().max(1)
}

/// Tells what fits into one event.
///
/// Watchers who are to hear of a part only get it by halves, and halves of halves, which they share with others. So in a
/// storm, when most watchers are themselves among the changes, n changes are encoded log n times and not n times.
fn tell(tells: &mut Vec<Tell>, changes: &[Change], watchers: Vec<(&WatcherId, &Watcher)>) {
    let mut whole = Vec::new();
    let mut in_part = Vec::new();
    for (id, watcher) in watchers {
        match watcher.share(changes) {
            Share::All => whole.push(*id),
            Share::Part => in_part.push((id, watcher)),
            Share::Nothing => {}
        }
    }
    if !whole.is_empty() {
        let changes = changes.iter().map(Change::to_wire).collect();
        tells.push(Tell {
            watchers: whole,
            body: encode_event(&Event::Presence { changes }),
        });
    }
    if !in_part.is_empty() {
        let (left, right) = changes.split_at(changes.len() / 2);
        tell(tells, left, in_part.clone());
        tell(tells, right, in_part);
    }
}
