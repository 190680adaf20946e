use std::sync::Arc;

use hst_cluster::{
    NodeId,
    memory::MemoryCluster,
    pipe::{News, Pipes},
    register,
};
use hst_group::server::{Permissions, Standing};
use hst_id::{AppId, GroupId, UserId};
use hst_proto::{Audience, Class, Payload, Reply, ServerFrame, ToGroup, decode_server, frame_event};
use hst_store::Store;
use tokio::time::{sleep, timeout};

use super::*;
use crate::{
    follow::Feed,
    group::{Greeting, encode},
    handle::{Inbox, SessionId, Word, session},
    hub::Hub,
    life,
    media::Media,
    versions::SPOKEN,
};

const PATIENCE: Duration = Duration::from_secs(60);
const ANN: MemberId = MemberId(1);
const BOB: MemberId = MemberId(7);
const CAT: MemberId = MemberId(8);

fn seat(user: &str) -> Seat {
    Seat::new(UserId::parse(user).unwrap(), Permissions::ordinary())
}

/// Ann's wish to join, and where she hears what comes of it.
fn ann_joins() -> (Message, Inbox) {
    let (session, ann) = session(SessionId(1));
    let Seat { user, permissions, .. } = seat("ann");
    let join = Message::Join {
        member: ANN,
        re: 1,
        user,
        permissions,
        session,
    };
    (join, ann)
}

/// A node on which nobody is but who the test says.
async fn node(cluster: &MemoryCluster, name: &str) -> Owner {
    let (node, boot) = (NodeId::parse(name).unwrap(), 7);
    let epoch = register(cluster, &node, boot, SPOKEN).await.unwrap();
    Owner { node, epoch, boot }
}

/// A group that Ann is in, at its home, and the end that another node has of a pipe to it. Who comes back with that node has not
/// said so yet when Ann says hello.
struct Reunion {
    _lifeline: life::Lifeline,
    _hub: Arc<Hub>,
    _pipes: Pipes,
    ann: Inbox,
    _inbox: mpsc::Sender<Message>,
    branch: Pipe,
}

async fn reunion() -> Reunion {
    let cluster = MemoryCluster::default();
    let shared = Arc::new(cluster.clone());
    let own = Node::join(shared.clone(), shared.clone(), NodeId::parse("n1").unwrap());
    let (lifeline, hub) = Hub::in_memory_as(own.await.unwrap(), Vec::new(), Store::in_memory().unwrap());
    hub.groups.listen(async |_, _| ()).await.unwrap();
    let (app, group) = (AppId::parse("app").unwrap(), GroupId::parse("g").unwrap());
    let inbox = hub.groups.enter((app.clone(), group.clone()), Rules::default());
    let (join, ann) = ann_joins();
    inbox.send(join).await.unwrap();

    let from = node(&cluster, "n2").await;
    let pipes = Pipes::new(shared, &from);
    let mut arrivals = pipes.listen().await.unwrap();
    tokio::spawn(async move { while arrivals.next().await.1.is_empty() {} });
    let last_message = 4;
    let greeting = Greeting {
        version: SPOKEN.newest,
        app,
        group,
        number: 1,
        from,
        standing: Some(Standing {
            last_message,
            locked: false,
        }),
        told: None,
        kept: None,
    };
    let mut branch = pipes.connect(&hub.node.owner(), encode(&greeting));
    // It is welcome.
    let first = timeout(PATIENCE, branch.next()).await.unwrap();
    assert!(matches!(first, News::Message(_)), "{first:?}");
    let (to, class) = (Audience::All, Class::Reliable);
    let body = Payload::text("hello");
    let request = GroupRequest::Message(ToGroup { body, to, class });
    let hello = Message::Request {
        member: ANN,
        re: 2,
        request,
    };
    inbox.send(hello).await.unwrap();
    Reunion {
        _lifeline: lifeline,
        _hub: hub,
        _pipes: pipes,
        ann,
        _inbox: inbox,
        branch,
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_with_his_node_hears_how_the_group_is_before_anything_that_is_said_there() {
    for after in [GRACE / 10, 3 * GRACE / 2, 5 * GRACE] {
        let mut group = reunion().await;
        // tidy: allowed, because time is virtual
        sleep(after).await;
        let (member, seat) = (BOB, seat("bob"));
        group.branch.push(encode(&ToHome::Return { member, seat }));
        group.branch.push(encode(&ToHome::Returned));

        let mut told = Vec::new();
        while told.len() < 2 {
            let News::Message(word) = timeout(PATIENCE, group.branch.next()).await.unwrap() else {
                continue;
            };
            match serde_json::from_slice(&word).unwrap() {
                ToBranch::To {
                    member: BOB,
                    what: ToMember::Event(_),
                } => told.push("how it is"),
                ToBranch::Tell { last_message: 5, .. } => told.push("what was said"),
                _ => {}
            }
        }
        assert_eq!(told, ["how it is", "what was said"], "back after {after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_who_would_come_back_with_a_node_that_is_gone() {
    let mut group = reunion().await;
    let told = timeout(5 * GRACE, async {
        loop {
            if let News::Message(word) = group.branch.next().await
                && let ToBranch::Tell { last_message: 5, .. } = serde_json::from_slice(&word).unwrap()
            {
                return;
            }
        }
    });
    assert!(told.await.is_err(), "all others wait for them");
    group.branch.close().await;
    loop {
        match timeout(GRACE, group.ann.next()).await.unwrap() {
            Ok(Word::Group(ANN, ToMember::Reply { re: 2, result })) => break assert!(result.is_ok()),
            Ok(_) => {}
            Err(gone) => panic!("{gone:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_joins_a_group_before_all_have_come_back_is_told_of_those_who_come_later() {
    let (_lifeline, hub) = Hub::in_memory(Vec::new(), Store::in_memory().unwrap()).await;
    let (app, group) = (AppId::parse("app").unwrap(), GroupId::parse("g").unwrap());
    let (to_group, inbox) = mpsc::channel(1);
    let media = Media::off(hub.life.clone()).open_room(&(app.clone(), group.clone()), &to_group);
    let mut site = Site::new(group.clone(), inbox, media);
    // Where the group was there were three, and all had been told everything. One of them has died with his node.
    site.told = Some(3);
    let (node, life) = (hub.node.clone(), hub.life.clone());
    let follow = Feed::new(node.clone(), hub.registry.clone(), hub.hooks.clone()).follow(app, group);
    let mut home = Home::new(node, Rules::default(), 2, site, follow, life);
    home.take_back(BranchId::HOME.next().member(BOB), seat("bob"));
    let (join, mut ann) = ann_joins();
    home.handle(join).await;
    home.perform_all().await;
    home.take_back(BranchId::HOME.next().member(CAT), seat("cat"));
    // tidy: allowed, because time is virtual
    sleep(2 * GRACE).await;
    home.handle_timeout();
    home.perform_all().await;
    let mut knows = Vec::new();
    while let Ok(Ok(Word::Group(ANN, what))) = timeout(Duration::from_millis(1), ann.next()).await {
        match what {
            ToMember::Reply {
                result: Ok(Reply::Joined(joined)),
                ..
            } => knows.push(joined.members),
            ToMember::Event(body) => {
                let frame = frame_event(None, &body);
                let Ok(ServerFrame::Event {
                    event: Event::Snapshot(joined),
                    ..
                }) = decode_server(&frame)
                else {
                    panic!("{body:?}")
                };
                knows.push(joined.members);
            }
            other => panic!("{other:?}"),
        }
    }
    let [bob, cat] = [seat("bob").user, seat("cat").user];
    assert_eq!(knows, [vec![bob.clone()], vec![bob, cat]]);
}
