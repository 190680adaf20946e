use std::sync::Arc;

use hst_cluster::{NodeId, memory::MemoryCluster};
use hst_group::server::{GroupRequest, MemberId, Permissions, Rules, ToMember};
use hst_id::{MediaType, UserId};
use hst_store::Store;

use super::*;
use crate::{
    handle::{Inbox, SessionId, Word, session},
    life::Lifeline,
    node::Node,
};

async fn node(cluster: &MemoryCluster, name: &str) -> (Lifeline, Arc<Hub>) {
    let (directory, bus) = (Arc::new(cluster.clone()), Arc::new(cluster.clone()));
    let node = Node::join(directory, bus, NodeId::parse(name).unwrap()).await.unwrap();
    let (lifeline, hub) = Hub::in_memory_as(node, Vec::new(), Store::in_memory().unwrap());
    hub.clone().listen_to_nodes().await.unwrap();
    let receiving = hub.clone();
    let receive = move |pipe, offered| receiving.clone().receive_session(pipe, offered);
    hub.groups.listen(receive).await.unwrap();
    hub.join_fleet().await.unwrap();
    (lifeline, hub)
}

/// A session that is in the group by one node.
struct Member {
    id: MemberId,
    group: mpsc::Sender<Message>,
    inbox: Inbox,
}

impl Member {
    async fn join(hub: &Hub, groups: &Arc<crate::groups::Groups>, name: &str) -> Self {
        let (id, group) = (groups.next_member(), groups.enter(key(), Rules::default()));
        let (handle, inbox) = session(SessionId(hub.next_session()));
        let join = Message::Join {
            member: id,
            re: 1,
            user: UserId::parse(name).unwrap(),
            permissions: Permissions::ordinary(),
            session: handle,
        };
        group.send(join).await.unwrap();
        let mut member = Self { id, group, inbox };
        member.answer().await;
        member
    }

    async fn ask(&mut self, request: GroupRequest) {
        let (member, re) = (self.id, 2);
        self.group.send(Message::Request { member, re, request }).await.unwrap();
        self.answer().await;
    }

    async fn answer(&mut self) {
        loop {
            if let Word::Group(_, ToMember::Reply { result, .. }) = self.inbox.next().await.unwrap() {
                return drop(result.unwrap());
            }
        }
    }

    /// Waits for an event, as JSON that begins so.
    async fn event(&mut self, start: &str) {
        loop {
            if let Word::Group(_, ToMember::Event(body) | ToMember::Removed(body)) = self.inbox.next().await.unwrap()
                && body.as_json().starts_with(start)
            {
                return;
            }
        }
    }
}

fn key() -> GroupKey {
    (AppId::parse("app").unwrap(), GroupId::parse("g").unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_group_is_looked_at_and_acted_on_by_any_node() {
    let cluster = MemoryCluster::default();
    let mut nodes = Vec::new();
    for name in ["home", "branch", "neither"] {
        nodes.push(node(&cluster, name).await);
    }
    let (app, group) = key();
    let mut ann = Member::join(&nodes[0].1, &nodes[0].1.groups, "ann").await;
    let mut bob = Member::join(&nodes[1].1, &nodes[1].1.groups, "bob").await;
    bob.ask(GroupRequest::Publish {
        media_type: MediaType::Audio,
        media: "mic".parse().unwrap(),
        name: String::new(),
    })
    .await;
    for (_, hub) in &nodes {
        assert_eq!(hub.groups_of(&app).await.unwrap(), std::slice::from_ref(&group));
        let view = hub.look(&app, &group).await.unwrap();
        assert_eq!(view.members, ["ann", "bob"].map(|name| UserId::parse(name).unwrap()));
        assert_eq!(view.media.len(), 1);
        for locked in [true, false] {
            hub.govern(&app, &group, Governance::Lock { locked }).await.unwrap();
            let told = format!("{{\"locked\":{{\"locked\":{locked}");
            tokio::join!(ann.event(&told), bob.event(&told));
        }
        let nobody = Governance::Kick {
            user: UserId::parse("cat").unwrap(),
            ban: None,
        };
        let refused = hub.govern(&app, &group, nobody).await.unwrap_err();
        assert!(matches!(refused, Refused::NotInGroup(_)), "{refused}");
        let elsewhere = GroupId::parse("h").unwrap();
        let refused = hub.look(&app, &elsewhere).await.unwrap_err();
        assert!(matches!(refused, Refused::NoSuchGroup), "{refused}");
    }
    let kick = Governance::Kick {
        user: UserId::parse("bob").unwrap(),
        ban: None,
    };
    nodes[2].1.govern(&app, &group, kick).await.unwrap();
    bob.event("{\"removed\"").await;
    ann.event("{\"unpublished\"").await;
    ann.event("{\"member_left\"").await;
}

#[tokio::test(start_paused = true)]
async fn what_garbage_other_nodes_send_changes_nothing() {
    let cluster = MemoryCluster::default();
    let (_lifeline, home) = node(&cluster, "home").await;
    let (_other_lifeline, other) = node(&cluster, "other").await;
    let mut ann = Member::join(&home, &home.groups, "ann").await;
    let owner = home.node.owner();
    let number = home.groups.placement.find(&key()).await.unwrap();
    assert_eq!(number, Some(owner.clone()));
    let garbage = [
        "",
        "{",
        "[]",
        "{\"join\":{}}",
        "{\"gone\":-1}",
        "{\"sing\":1}",
        "{\"gone\":99}",
    ];
    for greeting in garbage {
        let mut pipe = other.node.pipes.connect(&owner, greeting.into());
        while pipe.next().await != hst_cluster::pipe::News::Ended {}
    }
    let greeting = |version| crate::group::Greeting {
        version,
        app: key().0,
        group: key().1,
        number: 1,
        from: other.node.owner(),
        standing: None,
        told: None,
        kept: None,
    };
    let later = crate::group::encode(&greeting(crate::versions::SPOKEN.newest + 1));
    let mut pipe = other.node.pipes.connect(&owner, later);
    while pipe.next().await != hst_cluster::pipe::News::Ended {}
    let mut pipe = other
        .node
        .pipes
        .connect(&owner, crate::group::encode(&greeting(crate::versions::SPOKEN.newest)));
    for word in garbage {
        pipe.push(word.into());
    }
    let all = async { while pipe.next().await != hst_cluster::pipe::News::Delivered(garbage.len() as u64) {} };
    timeout(PATIENCE, all).await.unwrap();
    ann.ask(GroupRequest::Message(hst_proto::ToGroup {
        body: Payload::text("still here"),
        to: hst_proto::Audience::All,
        class: hst_proto::Class::Reliable,
    }))
    .await;
    assert_eq!(home.look(&key().0, &key().1).await.unwrap().members.len(), 1);
}
