//! Who is online, and who is told of it when.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

use std::{
    collections::BTreeMap,
    iter,
    time::{Duration, Instant},
};

use hst_group::server::{Presence, Tell, WatcherId};
use hst_id::{TerminalType, UserId};
use hst_proto::{
    Event, MAX_PAGE, Online, OnlinePage, OnlineTerminal, Reply, ServerFrame, decode_server, encode_reply, frame_event,
};

const BATCH: Duration = Duration::from_millis(200);

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn numbered(number: u64) -> UserId {
    user(&format!("user{number:05}"))
}

fn web(state: &str) -> OnlineTerminal {
    OnlineTerminal {
        terminal: TerminalType::default(),
        state: state.to_owned(),
        extend_info: String::new(),
    }
}

fn tells(presence: &mut Presence) -> Vec<Tell> {
    iter::from_fn(|| presence.poll_output()).collect()
}

/// What an event says, each change as `+name state` or `-name state`.
fn words(tell: &Tell) -> Vec<String> {
    match decode_server(&frame_event(Some(1), &tell.body)).unwrap() {
        ServerFrame::Event {
            event: Event::Presence { changes },
            ..
        } => changes
            .into_iter()
            .map(|c| format!("{}{} {}", if c.online { '+' } else { '-' }, c.user, c.terminal.state))
            .collect(),
        other => panic!("not about presence: {other:?}"),
    }
}

/// What one watcher is told.
fn told(presence: &mut Presence, id: u64) -> Vec<String> {
    let tells = tells(presence);
    let his = tells.iter().filter(|tell| tell.watchers.contains(&WatcherId(id)));
    his.flat_map(words).collect()
}

fn page(presence: &mut Presence, id: u64, own: &str, after: Option<&str>, limit: u32) -> Online {
    let after = after.map(user);
    presence.handle_page(WatcherId(id), &user(own), &OnlinePage { after, limit })
}

fn names(page: &Online) -> Vec<&str> {
    page.users.iter().map(|entry| entry.user.as_str()).collect()
}

/// Watcher 1 has read everything, and the last batch is long ago.
fn watched(names: &[&str]) -> (Presence, Instant) {
    let mut presence = Presence::new();
    let now = Instant::now();
    for name in names {
        presence.handle_online(now, user(name), 0, web(""));
    }
    assert!(!page(&mut presence, 1, "watcher", None, 500).more);
    (presence, now)
}

#[test]
fn a_change_in_quiet_times_is_told_at_once_and_the_next_ones_together_after_200_ms() {
    let (mut presence, now) = watched(&[]);
    presence.handle_online(now, user("bob"), 0, web(""));
    assert_eq!(told(&mut presence, 1), ["+bob "]);
    assert_eq!(presence.poll_timeout(), None);

    presence.handle_online(now, user("carol"), 0, web(""));
    presence.handle_online(now, user("bob"), 0, web("busy"));
    assert!(tells(&mut presence).is_empty());
    assert_eq!(presence.poll_timeout(), Some(now + BATCH));
    presence.handle_timeout(now + BATCH - Duration::from_millis(1));
    assert!(tells(&mut presence).is_empty());
    presence.handle_timeout(now + BATCH);
    let batch = tells(&mut presence);
    assert_eq!(batch.len(), 1);
    assert_eq!(words(&batch[0]), ["+bob busy", "+carol "]);

    presence.handle_offline(now + BATCH * 2, &user("bob"), 0, &TerminalType::default());
    assert_eq!(told(&mut presence, 1), ["-bob busy"]);
}

#[test]
fn what_is_undone_before_it_was_told_is_never_told() {
    let (mut presence, now) = watched(&["bob"]);
    presence.handle_online(now, user("carol"), 0, web(""));
    assert_eq!(told(&mut presence, 1), ["+carol "]);

    let web_terminal = TerminalType::default();
    presence.handle_online(now, user("dave"), 0, web(""));
    presence.handle_offline(now, &user("dave"), 0, &web_terminal);
    presence.handle_offline(now, &user("bob"), 0, &web_terminal);
    presence.handle_online(now, user("bob"), 7, web(""));
    presence.handle_timeout(now + BATCH);
    assert!(tells(&mut presence).is_empty());

    presence.handle_offline(now + BATCH, &user("bob"), 7, &web_terminal);
    assert_eq!(told(&mut presence, 1), ["-bob "], "nothing was told, so nothing waits");
    presence.handle_online(now + BATCH, user("bob"), 8, web("back"));
    presence.handle_timeout(now + BATCH * 2);
    assert_eq!(told(&mut presence, 1), ["+bob back"]);
    presence.handle_offline(now + BATCH * 2, &user("bob"), 8, &web_terminal);
    presence.handle_online(now + BATCH * 2, user("bob"), 9, web("again"));
    presence.handle_timeout(now + BATCH * 3);
    assert_eq!(told(&mut presence, 1), ["+bob again"], "a change, not an end");
}

#[test]
fn a_terminal_is_online_while_one_of_its_places_is_and_shows_what_was_set_last() {
    let (mut presence, mut now) = watched(&[]);
    let web_terminal = TerminalType::default();
    let mut step = |act: &dyn Fn(&mut Presence, Instant)| {
        now += BATCH;
        act(&mut presence, now);
        told(&mut presence, 1)
    };
    assert_eq!(
        step(&|p, now| p.handle_online(now, user("bob"), 1, web("one"))),
        ["+bob one"]
    );
    assert_eq!(
        step(&|p, now| p.handle_online(now, user("bob"), 2, web("two"))),
        ["+bob two"]
    );
    assert!(
        step(&|p, now| p.handle_online(now, user("bob"), 1, web("one"))).is_empty(),
        "not set anew"
    );
    assert_eq!(
        step(&|p, now| p.handle_online(now, user("bob"), 1, web("uno"))),
        ["+bob uno"]
    );
    assert_eq!(
        step(&|p, now| p.handle_offline(now, &user("bob"), 1, &web_terminal)),
        ["+bob two"]
    );
    assert!(
        step(&|p, now| p.handle_offline(now, &user("bob"), 1, &web_terminal)).is_empty(),
        "gone already"
    );
    assert_eq!(
        step(&|p, now| p.handle_offline(now, &user("bob"), 2, &web_terminal)),
        ["-bob two"]
    );
}

#[test]
fn whoever_is_behind_the_last_page_comes_with_a_page_and_not_with_an_event() {
    let (mut presence, now) = watched(&["ann", "bob", "carol", "dave"]);
    let first = page(&mut presence, 2, "watcher", None, 2);
    assert_eq!(names(&first), ["ann", "bob"]);
    assert_eq!((first.total, first.more), (4, true));

    presence.handle_online(now, user("cleo"), 0, web(""));
    presence.handle_online(now, user("abe"), 0, web(""));
    presence.handle_timeout(now + BATCH);
    let tells = tells(&mut presence);
    let to = |id| tells.iter().filter(move |tell| tell.watchers.contains(&WatcherId(id)));
    assert_eq!(to(1).flat_map(words).collect::<Vec<_>>(), ["+cleo ", "+abe "]);
    assert_eq!(to(2).flat_map(words).collect::<Vec<_>>(), ["+abe "]);

    let second = page(&mut presence, 2, "watcher", Some("bob"), 500);
    assert_eq!(names(&second), ["carol", "cleo", "dave"]);
    assert!(!second.more);
    presence.handle_online(now + BATCH * 2, user("zoe"), 0, web(""));
    assert_eq!(told(&mut presence, 2), ["+zoe "]);
}

#[test]
fn a_page_read_again_does_not_narrow_what_is_told() {
    let (mut presence, now) = watched(&["ann", "bob", "carol"]);
    assert_eq!(names(&page(&mut presence, 1, "watcher", Some("ann"), 1)), ["bob"]);
    presence.handle_online(now, user("zoe"), 0, web(""));
    assert_eq!(told(&mut presence, 1), ["+zoe "]);

    assert_eq!(names(&page(&mut presence, 1, "watcher", None, 1)), ["ann"]);
    presence.handle_online(now + BATCH, user("yan"), 0, web(""));
    assert!(told(&mut presence, 1).is_empty(), "the watch has begun anew");
}

#[test]
fn a_page_behind_a_name_without_a_watch_is_only_a_look() {
    let (mut presence, now) = watched(&["ann", "bob"]);
    assert_eq!(names(&page(&mut presence, 2, "other", Some("ann"), 500)), ["bob"]);
    presence.handle_unwatch(WatcherId(1));
    assert!(!presence.is_watched());
    presence.handle_online(now, user("carol"), 0, web(""));
    assert!(tells(&mut presence).is_empty());
    assert_eq!(presence.poll_timeout(), None);
}

#[test]
fn oneself_is_in_the_pages_as_one_is_now_and_not_in_the_events() {
    let (mut presence, now) = watched(&["ann"]);
    presence.handle_online(now, user("bob"), 0, web(""));
    tells(&mut presence);
    // Not told yet, but carol herself must not miss it.
    presence.handle_online(now, user("carol"), 0, web("here"));
    let seen = page(&mut presence, 2, "carol", None, 500);
    assert_eq!(names(&seen), ["ann", "bob", "carol"]);
    assert_eq!(seen.total, 3);
    assert_eq!(page(&mut presence, 3, "dave", None, 500).total, 2);

    presence.handle_timeout(now + BATCH);
    let batch = tells(&mut presence);
    assert_eq!(batch.len(), 1);
    assert_eq!(batch[0].watchers, [WatcherId(1), WatcherId(3)]);
    assert_eq!(words(&batch[0]), ["+carol here"]);
}

#[test]
fn watchers_with_the_same_view_share_an_event() {
    let (mut presence, now) = watched(&["ann", "bob", "carol", "dave"]);
    for id in 10..20 {
        page(&mut presence, id, "dave", None, 500);
    }
    for id in 20..30 {
        page(&mut presence, id, "watcher", None, 1);
    }
    for name in ["aaron", "dave", "eve"] {
        presence.handle_online(now, user(name), 0, web("new"));
    }
    presence.handle_timeout(now + BATCH);
    let mut shared: Vec<_> = tells(&mut presence)
        .iter()
        .map(|t| (words(t), t.watchers.len()))
        .collect();
    shared.sort();
    let expected = [
        (vec!["+aaron new"], 21),           // at once, to all
        (vec!["+dave new", "+eve new"], 1), // to the one who has read everything
        (vec!["+eve new"], 10),             // to dave's terminals
    ];
    assert_eq!(
        shared,
        expected.map(|(words, n)| (words.into_iter().map(str::to_owned).collect(), n))
    );
}

#[test]
fn after_a_resync_only_what_is_different_is_told() {
    let (mut presence, now) = watched(&["ann", "bob", "carol"]);
    presence.handle_resync();
    presence.handle_online(now, user("carol"), 0, web("busy"));
    presence.handle_online(now, user("ann"), 0, web(""));
    presence.handle_online(now, user("dave"), 0, web(""));
    presence.handle_online(now, user("eve"), 0, web(""));
    presence.handle_offline(now, &user("eve"), 0, &TerminalType::default());
    assert!(tells(&mut presence).is_empty());
    assert_eq!(
        names(&page(&mut presence, 2, "ann", None, 500)),
        ["ann", "bob", "carol"],
        "nobody has gone so far"
    );
    presence.handle_synced(now);
    assert_eq!(told(&mut presence, 1), ["-bob ", "+carol busy", "+dave "]);
}

#[test]
fn a_page_has_1_to_500_users_whatever_limit_is_asked_for() {
    let mut presence = Presence::new();
    for number in 0..1000 {
        presence.handle_online(Instant::now(), numbered(number), 0, web(""));
    }
    for (limit, users) in [(0, 1), (1, 1), (499, 499), (500, MAX_PAGE), (u32::MAX, MAX_PAGE)] {
        assert_eq!(page(&mut presence, 1, "watcher", None, limit).users.len(), users);
    }
    let last = page(&mut presence, 1, "watcher", Some("user00499"), 500);
    assert_eq!((last.users.len(), last.total, last.more), (500, 1000, false));
}

#[test]
fn pages_and_events_fit_into_frames_whatever_the_texts_are() {
    // Escaped, each byte takes six.
    let long = "\u{1}".repeat(1024);
    let mut presence = Presence::new();
    let now = Instant::now();
    page(&mut presence, 1, "watcher", None, 500);
    for number in 0..20 {
        for class in 0..40 {
            let terminal = OnlineTerminal {
                terminal: TerminalType::parse(&format!("{class:0>128}")).unwrap(),
                state: long.clone(),
                extend_info: long.clone(),
            };
            // Some have more than a page's worth of terminals, and nobody more than a frame's.
            if class < 1 + number * 2 {
                presence.handle_online(now, numbered(number), 0, terminal);
            }
        }
    }
    presence.handle_timeout(now + BATCH);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for tell in tells(&mut presence) {
        assert!(tell.body.size() <= 64 * 1024, "{} bytes", tell.body.size());
        for change in words(&tell) {
            *seen.entry(change[1..10].to_owned()).or_default() += 1;
        }
    }

    let mut after = None;
    let mut sizes = Vec::new();
    loop {
        let page = page(&mut presence, 2, "watcher", after.as_deref(), 500);
        for entry in &page.users {
            assert_eq!(seen.remove(entry.user.as_str()), Some(entry.terminals.len()));
        }
        after = page.users.last().map(|entry| entry.user.to_string());
        sizes.push((page.users.len(), encode_reply(1, Reply::Online(page.clone())).len()));
        if !page.more {
            break;
        }
    }
    assert!(seen.is_empty(), "{seen:?} are in no page");
    for &(users, size) in &sizes {
        assert!(
            size <= if users == 1 { 256 } else { 128 } * 1024,
            "{users} users in {size} bytes"
        );
    }
    assert!(sizes.len() < 20, "small users share a page");
}

/// What the watchers get altogether.
#[derive(Default)]
struct Traffic {
    frames: usize,
    encoded: usize,
    changes: usize,
}

impl Traffic {
    fn count(&mut self, presence: &mut Presence) {
        for tell in tells(presence) {
            self.frames += tell.watchers.len();
            self.encoded += tell.body.size();
            self.changes += words(&tell).len() * tell.watchers.len();
        }
    }
}

#[test]
fn ten_thousand_logins_give_each_watcher_a_batch_in_200_ms_and_not_a_frame_a_login() {
    let (mut presence, start) = watched(&[]);
    for id in 2..1001 {
        page(&mut presence, id, "watcher", None, 500);
    }
    let mut traffic = Traffic::default();
    for number in 0..10_000 {
        // In two seconds.
        let now = start + Duration::from_micros(number * 200);
        presence.handle_timeout(now);
        presence.handle_online(now, numbered(number), 0, web(""));
        traffic.count(&mut presence);
    }
    presence.handle_timeout(start + Duration::from_secs(3));
    traffic.count(&mut presence);
    assert_eq!(traffic.changes, 10_000 * 1000, "everybody is told of everybody");
    // The first at once, and then ten batches of 1000, each in two frames.
    assert!(traffic.frames <= 1000 * 21, "{} frames", traffic.frames);
    assert!(
        traffic.encoded < 2 << 20,
        "{} bytes are encoded, once for all",
        traffic.encoded
    );
}

#[test]
fn a_storm_among_the_watchers_themselves_is_not_encoded_for_each_of_them() {
    let (mut presence, start) = watched(&[]);
    for number in 0..1000 {
        presence.handle_online(start, numbered(number), 0, web(""));
    }
    presence.handle_timeout(start + BATCH);
    for number in 0..1000 {
        let own = numbered(number);
        for after in [None, Some(numbered(499))] {
            presence.handle_page(WatcherId(10 + number), &own, &OnlinePage { after, limit: 500 });
        }
    }
    tells(&mut presence);

    let mut traffic = Traffic::default();
    for number in 0..1000 {
        presence.handle_online(start + BATCH * 2, numbered(number), 0, web("busy"));
    }
    presence.handle_timeout(start + BATCH * 3);
    traffic.count(&mut presence);
    assert_eq!(traffic.changes, 1000 * 1000, "everybody is told of all others");
    // Two whole ones or, where one is among them, halves of halves.
    assert!(traffic.frames <= 1001 * 13, "{} frames", traffic.frames);
    assert!(traffic.encoded < 1 << 20, "{} bytes are encoded", traffic.encoded);
}
