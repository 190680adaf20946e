//! Rooms of two and three nodes, over real links.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../hst-sfu-worker/tests/house/mod.rs"]
mod house;

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    ops::RangeInclusive,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use house::{CAMERA, DELTA, House, KEY, MICROPHONE, Want, number_of, plain, vp8};
use hst_cascade::{Cascade, Joined, VERSIONS};
use hst_link::{Arrivals, Authority, Config, Identity, Links, NodeName};
use str0m::media::{MediaKind, Mid};
use tokio::runtime::Runtime;

const SHARE: u64 = 1_000_000_000;

/// A cluster in one process.
struct Cluster {
    runtime: Runtime,
    authority: Authority,
    addresses: Arc<Mutex<HashMap<NodeName, SocketAddr>>>,
    share: u64,
    /// What nodes that come from now on speak on links.
    versions: RangeInclusive<u16>,
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
        Self::with_share(SHARE)
    }

    /// A cluster whose links may carry so much.
    fn with_share(share: u64) -> Self {
        Self {
            share,
            versions: VERSIONS,
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
            versions: self.versions.clone(),
            share: self.share,
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
fn a_node_of_the_release_before_gets_pictures_of_this_one_and_gives_it_its_own() {
    for is_publisher_old in [false, true] {
        let mut cluster = Cluster::new();
        let mut nodes = [("n1", is_publisher_old), ("n2", !is_publisher_old)].map(|(name, is_old)| {
            cluster.versions = *VERSIONS.start()..=*VERSIONS.end() - u16::from(is_old);
            cluster.node(name)
        });
        let [one, other] = &mut nodes;
        let _joined = [one.join(other), other.join(one)];
        other.receive();
        Film::of(one).run_for(&mut [other], 50);
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

/// Someone who is seen and heard at another node.
struct Call {
    here: Node,
    there: Node,
    lines: Vec<Mid>,
    /// Packets that were sent: of the picture, and of the sound.
    sent: [u64; 2],
    /// How often there is a packet of the picture, which has 600 bytes.
    every: Duration,
}

const SOUND: Duration = Duration::from_millis(20);
/// A packet with fewer bytes is one of sound.
const PICTURE: usize = 300;
/// It takes some seconds until more is tried.
const PATIENCE: Duration = Duration::from_secs(60);

impl Call {
    fn of(mut here: Node, mut there: Node) -> Self {
        let kinds = [(MediaKind::Video, CAMERA), (MediaKind::Audio, MICROPHONE)];
        let publisher = here.house.client(plain);
        let lines = here
            .house
            .join(publisher, &kinds.map(|(kind, track)| Want::Send(kind, track)));
        let receiver = there.house.client(plain);
        there
            .house
            .join(receiver, &kinds.map(|(kind, track)| Want::Receive(kind, track)));
        Self {
            here,
            there,
            lines,
            sent: [0; 2],
            every: SOUND,
        }
    }

    /// Sends until this is true, in real time.
    fn run(&mut self, what: &str, until: impl Fn(&Cascade, &[(u64, usize)]) -> bool) {
        let Self {
            here: Node { house, cascade, .. },
            there,
            lines,
            sent,
            every,
        } = self;
        let (begin, before) = (Instant::now(), *sent);
        house.drive_for(PATIENCE, what, |house| {
            let due = |every: Duration| (begin.elapsed().as_micros() / every.as_micros()) as u64;
            while sent[0] - before[0] < due(*every) {
                sent[0] += 1;
                let kind = if sent[0] % 20 == 1 { KEY } else { DELTA };
                house.video(0, lines[0], sent[0], vp8(kind, sent[0] as u32));
            }
            while sent[1] - before[1] < due(SOUND) {
                sent[1] += 1;
                house.sound(0, lines[1], sent[1]);
            }
            there.house.drive("a moment", |_| true);
            let received = there.house.clients[0].received.iter();
            let received: Vec<_> = received.map(|it| (*it.seq_no, it.payload.len())).collect();
            until(cascade, &received)
        });
    }

    /// How many packets of the picture and of the sound have come.
    fn received(&self) -> [usize; 2] {
        let received = &self.there.house.clients[0].received;
        let pictures = received.iter().filter(|it| it.payload.len() > PICTURE).count();
        [pictures, received.len() - pictures]
    }
}

fn is_full(cascade: &Cascade) -> bool {
    cascade.figures().iter().any(|it| it.bound.is_some())
}

#[test]
fn a_link_that_is_full_leaves_out_the_picture_and_not_the_sound_until_it_has_room_again() {
    let cluster = Cluster::with_share(2_000_000);
    let (here, there) = (cluster.node("n1"), cluster.node("n2"));
    let _joined = (here.join(&there), there.join(&here));
    let mut call = Call::of(here, there);
    let pictures = |received: &[(u64, usize)]| received.iter().filter(|it| it.1 > PICTURE).count();
    let sounds = |received: &[(u64, usize)]| received.len() - pictures(received);
    call.run("the picture", |_, received| {
        pictures(received) > 20 && sounds(received) > 20
    });
    // Nearly as much as the share.
    call.every = Duration::from_micros(2_500);
    call.run("a full link", |cascade, _| is_full(cascade));
    // There are eight packets of the picture for each of sound, as long as it crosses.
    call.run("only sound", |cascade, received| {
        let last = received.iter().rev().take(15);
        is_full(cascade) && last.filter(|it| it.1 <= PICTURE).count() == 15
    });
    let [seen, _] = call.received();
    // A quarter of that has room.
    call.every = Duration::from_millis(10);
    call.run("the picture again", |cascade, received| {
        !is_full(cascade) && pictures(received) > seen + 50
    });
    let lost = call.sent[1] - call.received()[1] as u64;
    assert!(lost < 20, "{lost} of {} packets of sound", call.sent[1]);
}
