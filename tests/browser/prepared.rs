//! Pages that connect for their media before they join.

use hst_tests::browser::{Browser, Network, Page};
use serde_json::{Value, json};

use crate::{bare_page, e2ee, server, view};

/// Makes a page somebody whose connection for this group is there before he joins.
pub(crate) async fn prepare(page: &Page, user: &str, group: &str) {
    let args = vec![json!(user), json!(group)];
    page.run(include_str!("prepared.js"), args).await;
    page.wait_until("states() === 'connected'").await;
}

/// A page that sees more and more, without an error.
pub(crate) async fn sees(page: &Page) {
    page.wait_until("video.getVideoPlaybackQuality().totalVideoFrames > 10")
        .await;
    assert_eq!(page.run("return errors", Vec::new()).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_prepared_sees_over_the_same_connection_and_nobody_saw_him_before() {
    let (server, browser) = (server().await, Browser::start(Network::Loopback).await);
    let (ann, ben) = tokio::join!(bare_page(&browser, &server), bare_page(&browser, &server));
    view::member(&ann, "ann", true).await;
    ann.run(
        "window.came = []; engine.on('onUserJoinGroup', (userId) => came.push(userId))",
        Vec::new(),
    )
    .await;
    prepare(&ben, "ben", "view").await;
    // What the group is told comes in its order: whoever comes now would come behind him.
    let cas = bare_page(&browser, &server).await;
    view::member(&cas, "cas", false).await;
    ann.wait_until("came.length > 0").await;
    assert_eq!(ann.run("return came", Vec::new()).await, json!(["cas"]));

    ben.run("await engine.joinGroup('view')", Vec::new()).await;
    sees(&ben).await;
    assert_eq!(ben.run("return states()", Vec::new()).await, "connected");
    ben.run("await engine.leaveGroup()", Vec::new()).await;
    assert_eq!(ben.run("return states()", Vec::new()).await, "closed");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_prepared_for_another_group_sees_all_the_same() {
    let (server, browser) = (server().await, Browser::start(Network::Loopback).await);
    let (ann, ben) = tokio::join!(bare_page(&browser, &server), bare_page(&browser, &server));
    view::member(&ann, "ann", true).await;
    prepare(&ben, "ben", "elsewhere").await;
    ben.run("await engine.joinGroup('view')", Vec::new()).await;
    sees(&ben).await;
    assert_eq!(ben.run("return states()", Vec::new()).await, "closed,connected");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_connection_carries_an_encrypted_group_to_who_has_its_key() {
    let (server, browser) = (server().await, Browser::start(Network::Loopback).await);
    let page = || bare_page(&browser, &server);
    let (ann, ben, eve) = tokio::join!(page(), page(), page());
    let key = json!({ "key": "correct horse battery staple", "keyId": 0 });
    e2ee::member(&ann, "ann", key.clone(), true).await;
    tokio::join!(prepare(&ben, "ben", "secret"), prepare(&eve, "eve", "secret"));
    let join = "
        if (args[0]) await engine.setEncryptionKey(args[0]);
        window.decrypted = {};
        engine.on('onMediaDecryption', ({ mediaType, decrypted }) => (window.decrypted[mediaType] = decrypted));
        await engine.joinGroup('secret')";
    // Whether it is encrypted is decided as it is joined, and not before.
    ben.run(join, vec![key]).await;
    sees(&ben).await;
    ben.wait_until("decrypted[1] === true && decrypted[2] === true").await;
    // Without the key packets come, and no picture.
    eve.run(join, vec![Value::Null]).await;
    let count = "
        setInterval(async () => {
          const all = [...(await peers[0].getStats()).values()];
          window.packets = all.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video')?.packetsReceived;
        }, 100)";
    eve.run(count, Vec::new()).await;
    eve.wait_until("window.packets > 50").await;
    let shown = "return video.getVideoPlaybackQuality().totalVideoFrames";
    assert_eq!(eve.run(shown, Vec::new()).await, 0);
    for page in [&ben, &eve] {
        assert_eq!(page.run("return states()", Vec::new()).await, "connected");
    }
    server.shutdown().await;
}
