//! A device of a user, on which one engine after another lives.

use std::{collections::BTreeSet, time::Duration};

use hst_auth::{AppId, AppSecret, Right, TokenIssuer, TokenRequest, UnixMillis};
use hst_cluster::simulated::Dice;
use hst_group::client::{GroupEvent, LoginOptions, Refusal, SessionEvent, State};
use hst_proto::{Audience, Class, OnlinePage, Payload, Reply, ToGroup};
use hst_server::{DEV_APP_ID, DEV_APP_SECRET};
use tokio::time::{Instant, sleep_until};

use super::{
    ledger::{Entry, Ledger},
    world::{World, millis},
};
use crate::common::{roamer::Roamer, user};

/// Groups to which citizens go.
const GROUPS: [&str; 2] = ["g", "h"];
/// Longer than anything waits for an answer, also through a storm.
const PATIENCE: Duration = Duration::from_secs(150);

pub(crate) struct Citizen {
    pub(crate) user: String,
    pub(crate) device: usize,
    pub(crate) ledger: Ledger,
    world: World,
    dice: Dice,
    token: String,
    engines: usize,
    pub(crate) engine: Option<Engine>,
    /// Who was online when it asked last.
    pub(crate) seen: BTreeSet<String>,
}

/// One engine, and how it sees its group.
pub(crate) struct Engine {
    pub(crate) name: String,
    pub(crate) roamer: Roamer,
    /// The last that it has asked to join.
    pub(crate) group: &'static str,
    /// The others in it, as it was told.
    pub(crate) others: BTreeSet<String>,
    said: usize,
}

impl Citizen {
    pub(crate) fn new(user: String, device: usize, ledger: Ledger, world: World, dice: Dice) -> Self {
        Self {
            user,
            device,
            ledger,
            world,
            dice,
            token: token(),
            engines: 0,
            engine: None,
            seen: BTreeSet::new(),
        }
    }

    /// Comes and goes, joins, speaks, loses its connection and dies.
    pub(crate) async fn live(&mut self, calm: Instant) {
        loop {
            let next = Instant::now() + millis(&mut self.dice, 20, 700);
            self.rest_until(next.min(calm)).await;
            if Instant::now() >= calm {
                return;
            }
            match self.engine.as_ref().map(|engine| engine.roamer.session.state()) {
                None | Some(State::Inited) => {
                    let force = self.dice.comes_to_pass(400);
                    self.log_in(force).await;
                }
                Some(State::LoggedIn) => self.outside().await,
                Some(State::Joined) => self.inside().await,
                Some(_) => {}
            }
        }
    }

    /// Does nothing but what its engine does by itself.
    pub(crate) async fn rest_until(&mut self, until: Instant) {
        match &mut self.engine {
            Some(engine) => engine.roamer.live_until(sleep_until(until)).await,
            None => sleep_until(until).await,
        }
        self.note();
    }

    async fn outside(&mut self) {
        match self.dice.below(10) {
            0..6 => {
                let group = GROUPS[self.dice.below(GROUPS.len())];
                let _ = self.join(group).await;
            }
            6 => self.cut(),
            7 => self.exit().await,
            8 => drop(self.online().await),
            _ => {}
        }
    }

    async fn inside(&mut self) {
        match self.dice.below(20) {
            0..10 => drop(self.say().await),
            10..13 => {
                for _ in 0..4 {
                    let _ = self.say().await;
                }
            }
            13 => self.leave().await,
            14 => self.kick().await,
            15 | 16 => self.cut(),
            17 if self.dice.comes_to_pass(300) => {
                self.note();
                self.engine = None;
            }
            18 if self.dice.comes_to_pass(300) => self.exit().await,
            _ => {}
        }
    }

    pub(crate) async fn log_in(&mut self, force: bool) -> bool {
        self.note();
        self.engines += 1;
        let name = format!("{}.{}.{}", self.user, self.device, self.engines);
        let hosts = self.hosts();
        let mut roamer = Roamer::new(&self.world.network, hosts, self.dice.throw());
        roamer.patience = PATIENCE;
        let options = LoginOptions {
            force,
            ..LoginOptions::new(DEV_APP_ID, self.token.clone(), self.user.clone())
        };
        self.ledger.write(&name, Entry::Begins);
        let outcome = roamer.ask(|session, now| session.login(now, options)).await;
        self.ledger
            .write(&name, Entry::LoggedIn(outcome.as_ref().err().map(code)));
        self.engine = Some(Engine {
            name,
            roamer,
            group: "",
            others: BTreeSet::new(),
            said: 0,
        });
        self.note();
        outcome.is_ok()
    }

    /// All nodes, in any order.
    fn hosts(&mut self) -> Vec<String> {
        let mut hosts: Vec<_> = (0..self.world.nodes).map(World::name).collect();
        for at in 1..hosts.len() {
            hosts.swap(at, self.dice.below(at + 1));
        }
        hosts
    }

    /// The connection is lost, and the next may be to any node.
    fn cut(&mut self) {
        let hosts = self.hosts();
        let stays = self.dice.comes_to_pass(500);
        let Some(engine) = &mut self.engine else { return };
        if !stays {
            engine.roamer.hosts = hosts;
            engine.roamer.moved_to.clear();
        }
        engine.roamer.cut();
        self.ledger.count(|counts| counts.cuts += 1);
    }

    pub(crate) async fn join(&mut self, group: &'static str) -> Result<Reply, Refusal> {
        let engine = self.engine.as_mut().expect("there is one");
        engine.group = group;
        let joined = engine.roamer.ask(|session, now| session.join(now, group)).await;
        self.note();
        joined
    }

    async fn leave(&mut self) {
        let engine = self.engine.as_mut().expect("there is one");
        // What is told until here is told within the group, and nothing after it.
        let left = engine.roamer.ask(|session, now| session.leave(now)).await;
        self.note();
        if left.is_ok() {
            self.write(Entry::Out);
        }
    }

    pub(crate) async fn exit(&mut self) {
        let engine = self.engine.as_mut().expect("there is one");
        let _ = engine.roamer.ask(|session, now| session.exit(now)).await;
        self.note();
        self.write(Entry::Out);
    }

    async fn kick(&mut self) {
        let engine = self.engine.as_mut().expect("there is one");
        let others: Vec<_> = engine.others.iter().cloned().collect();
        if others.is_empty() {
            return;
        }
        let other = user(&others[self.dice.below(others.len())]);
        let kicked = engine.roamer.ask(|session, now| session.kick(now, other, None)).await;
        self.ledger.count(|counts| counts.kicks += usize::from(kicked.is_ok()));
        self.note();
    }

    /// Says something that nobody has said before.
    pub(crate) async fn say(&mut self) -> Result<(), Refusal> {
        let engine = self.engine.as_mut().expect("there is one");
        engine.said += 1;
        let words = format!("{}:{}", engine.name, engine.said);
        self.ledger.says(&words, &engine.name, engine.group);
        let message = ToGroup {
            body: Payload::text(&words),
            to: Audience::All,
            class: Class::Reliable,
        };
        let said = engine.roamer.ask(|session, now| session.message(now, message)).await;
        self.note();
        match said {
            Ok(Reply::Sent { seq }) => {
                self.ledger.acknowledged(&words, seq);
                Ok(())
            }
            Ok(other) => panic!("not sent: {other:?}"),
            Err(why) => {
                self.ledger.unsaid(&words, &why);
                Err(why)
            }
        }
    }

    /// Who is online, as the platform says.
    pub(crate) async fn online(&mut self) -> Result<BTreeSet<String>, Refusal> {
        let engine = self.engine.as_mut().expect("there is one");
        let page = OnlinePage {
            after: None,
            limit: 100,
        };
        let online = engine.roamer.ask(|session, now| session.online_page(now, page)).await;
        self.note();
        match online? {
            Reply::Online(online) => Ok(online.users.iter().map(|it| it.user.to_string()).collect()),
            other => panic!("nobody is online: {other:?}"),
        }
    }

    fn write(&self, entry: Entry) {
        if let Some(engine) = &self.engine {
            self.ledger.write(&engine.name, entry);
        }
    }

    /// Takes note of what the engine was told.
    fn note(&mut self) {
        let Some(engine) = &mut self.engine else { return };
        let snapshots = std::mem::take(&mut engine.roamer.snapshots);
        let events = std::mem::take(&mut engine.roamer.events);
        let (mut entries, all) = (Vec::new(), events.len());
        for (at, event) in events.into_iter().enumerate() {
            entries.extend(snapshots.iter().filter(|&&it| it == at).map(|_| Entry::Snapshot));
            entries.extend(engine.hear(event));
        }
        entries.extend(snapshots.iter().filter(|&&it| it == all).map(|_| Entry::Snapshot));
        let lost = engine.roamer.lost.take().map(|why| Entry::Lost(code(&why)));
        for entry in entries.into_iter().chain(lost) {
            self.ledger.write(&engine.name, entry);
        }
    }
}

impl Engine {
    pub(crate) fn state(&self) -> State {
        self.roamer.session.state()
    }

    fn hear(&mut self, event: SessionEvent) -> Option<Entry> {
        let event = match event {
            SessionEvent::Group(event) => event,
            SessionEvent::Discontinuity => return Some(Entry::Discontinuity),
            SessionEvent::Reconnected => return Some(Entry::Reconnected),
            _ => return None,
        };
        match event {
            GroupEvent::Members(members) => {
                self.others = members.iter().map(ToString::to_string).collect();
                Some(Entry::In(self.group))
            }
            GroupEvent::MemberJoined(user) => {
                let is_new = self.others.insert(user.to_string());
                assert!(is_new, "{}: {user} joins twice", self.name);
                None
            }
            GroupEvent::MemberLeft(user) => {
                let was_there = self.others.remove(user.as_str());
                assert!(was_there, "{}: {user} leaves twice", self.name);
                None
            }
            GroupEvent::Message(message) => Some(Entry::Heard {
                seq: message.seq,
                words: message.body.as_text().unwrap(),
            }),
            GroupEvent::Removed(why) => {
                self.others.clear();
                Some(Entry::Removed(code(&why)))
            }
            _ => None,
        }
    }
}

pub(crate) fn code(why: &Refusal) -> u32 {
    why.server_code.unwrap_or(why.code)
}

/// Of the development App, with every right.
fn token() -> String {
    let secret = AppSecret::parse(DEV_APP_SECRET).unwrap();
    let issuer = TokenIssuer::jwt(AppId::parse(DEV_APP_ID).unwrap(), &secret);
    let rights = [Right::Join, Right::Message, Right::Admin];
    let request = TokenRequest {
        lifetime: Some(Duration::from_secs(86_400)),
        rights: Some(BTreeSet::from(rights)),
        ..TokenRequest::default()
    };
    issuer
        .issue(&request, UnixMillis::from(std::time::SystemTime::now()))
        .unwrap()
}
