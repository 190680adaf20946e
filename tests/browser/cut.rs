//! Pages in a call whose cable is cut: signalling and media at once, and nobody is told.

use std::time::Duration;

use hst_server::RunningServer;
use hst_tests::{
    browser::{Browser, Network, Page},
    link::Link,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::{bare_page, bare_page_of, call::all_flows, lead, server_with_one_way_in};

/// Of a call whose answer was lost with the session.
const OUTCOME_UNKNOWN: u32 = 302;

/// The result of a call.
const FINISHED_BY_CALLEE: u32 = 5;

/// Ann and Cid are behind the link, and Ben is not. Cid only listens.
struct Call {
    ann: Page,
    ben: Page,
    cid: Page,
}

impl Call {
    async fn begin(browser: &Browser, server: &RunningServer, link: &Link) -> Self {
        let origin = link.origin();
        let (ann, ben, cid) = tokio::join!(
            bare_page_of(browser, &origin),
            bare_page(browser, server),
            bare_page_of(browser, &origin)
        );
        for page in [&ann, &cid] {
            lead(page, &link.detour).await;
        }
        for (page, user, only_listens) in [(&ann, "ann", false), (&ben, "ben", false), (&cid, "cid", true)] {
            let args = vec![json!(user), json!("cut"), json!(only_listens)];
            page.run(include_str!("call.js"), args).await;
        }
        let call = Self { ann, ben, cid };
        tokio::join!(
            all_flows(&call.ann, &["ben"]),
            all_flows(&call.ben, &["ann"]),
            all_flows(&call.cid, &["ann", "ben"])
        );
        for page in call.pages() {
            page.run(include_str!("lost_connection.js"), Vec::new()).await;
            page.run(include_str!("cut.js"), Vec::new()).await;
        }
        call
    }

    fn pages(&self) -> [&Page; 3] {
        [&self.ann, &self.ben, &self.cid]
    }

    /// Waits until everybody sees and hears everybody, in the elements themselves.
    async fn plays(&self) {
        tokio::join!(
            play(&self.ann, &["ben"]),
            play(&self.ben, &["ann"]),
            play(&self.cid, &["ann", "ben"])
        );
    }
}

/// Waits until pictures and sounds of these users go on where they are shown. A media may be anew, so that it had no
/// figures before, nor has in those that were taken last.
async fn play(page: &Page, users: &[&str]) {
    page.run("window.before = await figures()", Vec::new()).await;
    for user in users {
        for (media, figure, least) in [
            ("video", "shown", 15),
            ("video", "played", 0),
            ("audio", "energy", 0),
            ("audio", "played", 0),
        ] {
            let of = format!("['{user} {media}']?.{figure}");
            page.wait_until(&format!("now{of} > (before{of} ?? 0) + {least}")).await;
        }
    }
}

async fn run(page: &Page, script: &str) -> Value {
    page.run(script, Vec::new()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_cut_of_5_s_everything_goes_on_as_if_nothing_had_been() {
    let (server, browser) = (server_with_one_way_in().await, Browser::start(Network::Loopback).await);
    let link = Link::to(&server, Duration::ZERO).await;
    let call = Call::begin(&browser, &server, &link).await;
    let Call { ann, ben, cid } = &call;

    link.cut();
    let end = Instant::now() + Duration::from_secs(5);
    run(ann, "say('a1', 'a2', 'a3')").await;
    run(ben, "say('b1', 'b2', 'b3')").await;
    ben.wait_until("outcomes.length === 3").await;
    sleep_until(end - Duration::from_secs(1)).await;
    let frozen = run(ben, "return (await figures())['ann video'].frames").await;
    sleep_until(end).await;
    assert_eq!(run(ben, "return (await figures())['ann video'].frames").await, frozen);
    assert_eq!(run(ann, "return [told.messages, outcomes]").await, json!([[], []]));

    link.mend();
    ann.wait_until("outcomes.length === 3").await;
    call.plays().await;
    for (page, user) in call.pages().into_iter().zip(["ann", "ben", "cid"]) {
        // What would come twice or late comes before this.
        run(
            page,
            &format!("await codeOf(engine.sendGroupMsg({{ msg: 'end of {user}' }}))"),
        )
        .await;
    }
    for (page, expected) in [
        (ann, ["b1", "b2", "b3", "end of ben", "end of cid"].as_slice()),
        (ben, &["a1", "a2", "a3", "end of ann", "end of cid"]),
    ] {
        page.wait_until("told.messages.includes('end of cid')").await;
        assert_eq!(run(page, "return told.messages").await, json!(expected));
        assert_eq!(run(page, "return outcomes").await, json!([0, 0, 0]));
    }
    for page in call.pages() {
        assert_eq!(
            run(page, "return told.group").await,
            json!([]),
            "nobody has come or gone"
        );
        assert_eq!(
            run(page, "return told.connection").await,
            json!([]),
            "the connections were not lost"
        );
        let changes = run(page, "return [interruptions, added, peers.length]").await;
        assert_eq!(changes, json!([[], [], 1]), "and neither were the elements");
    }
    assert_eq!(
        run(cid, "return told.messages.toSorted()").await,
        json!(["a1", "a2", "a3", "b1", "b2", "b3", "end of ann", "end of ben"])
    );
    server.shutdown().await;
}

/// Longer than a session waits for its client, which is 60 s from when the server misses it.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_cut_of_90_s_who_was_away_joins_publishes_and_plays_anew_in_the_same_elements() {
    let (server, mut browser) = (server_with_one_way_in().await, Browser::start(Network::Loopback).await);
    let link = Link::to(&server, Duration::ZERO).await;
    let call = Call::begin(&browser, &server, &link).await;
    let Call { ann, ben, cid } = &call;
    run(
        ann,
        "await engine.makeCall({ groupId: 'cut', calleeType: 4, calleeId: 'ben' })",
    )
    .await;
    ann.wait_until("calls.length === 1").await;

    link.cut();
    let end = Instant::now() + Duration::from_secs(90);
    run(ann, "say('unknown')").await;
    run(ben, "say('missed')").await;
    browser
        .stand_aside(async {
            for page in [ann, cid] {
                page.wait_until("told.connection.length === 1").await;
            }
            run(ann, "say('late')").await;
            sleep_until(end).await;
        })
        .await;
    let gone = json!([
        ["onUnPublishMedia", "ann"],
        ["onUnPublishMedia", "ann"],
        ["onUserLeaveGroup", "ann"],
        ["onUserLeaveGroup", "cid"],
    ]);
    assert_eq!(run(ben, "return told.group.splice(0).toSorted()").await, gone);
    assert_eq!(run(ann, "return [told.group, outcomes]").await, json!([[], []]));

    link.mend();
    for page in [ann, cid] {
        page.wait_until("told.connection.length === 3").await;
        let expected = ["onReconnecting", "onReconnected", "onDiscontinuity login"];
        assert_eq!(run(page, "return told.connection").await, json!(expected));
    }
    ben.wait_until("added.length === 2").await;
    call.plays().await;
    let back = json!([
        ["onPublishMedia", "ann"],
        ["onPublishMedia", "ann"],
        ["onUserJoinGroup", "ann"],
        ["onUserJoinGroup", "cid"],
    ]);
    assert_eq!(run(ben, "return told.group.toSorted()").await, back);
    assert_eq!(run(ben, "return told.connection").await, json!([]));
    for page in [ann, cid] {
        assert_eq!(
            run(page, "return changesOf('ben')").await,
            json!([]),
            "its elements just go on"
        );
        let of_ben = run(page, "return told.group.filter(([, user]) => user === 'ben')").await;
        assert_eq!(of_ben, json!([]), "he was there all the time");
    }

    // Neither end has heard of the other one any more.
    ben.wait_until("calls.includes('onCallRelease')").await;
    ann.wait_until("calls.includes('onCallRelease')").await;
    assert_eq!(run(ben, "return calls").await, json!(["onFinishCall", "onCallRelease"]));
    let expected = json!([0, FINISHED_BY_CALLEE, "onCallFinished", "onCallRelease"]);
    assert_eq!(run(ann, "return calls").await, expected);

    // Nobody knows whether the first one was carried out; the second one had not left yet.
    ann.wait_until("outcomes.length === 2").await;
    assert_eq!(run(ann, "return outcomes").await, json!([OUTCOME_UNKNOWN, 0]));
    run(ben, "say('end')").await;
    for page in [ann, cid] {
        page.wait_until("told.messages.includes('end')").await;
        // Cid may have been back before Ann said it.
        let heard = run(page, "return told.messages.filter((text) => text !== 'late')").await;
        assert_eq!(heard, json!(["end"]));
    }
    assert_eq!(run(ben, "return told.messages").await, json!(["late"]));
    server.shutdown().await;
}
