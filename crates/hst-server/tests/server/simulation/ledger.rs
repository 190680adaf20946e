//! What every engine was told, and the laws that it keeps.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use hst_group::client::Refusal;
use tokio::time::Instant;

/// Shared by all citizens of a run.
#[derive(Debug, Clone)]
pub(crate) struct Ledger(Arc<Mutex<Book>>);

#[derive(Debug)]
struct Book {
    began: Instant,
    engines: BTreeMap<String, Vec<(u128, Entry)>>,
    said: BTreeMap<String, Said>,
    counts: Counts,
}

/// Something that an engine was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Begins,
    /// With the code that says why not.
    LoggedIn(Option<u32>),
    /// It is in this group from here on.
    In(&'static str),
    Heard {
        seq: u64,
        words: String,
    },
    Reconnected,
    Discontinuity,
    /// How its group is, because something may have been missed.
    Snapshot,
    /// By its own wish.
    Out,
    Removed(u32),
    Lost(u32),
}

#[derive(Debug)]
struct Said {
    by: String,
    group: &'static str,
    /// The number that its sender was told.
    acknowledged: Option<u64>,
}

/// How much happened, so that a run in which nothing does fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) logins: usize,
    pub(crate) refused: usize,
    pub(crate) lost: usize,
    pub(crate) joins: usize,
    pub(crate) acknowledged: usize,
    pub(crate) unknown: usize,
    pub(crate) heard: usize,
    pub(crate) snapshots: usize,
    pub(crate) reconnected: usize,
    pub(crate) discontinuities: usize,
    pub(crate) removed: usize,
    pub(crate) kicks: usize,
    pub(crate) cuts: usize,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Book {
            began: Instant::now(),
            engines: BTreeMap::new(),
            said: BTreeMap::new(),
            counts: Counts::default(),
        })))
    }

    pub(crate) fn write(&self, engine: &str, entry: Entry) {
        let mut book = self.0.lock().unwrap();
        book.counts.add(&entry);
        let at = book.began.elapsed().as_millis();
        tracing::debug!("{engine}: {entry:?}");
        book.engines.entry(engine.to_owned()).or_default().push((at, entry));
    }

    pub(crate) fn says(&self, words: &str, by: &str, group: &'static str) {
        let said = Said {
            by: by.to_owned(),
            group,
            acknowledged: None,
        };
        self.0.lock().unwrap().said.insert(words.to_owned(), said);
    }

    pub(crate) fn acknowledged(&self, words: &str, seq: u64) {
        let mut book = self.0.lock().unwrap();
        book.counts.acknowledged += 1;
        tracing::debug!("{words} is acknowledged: {seq}");
        let said = book.said.get_mut(words).expect("it was said");
        said.acknowledged = Some(seq);
    }

    /// It was refused, or nobody knows whether it was carried out.
    pub(crate) fn unsaid(&self, words: &str, why: &Refusal) {
        let mut book = self.0.lock().unwrap();
        book.counts.unknown += 1;
        tracing::debug!("{words} is not acknowledged: {why}");
    }

    pub(crate) fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.0.lock().unwrap().counts);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.0.lock().unwrap().counts
    }

    /// The last that an engine was told, for who looks into a failure.
    pub(crate) fn last_of(&self, engine: &str) -> String {
        let book = self.0.lock().unwrap();
        let entries = book.engines.get(engine).map(Vec::as_slice).unwrap_or_default();
        format!("{:?}", &entries[entries.len().saturating_sub(12)..])
    }

    /// What was lost, doubled or out of order.
    pub(crate) fn faults(&self) -> Vec<String> {
        let book = self.0.lock().unwrap();
        let numbers = book.numbers();
        let mut faults = Vec::new();
        for (engine, entries) in &book.engines {
            book.judge(engine, entries, &numbers, &mut faults);
        }
        faults
    }
}

impl Book {
    /// The number of each message, as far as anybody was told one.
    fn numbers(&self) -> BTreeMap<&str, BTreeSet<u64>> {
        let mut numbers = BTreeMap::<&str, BTreeSet<u64>>::new();
        for (words, said) in &self.said {
            numbers.entry(words).or_default().extend(said.acknowledged);
        }
        for (_, entry) in self.engines.values().flatten() {
            if let Entry::Heard { seq, words } = entry {
                numbers.entry(words).or_default().insert(*seq);
            }
        }
        numbers
    }

    fn judge(
        &self,
        engine: &str,
        entries: &[(u128, Entry)],
        numbers: &BTreeMap<&str, BTreeSet<u64>>,
        faults: &mut Vec<String>,
    ) {
        let mut fault = |at: u128, words: String| faults.push(format!("{engine} at {at} ms: {words}"));
        let mut group = None;
        let mut heard = BTreeSet::new();
        let mut last_of = BTreeMap::new();
        // The last number since when nothing can be missing.
        let mut last = None;
        for (at, entry) in entries {
            match entry {
                Entry::In(name) => (group, last) = (Some(*name), None),
                Entry::Out | Entry::Removed(_) | Entry::Lost(_) => (group, last) = (None, None),
                Entry::Snapshot | Entry::Discontinuity => last = None,
                Entry::Heard { seq, words } => {
                    let Some(said) = self.said.get(words) else {
                        fault(*at, format!("nobody has said {words}"));
                        continue;
                    };
                    if group != Some(said.group) {
                        fault(
                            *at,
                            format!("{words} was said in {} and heard in {group:?}", said.group),
                        );
                    }
                    if said.by == engine {
                        fault(*at, format!("{words} is its own"));
                    }
                    if !heard.insert(words) {
                        fault(*at, format!("{words} was heard before"));
                    }
                    if numbers[words.as_str()].len() != 1 {
                        fault(*at, format!("{words} has the numbers {:?}", numbers[words.as_str()]));
                    }
                    let count: usize = words.rsplit(':').next().unwrap().parse().unwrap();
                    if last_of.insert(&said.by, count).is_some_and(|before| before >= count) {
                        fault(*at, format!("{words} is heard late"));
                    }
                    if let Some(last) = last {
                        if *seq <= last {
                            fault(*at, format!("{words} has number {seq}, and that before {last}"));
                        }
                        let missing: Vec<_> = (last + 1..*seq).collect();
                        self.seek(engine, said.group, &missing, numbers, |missing| {
                            fault(*at, format!("{missing:?} before {words} ({seq}) is missing"));
                        });
                    }
                    last = Some(*seq);
                }
                Entry::Begins | Entry::LoggedIn(_) | Entry::Reconnected => {}
            }
        }
    }

    /// What an engine has not heard it has said itself. Of what was not acknowledged nobody may know the number.
    fn seek(
        &self,
        engine: &str,
        group: &str,
        missing: &[u64],
        numbers: &BTreeMap<&str, BTreeSet<u64>>,
        fault: impl FnOnce(&[u64]),
    ) {
        let own = self
            .said
            .iter()
            .filter(|(_, said)| said.by == engine && said.group == group);
        let (mut known, mut unknown) = (BTreeSet::<u64>::new(), 0);
        for (words, _) in own {
            let of_it = &numbers[words.as_str()];
            unknown += usize::from(of_it.is_empty());
            known.extend(of_it);
        }
        let left: Vec<_> = missing.iter().filter(|seq| !known.contains(seq)).copied().collect();
        if left.len() > unknown {
            fault(&left);
        }
    }
}

impl Counts {
    /// All of it.
    pub(crate) fn each(&self) -> [usize; 12] {
        [
            self.logins,
            self.refused,
            self.lost,
            self.joins,
            self.acknowledged,
            self.unknown,
            self.heard,
            self.snapshots,
            self.reconnected,
            self.discontinuities,
            self.kicks,
            self.cuts,
        ]
    }

    fn add(&mut self, entry: &Entry) {
        match entry {
            Entry::LoggedIn(None) => self.logins += 1,
            Entry::LoggedIn(Some(_)) => self.refused += 1,
            Entry::In(_) => self.joins += 1,
            Entry::Heard { .. } => self.heard += 1,
            Entry::Reconnected => self.reconnected += 1,
            Entry::Discontinuity => self.discontinuities += 1,
            Entry::Snapshot => self.snapshots += 1,
            Entry::Removed(_) => self.removed += 1,
            Entry::Lost(_) => self.lost += 1,
            Entry::Begins | Entry::Out => {}
        }
    }
}
