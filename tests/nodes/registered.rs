//! What is registered on the platform, when NATS servers die and lose their disks.

use hst_tests::{backend::Backend, house::within};

use crate::Cluster;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_registered_is_on_all_nodes_and_outlives_the_disk_of_the_nats_server() {
    let mut cluster = Cluster::of(2).await;
    let [one, two] = &cluster.nodes[..] else {
        unreachable!("there are two")
    };
    assert!(two.server.new_developer().is_none(), "the first node has made one");
    let backend = Backend::of(&one.server).await;
    let app = backend
        .send("POST", "/v1/app", r#"{"app_name":"a","status":"online","service":[]}"#)
        .await;
    let id = app["app_id"].as_str().unwrap().to_owned();
    let elsewhere = backend.at(&two.server);
    let bans = format!("/v1/apps/{id}/bans");
    for number in 0..50 {
        let ban = format!(r#"{{"user":"user-{number}"}}"#);
        let by = if number % 2 == 0 { &backend } else { &elsewhere };
        assert_eq!(by.send("POST", &bans, &ban).await["code"], 0);
    }
    for by in [&backend, &elsewhere] {
        assert_eq!(by.get(&bans).await["total"], 50);
    }

    cluster.nats.kill().await;
    let refused = elsewhere.send("DELETE", &format!("{bans}?user=user-1"), "").await;
    assert_eq!(refused["code"], 606_000_006, "{refused}");
    assert_eq!(elsewhere.get(&bans).await["total"], 50);

    // What stood there is gone; nodes bring it back, and what comes then comes on top of it.
    cluster.nats.empty();
    cluster.nats.restart().await;
    within("a change", async {
        while elsewhere.send("DELETE", &format!("{bans}?user=user-1"), "").await["code"] != 0 {}
    })
    .await;
    let late = crate::House::node(&cluster.nats.url(), "n3").await;
    assert!(late.server.new_developer().is_none());
    backend
        .at(&late.server)
        .get_when(&bans, |answer| answer["total"] == 49)
        .await;
    assert_eq!(backend.get(&bans).await["total"], 49);
}
