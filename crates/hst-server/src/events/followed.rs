use std::collections::{HashMap, HashSet, hash_map::Entry};

use hst_id::{AppId, GroupId};
use serde_json::{Value, json};

use super::wire::{Refusal, Selection};

/// The Apps that one connection follows, each with what listens to it for as long as it is here.
#[derive(Debug)]
pub(super) struct Followed<L> {
    apps: HashMap<AppId, Follow<L>>,
}

#[derive(Debug)]
struct Follow<L> {
    /// `None`: all of them.
    groups: Option<HashSet<GroupId>>,
    /// The number of the last push.
    version: u64,
    _listener: L,
}

impl<L> Followed<L> {
    pub(super) fn new() -> Self {
        Self { apps: HashMap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.apps.len()
    }

    pub(super) fn has(&self, app: &AppId) -> bool {
        self.apps.contains_key(app)
    }

    /// Follows an App, or more of its groups. A listener that is there already stays.
    pub(super) fn add(&mut self, selection: Selection, listener: impl FnOnce() -> L) {
        let Selection { app, groups } = selection;
        let groups = groups.map(HashSet::from_iter);
        match self.apps.entry(app) {
            Entry::Vacant(place) => drop(place.insert(Follow {
                groups,
                version: 0,
                _listener: listener(),
            })),
            Entry::Occupied(mut follow) => match (&mut follow.get_mut().groups, groups) {
                (Some(present), Some(more)) => present.extend(more),
                (present, _) => *present = None,
            },
        }
    }

    /// Follows an App or some of its groups no more; what was not followed is passed over.
    ///
    /// # Errors
    /// Some groups of an App are to be left out all of whose groups are followed. Nothing has changed then.
    pub(super) fn remove(&mut self, selections: &[Selection]) -> Result<(), Refusal> {
        for Selection { app, groups } in selections {
            if groups.is_some() && self.apps.get(app).is_some_and(|follow| follow.groups.is_none()) {
                let message = format!("all groups of {app} are subscribed to, so single ones cannot be left out");
                return Err(Refusal::invalid(message));
            }
        }
        for Selection { app, groups } in selections {
            let Entry::Occupied(mut follow) = self.apps.entry(app.clone()) else {
                continue;
            };
            let rest = match (&mut follow.get_mut().groups, groups) {
                (Some(present), Some(fewer)) => {
                    fewer.iter().for_each(|group| drop(present.take(group)));
                    present.len()
                }
                _ => 0,
            };
            if rest == 0 {
                follow.remove();
            }
        }
        Ok(())
    }

    /// Follows nothing any more.
    pub(super) fn clear(&mut self) {
        self.apps.clear();
    }

    /// Something has happened in a group: the number of the push that tells it, if it is followed.
    pub(super) fn count(&mut self, app: &AppId, group: &GroupId) -> Option<u64> {
        let follow = self.apps.get_mut(app)?;
        if follow.groups.as_ref().is_some_and(|groups| !groups.contains(group)) {
            return None;
        }
        follow.version += 1;
        Some(follow.version)
    }

    /// Something was missed: a number is left out, so that the client sees it.
    pub(super) fn skip(&mut self, app: &AppId) {
        if let Some(follow) = self.apps.get_mut(app) {
            follow.version += 1;
        }
    }

    /// The number of an App's last push, 0 before the first and for one that is not followed.
    pub(super) fn version(&self, app: &AppId) -> u64 {
        self.apps.get(app).map_or(0, |follow| follow.version)
    }

    /// The Apps with the numbers of their last pushes.
    pub(super) fn versions(&self) -> Value {
        let mut apps: Vec<_> = self.apps.iter().collect();
        apps.sort_unstable_by_key(|&(app, _)| app);
        apps.into_iter()
            .map(|(app, follow)| json!({ "app_id": app, "version": follow.version }))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(name: &str) -> AppId {
        AppId::parse(name).unwrap()
    }

    fn group(name: &str) -> GroupId {
        GroupId::parse(name).unwrap()
    }

    fn select(name: &str, groups: Option<&[&str]>) -> Selection {
        let groups = groups.map(|groups| groups.iter().copied().map(group).collect());
        Selection { app: app(name), groups }
    }

    #[test]
    fn each_app_counts_for_itself_and_only_what_is_followed() {
        let mut followed = Followed::new();
        followed.add(select("a", None), || ());
        followed.add(select("b", Some(&["g"])), || ());
        assert_eq!(followed.count(&app("a"), &group("x")), Some(1));
        assert_eq!(followed.count(&app("a"), &group("g")), Some(2));
        assert_eq!(followed.count(&app("b"), &group("x")), None);
        assert_eq!(followed.count(&app("b"), &group("g")), Some(1));
        assert_eq!(followed.count(&app("c"), &group("g")), None);
        assert_eq!(
            [app("a"), app("b"), app("c")].map(|app| followed.version(&app)),
            [2, 1, 0]
        );
    }

    #[test]
    fn what_was_missed_leaves_a_number_out() {
        let mut followed = Followed::new();
        followed.add(select("a", None), || ());
        assert_eq!(followed.count(&app("a"), &group("g")), Some(1));
        followed.skip(&app("a"));
        assert_eq!(followed.versions(), json!([{ "app_id": "a", "version": 2 }]));
        assert_eq!(followed.count(&app("a"), &group("g")), Some(3));
    }

    #[test]
    fn groups_come_and_go_one_by_one() {
        let mut followed = Followed::new();
        followed.add(select("a", Some(&["g"])), || ());
        followed.add(select("a", Some(&["h"])), || panic!("it listens already"));
        followed
            .remove(&[select("a", Some(&["g", "x"])), select("b", None)])
            .unwrap();
        assert_eq!(followed.count(&app("a"), &group("g")), None);
        assert_eq!(followed.count(&app("a"), &group("h")), Some(1));
        followed.remove(&[select("a", Some(&["h"]))]).unwrap();
        assert!(!followed.has(&app("a")), "without a group nothing is left to follow");
    }

    #[test]
    fn single_groups_cannot_be_left_out_of_all() {
        let mut followed = Followed::new();
        followed.add(select("b", None), || ());
        followed.add(select("a", Some(&["g"])), || ());
        followed.add(select("a", None), || ());
        let refused = followed.remove(&[select("b", None), select("a", Some(&["g"]))]);
        assert!(refused.is_err());
        assert!(followed.has(&app("b")), "nothing has changed");
        assert_eq!(followed.count(&app("a"), &group("other")), Some(1));
    }
}
