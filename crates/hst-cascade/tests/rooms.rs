//! Rooms of two and three nodes, over real links.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../hst-sfu-worker/tests/house/mod.rs"]
mod house;

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use house::{CAMERA, DELTA, House, KEY, Want, number_of, plain, vp8};
use hst_cascade::{Cascade, Joined};
use hst_link::{Arrivals, Authority, Config, Identity, Links, NodeName};
use str0m::media::{MediaKind, Mid};
use tokio::runtime::Runtime;

const SHARE: u64 = 1_000_000_000;

/// A cluster in one process.
struct Cluster {
    runtime: Runtime,
    authority: Authority,
    addresses: Arc<Mutex<HashMap<NodeName, SocketAddr>>>,
}

/// A node with one room, and the clients in it.
struct Node {
    name: NodeName,
    house: House,
    cascade: Cascade,
    links: Links,
}

impl Cluster {
    fn new() -> Self {
        Self {
            runtime: Runtime::new().expect("a runtime"),
            authority: Authority::generate().expect("an authority"),
            addresses: Arc::default(),
        }
    }

    fn node(&self, name: &str) -> Node {
        let (name, house) = (NodeName::parse(name).expect("a name"), House::new());
        let (cascade, links) = self.begin(&name, &house);
        Node {
            name,
            house,
            cascade,
            links,
        }
    }

    fn begin(&self, name: &NodeName, house: &House) -> (Cascade, Links) {
        let _runtime = self.runtime.enter();
        let (links, arrivals) = self.bind(name);
        let at = links.local_addr().expect("bound");
        self.addresses.lock().unwrap().insert(name.clone(), at);
        let addresses = self.addresses.clone();
        let find = move |name: &NodeName| addresses.lock().unwrap().get(name).copied();
        let cascade = Cascade::start(house.plane.clone(), name.clone(), (links.clone(), arrivals), find);
        (cascade, links)
    }

    fn bind(&self, name: &NodeName) -> (Links, Arrivals) {
        let papers = self.authority.issue(name, Duration::from_secs(3600)).expect("papers");
        let root = self.authority.root().expect("a root");
        let (certificate, key) = (papers.certificate.as_bytes(), papers.key.as_bytes());
        let identity = Identity::from_pem(name.clone(), certificate, key, root.as_bytes()).expect("an identity");
        let config = Config {
            epoch: 1,
            versions: hst_cascade::VERSIONS,
            share: SHARE,
        };
        Links::bind("127.0.0.1:0".parse().unwrap(), identity, config).expect("loopback")
    }
}

impl Node {
    fn join(&self, other: &Self) -> Joined {
        self.cascade.join(&other.name, "app/group", &self.house.room)
    }

    fn publish(&mut self) -> Mid {
        let publisher = self.house.client(plain);
        self.house.join(publisher, &[Want::Send(MediaKind::Video, CAMERA)])[0]
    }

    fn receive(&mut self) {
        let receiver = self.house.client(plain);
        self.house.join(receiver, &[Want::Receive(MediaKind::Video, CAMERA)]);
    }

    fn datagrams_offered(&self) -> u64 {
        let figures = self.cascade.figures();
        figures.iter().filter_map(|it| Some(it.link?.datagrams_offered)).sum()
    }
}

/// A publisher who sends pictures, each with its number.
struct Film<'a> {
    publisher: &'a mut Node,
    video: Mid,
    number: u64,
    has_keyframes: bool,
}

impl<'a> Film<'a> {
    fn of(publisher: &'a mut Node) -> Self {
        let video = publisher.publish();
        Self {
            publisher,
            video,
            number: 0,
            has_keyframes: true,
        }
    }

    /// Goes on until this is true.
    fn run(&mut self, nodes: &mut [&mut Node], until: impl Fn(&[&mut Node]) -> bool) {
        let Self {
            publisher,
            video,
            number,
            has_keyframes,
        } = self;
        publisher.house.drive("the film", |house| {
            *number += 1;
            let kind = if *has_keyframes && *number % 10 == 1 {
                KEY
            } else {
                DELTA
            };
            house.video(0, *video, *number, vp8(kind, *number as u32));
            nodes.iter_mut().for_each(|node| node.house.drive("a moment", |_| true));
            until(nodes)
        });
    }

    /// Goes on until everybody at these nodes has got a picture that is newer by so many than the present one.
    fn run_for(&mut self, nodes: &mut [&mut Node], pictures: u64) {
        let target = self.number + pictures;
        self.run(nodes, |nodes| {
            let sees = |client: &house::Client| {
                let last = client.received.last();
                last.is_some_and(|packet| u64::from(number_of(&packet.payload)) > target)
            };
            nodes.iter().all(|node| node.house.clients.iter().all(sees))
        });
    }
}

#[test]
fn a_track_crosses_each_link_once_for_all_who_receive_it_beyond() {
    let cluster = Cluster::new();
    let [mut one, mut hub, mut two] = ["n1", "n2", "n3"].map(|name| cluster.node(name));
    let _joined = [one.join(&hub), hub.join(&one), hub.join(&two), two.join(&hub)];
    for node in [&mut hub, &mut two] {
        (0..3).for_each(|_| node.receive());
    }
    let mut film = Film::of(&mut one);
    film.run_for(&mut [&mut hub, &mut two], 0);
    let before = (film.number, film.publisher.datagrams_offered(), hub.datagrams_offered());
    film.run_for(&mut [&mut hub, &mut two], 200);
    let sent = film.number - before.0;
    let offered = [film.publisher.datagrams_offered(), hub.datagrams_offered()];
    for (offered, before) in offered.into_iter().zip([before.1, before.2]) {
        let crossed = offered - before;
        // One may have been on its way when it was counted.
        assert!(
            (200..=sent + 1).contains(&crossed),
            "{crossed} datagrams for {sent} packets"
        );
    }
}

#[test]
fn when_another_node_becomes_the_middle_nobody_misses_a_packet_or_needs_a_keyframe() {
    let cluster = Cluster::new();
    let [mut one, hub, mut two] = ["n1", "n2", "n3"].map(|name| cluster.node(name));
    let joined = [one.join(&hub), hub.join(&one), hub.join(&two), two.join(&hub)];
    two.receive();
    let mut film = Film::of(&mut one);
    film.run_for(&mut [&mut two], 0);
    film.has_keyframes = false;
    joined
        .into_iter()
        .for_each(|joined| joined.go(Duration::from_secs(3600)));
    let _joined = [film.publisher.join(&two), two.join(film.publisher)];
    film.run(&mut [&mut two], |nodes| {
        let link = nodes[0]
            .cascade
            .figures()
            .into_iter()
            .find(|it| it.node.as_str() == "n1");
        link.and_then(|it| it.link)
            .is_some_and(|link| link.datagrams_taken > 10)
    });
    cluster.runtime.block_on(hub.links.shut_down());
    drop(hub);
    film.run_for(&mut [&mut two], 50);
    let received = &two.house.clients[0].received;
    let numbers: BTreeSet<_> = received.iter().map(|packet| number_of(&packet.payload)).collect();
    let (first, last) = (numbers.first().unwrap(), numbers.last().unwrap());
    assert!(numbers.iter().copied().eq(*first..=*last), "{numbers:?}");
}

#[test]
fn a_node_that_begins_anew_is_found_again() {
    let cluster = Cluster::new();
    let (mut one, mut other) = (cluster.node("n1"), cluster.node("n2"));
    let joined = (one.join(&other), other.join(&one));
    other.receive();
    let mut film = Film::of(&mut one);
    film.run_for(&mut [&mut other], 0);

    cluster.runtime.block_on(other.links.shut_down());
    drop((other, joined.1));
    let mut other = cluster.node("n2");
    let _joined = other.join(film.publisher);
    other.receive();
    film.run_for(&mut [&mut other], 0);
}

#[test]
fn who_has_parted_gets_nothing_more() {
    let cluster = Cluster::new();
    let (mut one, mut other) = (cluster.node("n1"), cluster.node("n2"));
    let joined = (one.join(&other), other.join(&one));
    other.receive();
    let mut film = Film::of(&mut one);
    film.run_for(&mut [&mut other], 0);
    drop(joined.1);
    // What has been on its way comes to an end.
    let mut before = u64::MAX;
    for _ in 0..1000 {
        let offered = film.publisher.datagrams_offered();
        if std::mem::replace(&mut before, offered) == offered {
            return;
        }
        let target = film.number + 50;
        while film.number < target {
            film.run(&mut [], |_| true);
        }
    }
    panic!("it never ends");
}
