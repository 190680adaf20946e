//! Media between members who came by different nodes.

use hst_rtc::MediaType;
use hst_tests::house::within;

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
    for other in &mut others {
        let (one, another) = (other.published().await, other.published().await);
        for media in [one, another] {
            let kind = media.media_type;
            let mut remote = within("receiving", other.engine.receive(media)).await.unwrap();
            let (_, first) = within("the first frame", remote.read()).await.unwrap();
            assert!(first.keyframe || kind == MediaType::Audio, "a decoder can start");
            see(&mut remote, 60).await;
        }
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
