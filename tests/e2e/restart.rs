//! The server's program is killed, and started again.

use std::{collections::BTreeSet, net::SocketAddr, path::Path, process::Stdio, sync::Arc};

use hst_access::StaticAccess;
use hst_rtc::{Client, ClientBuilder, Event, Events, GroupEvent, Payload, UserId, media::memory::Hub, signal::Limits};
use hst_signal_ws::WsTransport;
use hst_tests::{
    gate::Gate,
    house::{login, user, within},
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, ChildStdout, Command},
    task::JoinSet,
};

use crate::command_line::program;

const CLIENTS: usize = 200;
/// Members of one group.
const GROUP: usize = 10;

/// The program, with the first line that it has said.
struct Program {
    child: Child,
    ready: Value,
    /// Kept open, so that whatever it says later does no harm.
    _stdout: BufReader<ChildStdout>,
}

impl Program {
    async fn start(data_dir: &Path) -> Self {
        let mut child = Command::new(program("hst-server"))
            .args(["--dev", "--json", "--bind", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        within("the server", stdout.read_line(&mut line)).await.unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        Self {
            child,
            ready: said["ready"].clone(),
            _stdout: stdout,
        }
    }

    fn http(&self) -> SocketAddr {
        self.ready["http"].as_str().unwrap().parse().unwrap()
    }

    /// Ends it by SIGKILL: it can neither save nor tell anything.
    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// Somebody who is in a group with nine others.
struct Member {
    name: UserId,
    engine: Client,
    events: Events,
    /// The others, as he was told of them.
    others: BTreeSet<UserId>,
    discontinuities: usize,
}

fn name(index: usize) -> UserId {
    user(&format!("user{index}"))
}

/// Who else is in the group of this one.
fn others(index: usize) -> BTreeSet<UserId> {
    let first = index / GROUP * GROUP;
    (first..first + GROUP).filter(|it| *it != index).map(name).collect()
}

impl Member {
    async fn enter(index: usize, gate: SocketAddr) -> Self {
        let transport = Arc::new(WsTransport::new(Limits::default()));
        let engine = ClientBuilder::new(transport, Arc::new(Hub::new().engine())).build();
        let events = engine.events();
        let access = Arc::new(StaticAccess::of(format!("ws://{gate}/v1/signal")));
        engine.init(access).await.unwrap();
        engine.login(login(name(index).as_str())).await.unwrap();
        engine.join_group(&format!("group{}", index / GROUP)).await.unwrap();
        let mut member = Self {
            name: name(index),
            engine,
            events,
            others: BTreeSet::new(),
            discontinuities: 0,
        };
        member.until(|it| it.others == others(index)).await;
        member
    }

    /// Listens until something holds. Nobody speaks meanwhile.
    async fn until(&mut self, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) {
            assert_eq!(self.next().await, None);
        }
    }

    /// Takes note of the next event; who spoke, if it is a message.
    async fn next(&mut self) -> Option<UserId> {
        match within("an event", self.events.recv()).await.unwrap() {
            Event::Group(GroupEvent::Members(others)) => self.others.extend(others),
            Event::Group(GroupEvent::MemberJoined(other)) => assert!(self.others.insert(other), "told twice"),
            Event::Group(GroupEvent::MemberLeft(other)) => assert!(self.others.remove(&other), "told twice"),
            Event::Group(GroupEvent::Message(message)) => return Some(message.from),
            Event::Reconnecting | Event::Reconnected => {}
            Event::Discontinuity => self.discontinuities += 1,
            other => panic!("{} is told {other:?}", self.name),
        }
        None
    }

    /// Hears each of the others once, and knows by then that exactly these are there.
    async fn hears_all(mut self) {
        let mut heard = BTreeSet::new();
        while heard.len() < GROUP - 1 {
            if let Some(speaker) = self.next().await {
                assert!(heard.insert(speaker.clone()), "{} hears {speaker} twice", self.name);
            }
        }
        assert_eq!(heard, self.others, "{}", self.name);
        assert_eq!(self.discontinuities, 1, "{}", self.name);
    }
}

async fn each<T: Send + 'static>(all: impl Iterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    all.collect::<JoinSet<_>>().join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_all_come_back_into_their_groups_and_are_told_that_they_may_have_missed_something() {
    let folder = tempfile::tempdir().unwrap();
    let server = Program::start(folder.path()).await;
    assert!(
        server.ready["developer"].is_object(),
        "the first start makes a developer"
    );
    let gate = Gate::to(server.http()).await;
    let address = gate.address();
    let members = each((0..CLIENTS).map(|index| Member::enter(index, address))).await;

    gate.shut();
    server.kill().await;
    // As many have looked for it in vain as there are.
    gate.turned_away(CLIENTS).await;
    let server = Program::start(folder.path()).await;
    assert!(server.ready["developer"].is_null(), "what was kept is still there");
    gate.open(server.http());

    let back = each(members.into_iter().map(async |mut member: Member| {
        // In his group again, though he may not have seen yet who else is.
        member.until(|it| it.discontinuities == 1).await;
        member
    }))
    .await;
    for member in &back {
        within("a message", member.engine.send_group_message(Payload::text("here")))
            .await
            .unwrap();
    }
    each(back.into_iter().map(Member::hears_all)).await;
    server.kill().await;
}
