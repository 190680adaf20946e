//! What `Cached` and `FirstOf` add to what they are made of; the inner discovery is the mock.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::time::Duration;

use hst_access::{
    AccessDiscovery, AccessError, AccessPoints, Cached, FirstOf, StaticAccess, mock::MockAccessDiscovery,
};
use hst_id::AppId;
use tokio::time::advance;

const TTL: Duration = Duration::from_secs(60);

type Answer = Result<&'static str, fn() -> AccessError>;

/// Gives these answers in order; one question more, or one less, fails the test.
fn answering(answers: impl IntoIterator<Item = Answer>) -> MockAccessDiscovery {
    let mut mock = MockAccessDiscovery::new();
    let mut order = mockall::Sequence::new();
    for answer in answers {
        mock.expect_discover()
            .times(1)
            .in_sequence(&mut order)
            .return_once(move |_| match answer {
                Ok(url) => AccessPoints::new([url]),
                Err(error) => Err(error()),
            });
    }
    mock
}

const DOWN: Answer = Err(|| AccessError::Unavailable {
    address: "http://a".into(),
    status: 503,
});
const SLOW: Answer = Err(|| AccessError::TimedOut {
    address: "http://a".into(),
});
const EMPTY: Answer = Err(|| AccessError::NoSignal);
const ALIEN: Answer = Err(|| AccessError::NotAccess {
    address: "http://a".into(),
    reason: "it is a captive portal",
});
const REFUSED: Answer = Err(|| AccessError::Refused {
    code: 1_000_001,
    message: "no such app".into(),
});

fn app(name: &str) -> AppId {
    AppId::parse(name).unwrap()
}

async fn ask(access: &impl AccessDiscovery) -> Result<String, AccessError> {
    access
        .discover(Some(&app("app")))
        .await
        .map(|points| points.signal()[0].clone())
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_until_it_is_as_old_as_agreed() {
    let cached = Cached::new(answering([Ok("ws://1"), Ok("ws://2")]), TTL);
    assert_eq!(ask(&cached).await.unwrap(), "ws://1");
    advance(TTL - Duration::from_millis(1)).await;
    assert_eq!(ask(&cached).await.unwrap(), "ws://1");
    advance(Duration::from_millis(1)).await;
    assert_eq!(ask(&cached).await.unwrap(), "ws://2");
    assert_eq!(ask(&cached).await.unwrap(), "ws://2");
}

#[tokio::test(start_paused = true)]
async fn an_old_answer_is_better_than_none() {
    let cached = Cached::new(answering([Ok("ws://1"), DOWN, SLOW, EMPTY, ALIEN, Ok("ws://2")]), TTL);
    assert_eq!(ask(&cached).await.unwrap(), "ws://1");
    for expected in ["ws://1", "ws://1", "ws://1", "ws://1", "ws://2"] {
        advance(TTL).await;
        assert_eq!(ask(&cached).await.unwrap(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_and_the_old_answer_forgotten() {
    let cached = Cached::new(answering([Ok("ws://1"), REFUSED, DOWN]), TTL);
    assert_eq!(ask(&cached).await.unwrap(), "ws://1");
    advance(TTL).await;
    assert!(matches!(
        ask(&cached).await,
        Err(AccessError::Refused { code: 1_000_001, .. })
    ));
    assert!(matches!(ask(&cached).await, Err(AccessError::Unavailable { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_never_kept() {
    let cached = Cached::new(answering([DOWN, Ok("ws://1")]), TTL);
    assert!(ask(&cached).await.unwrap_err().is_retryable());
    assert_eq!(ask(&cached).await.unwrap(), "ws://1");
}

#[tokio::test(start_paused = true)]
async fn the_answer_for_nobody_in_particular_is_kept_apart() {
    let cached = Cached::new(answering([Ok("ws://1"), Ok("ws://everybody")]), TTL);
    for _ in 0..2 {
        assert_eq!(ask(&cached).await.unwrap(), "ws://1");
        assert_eq!(cached.discover(None).await.unwrap().signal(), ["ws://everybody"]);
    }
}

#[tokio::test(start_paused = true)]
async fn each_app_has_its_own_answer_and_the_oldest_makes_room() {
    let mut mock = MockAccessDiscovery::new();
    // 64 apps, one more, and the first again.
    mock.expect_discover()
        .times(66)
        .returning(|app| AccessPoints::new([format!("ws://{}", app.unwrap())]));
    let cached = Cached::new(mock, TTL);
    for number in 0..=64 {
        let app = app(&number.to_string());
        assert_eq!(
            cached.discover(Some(&app)).await.unwrap().signal(),
            [format!("ws://{number}")]
        );
        advance(Duration::from_millis(1)).await;
    }
    for number in [1, 64, 0] {
        cached.discover(Some(&app(&number.to_string()))).await.unwrap();
    }
}

#[tokio::test]
async fn the_first_that_answers_is_taken_and_no_other_is_asked() {
    let first_of = FirstOf::new(answering([Ok("ws://1")])).or(answering([]));
    assert_eq!(ask(&first_of).await.unwrap(), "ws://1");
    let first_of = FirstOf::new(answering([REFUSED]))
        .or(answering([DOWN]))
        .or(StaticAccess::of("ws://3"));
    assert_eq!(ask(&first_of).await.unwrap(), "ws://3");
}

#[tokio::test]
async fn if_all_fail_the_caller_learns_whether_trying_again_may_help() {
    let first_of = FirstOf::new(answering([REFUSED]))
        .or(answering([SLOW]))
        .or(answering([DOWN]));
    assert!(matches!(ask(&first_of).await, Err(AccessError::TimedOut { .. })));
    let first_of = FirstOf::new(answering([REFUSED])).or(answering([EMPTY]));
    assert!(matches!(ask(&first_of).await, Err(AccessError::Refused { .. })));
    let first_of = FirstOf::new(answering([DOWN])).or(answering([SLOW]));
    assert!(matches!(ask(&first_of).await, Err(AccessError::Unavailable { .. })));
}
