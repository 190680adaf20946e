//! What a relay does for whom, and what for nobody.

mod common;

use std::time::Duration;

use common::{MEDIA, MEDIA_V6, PLACE, UNIX, User, World, addr, code, lifetime, message, read, signed, udp};
use hst_turn::{Client, Output};
use rtc_stun::{
    attributes::*,
    message::{METHOD_ALLOCATE, METHOD_BINDING, METHOD_CONNECT, METHOD_CONNECTION_BIND, METHOD_REFRESH, Message},
};

const HOUR: Duration = Duration::from_secs(3600);
const LIFETIME: Duration = Duration::from_secs(hst_turn::LIFETIME);

/// A world with one user who has an allocation.
fn allocated() -> (World, User) {
    let mut world = World::new();
    let user = world.user("ann", "198.51.100.7:5000");
    assert_eq!(code(&world.allocate(&user)), 0);
    (world, user)
}

/// Addresses that must never be reached through a relay, in all the ways to write them.
fn forbidden() -> Vec<std::net::SocketAddr> {
    let hosts = [
        // This host, and whatever begins with 0.
        "0.0.0.0",
        "0.0.0.1",
        "0.255.255.255",
        "[::]",
        "[::1]",
        // Loopback: also where the media are, because that is not their name.
        "127.0.0.1",
        "127.0.0.2",
        "127.1.2.3",
        "127.255.255.255",
        // IPv4 within IPv6: mapped, compatible, translated, 6to4, Teredo, ISATAP; also the media's own.
        "[::ffff:127.0.0.1]",
        "[::ffff:0.0.0.0]",
        "[::ffff:10.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[::ffff:203.0.113.9]",
        "[::127.0.0.1]",
        "[::10.0.0.1]",
        "[::203.0.113.9]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a00:1]",
        "[64:ff9b::cb00:7109]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[2002:a00:1::1]",
        "[2002:cb00:7109::]",
        "[2001::1]",
        "[2001:0:7f00:1::]",
        "[fe80::5efe:7f00:1]",
        // Private networks.
        "10.0.0.1",
        "10.255.255.255",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "192.168.255.255",
        "[fc00::1]",
        "[fd00::1]",
        "[fdff:ffff::1]",
        "[fec0::1]",
        "[feff::1]",
        // Link-local, and what clouds tell there.
        "169.254.0.1",
        "169.254.169.254",
        "169.254.170.2",
        "[fe80::1]",
        "[febf::1]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        // Shared, benchmarks, protocol assignments, documentation, the reserved rest.
        "100.64.0.1",
        "100.127.255.255",
        "198.18.0.1",
        "198.19.255.255",
        "192.0.0.1",
        "192.0.0.8",
        "192.0.0.170",
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "192.88.99.1",
        "240.0.0.1",
        "254.255.255.255",
        "[100::1]",
        "[2001:2::1]",
        "[2001:db8::1]",
        "[3fff::1]",
        "[5f00::1]",
        "[2001:10::1]",
        "[2001:20::1]",
        // All and many.
        "255.255.255.255",
        "224.0.0.1",
        "239.255.255.250",
        "[ff02::1]",
        "[ff05::2]",
        "[ff0e::1]",
        // And simply others.
        "8.8.8.8",
        "203.0.113.8",
        "203.0.113.10",
        "[2001:4860:4860::8888]",
        "[2001:db8::8]",
    ];
    hosts.iter().map(|host| addr(&format!("{host}:7881"))).collect()
}

#[test]
fn u1_no_address_but_the_medias_own_is_reached_in_any_way() {
    let (mut world, user) = allocated();
    let mut user_v6 = world.user("ann", "198.51.100.7:5001");
    let family = [
        (ATTR_REQUESTED_TRANSPORT, vec![17, 0, 0, 0]),
        (ATTR_REQUESTED_ADDRESS_FAMILY, vec![2, 0, 0, 0]),
    ];
    assert_eq!(code(&world.request(&user_v6, METHOD_ALLOCATE, &family)), 0);
    let forbidden = forbidden();
    assert!(forbidden.len() >= 60);
    // One good address beside a bad one does not make it better.
    assert_eq!(code(&world.permit(&user, &[addr(MEDIA), forbidden[0]])), 403);
    for user in [&user, &user_v6] {
        for &peer in &forbidden {
            assert_eq!(code(&world.permit(user, &[peer])), 403, "{peer}");
            assert_eq!(code(&world.bind(user, 0x4000, peer)), 403, "{peer}");
            assert_eq!(world.say(user, peer, b"hello"), None, "{peer}");
            assert_eq!(code(&world.connect(user, peer)), 403, "{peer}");
        }
    }
    assert_eq!(code(&world.permit(&user, &[addr(MEDIA)])), 0);
    assert_eq!(world.say(&user, addr(MEDIA), b"hello"), Some(addr(PLACE)));
    for &peer in &forbidden {
        assert_eq!(world.say(&user, peer, b"hello"), None, "{peer}");
    }
    // Nor do its other ports, with a permission for the host.
    for port in [0, 22, 80, 443, 3478, 7880, 7882, 65_535] {
        let peer = (addr(MEDIA).ip(), port).into();
        assert_eq!(code(&world.bind(&user, 0x4001, peer)), 403, "{port}");
        assert_eq!(world.say(&user, peer, b"hello"), None, "{port}");
    }
    user_v6.nonce = user.nonce.clone();
    assert_eq!(world.say(&user_v6, addr(MEDIA_V6), b"hello"), None, "no permission");
    assert_eq!(code(&world.bind(&user_v6, 0x4000, addr(MEDIA_V6))), 0);
    assert_eq!(world.say(&user_v6, addr(MEDIA_V6), b"hello"), Some(addr("[::1]:7881")));
}

#[test]
fn u2_nobody_without_a_permission_reaches_the_client() {
    let (mut world, user) = allocated();
    let id = world.opened();
    let hears = |world: &mut World, from: &str| {
        world.relay.handle_peer(world.now, id, addr(from), b"hello");
        world.pass(Duration::ZERO);
        world.answer(user.client)
    };
    assert_eq!(hears(&mut world, PLACE), None, "no permission yet");
    assert_eq!(code(&world.permit(&user, &[addr(MEDIA)])), 0);
    for stranger in [
        "127.0.0.1:7882",
        "127.0.0.2:7881",
        MEDIA,
        "198.51.100.9:7881",
        "[::1]:7881",
    ] {
        assert_eq!(hears(&mut world, stranger), None, "{stranger}");
    }
    let heard = read(&hears(&mut world, PLACE).expect("it is permitted"));
    assert_eq!(heard.get(ATTR_DATA).unwrap(), b"hello");
    assert_eq!(
        heard.get(ATTR_XOR_PEER_ADDRESS).unwrap(),
        common::xored(addr(MEDIA), heard.transaction_id)
    );
    assert_eq!(code(&world.bind(&user, 0x4000, addr(MEDIA))), 0);
    assert_eq!(hears(&mut world, PLACE).unwrap(), b"\x40\x00\x00\x05hello");
    world.pass(Duration::from_secs(301));
    assert_eq!(hears(&mut world, PLACE), None, "a permission is good for 300 s");
    assert_eq!(world.say(&user, addr(MEDIA), b"hello"), None);
}

#[test]
fn u3_an_allocation_dies_with_its_session_within_a_second() {
    let (mut world, user) = allocated();
    let id = world.opened();
    world.live.lock().unwrap().remove("ann");
    assert_eq!(code(&world.refresh(&user, 600)), 401);
    world.pass(Duration::from_secs(1));
    assert!(world.outputs.contains(&Output::Close { allocation: id }));
    assert_eq!(world.relay.allocations(), 0);
    assert_eq!(code(&world.allocate(&user)), 401);
}

#[test]
fn u3_nothing_is_refreshed_beyond_the_end_of_the_credentials() {
    let (mut world, mut user) = allocated();
    let start = world.now;
    assert_eq!(lifetime(&world.refresh(&user, 3600)), 3600);
    while world.now < start + LIFETIME - HOUR {
        world.pass(HOUR - Duration::from_secs(1));
        world.challenge(&mut user);
        assert_eq!(
            lifetime(&world.refresh(&user, 3600)),
            3600.min((start + LIFETIME - world.now).as_secs() as u32)
        );
    }
    world.pass(start + LIFETIME - Duration::from_secs(10) - world.now);
    world.challenge(&mut user);
    assert_eq!(lifetime(&world.refresh(&user, 3600)), 10);
    world.pass(Duration::from_secs(10));
    assert_eq!(world.relay.allocations(), 0);
    world.challenge(&mut user);
    assert_eq!(code(&world.refresh(&user, 3600)), 401);
    assert_eq!(code(&world.allocate(&user)), 401);
}

#[test]
fn u3_credentials_of_another_secret_session_or_end_open_nothing() {
    let mut world = World::new();
    let good = world.user("ann", "198.51.100.7:5000");
    let (end, password) = (UNIX + LIFETIME.as_secs(), good.credentials.password.clone());
    assert_eq!(good.credentials, world.secret.credentials("ann", end));
    for (username, password) in [
        (
            format!("{end}:ann"),
            hst_turn::Secret::random().credentials("ann", end).password,
        ),
        (format!("{}:ann", end + 1), password.clone()),
        (format!("{end}:ben"), password.clone()),
        (format!("{end}:ben"), world.secret.credentials("ben", end).password),
        (format!("{UNIX}:ann"), world.secret.credentials("ann", UNIX).password),
        ("ann".to_owned(), password),
        (String::new(), String::new()),
    ] {
        let mut user = good.clone();
        (user.credentials.username, user.credentials.password) = (username.clone(), password);
        assert_eq!(code(&world.allocate(&user)), 401, "{username}");
    }
    assert_eq!(world.relay.allocations(), 0);
    assert_eq!(code(&world.allocate(&good)), 0);
}

#[test]
fn another_user_cannot_use_an_allocation_from_its_address() {
    let (mut world, ann) = allocated();
    let mut ben = world.user("ben", "198.51.100.7:5001");
    ben.client = ann.client;
    world.challenge(&mut ben);
    assert_eq!(code(&world.refresh(&ben, 0)), 441);
    assert_eq!(code(&world.permit(&ben, &[addr(MEDIA)])), 441);
    assert_eq!(world.relay.allocations(), 1);
}

#[test]
fn u4_a_session_has_twelve_allocations_at_most_and_ten_thousand_rounds_leave_nothing_behind() {
    let mut world = World::new();
    let users: Vec<_> = (0..13)
        .map(|at| world.user("ann", &format!("198.51.100.7:{}", 5000 + at)))
        .collect();
    let codes: Vec<_> = users.iter().map(|user| code(&world.allocate(user))).collect();
    assert_eq!((&codes[..12], codes[12]), (&[0; 12][..], 486));
    let ben = world.user("ben", "198.51.100.8:5000");
    assert_eq!(code(&world.allocate(&ben)), 0, "another session has its own");
    assert_eq!(code(&world.refresh(&users[0], 0)), 0);
    assert_eq!(code(&world.allocate(&users[12])), 0, "one that was given back");
    for _ in 0..10_000 {
        assert_eq!(code(&world.refresh(&users[1], 0)), 0);
        assert_eq!(code(&world.allocate(&users[1])), 0);
        world.outputs.clear();
    }
    assert_eq!(world.relay.allocations(), 13);
}

#[test]
fn u6_before_it_knows_who_asks_it_keeps_nothing_and_says_little() {
    let mut world = World::new();
    let mut answers = 0;
    for port in 1..=10_000_u16 {
        let client = udp(&format!("198.51.100.7:{port}"));
        let question = message(METHOD_ALLOCATE, &[(ATTR_REQUESTED_TRANSPORT, vec![17, 0, 0, 0])]);
        world.send(client, &question);
        if let Some(answer) = world.answer(client) {
            // It has to say how to ask: an answer to so short a question cannot be shorter. So few are given.
            assert!(
                answer.len() <= 2 * question.len(),
                "{} for {}",
                answer.len(),
                question.len()
            );
            answers += 1;
        }
        let question = message(METHOD_BINDING, &[]);
        world.send(client, &question);
        assert_eq!(world.answer(client), None, "it would be longer than the question");
    }
    assert_eq!((answers, world.relay.allocations()), (20, 0));
    assert_eq!((world.outputs.len(), world.relay.poll_timeout()), (0, None));
    // Over a connection the address is proved.
    let client = Client {
        addr: addr("198.51.100.7:5000"),
        stream: Some(1),
    };
    for _ in 0..100 {
        assert_eq!(code(&world.ask(client, &message(METHOD_ALLOCATE, &[]))), 401);
        assert_eq!(code(&world.ask(client, &message(METHOD_BINDING, &[]))), 0);
    }
}

#[test]
fn u6_a_nonce_of_another_client_or_another_hour_is_stale_and_a_new_one_comes_along() {
    let (mut world, user) = allocated();
    let mut other = user.clone();
    other.client = udp("198.51.100.99:5000");
    let stale = world.allocate(&other);
    assert_eq!(code(&stale), 438);
    other.nonce = stale.get(ATTR_NONCE).unwrap();
    assert_eq!(code(&world.allocate(&other)), 0);
    world.pass(HOUR);
    assert_eq!(code(&world.allocate(&other)), 438);
}

#[test]
fn u7_relays_cannot_be_led_into_each_other_or_themselves() {
    let mut world = World::new();
    let users: Vec<_> = (0..2)
        .map(|at| world.user("ann", &format!("198.51.100.7:{}", 5000 + at)))
        .collect();
    let relayed: Vec<_> = users
        .iter()
        .map(|user| {
            let reply = world.allocate(user);
            let port = u16::from_be_bytes(reply.get(ATTR_XOR_RELAYED_ADDRESS).unwrap()[2..4].try_into().unwrap());
            port ^ 0x2112
        })
        .collect();
    for user in &users {
        assert_eq!(code(&world.permit(user, &[addr(MEDIA)])), 0);
        for port in &relayed {
            for ip in ["203.0.113.9", "127.0.0.1"] {
                let peer = addr(&format!("{ip}:{port}"));
                assert_eq!(code(&world.bind(user, 0x4000, peer)), 403);
                assert_eq!(world.say(user, peer, b"round and round"), None);
            }
        }
    }
}

#[test]
fn u8_what_is_asked_for_oddly_is_refused_or_bounded() {
    let udp_transport = || (ATTR_REQUESTED_TRANSPORT, vec![17, 0, 0, 0]);
    let lifetimes = |seconds: u32| (ATTR_LIFETIME, seconds.to_be_bytes().to_vec());
    type Case = (Vec<(AttrType, Vec<u8>)>, u16, Option<u32>);
    let cases: Vec<Case> = vec![
        (vec![], 400, None),
        (vec![(ATTR_REQUESTED_TRANSPORT, vec![6, 0, 0, 0])], 442, None),
        (vec![(ATTR_REQUESTED_TRANSPORT, vec![17])], 400, None),
        (vec![udp_transport(), (ATTR_EVEN_PORT, vec![0x80])], 508, None),
        (vec![udp_transport(), (ATTR_RESERVATION_TOKEN, vec![1; 8])], 508, None),
        (vec![udp_transport(), (ATTR_DONT_FRAGMENT, vec![])], 420, None),
        (vec![udp_transport(), (AttrType(0x7abc), vec![1])], 420, None),
        (vec![udp_transport(), (AttrType(0x8abc), vec![1])], 0, Some(600)),
        (
            vec![udp_transport(), (ATTR_REQUESTED_ADDRESS_FAMILY, vec![3, 0, 0, 0])],
            440,
            None,
        ),
        (
            vec![udp_transport(), (ATTR_REQUESTED_ADDRESS_FAMILY, vec![])],
            440,
            None,
        ),
        (vec![udp_transport(), (ATTR_LIFETIME, vec![1])], 400, None),
        (vec![udp_transport(), lifetimes(0)], 0, Some(600)),
        (vec![udp_transport(), lifetimes(1)], 0, Some(600)),
        (vec![udp_transport(), lifetimes(1200)], 0, Some(1200)),
        (vec![udp_transport(), lifetimes(u32::MAX)], 0, Some(3600)),
    ];
    for (at, (attributes, expected, seconds)) in cases.into_iter().enumerate() {
        let mut world = World::new();
        let user = world.user("ann", "198.51.100.7:5000");
        let reply = world.request(&user, METHOD_ALLOCATE, &attributes);
        assert_eq!(code(&reply), expected, "case {at}");
        assert_eq!(seconds, (expected == 0).then(|| lifetime(&reply)), "case {at}");
        assert_eq!(world.relay.allocations(), usize::from(expected == 0), "case {at}");
    }
    let (mut world, user) = allocated();
    for method in [METHOD_CONNECT, METHOD_CONNECTION_BIND] {
        assert_eq!(code(&world.request(&user, method, &[])), 403, "no TCP is relayed");
    }
    assert_eq!(code(&world.permit(&user, &[])), 400);
    assert_eq!(code(&world.permit(&user, &[addr(MEDIA_V6)])), 443);
    for number in [0, 0x3fff, 0x8000, 0xffff] {
        assert_eq!(code(&world.bind(&user, number, addr(MEDIA))), 400, "{number:x}");
    }
    assert_eq!(code(&world.bind(&user, 0x7fff, addr(MEDIA))), 0);
    assert_eq!(code(&world.bind(&user, 0x7fff, addr(MEDIA))), 0, "again is no other");
    assert_eq!(
        code(&world.bind(&user, 0x4000, addr(MEDIA))),
        400,
        "a peer has one channel"
    );
    assert_eq!(lifetime(&world.refresh(&user, u32::MAX)), 3600);
    assert_eq!(lifetime(&world.refresh(&user, 0)), 0);
    assert_eq!(code(&world.refresh(&user, 600)), 437, "it is gone");
}

#[test]
fn a_request_that_comes_twice_has_one_allocation_and_the_same_answer() {
    let mut world = World::new();
    let user = world.user("ann", "198.51.100.7:5000");
    let request = signed(&user, METHOD_ALLOCATE, &[(ATTR_REQUESTED_TRANSPORT, vec![17, 0, 0, 0])]);
    let relayed = |reply: Message| reply.get(ATTR_XOR_RELAYED_ADDRESS).unwrap();
    let first = relayed(world.ask(user.client, &request));
    assert_eq!(relayed(world.ask(user.client, &request)), first);
    assert_eq!(world.relay.allocations(), 1);
    assert_eq!(code(&world.allocate(&user)), 437, "another request");
}

#[test]
fn without_a_socket_there_is_no_allocation() {
    let mut world = World::new();
    let user = world.user("ann", "198.51.100.7:5000");
    world.has_sockets = false;
    assert_eq!(code(&world.allocate(&user)), 508);
    assert_eq!(world.relay.allocations(), 0);
}

#[test]
fn a_connection_takes_its_allocation_along() {
    let mut world = World::new();
    let mut user = world.user("ann", "198.51.100.7:5000");
    user.client.stream = Some(7);
    assert_eq!(code(&world.allocate(&user)), 0);
    world.relay.handle_gone(user.client);
    assert_eq!(world.relay.allocations(), 0);
}

#[test]
fn what_is_behind_the_signature_is_not_read() {
    let mut world = World::new();
    let user = world.user("ann", "198.51.100.7:5000");
    let mut request = read(&signed(&user, METHOD_ALLOCATE, &[]));
    request.add(ATTR_REQUESTED_TRANSPORT, &[17, 0, 0, 0]);
    assert_eq!(
        code(&world.ask(user.client, &request.raw)),
        400,
        "the transport was not signed"
    );
    let mut request = read(&signed(&user, METHOD_REFRESH, &[]));
    request.raw[20] ^= 1;
    let answer = code(&world.ask(user.client, &request.raw));
    assert!([400, 401].contains(&answer), "{answer}");
}
