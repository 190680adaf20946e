//! What every [`AccessDiscovery`] owes its caller, as test functions.
//!
//! [`access_contract!`](crate::access_contract) makes tests of them.

use std::{collections::BTreeSet, future::Future, pin::pin, task::Poll};

use hst_id::AppId;

use crate::{AccessDiscovery, AccessPoints};

/// A discovery that can answer, and an app that it knows.
#[derive(Debug)]
pub struct Fixture {
    /// What is tested.
    pub access: Box<dyn AccessDiscovery>,
    /// An app that it knows.
    pub app: AppId,
    /// Whatever must live as long as the test does, such as a server.
    pub keep: Box<dyn std::any::Any + Send>,
}

async fn answer(fixture: &Fixture) -> AccessPoints {
    fixture
        .access
        .discover(Some(&fixture.app))
        .await
        .expect("the fixture can answer")
}

/// There is at least one signalling address, each is a URL, and none comes twice.
pub async fn an_answer_names_different_urls(fixture: Fixture) {
    let points = answer(&fixture).await;
    assert!(!points.signal().is_empty());
    let different: BTreeSet<&String> = points.signal().iter().collect();
    assert_eq!(different.len(), points.signal().len(), "{points:?}");
    for url in points.signal() {
        let (scheme, rest) = url.split_once("://").expect("a scheme");
        assert!(!scheme.is_empty() && !rest.is_empty(), "{url:?}");
        assert!(url.chars().all(|c| c.is_ascii_graphic()), "{url:?}");
    }
}

/// Every ICE server has an address.
pub async fn an_ice_server_has_an_address(fixture: Fixture) {
    let points = answer(&fixture).await;
    assert!(
        points.ice_servers().iter().all(|server| !server.urls.is_empty()),
        "{points:?}"
    );
}

/// An engine may ask before it knows its app.
pub async fn a_question_without_an_app_is_answered(fixture: Fixture) {
    let points = fixture.access.discover(None).await.expect("the fixture can answer");
    assert!(!points.signal().is_empty());
}

/// It may be asked again, and by several at once.
pub async fn several_may_ask_at_once(fixture: Fixture) {
    let (a, b, c) = tokio::join!(answer(&fixture), answer(&fixture), answer(&fixture));
    assert!([a, b, c].iter().all(|points| !points.signal().is_empty()));
    answer(&fixture).await;
}

/// A question that is dropped half-way does not spoil the next.
pub async fn a_dropped_question_leaves_nothing_behind(fixture: Fixture) {
    for polls in 0..3 {
        let mut question = pin!(fixture.access.discover(Some(&fixture.app)));
        for _ in 0..polls {
            let done = std::future::poll_fn(|cx| Poll::Ready(question.as_mut().poll(cx).is_ready())).await;
            if done {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    answer(&fixture).await;
}

/// Makes a module of tests from an expression that makes a [`Fixture`]; it may `.await`. The crate that uses it needs
/// `tokio` with its macros.
#[macro_export]
macro_rules! access_contract {
    ($module:ident, $fixture:expr) => {
        mod $module {
            use super::*;

            $crate::access_contract! { @ $fixture;
                an_answer_names_different_urls
                an_ice_server_has_an_address
                a_question_without_an_app_is_answered
                several_may_ask_at_once
                a_dropped_question_leaves_nothing_behind
            }
        }
    };
    (@ $fixture:expr; $($law:ident)*) => {
        $(
            #[tokio::test]
            async fn $law() {
                $crate::contract::$law($fixture).await;
            }
        )*
    };
}
