//! Offers that no browser would make, and garbage at the media ports.

use hst_proto::{Command, Line, MAX_SDP, Offer, Role};
use hst_rtc::{MediaId, MediaRef, MediaType};
use hst_tests::{
    hand::Hand,
    house::{Door, House, live, user, within},
};
use tokio::net::UdpSocket;

use crate::bystanders::Bystanders;

fn line(mid: &str) -> Line {
    Line {
        mid: mid.to_owned(),
        role: Role::Receive(MediaRef {
            user: user("nobody"),
            media_type: MediaType::Video,
            media: MediaId::screen(),
        }),
    }
}

/// What every session description begins with.
const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
/// What a section needs to be secured.
const SECURED: &str = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdabcdabcdabcdabcdabcd\r\na=setup:actpass\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_offer_is_refused_and_nobody_else_notices() {
    let house = House::open(Door::Preset).await;
    let mut bystanders = Bystanders::in_group(&house, "g").await;
    let section = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:96 VP8/90000\r\n";
    let many = format!("{HEAD}{}", section.repeat(1000));
    let no_fingerprint = format!("{HEAD}{section}a=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n{SECURED}");
    let offers = [
        ("nothing", String::new(), vec![]),
        ("junk", "junk".to_owned(), vec![]),
        ("zeros", "\0".repeat(1000), vec![]),
        ("not ASCII", "v=0\r\n\u{202e}安\r\n".to_owned(), vec![]),
        ("no end", HEAD[..20].to_owned(), vec![]),
        ("no lines", HEAD.to_owned(), vec![]),
        ("no lines, but one is named", HEAD.to_owned(), vec![line("0")]),
        ("no fingerprint", no_fingerprint, vec![line("0")]),
        ("too many lines", many, vec![]),
        ("too many names", HEAD.to_owned(), vec![line("0"); 257]),
        ("the longest", "x".repeat(MAX_SDP), vec![]),
        ("longer than that", "x".repeat(MAX_SDP + 1), vec![]),
        (
            "a long number",
            format!("{HEAD}m=video {} RTP/SAVPF 96\r\n", "9".repeat(5000)),
            vec![],
        ),
    ];
    let mut mallory = Hand::member(&house, "mallory", "elsewhere").await;
    for (generation, (what, sdp, lines)) in (1..).zip(offers) {
        let refused = mallory.ask(Command::Offer(Offer { generation, sdp, lines })).await;
        let failure = refused.expect_err(what);
        assert_eq!(failure.code, 1, "{what}: {}", failure.message);
        assert!(!failure.message.is_empty(), "{what}");
        bystanders.chat().await;
    }
    // He is still welcome, and so are his announcements.
    let publish = Command::Publish {
        media_type: MediaType::Audio,
        media: MediaId::microphone(),
        name: String::new(),
    };
    mallory.ask(publish).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_at_the_media_ports_disturbs_no_media() {
    let house = House::open(Door::Preset).await;
    let ann = house.member("ann", "g").await;
    let mut bob = house.member("bob", "g").await;
    within(
        "publishing",
        ann.engine.publish(MediaType::Video, "film", live("film.ivf").await),
    )
    .await
    .unwrap();
    let key = bob.published().await;
    let mut remote = within("receiving", bob.engine.receive(key)).await.unwrap();
    assert!(within("a picture", remote.read()).await.is_some());

    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut random = Random(7);
    for round in 0..30 {
        for address in &house.server.addresses().media {
            for first in [0, 1, 20, 22, 63, 64, 128, 144, 191, 255] {
                let mut packet = random.packet();
                if let Some(byte) = packet.first_mut() {
                    *byte = first;
                }
                stranger.send_to(&packet, ("127.0.0.1", address.port())).await.unwrap();
            }
            // A binding request (RFC 8489) of a user whom nobody knows.
            let request = b"\0\x01\0\x0c\x21\x12\xa4\x42abcdefghijkl\0\x06\0\x07abc:def\0";
            stranger.send_to(request, ("127.0.0.1", address.port())).await.unwrap();
        }
        assert!(within("a picture", remote.read()).await.is_some(), "round {round}");
    }
    let figures = bob.engine.stats().await.unwrap();
    assert_eq!(figures[0].line.lost, 0, "{figures:?}");
    // And whoever comes now is served as well.
    let mut cat = house.member("cat", "g").await;
    let key = cat.published().await;
    let mut remote = within("receiving", cat.engine.receive(key)).await.unwrap();
    assert!(within("a picture", remote.read()).await.is_some());
}

/// Numbers that look random and are the same each time (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn packet(&mut self) -> Vec<u8> {
        let length = self.next() % 1400;
        (0..length).map(|_| self.next() as u8).collect()
    }
}
