//! However often and whenever secrets are rotated: one is in force, and at most one more is valid.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod house;

use std::time::Duration;

use house::{app, later};
use hst_auth::AppSecret;
use hst_store::Store;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Rotate { keep_millis: u64 },
    DropPrevious,
    Wait { millis: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..100_u64).prop_map(|keep_millis| Step::Rotate { keep_millis }),
        1 => Just(Step::DropPrevious),
        3 => (0..100_u64).prop_map(|millis| Step::Wait { millis }),
    ]
}

/// Every secret that the App ever had, each with the moment at which it is valid no more.
#[derive(Debug, Default)]
struct Model(Vec<(AppSecret, Option<u64>)>);

impl Model {
    fn rotate(&mut self, next: &AppSecret, now: u64, keep_millis: u64) {
        self.end_previous();
        if let Some((_, end)) = self.0.last_mut() {
            *end = Some(now + keep_millis);
        }
        self.0.push((next.clone(), None));
    }

    fn end_previous(&mut self) {
        for (_, end) in self.0.iter_mut().rev().skip(1) {
            *end = Some(0);
        }
    }

    /// The newest first.
    fn valid_at(&self, now: u64) -> Vec<&AppSecret> {
        let valid = self.0.iter().rev().filter(|(_, end)| end.is_none_or(|end| now < end));
        valid.map(|(secret, _)| secret).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn of_all_secrets_only_the_newest_and_for_its_time_the_one_before_are_valid(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let store = Store::in_memory().unwrap();
        let id = app(&store, "app").id;
        let mut model = Model(vec![(store.app(&id).unwrap().unwrap().secrets.current().clone(), None)]);
        let mut now = 0;
        for step in steps {
            match step {
                Step::Rotate { keep_millis } => {
                    let app = store.rotate_secret(&id, Duration::from_millis(keep_millis), later(now)).unwrap();
                    prop_assert!(model.0.iter().all(|(secret, _)| secret != app.secrets.current()), "a new one");
                    model.rotate(app.secrets.current(), now, keep_millis);
                }
                Step::DropPrevious => {
                    store.drop_previous_secret(&id).unwrap();
                    model.end_previous();
                }
                Step::Wait { millis } => now += millis,
            }
            let secrets = store.app(&id).unwrap().unwrap().secrets;
            for now in [now, now + 1, now + 50, now + 200] {
                let valid: Vec<&AppSecret> = secrets.valid_at(later(now)).collect();
                prop_assert!(valid.len() <= 2);
                prop_assert_eq!(valid, model.valid_at(now));
            }
        }
    }
}

#[test]
fn a_secret_may_be_kept_for_longer_than_time_can_be_counted() {
    let store = Store::in_memory().unwrap();
    let id = app(&store, "app").id;
    store.rotate_secret(&id, Duration::MAX, later(0)).unwrap();
    let secrets = store.app(&id).unwrap().unwrap().secrets;
    assert_eq!(secrets.valid_at(later(1_000_000)).count(), 2);
}
