use hst_cluster::Revision;

use super::*;

const OWN: u64 = u64::MAX;

fn own(weight: u32) -> Own {
    Own {
        node: NodeId::parse("own").unwrap(),
        weight,
        said: Said::default(),
        takes_more: true,
    }
}

fn gateways(now: Instant) -> Gateways {
    Gateways::new(now, OWN, Vec::new())
}

fn gateway(port: u16, weight: u32) -> Gateway {
    Gateway {
        origin: format!("http://192.0.2.1:{port}").parse().unwrap(),
        quic: Some(format!("quic://192.0.2.1:{port}")),
        weight,
    }
}

fn record(node: &str, boot: u64, state: NodeState, info: &str) -> WatchEvent {
    let record = NodeRecord {
        epoch: Revision::new(7),
        boot,
        state,
        speaks: Versions::UNSAID,
        info: info.to_owned(),
    };
    WatchEvent::Put(Entry {
        key: Key::node(&NodeId::parse(node).unwrap()),
        value: record.to_bytes(),
        revision: Revision::new(7),
    })
}

fn up(port: u16, weight: u32) -> WatchEvent {
    let info = gateway(port, weight).to_text();
    record(&format!("n{port}"), port.into(), NodeState::Up, &info)
}

fn beat(gateways: &mut Gateways, now: Instant, port: u16, sessions: u64) {
    let node = NodeId::parse(&format!("n{port}")).unwrap();
    let said = Said {
        sessions,
        link: Some(([127, 0, 0, 1], port).into()),
        ..Said::default()
    };
    let boot = port.into();
    gateways.handle_beat(now, &Beat { node, boot, said });
}

fn own_beat(gateways: &mut Gateways, now: Instant) {
    let own = Beat {
        node: NodeId::parse("own").unwrap(),
        boot: OWN,
        said: Said::default(),
    };
    gateways.handle_beat(now, &own);
}

/// The ports that are named, sorted; 0 is this node.
fn named(gateways: &Gateways, now: Instant, own: Own) -> Vec<u16> {
    let choices = gateways.choose(now, &own, 8, Draw::Chance(5));
    let mut ports: Vec<_> = choices.iter().map(port).collect();
    ports.sort_unstable();
    ports
}

fn port(choice: &Choice) -> u16 {
    match choice {
        Choice::Own => 0,
        Choice::Other(gateway) => {
            let origin = gateway.origin.to_string();
            origin.rsplit(':').next().unwrap().parse().unwrap()
        }
    }
}

#[test]
fn a10_a_node_that_falls_silent_is_named_for_three_heartbeats_and_no_longer() {
    let start = Instant::now();
    let mut gateways = gateways(start);
    gateways.handle_record(start, &up(1, 100));
    gateways.handle_record(start, &up(2, 100));
    for tick in 1..=30 {
        let now = start + BEAT * tick;
        own_beat(&mut gateways, now);
        beat(&mut gateways, now, 1, 0);
        if tick <= 10 {
            beat(&mut gateways, now, 2, 0);
        }
        let lives = now < start + BEAT * 10 + SILENT;
        assert_eq!(named(&gateways, now, own(100)).contains(&2), lives, "{tick}");
        let suspects: Vec<_> = gateways.suspects(now).iter().map(|life| life.boot).collect();
        assert_eq!(suspects, if tick >= 14 { vec![2] } else { vec![] }, "{tick}");
        let doubted: Vec<_> = gateways.doubted(now).iter().map(|life| life.boot).collect();
        assert_eq!(doubted, if tick >= 12 { vec![2] } else { vec![] }, "{tick}");
    }
    // It was only out of reach.
    let now = start + BEAT * 31;
    beat(&mut gateways, now, 2, 0);
    assert!(named(&gateways, now, own(100)).contains(&2) && gateways.suspects(now).is_empty());
}

#[test]
fn a10_a_node_that_drains_or_has_ended_is_not_named_from_that_moment_on() {
    let now = Instant::now();
    let mut gateways = gateways(now);
    let info = gateway(1, 100).to_text();
    for (state, is_named) in [
        (NodeState::Up, true),
        (NodeState::Draining, false),
        (NodeState::Fenced, false),
    ] {
        gateways.handle_record(now, &record("n1", 1001, state, &info));
        assert_eq!(named(&gateways, now, own(100)).contains(&1), is_named, "{state:?}");
    }
    gateways.handle_record(now, &up(2, 100));
    let gone = WatchEvent::Deleted {
        key: Key::node(&NodeId::parse("n2").unwrap()),
        revision: Revision::new(9),
    };
    gateways.handle_record(now, &gone);
    assert_eq!(named(&gateways, now, own(100)), [0]);
}

#[test]
fn a10_when_the_own_heartbeats_are_not_heard_nobody_else_is_to_blame() {
    let start = Instant::now();
    let mut gateways = gateways(start);
    gateways.handle_record(start, &up(1, 100));
    let later = start + BEAT * 60;
    assert_eq!(named(&gateways, later, own(100)), [0, 1]);
    assert!(gateways.suspects(later).is_empty());
    // The bus is back, and everybody has time to say so.
    own_beat(&mut gateways, later);
    assert_eq!(named(&gateways, later, own(100)), [0, 1]);
    let silent = later + SUSPECT;
    for tick in 1..=4 {
        own_beat(&mut gateways, later + BEAT * tick);
    }
    assert_eq!(named(&gateways, silent, own(100)), [0]);
    assert_eq!(gateways.suspects(silent).len(), 1);
}

#[test]
fn a11_no_list_of_nodes_empties_the_answer_or_makes_it_long() {
    let now = Instant::now();
    for nodes in [0_u16, 1, 10_000, 20_000] {
        let mut gateways = gateways(now);
        for port in 1..=nodes {
            gateways.handle_record(now, &up(port, 100));
        }
        gateways.handle_record(now, &WatchEvent::Synced);
        let named = named(&gateways, now, own(100));
        assert_eq!(named.len(), 8.min(usize::from(nodes) + 1), "{nodes}");
        assert!(gateways.nodes.len() <= MAX_NODES);
    }
}

#[test]
fn a11_what_is_malformed_is_passed_over_and_what_was_good_is_kept() {
    let now = Instant::now();
    let mut gateways = gateways(now);
    gateways.handle_record(now, &up(1, 100));
    let long = format!(
        r#"{{"origin":"http://a","quic":"quic://{}","weight":1}}"#,
        "a".repeat(600)
    );
    for info in [
        "{",
        "null",
        "[]",
        "{}",
        r#"{"origin":"ftp://a","weight":1}"#,
        r#"{"origin":"http://a b","weight":1}"#,
        r#"{"origin":"http://a","weight":-1}"#,
        r#"{"origin":"http://a","weight":99999999999}"#,
        r#"{"origin":"http://a","weight":1,"quic":"quic://a\nb"}"#,
        r#"{"origin":"http://a","weight":1,"quic":"javascript:x"}"#,
        &long,
    ] {
        gateways.handle_record(now, &record("bad", 99, NodeState::Up, info));
        gateways.handle_record(now, &record("n1", 1, NodeState::Up, info));
        assert_eq!(named(&gateways, now, own(100)), [0, 1], "{info}");
    }
    for (key, value) in [
        ("node.n1", "nonsense"),
        ("node.n1", ""),
        ("node.a.b", "{}"),
        ("other", "{}"),
    ] {
        let entry = Entry {
            key: Key::parse(key).unwrap(),
            value: value.into(),
            revision: Revision::new(8),
        };
        gateways.handle_record(now, &WatchEvent::Put(entry));
        assert_eq!(named(&gateways, now, own(100)), [0, 1], "{key} {value}");
    }
    assert!(gateways.has_warned);
}

#[test]
fn a11_the_last_good_list_is_kept_until_there_is_a_newer_one() {
    let now = Instant::now();
    let mut gateways = gateways(now);
    gateways.handle_record(now, &up(1, 100));
    gateways.handle_record(now, &up(2, 100));
    gateways.handle_record(now, &WatchEvent::Synced);
    // The directory was out of reach, and tells anew what there is.
    gateways.handle_record(now, &WatchEvent::Resync);
    assert_eq!(named(&gateways, now, own(100)), [0, 1, 2]);
    gateways.handle_record(now, &up(2, 100));
    gateways.handle_record(now, &WatchEvent::Synced);
    assert_eq!(named(&gateways, now, own(100)), [0, 2]);
}

#[test]
fn chance_follows_the_weights_and_none_is_the_last_choice() {
    let now = Instant::now();
    let mut gateways = Gateways::new(now, OWN, vec![gateway(3, 100)]);
    gateways.handle_record(now, &up(1, 300));
    gateways.handle_record(now, &up(2, 0));
    let mut first = [0_u32; 4];
    for seed in 0..10_000 {
        let choices = gateways.choose(now, &own(100), 8, Draw::Chance(seed));
        assert_eq!(choices.len(), 3);
        first[usize::from(port(&choices[0]))] += 1;
    }
    // By their weights: a fifth, three fifths, none, a fifth.
    let is_near = |count: u32, wanted: u32| count.abs_diff(wanted) < 300;
    assert!(
        is_near(first[0], 2000) && is_near(first[1], 6000) && is_near(first[3], 2000),
        "{first:?}"
    );

    let mut lonely = Gateways::new(now, OWN, Vec::new());
    let drains = Own {
        takes_more: false,
        ..own(100)
    };
    assert_eq!(named(&lonely, now, drains.clone()), [0], "there is nobody else");
    assert_eq!(named(&lonely, now, own(0)), [0]);
    lonely.handle_record(now, &up(2, 0));
    assert_eq!(named(&lonely, now, drains), [2]);
    assert_eq!(named(&lonely, now, own(1)), [0]);
}

#[test]
fn of_two_the_one_with_less_to_do_for_its_weight_comes_first() {
    let now = Instant::now();
    let mut gateways = gateways(now);
    gateways.handle_record(now, &up(1, 100));
    beat(&mut gateways, now, 1, 50);
    for (sessions, first) in [(49, 0), (51, 1)] {
        let said = Said {
            sessions,
            ..Said::default()
        };
        let own = Own { said, ..own(100) };
        for seed in 0..50 {
            let choices = gateways.choose(now, &own, 8, Draw::Chance(seed));
            assert_eq!(port(&choices[0]), first, "seed {seed}");
        }
    }
}

/// The ports in the order in which the members of a group are sent to them.
fn for_group(gateways: &Gateways, own: &Own, group: &str) -> Vec<u16> {
    let choices = gateways.choose(Instant::now(), own, 8, Draw::Group(group));
    choices.iter().map(port).collect()
}

#[test]
fn whoever_names_a_group_is_sent_where_all_who_name_it_are() {
    let now = Instant::now();
    // Three nodes: each knows itself and the two others.
    let names = [NodeId::parse("n1"), NodeId::parse("n2"), NodeId::parse("n3")].map(Result::unwrap);
    let fleet = [1_u16, 2, 3].map(|port| {
        let mut gateways = Gateways::new(now, port.into(), Vec::new());
        (1..=3).for_each(|other| gateways.handle_record(now, &up(other, 100)));
        gateways
    });
    let mut first = [0; 4];
    for group in 0..300 {
        let orders = [0, 1, 2].map(|at| {
            let node = names[at].clone();
            let order = for_group(&fleet[at], &Own { node, ..own(100) }, &group.to_string());
            let own = u16::try_from(at).unwrap() + 1;
            order
                .into_iter()
                .map(|port| if port == 0 { own } else { port })
                .collect::<Vec<_>>()
        });
        assert!(orders[0] == orders[1] && orders[1] == orders[2], "{orders:?}");
        first[usize::from(orders[0][0])] += 1;
    }
    assert!(
        first[1..].iter().all(|&groups| (60..140).contains(&groups)),
        "{first:?}"
    );
}

#[test]
fn a_full_node_is_named_behind_those_with_room_and_a_group_keeps_its_order() {
    let now = Instant::now();
    let mut gateways = gateways(now);
    (1..=3).for_each(|port| gateways.handle_record(now, &up(port, 100)));
    let before = for_group(&gateways, &own(100), "g");
    let full = Said {
        media: 800,
        ..Said::default()
    };
    let busy = Own { said: full, ..own(100) };
    let mut after = before.clone();
    after.retain(|&port| port != 0);
    after.push(0);
    assert_eq!(for_group(&gateways, &busy, "g"), after);
}
