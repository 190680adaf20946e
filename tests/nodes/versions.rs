//! Nodes of two neighbouring versions that are one platform, and what is upgraded from one to the other.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use futures_util::future::join_all;
use hst_rtc::{
    Event, Events, GroupEvent, Invite, InviteAnswer, InviteOutcome, LoginOptions, MediaType, Payload, RtcEngine,
};
use hst_tests::{
    backend::Backend,
    house::{House, Member, token, user, within},
};
use serde_json::{Value, json};
use tokio::time::interval;

use crate::{
    drain::{LONGEST, longest, look, see_more},
    neighbour::Neighbour,
    see, show,
    support::Server as NatsServer,
    watch,
};

/// How often everybody says something at most: a client may say so much, and no more than four times as much.
const PACE: Duration = Duration::from_millis(25);
/// As engines number it that the user is logged in elsewhere.
const ONLINE_ALREADY: u32 = 34;
/// What everybody says at last.
const END: &str = "that was all";

struct Neighbours {
    nats: NatsServer,
    ours: House,
    theirs: Neighbour,
}

impl Neighbours {
    async fn meet() -> Self {
        let nats = NatsServer::start().await;
        let ours = House::node(&nats.url(), "n1").await;
        let theirs = Neighbour::start(&nats.url(), "n2").await;
        Self { nats, ours, theirs }
    }

    /// Two members of a group, by either node one: ours, and theirs. Its home is where the first of them came.
    async fn call(&self, home_is_theirs: bool) -> [Member; 2] {
        let ann = async || self.ours.visitor().await.come_in("ann", "g").await;
        let bob = async || self.theirs.visitor().await.come_in("bob", "g").await;
        match home_is_theirs {
            true => {
                let bob = bob().await;
                [ann().await, bob]
            }
            false => [ann().await, bob().await],
        }
    }
}

/// All say numbers, one after the other, while something is done, and then what they say at last. Each hears all that the
/// others say, once and in order, and nothing else happens in the group.
async fn talk_while<T>(engines: &[&RtcEngine], done: impl Future<Output = T>) -> T {
    let is_over = AtomicBool::new(false);
    let events: Vec<_> = engines.iter().map(|engine| engine.events()).collect();
    let say = async |engine: &RtcEngine, text: &str| {
        let said = engine.send_group_message(Payload::text(text));
        within("a message", said).await.unwrap();
    };
    let talk = engines.iter().map(async |engine| {
        let (mut said, mut pace) = (0_usize, interval(PACE));
        while !is_over.load(Relaxed) {
            pace.tick().await;
            say(engine, &said.to_string()).await;
            said += 1;
        }
        say(engine, END).await;
        said
    });
    let hear = events.into_iter().map(|events| hear_all(events, engines.len() - 1));
    let done = async {
        let outcome = done.await;
        is_over.store(true, Relaxed);
        outcome
    };
    let (outcome, said, heard) = tokio::join!(done, join_all(talk), join_all(hear));
    let mut said = said;
    said.sort_unstable();
    assert!(said[0] > 0, "everybody has said something: {said:?}");
    for heard in &heard {
        for (who, texts) in heard {
            let numbers = (0..texts.len()).map(|number| number.to_string());
            assert!(texts.iter().eq(&numbers.collect::<Vec<_>>()), "of {who}: {texts:?}");
        }
    }
    // Whoever has heard all of two has heard as much as they have said.
    let total: usize = heard.iter().flat_map(BTreeMap::values).map(Vec::len).sum();
    assert_eq!(total, said.iter().sum::<usize>() * (engines.len() - 1));
    outcome
}

/// What each of the others says, until all have said that it is all.
async fn hear_all(mut events: Events, others: usize) -> BTreeMap<String, Vec<String>> {
    let (mut heard, mut ended) = (BTreeMap::<String, Vec<String>>::new(), 0);
    while ended < others {
        match within("what others say", events.recv()).await.unwrap() {
            Event::Group(GroupEvent::Message(message)) => {
                let text = message.body.as_text().unwrap();
                let of_him = heard.entry(message.from.to_string()).or_default();
                match text == END {
                    true => ended += 1,
                    false => of_him.push(text),
                }
            }
            Event::Transport(_) | Event::Reconnecting | Event::Reconnected => {}
            Event::Group(GroupEvent::Wanted { .. }) => {}
            other => panic!("nobody is to notice anything, but {other:?}"),
        }
    }
    heard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn members_of_neighbouring_versions_talk_and_see_each_other() {
    let neighbours = Neighbours::meet().await;
    for home_is_theirs in [false, true] {
        let [mut ann, mut bob] = neighbours.call(home_is_theirs).await;
        show(&ann).await;
        show(&bob).await;
        let (mut of_bob, mut of_ann) = (watch(&mut ann).await, watch(&mut bob).await);
        let seeing = async { tokio::join!(see(&mut of_bob, 60), see(&mut of_ann, 60)) };
        talk_while(&[&ann.engine, &bob.engine], seeing).await;
        for member in [&ann, &bob] {
            within("leaving", member.engine.exit()).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_is_upgraded_and_another_is_brought_back_and_nobody_notices() {
    // Each goes once while the group's home is with it, and once while it is not.
    for (theirs_ends, home_is_theirs) in [(true, true), (true, false), (false, false), (false, true)] {
        let neighbours = Neighbours::meet().await;
        let mut members = neighbours.call(home_is_theirs).await;
        for member in &members {
            show(member).await;
        }
        let mut looking = Vec::new();
        for member in &mut members {
            for _ in 0..2 {
                let media = member.published().await;
                let remote = within("receiving", member.engine.receive(media.clone())).await.unwrap();
                looking.push((media, look(remote)));
            }
        }
        join_all(looking.iter_mut().map(|(_, came)| see_more(came))).await;
        let Neighbours { nats, ours, theirs } = neighbours;
        let goes = async {
            let stays: Box<dyn std::any::Any> = match theirs_ends {
                true => {
                    theirs.end().await;
                    Box::new(ours)
                }
                false => {
                    ours.server.shutdown().await;
                    Box::new(theirs)
                }
            };
            join_all(looking.iter_mut().map(|(_, came)| see_more(came))).await;
            stays
        };
        let _stays = talk_while(&[&members[0].engine, &members[1].engine], goes).await;
        for (media, came) in &looking {
            let kind = match media.media_type {
                MediaType::Audio => "sound",
                _ => "picture",
            };
            let gap = longest(&came.borrow());
            eprintln!(
                "theirs ends: {theirs_ends}, home is theirs: {home_is_theirs}: {kind} of {}: longest pause {gap:?}",
                media.user
            );
            assert!(gap < LONGEST, "{kind} of {}: {gap:?}", media.user);
        }
        drop(nats);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_registered_by_one_version_counts_at_the_other() {
    let neighbours = Neighbours::meet().await;
    let (app, at_ours, at_theirs) = register_app(&neighbours).await;
    let bans = format!("/v1/apps/{}/bans", app.id);
    for (by, other, name) in [(&at_ours, &at_theirs, "ann"), (&at_theirs, &at_ours, "bob")] {
        must(by, "POST", &bans, &format!(r#"{{"user":"{name}"}}"#)).await;
        assert_eq!(
            other.get(&bans).await["total"],
            1,
            "an answer is given when every node knows"
        );
        must(other, "DELETE", &format!("{bans}?user={name}"), "").await;
        assert_eq!(by.get(&bans).await["total"], 0);
        let renamed = json!({ "app_id": app.id, "app_name": format!("of {name}") }).to_string();
        must(by, "PATCH", "/v1/app", &renamed).await;
        let seen = other.get(&format!("/v1/apps/{}", app.id)).await;
        assert_eq!(seen["name"], format!("of {name}"), "{seen}");
    }
    for backend in [&at_ours, &at_theirs] {
        let used = backend
            .get("/v1/consuming/records?start_time=0&end_time=1&page=1&page_size=1")
            .await;
        assert_eq!(
            used.get("missing"),
            None,
            "all nodes have said what was used there: {used}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn users_of_neighbouring_versions_reach_each_other_and_have_their_places_once() {
    let neighbours = Neighbours::meet().await;
    let (app, at_ours, at_theirs) = register_app(&neighbours).await;
    let mut ann = neighbours.ours.visitor().await;
    let mut bob = neighbours.theirs.visitor().await;
    for (member, name) in [(&ann, "ann"), (&bob, "bob")] {
        within("login", member.engine.login(app.login(name))).await.unwrap();
    }
    for (from, to, name, sender) in [(0, 1, "bob", "ann"), (1, 0, "ann", "bob")] {
        let members = [&mut ann, &mut bob];
        within(
            "a message",
            members[from]
                .engine
                .send_user_message(user(name), Payload::text("hello")),
        )
        .await
        .unwrap();
        let Event::UserMessage { from: who, .. } = next(members[to]).await else {
            panic!("no message")
        };
        assert_eq!(who, user(sender));
        invite((from, to), members, name).await;
    }
    for member in [&ann, &bob] {
        let online = within("who is online", member.engine.online_users()).await.unwrap();
        assert_eq!(online.len(), 2, "{online:?}");
    }
    // The same users at the other node each.
    for (backend, visitor, name, member) in [
        (&at_ours, neighbours.theirs.visitor().await, "ann", &mut ann),
        (&at_theirs, neighbours.ours.visitor().await, "bob", &mut bob),
    ] {
        let refused = within("a refusal", visitor.engine.login(app.login(name)))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), ONLINE_ALREADY, "{refused}");
        let mut by_force = app.login(name);
        by_force.force = true;
        within("login", visitor.engine.login(by_force)).await.unwrap();
        let ended = async {
            loop {
                if let Event::Ended(why) = next(member).await {
                    return why;
                }
            }
        };
        assert_eq!(ended.await.code, ONLINE_ALREADY);
        // Where he was, and not where he is.
        let body = json!({ "app_id": app.id, "user_id": name }).to_string();
        must(backend, "POST", "/v1/kickout", &body).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_member_is_put_out_by_the_other_version() {
    let neighbours = Neighbours::meet().await;
    let (app, at_ours, at_theirs) = register_app(&neighbours).await;
    for (backend, home_is_theirs) in [(&at_ours, true), (&at_theirs, false)] {
        let group = if home_is_theirs { "theirs" } else { "ours" };
        let mut members = [neighbours.ours.visitor().await, neighbours.theirs.visitor().await];
        if home_is_theirs {
            members.reverse();
        }
        for (member, name) in members.iter().zip(["ann", "bob"]) {
            within("login", member.engine.login(app.login(name))).await.unwrap();
            within("join", member.engine.join_group(group)).await.unwrap();
        }
        let path = format!("/v1/apps/{}/groups/{group}", app.id);
        let seen = backend.get(&path).await;
        assert_eq!(seen["members"], json!(["ann", "bob"]), "{seen}");
        must(backend, "POST", &format!("{path}/members/bob/kick"), "{}").await;
        let [ann, bob] = &mut members;
        while !matches!(bob.event().await, GroupEvent::Removed(_)) {}
        while ann.event().await != GroupEvent::MemberLeft(user("bob")) {}
        for member in members {
            within("exit", member.engine.exit()).await.unwrap();
        }
    }
}

/// An App that was made over HTTP.
struct App {
    id: String,
    secret: String,
}

impl App {
    fn login(&self, name: &str) -> LoginOptions {
        LoginOptions::new(&self.id, token(&self.id, &self.secret), name)
    }
}

/// Makes an App by their node, and gives the backend at ours and at theirs.
async fn register_app(neighbours: &Neighbours) -> (App, Backend, Backend) {
    let at_ours = Backend::of(&neighbours.ours.server).await;
    let at_theirs = at_ours.at_address(neighbours.theirs.http);
    let services: Vec<Value> = (3..=7).map(|service| json!({ "service_id": service })).collect();
    let wish = json!({ "app_name": "a", "status": "online", "service": services }).to_string();
    let made = must(&at_theirs, "POST", "/v1/app", &wish).await;
    let text = |of: &str| made[of].as_str().unwrap().to_owned();
    let app = App {
        id: text("app_id"),
        secret: text("app_secret"),
    };
    (app, at_ours, at_theirs)
}

async fn must(backend: &Backend, method: &str, path: &str, body: &str) -> Value {
    let answer = backend.send(method, path, body).await;
    assert_eq!(answer["code"], 0, "{method} {path}: {answer}");
    answer
}

/// One invites the other, who accepts.
async fn invite((from, to): (usize, usize), members: [&mut Member; 2], name: &str) {
    let invite = Invite {
        invite: 7,
        group: "g".parse().unwrap(),
        users: vec![user(name)],
        extend_info: None,
    };
    let offline = within("an invite", members[from].engine.invite(invite)).await.unwrap();
    assert_eq!(offline, []);
    let Event::Invited(invitation) = next(members[to]).await else {
        panic!("no invitation")
    };
    let answer = InviteAnswer {
        invite: invitation.invite,
        accept: true,
        extend_info: None,
    };
    within("an answer", members[to].engine.answer_invite(answer))
        .await
        .unwrap();
    let Event::InviteAnswered(result) = next(members[from]).await else {
        panic!("no answer")
    };
    assert_eq!((result.user, result.outcome), (user(name), InviteOutcome::Accepted));
}

/// The next thing that a member is told, but for how his own is connected and what others see of the platform.
async fn next(member: &mut Member) -> Event {
    loop {
        match within("an event", member.events.recv()).await.unwrap() {
            Event::Transport(_) | Event::Presence(_) | Event::InviteEnded(_) => {}
            event => return event,
        }
    }
}
