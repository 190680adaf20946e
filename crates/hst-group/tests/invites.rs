//! Invites: who rings, who stops, and what the inviter hears.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::{
    iter,
    time::{Duration, Instant},
};

use hst_group::server::{InviteOutput, Inviter, Invites};
use hst_id::{AppId, GroupId, UserId};
use hst_proto::{
    Event, EventBody, Invite, InviteAnswer, InviteCancel, MAX_LISTED, MAX_NAME_TEXT, Payload, ServerFrame,
    decode_server, frame_event,
};

const RINGING: Duration = Duration::from_secs(60);

/// Alice's session, and those of the invited.
const ALICE: u64 = 1;
const BOB: u64 = 2;
const CAROL: u64 = 3;

fn app() -> AppId {
    AppId::parse("app").unwrap()
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn event(body: &EventBody) -> Event {
    match decode_server(&frame_event(Some(1), body)).unwrap() {
        ServerFrame::Event { event, .. } => event,
        other => panic!("not an event: {other:?}"),
    }
}

/// What an output says to whom, in a few words.
fn words(output: &InviteOutput) -> String {
    let (whom, body) = match output {
        InviteOutput::ToUser {
            user,
            except_session: None,
            body,
            ..
        } => (user.to_string(), body),
        InviteOutput::ToUser {
            user,
            except_session: Some(session),
            body,
            ..
        } => (format!("{user} but {session}"), body),
        InviteOutput::ToSession { session, body } => (format!("session {session}"), body),
    };
    let what = match event(body) {
        Event::Invited(i) => format!("invited {} by {} into {}", i.invite, i.from, i.group),
        Event::InviteAnswered(r) => format!("{} {:?} {}", r.user, r.outcome, r.invite),
        Event::InviteEnded(e) => format!("ended {} {:?}", e.invite, e.why),
        other => panic!("not about invites: {other:?}"),
    };
    format!("{whom}: {what}")
}

/// The invites of a node whose numbers begin with 100, as alice, bob and carol use them.
struct Node {
    invites: Invites,
    now: Instant,
}

impl Node {
    fn new() -> Self {
        Self {
            invites: Invites::new(100),
            now: Instant::now(),
        }
    }

    /// Alice invites. Everybody but dave is online. Returns who is offline, or the code of the refusal.
    fn invite(&mut self, number: u64, users: &[&str]) -> Result<Vec<UserId>, u32> {
        self.invite_with(number, users, None)
    }

    fn invite_with(&mut self, number: u64, users: &[&str], extend_info: Option<Payload>) -> Result<Vec<UserId>, u32> {
        let from = Inviter {
            app: app(),
            user: user("alice"),
            info: "Alice".to_owned(),
            session: ALICE,
        };
        let invite = Invite {
            invite: number,
            group: GroupId::parse("g").unwrap(),
            users: users.iter().map(|name| user(name)).collect(),
            extend_info,
        };
        let result = self
            .invites
            .handle_invite(self.now, from, invite, |user| user.as_str() != "dave");
        result.map(|invited| invited.offline).map_err(|failure| failure.code)
    }

    fn answer(&mut self, name: &str, session: u64, invite: u64, accept: bool) -> Result<(), u32> {
        let answer = InviteAnswer {
            invite,
            accept,
            extend_info: None,
        };
        let result = self
            .invites
            .handle_answer(self.now, &app(), &user(name), session, answer);
        result.map_err(|failure| failure.code)
    }

    fn cancel(&mut self, invite: u64, users: Option<&[&str]>) -> Result<(), u32> {
        let users = users.map(|names| names.iter().map(|name| user(name)).collect());
        let result = self.invites.handle_cancel(ALICE, InviteCancel { invite, users });
        result.map_err(|failure| failure.code)
    }

    fn told(&mut self) -> Vec<String> {
        iter::from_fn(|| self.invites.poll_output())
            .map(|output| words(&output))
            .collect()
    }

    fn assert_over(&mut self) {
        assert!(self.invites.is_empty());
        assert_eq!(self.invites.poll_timeout(), None);
        assert!(self.told().is_empty());
    }
}

#[test]
fn all_ring_and_the_first_answer_of_each_counts() {
    let mut node = Node::new();
    assert_eq!(node.invite(7, &["bob", "carol"]), Ok(vec![]));
    assert_eq!(
        node.told(),
        ["bob: invited 100 by alice into g", "carol: invited 100 by alice into g"]
    );

    assert_eq!(node.answer("bob", BOB, 100, true), Ok(()));
    assert_eq!(
        node.told(),
        ["session 1: bob Accepted 7", "bob but 2: ended 100 AnsweredElsewhere"]
    );
    assert_eq!(
        node.answer("bob", 20, 100, false),
        Err(1_000_110),
        "another terminal is too late"
    );
    assert_eq!(node.answer("bob", BOB, 100, true), Err(1_000_110));

    assert_eq!(node.answer("carol", CAROL, 100, false), Ok(()));
    assert_eq!(
        node.told(),
        [
            "session 1: carol Rejected 7",
            "carol but 3: ended 100 AnsweredElsewhere"
        ]
    );
    node.assert_over();
}

#[test]
fn an_invite_that_is_not_answered_within_60_s_has_timed_out() {
    let mut node = Node::new();
    node.invite(7, &["bob", "carol"]).unwrap();
    node.now += RINGING / 2;
    node.invite(8, &["bob"]).unwrap();
    node.answer("carol", CAROL, 100, true).unwrap();
    node.told();

    let first = node.now + RINGING / 2;
    assert_eq!(node.invites.poll_timeout(), Some(first));
    node.invites.handle_timeout(first - Duration::from_millis(1));
    assert!(node.told().is_empty());
    node.invites.handle_timeout(first);
    assert_eq!(node.told(), ["bob: ended 100 TimedOut", "session 1: bob TimedOut 7"]);

    // An answer on the stroke is late, even when nobody has looked at the clock before.
    node.now = first + RINGING / 2;
    assert_eq!(node.answer("bob", BOB, 101, true), Err(1_000_110));
    assert_eq!(node.told(), ["bob: ended 101 TimedOut", "session 1: bob TimedOut 8"]);
    node.assert_over();
}

#[test]
fn a_cancelled_invite_stops_ringing_and_is_not_answered_any_more() {
    let mut node = Node::new();
    node.invite(7, &["bob", "carol", "eve"]).unwrap();
    node.answer("bob", BOB, 100, true).unwrap();
    node.told();
    assert_eq!(node.cancel(7, Some(&["carol", "carol", "nobody"])), Ok(()));
    assert_eq!(node.told(), ["carol: ended 100 Cancelled"]);
    assert_eq!(node.answer("carol", CAROL, 100, true), Err(1_000_110));
    assert_eq!(
        node.cancel(7, Some(&["bob", "carol"])),
        Err(1_000_110),
        "these are over"
    );
    assert_eq!(node.cancel(8, None), Err(1_000_110));
    assert_eq!(node.cancel(7, None), Ok(()));
    assert_eq!(node.told(), ["eve: ended 100 Cancelled"]);
    assert_eq!(node.cancel(7, None), Err(1_000_110));
    node.assert_over();
}

#[test]
fn who_is_offline_is_named_and_who_goes_offline_is_an_outcome() {
    let mut node = Node::new();
    assert_eq!(node.invite(7, &["dave"]), Ok(vec![user("dave")]));
    node.assert_over();

    assert_eq!(node.invite(7, &["bob", "dave"]), Ok(vec![user("dave")]));
    node.invite(8, &["bob", "carol"]).unwrap();
    node.told();
    node.invites
        .handle_user_offline(&AppId::parse("other").unwrap(), &user("bob"));
    assert!(node.told().is_empty());
    node.invites.handle_user_offline(&app(), &user("bob"));
    assert_eq!(node.told(), ["session 1: bob Offline 7", "session 1: bob Offline 8"]);
    node.invites.handle_user_offline(&app(), &user("carol"));
    assert_eq!(node.told(), ["session 1: carol Offline 8"]);
    node.assert_over();
}

#[test]
fn the_end_of_the_inviter_cancels_what_is_open() {
    let mut node = Node::new();
    node.invite(7, &["bob"]).unwrap();
    node.invite(8, &["carol"]).unwrap();
    node.told();
    node.invites.handle_session_gone(BOB);
    assert!(node.told().is_empty(), "he may have another terminal");
    node.invites.handle_session_gone(ALICE);
    assert_eq!(node.told(), ["bob: ended 100 Cancelled", "carol: ended 101 Cancelled"]);
    node.assert_over();
}

#[test]
fn a_number_that_is_used_again_covers_both_and_rings_anew_where_it_rings() {
    let mut node = Node::new();
    node.invite(1, &["bob", "carol", "fay"]).unwrap();
    node.told();
    node.invite(1, &["bob", "eve"]).unwrap();
    let told = node.told();
    assert_eq!(told[0], "bob: ended 100 Cancelled");
    assert_eq!(
        told[1..],
        ["bob: invited 101 by alice into g", "eve: invited 101 by alice into g"]
    );
    assert_eq!(node.answer("bob", BOB, 100, true), Err(1_000_110));
    node.answer("carol", CAROL, 100, true).unwrap();
    assert_eq!(node.told()[0], "session 1: carol Accepted 1");
    assert_eq!(node.cancel(1, Some(&["fay"])), Ok(()));
    assert_eq!(node.told(), ["fay: ended 100 Cancelled"]);
    assert_eq!(node.cancel(1, None), Ok(()));
    assert_eq!(node.told(), ["bob: ended 101 Cancelled", "eve: ended 101 Cancelled"]);
    node.assert_over();
}

#[test]
fn texts_arrive_as_they_were_written() {
    let mut node = Node::new();
    let text = Payload::from_json(r#"{"call": "video"}"#).unwrap();
    node.invite_with(7, &["bob"], Some(text.clone())).unwrap();
    match node.invites.poll_output().unwrap() {
        InviteOutput::ToUser { app: to, body, .. } => {
            assert_eq!(to, app());
            let Event::Invited(invitation) = event(&body) else {
                panic!("no invitation");
            };
            assert_eq!(
                (invitation.from_info.as_str(), invitation.extend_info),
                ("Alice", Some(text.clone()))
            );
        }
        other => panic!("not to bob: {other:?}"),
    }
    let answer = InviteAnswer {
        invite: 100,
        accept: true,
        extend_info: Some(text.clone()),
    };
    node.invites
        .handle_answer(node.now, &app(), &user("bob"), BOB, answer)
        .unwrap();
    match node.invites.poll_output().unwrap() {
        InviteOutput::ToSession { body, .. } => {
            let Event::InviteAnswered(result) = event(&body) else {
                panic!("no answer");
            };
            assert_eq!(result.extend_info, Some(text));
        }
        other => panic!("not to alice: {other:?}"),
    }
}

#[test]
fn invites_that_break_a_rule_are_refused_and_leave_nothing() {
    let mut node = Node::new();
    let names: Vec<String> = (0..=MAX_LISTED).map(|n| format!("user{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let text = |size: usize| Some(Payload::text(&"x".repeat(size - 2)));
    assert_eq!(node.invite(7, &[]), Err(1));
    assert_eq!(node.invite(7, &names), Err(1));
    assert_eq!(node.invite(7, &["bob", "alice"]), Err(1));
    assert_eq!(node.invite_with(7, &["bob"], text(MAX_NAME_TEXT + 1)), Err(1));
    node.assert_over();

    assert_eq!(node.invite_with(7, &names[1..], text(MAX_NAME_TEXT)), Ok(vec![]));
    assert_eq!(node.told().len(), MAX_LISTED);
    node.invite(8, &["bob", "bob", "dave", "dave"]).unwrap();
    assert_eq!(node.told().len(), 1, "who is named twice is invited once");

    let answer = InviteAnswer {
        invite: 101,
        accept: true,
        extend_info: text(MAX_NAME_TEXT + 1),
    };
    let refused = node.invites.handle_answer(node.now, &app(), &user("bob"), BOB, answer);
    assert_eq!(refused.unwrap_err().code, 1);
    assert!(node.told().is_empty());
    assert_eq!(node.answer("bob", BOB, 101, true), Ok(()), "he may still answer");
}

#[test]
fn a_session_has_at_most_64_invites_open() {
    let mut node = Node::new();
    for number in 0..64 {
        assert_eq!(node.invite(number, &["bob"]), Ok(vec![]));
    }
    node.told();
    assert_eq!(node.invite(0, &["bob"]), Err(302));
    assert!(node.told().is_empty(), "a refusal changes nothing");
    node.answer("bob", BOB, 100, false).unwrap();
    assert_eq!(node.invite(0, &["bob"]), Ok(vec![]));
}

#[test]
fn nobody_answers_what_is_not_his() {
    let mut node = Node::new();
    node.invite(7, &["bob"]).unwrap();
    node.told();
    assert_eq!(node.answer("carol", CAROL, 100, true), Err(1_000_110));
    assert_eq!(node.answer("alice", ALICE, 100, true), Err(1_000_110));
    assert_eq!(
        node.answer("bob", BOB, 7, true),
        Err(1_000_110),
        "the inviter's number is not his"
    );
    let answer = InviteAnswer {
        invite: 100,
        accept: true,
        extend_info: None,
    };
    let other = AppId::parse("other").unwrap();
    let refused = node.invites.handle_answer(node.now, &other, &user("bob"), BOB, answer);
    assert_eq!(refused.unwrap_err().code, 1_000_110);
    let cancel = InviteCancel { invite: 7, users: None };
    assert_eq!(node.invites.handle_cancel(BOB, cancel).unwrap_err().code, 1_000_110);
    assert!(node.told().is_empty());
    assert_eq!(node.answer("bob", BOB, 100, true), Ok(()));
}
