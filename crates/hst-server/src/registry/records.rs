use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use hst_auth::UnixMillis;
use hst_cluster::{Key, Prefix, Revision};
use hst_store::{Record, Revocation, Revoked, Stamped, Store, StoreError, Until};

use super::place;

/// By how much a clock may be set back without bringing to life what is over.
const CLOCK_ERROR: Duration = Duration::from_secs(3600);
/// For how long it is known that something is gone, so that no node that was away brings it back.
pub(crate) const GONE: Duration = Duration::from_secs(30 * 24 * 3600);

/// What this node knows of the records that all nodes know alike: in memory, because every login asks here, and on its disk.
#[derive(Debug)]
pub(crate) struct Records {
    /// A lock, because logins read it from all threads; held for one look-up or one change.
    book: RwLock<Book>,
    /// One at a time writes to the disk: what was written later must not be replaced by what was read earlier.
    writing: Mutex<()>,
    store: Arc<Store>,
}

#[derive(Debug, Default)]
struct Book {
    known: BTreeMap<Key, Known>,
    /// What the disk does not know yet, and what it was before.
    unwritten: BTreeMap<Key, Record>,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) stamped: Stamped,
    /// As it stands in the directory, as far as is known.
    pub(crate) revision: Option<Revision>,
}

impl Records {
    /// Those on the disk.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(crate) fn open(store: Arc<Store>) -> Result<Self, StoreError> {
        let mut book = Book::default();
        for stamped in store.records()? {
            let key = place::of(&stamped.record);
            let known = Known {
                stamped,
                revision: None,
            };
            book.known.insert(key, known);
        }
        Ok(Self {
            book: RwLock::new(book),
            writing: Mutex::default(),
            store,
        })
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Known> {
        self.read().known.get(key).cloned()
    }

    /// Those beneath a prefix, in the order of their keys.
    pub(crate) fn beneath(&self, prefix: &Prefix) -> Vec<(Key, Known)> {
        self.read()
            .beneath(prefix)
            .map(|(key, known)| (key.clone(), known.clone()))
            .collect()
    }

    /// How many of those beneath a prefix are such.
    pub(crate) fn count(&self, prefix: &Prefix, mut is_such: impl FnMut(&Record) -> bool) -> usize {
        let book = self.read();
        book.beneath(prefix)
            .filter(|(_, known)| is_such(&known.stamped.record))
            .count()
    }

    /// Takes note of a record, and says whether it is news: not if a newer version is known.
    pub(crate) fn take(&self, key: &Key, stamped: Stamped, revision: Option<Revision>) -> bool {
        let mut book = self.write();
        if let Some(known) = book.known.get_mut(key)
            && known.stamped.stamp >= stamped.stamp
        {
            if known.stamped == stamped {
                known.revision = known.revision.max(revision);
                return false;
            }
            // Two servers that knew nothing of each other wrote at once: what stands in the directory counts.
            if known.stamped.stamp > stamped.stamp || revision.is_none() {
                return false;
            }
        }
        if let Record::AppGone(app) = &stamped.record {
            for prefix in [place::bans_of(app), place::revocations_of(app)] {
                let of_app: Vec<_> = book.beneath(&prefix).map(|(key, _)| key.clone()).collect();
                of_app.iter().for_each(|key| book.strike(key));
            }
        }
        book.unwritten.insert(key.clone(), stamped.record.clone());
        book.known.insert(key.clone(), Known { stamped, revision });
        true
    }

    /// Where a record that is known stands now.
    pub(crate) fn stands(&self, key: &Key, stamp: u64, revision: Revision) {
        if let Some(known) = self.write().known.get_mut(key)
            && known.stamped.stamp == stamp
        {
            known.revision = Some(revision);
        }
    }

    /// Nobody knows any more what stands in the directory.
    pub(crate) fn doubt_all(&self) {
        self.write().known.values_mut().for_each(|known| known.revision = None);
    }

    /// Forgets a record without a trace.
    pub(crate) fn forget(&self, key: &Key) {
        self.write().strike(key);
    }

    /// Whether a record means anything still. One that does not is not kept anywhere.
    pub(crate) fn counts(&self, stamped: &Stamped, now: UnixMillis) -> bool {
        let before = UnixMillis::from_millis(now.as_millis().saturating_sub(millis(CLOCK_ERROR)));
        let book = self.read();
        let has_app = |app| !matches!(book.record(&place::of_app(app)), Some(Record::AppGone(_)));
        let is_fresh = || stamped.stamp.saturating_add(millis(GONE)) > now.as_millis();
        match &stamped.record {
            Record::Developer(_) | Record::App(_) => true,
            Record::AppGone(_) => is_fresh(),
            Record::Ban(app, ban) => !ban.until.is_over(before) && has_app(app),
            Record::BanGone(app, ..) => is_fresh() && has_app(app),
            Record::Revoked(app, revoked) => {
                let everyone = book.record(&place::of_revocation(app, &Revocation::Everyone));
                !revoked.expires.is_over(before) && has_app(app) && !is_covered(revoked, everyone)
            }
            Record::AccessToken(token) => now < token.until,
        }
    }

    /// Writes to the disk what it does not know yet. It waits for the disk.
    ///
    /// # Errors
    /// The database cannot be written: it is still to be written.
    pub(crate) fn flush(&self) -> Result<(), StoreError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut kept, mut forgotten) = (Vec::new(), Vec::new());
        let unwritten = {
            let mut book = self.write();
            let unwritten = std::mem::take(&mut book.unwritten);
            for (key, record) in &unwritten {
                match book.known.get(key) {
                    Some(known) => kept.push(known.stamped.clone()),
                    None => forgotten.push(record.clone()),
                }
            }
            unwritten
        };
        if unwritten.is_empty() {
            return Ok(());
        }
        let written = self.store.keep(&kept, &forgotten);
        if written.is_err() {
            let mut book = self.write();
            for (key, record) in unwritten {
                book.unwritten.entry(key).or_insert(record);
            }
        }
        written
    }

    fn read(&self) -> RwLockReadGuard<'_, Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Book> {
        self.book.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn record(&self, key: &Key) -> Option<&Record> {
        self.known.get(key).map(|known| &known.stamped.record)
    }

    fn beneath(&self, prefix: &Prefix) -> impl Iterator<Item = (&Key, &Known)> {
        let from = Bound::Included(prefix.as_str());
        let rest = self.known.range::<str, _>((from, Bound::Unbounded));
        rest.take_while(|(key, _)| key.as_str().starts_with(prefix.as_str()))
    }

    fn strike(&mut self, key: &Key) {
        if let Some(known) = self.known.remove(key) {
            self.unwritten.entry(key.clone()).or_insert(known.stamped.record);
        }
    }
}

/// Whether a revocation of everyone says all that this one says.
fn is_covered(revoked: &Revoked, everyone: Option<&Record>) -> bool {
    let Some(Record::Revoked(_, all)) = everyone else {
        return false;
    };
    let lasts = all.expires == Until::Forever || all.expires >= revoked.expires;
    revoked.what != Revocation::Everyone && revoked.at <= all.at && lasts
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use hst_id::{AppId, UserId};
    use hst_store::Ban;

    use super::*;

    const DAY: u64 = 24 * 3_600_000;
    const NOW: u64 = 20_000 * DAY;

    fn records() -> Records {
        Records::open(Arc::new(Store::in_memory().unwrap())).unwrap()
    }

    fn app() -> AppId {
        AppId::parse("app").unwrap()
    }

    fn user() -> UserId {
        UserId::parse("ann").unwrap()
    }

    fn stamped(stamp: u64, record: Record) -> Stamped {
        Stamped { stamp, record }
    }

    fn ban(reason: &str, until: Until) -> Record {
        let ban = Ban {
            user: user(),
            group: None,
            until,
            reason: reason.parse().unwrap(),
        };
        Record::Ban(app(), ban)
    }

    fn moment(millis: u64) -> Until {
        Until::Moment(UnixMillis::from_millis(millis))
    }

    #[test]
    fn the_higher_stamp_counts_and_of_two_alike_what_stands_in_the_directory() {
        let records = records();
        let take = |stamp, reason: &str, revision: Option<u64>| {
            let version = stamped(stamp, ban(reason, Until::Forever));
            records.take(&place::of(&version.record), version, revision.map(Revision::new))
        };
        let reason = || {
            let known = records.get(&place::of_ban(&app(), &user(), None)).unwrap();
            match known.stamped.record {
                Record::Ban(_, ban) => (ban.reason.to_string(), known.revision.map(Revision::number)),
                other => panic!("no ban but {other:?}"),
            }
        };
        assert!(take(5, "own", None));
        assert!(!take(4, "older", Some(9)));
        assert!(!take(5, "own", Some(1)), "no news");
        assert_eq!(reason(), ("own".to_owned(), Some(1)), "but it is known where it stands");
        assert!(!take(5, "another's", None));
        assert!(take(5, "there", Some(2)));
        assert!(take(6, "newer", Some(3)));
        assert_eq!(reason(), ("newer".to_owned(), Some(3)));
    }

    #[test]
    fn what_counts_no_more_is_told_by_records_and_clock_alone() {
        let records = records();
        let counts = |stamp, record| records.counts(&stamped(stamp, record), UnixMillis::from_millis(NOW));
        let hour = 3_600_000;
        assert!(counts(0, ban("", moment(NOW - hour + 1))) && !counts(NOW, ban("", moment(NOW - hour))));
        let gone = || Record::BanGone(app(), user(), None);
        assert!(counts(NOW - 30 * DAY + 1, gone()) && !counts(NOW - 30 * DAY, gone()));

        let revoked = |what, at| {
            let at = UnixMillis::from_millis(at);
            Record::Revoked(
                app(),
                Revoked {
                    what,
                    at,
                    expires: Until::Forever,
                },
            )
        };
        let of_user = |at| revoked(Revocation::User(user()), at);
        assert!(counts(1, of_user(5)));
        let everyone = revoked(Revocation::Everyone, 5);
        records.take(&place::of(&everyone), stamped(1, everyone.clone()), None);
        assert!(!counts(1, of_user(5)) && counts(1, of_user(6)) && counts(1, everyone.clone()));

        records.take(&place::of_app(&app()), stamped(NOW, Record::AppGone(app())), None);
        assert_eq!(records.get(&place::of(&everyone)), None, "gone with its App");
        assert!(!counts(NOW, ban("", Until::Forever)) && !counts(NOW, everyone) && !counts(NOW, gone()));
        assert!(counts(NOW - DAY, Record::AppGone(app())) && !counts(NOW - 30 * DAY, Record::AppGone(app())));
    }

    #[test]
    fn the_disk_knows_what_memory_knows_once_it_was_flushed() {
        let store = Arc::new(Store::in_memory().unwrap());
        let records = Records::open(store.clone()).unwrap();
        let first = stamped(1, ban("first", Until::Forever));
        let key = place::of(&first.record);
        records.take(&key, first, None);
        let second = stamped(2, ban("second", Until::Forever));
        records.take(&key, second.clone(), None);
        assert_eq!(store.records().unwrap(), []);
        records.flush().unwrap();
        assert_eq!(store.records().unwrap(), [second]);
        records.forget(&key);
        records.flush().unwrap();
        assert_eq!(store.records().unwrap(), []);
    }
}
