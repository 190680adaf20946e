//! Media between members who came by different nodes.

use hst_rtc::MediaType;
use hst_server::DEV_APP_ID;
use hst_tests::{backend::Backend, house::within};

use crate::{Cluster, see, show, watch};

#[tokio::test(flavor = "multi_thread")]
async fn members_of_three_nodes_see_and_hear_each_other() {
    let cluster = Cluster::of(3).await;
    let ann = cluster.nodes[1].member("ann", "g").await;
    // By the home, and by another branch.
    let mut others = vec![
        cluster.nodes[0].member("bob", "g").await,
        cluster.nodes[1].member("carl", "g").await,
        cluster.nodes[2].member("dora", "g").await,
    ];
    show(&ann).await;
    let mut receiving = Vec::new();
    for other in &mut others {
        let (one, another) = (other.published().await, other.published().await);
        for media in [one, another] {
            let kind = media.media_type;
            let mut remote = within("receiving", other.engine.receive(media)).await.unwrap();
            let (_, first) = within("the first frame", remote.read()).await.unwrap();
            assert!(first.keyframe || kind == MediaType::Audio, "a decoder can start");
            see(&mut remote, 60).await;
            receiving.push(remote);
        }
    }
    // Every node tells of all of them.
    let ways: Vec<_> = ["voice", "film"]
        .into_iter()
        .flat_map(|media| [None, Some("bob"), Some("carl"), Some("dora")].map(|to| (media, to)))
        .collect();
    let backend = Backend::of(&cluster.nodes[0].server).await;
    for node in &cluster.nodes {
        let path = format!("/v1/apps/{DEV_APP_ID}/groups/g/stats");
        let told = backend
            .at(&node.server)
            .get_when(&path, |told| told["total"] == 8)
            .await;
        let streams = told["streams"].as_array().unwrap();
        assert!(
            streams
                .iter()
                .map(|it| (it["media"].as_str().unwrap(), it["receiver"].as_str()))
                .eq(ways.iter().copied()),
            "{told}"
        );
        assert!(streams.iter().all(|it| it["bitrate"].as_u64() > Some(0)), "{told}");
        assert_eq!(told["missing"], serde_json::Value::Null);
        let part = backend.at(&node.server).get(&format!("{path}?offset=3&limit=2")).await;
        let part: Vec<_> = part["streams"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["receiver"].as_str())
            .collect();
        assert_eq!(part, [Some("dora"), None]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_late_by_another_node_sees_what_is_shown() {
    let cluster = Cluster::of(2).await;
    let ann = cluster.nodes[0].member("ann", "g").await;
    show(&ann).await;
    let mut late = cluster.nodes[1].member("late", "g").await;
    let mut film = watch(&mut late).await;
    see(&mut film, 60).await;
}
