//! What an engine may do when, and what is left of it afterwards.

use hst_tests::browser::{Browser, Network};
use serde_json::json;

use crate::{bare_page, server};

#[tokio::test(flavor = "multi_thread")]
async fn every_call_before_init_fails_with_code_2() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let page = bare_page(&browser, &server).await;
    let script = "
        const engine = new HstRtcEngine();
        const video = document.createElement('video');
        return Promise.all([
            engine.login({ ...credentials, userId: 'user1' }),
            engine.joinGroup('g'),
            engine.leaveGroup(),
            engine.exit(),
            engine.logout(),
            engine.startPublishMedia(1, null),
            engine.startReceiveMedia('user2', 2, 'film'),
            engine.setMediaRender('user2', 2, 'film', video),
            engine.getMediaDevices(),
            engine.getStreamStats({ userId: 'user2', mediaType: 2, mediaId: 'film' }, () => {}),
            engine.sendGroupMsg({ msg: 'hello' }),
        ].map(codeOf))";
    assert_eq!(page.run(script, Vec::new()).await, json!(vec![2; 11]));
    // These are allowed at any time, and do nothing here.
    let script = "
        const engine = new HstRtcEngine();
        engine.destroy();
        return Promise.all([
            engine.stopPublishMedia(1),
            engine.stopReceiveMedia('user2', 2, 'film'),
            engine.unsetMediaRender('user2', 2, document.createElement('video')),
        ].map(codeOf))";
    assert_eq!(page.run(script, Vec::new()).await, json!(vec![0; 3]));
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_ids_and_calls_out_of_turn_have_their_codes() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let page = bare_page(&browser, &server).await;
    let script = "
        const [first, second] = [new HstRtcEngine(), new HstRtcEngine()];
        await Promise.all([first.init(), second.init()]);
        const codes = {};
        const login = (engine, userId) => codeOf(engine.login({ ...credentials, userId }));

        codes.users = [];
        for (const id of ['', null, 'a b', 'ü', 'x'.repeat(129)]) codes.users.push(await login(first, id));
        codes.early = [await codeOf(first.init()), await codeOf(first.joinGroup('g')), await codeOf(first.exit())];

        codes.longest = await login(first, 'x'.repeat(128));
        codes.again = await login(first, 'x'.repeat(128));
        codes.twice = await login(second, 'x'.repeat(128));
        await first.exit();
        codes.after = await login(second, 'x'.repeat(128));

        codes.groups = [];
        for (const id of ['', null, 'a b', 'ü', 'x'.repeat(129)]) codes.groups.push(await codeOf(second.joinGroup(id)));
        codes.outside = [await codeOf(second.leaveGroup()), await codeOf(second.startPublishMedia(2, null))];
        codes.join = [await codeOf(second.joinGroup('x'.repeat(128))), await codeOf(second.joinGroup('another'))];
        second.destroy();
        return codes";
    let expected = json!({
        "users": vec![1_000_006; 5],
        "early": [2, 35, 35],
        "longest": 0,
        "again": 2,
        "twice": [34, 1_000_008],
        "after": 0,
        "groups": vec![1; 5],
        "outside": [31, 31],
        "join": [0, 2],
    });
    assert_eq!(page.run(script, Vec::new()).await, expected);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_exiting_and_destroying_stop_everything_and_the_same_engine_comes_back() {
    let (server, browser) = (server().await, Browser::start_beside_others(Network::Loopback).await);
    let page = bare_page(&browser, &server).await;
    page.run(include_str!("life.js"), Vec::new()).await;

    let ways_out = ["engine.leaveGroup()", "engine.exit()", "engine.destroy()"];
    let ways_in = [
        "await engine.init(); await login('engine'); await engine.joinGroup('life')",
        "await engine.joinGroup('life')",
        "await login('engine'); await engine.joinGroup('life')",
        "await engine.init(); await login('engine'); await engine.joinGroup('life')",
    ];
    for (index, way_in) in ways_in.into_iter().enumerate() {
        page.run(way_in, Vec::new()).await;
        page.wait_until("events.engine.length > 0").await;
        let heard = page.run("return events.engine", Vec::new()).await;
        assert_eq!(heard, json!([["onGroupUserList", ["witness"]]]), "after {way_in}");
        page.wait_until("is('witness', 'onUserJoinGroup')").await;

        let Some(way_out) = ways_out.get(index) else { break };
        page.run("await publish()", Vec::new()).await;
        page.wait_until("is('witness', 'onPublishMedia')").await;
        let script = format!(
            "events.engine.length = events.witness.length = 0;
             const left = {way_out};
             const atOnce = [track.readyState, preview.srcObject, peers.at(-1).connectionState];
             await left;
             return atOnce"
        );
        let at_once = page.run(&script, Vec::new()).await;
        assert_eq!(at_once, json!(["ended", null, "closed"]), "by {way_out}");
        page.wait_until("is('witness', 'onUserLeaveGroup')").await;
        let told = page.run("return events.witness.splice(0)", Vec::new()).await;
        let expected = json!([["onUnPublishMedia", "engine"], ["onUserLeaveGroup", "engine"]]);
        assert_eq!(told, expected, "by {way_out}");
        // Nobody is there to hear it: the next thing that the engine hears is the list of the next stay.
        page.run("await witness.sendGroupMsg({ msg: 'still there?' })", Vec::new())
            .await;
    }
    page.run("engine.destroy(); witness.destroy()", Vec::new()).await;
    server.shutdown().await;
}
