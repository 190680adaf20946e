//! Clients that begin to connect before their offer has come.

use std::{
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use hst_sfu_worker::{Config, Foretold, MediaPlane, PeerId};
use str0m::{
    Rtc, crypto,
    ice::{StunMessage, TransId},
    media::{Direction, MediaKind},
};

/// Nothing here takes long; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);
/// How a response to a check begins (RFC 8489 section 5).
const SUCCESS: [u8; 2] = [1, 1];

fn offer() -> String {
    let mut rtc = Rtc::new(Instant::now());
    let mut changes = rtc.sdp_api();
    changes.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
    changes.apply().expect("a change").0.to_sdp_string()
}

fn check(foretold: &Foretold, offer: &str) -> Vec<u8> {
    let hmac = crypto::from_feature_flags().sha1_hmac_provider;
    let theirs = offer.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:"));
    let name = format!("{}:{}", foretold.ufrag, theirs.expect("its name"));
    let check = StunMessage::binding_request(&name, TransId::new(), true, 1, 1, true);
    let mut bytes = vec![0; 256];
    let password = foretold.password.as_bytes();
    let len = check.to_bytes(Some(password), &mut bytes, |key, parts| hmac.sha1_hmac(key, parts));
    bytes.truncate(len.expect("room"));
    bytes
}

/// A socket that has sent one check to each of the addresses.
fn checking(foretold: &Foretold, offer: &str) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let check = check(foretold, offer);
    for address in &foretold.addresses {
        socket.send_to(&check, address).expect("it leaves");
    }
    socket
}

/// What comes next, and from where.
fn next(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut bytes = [0; 2048];
    let (len, from) = socket.recv_from(&mut bytes).expect("an answer");
    (bytes[..len].to_vec(), from)
}

#[tokio::test]
async fn a_check_that_came_before_the_offer_is_answered_with_it_from_the_rooms_own_port() {
    let (plane, _events) = MediaPlane::start(Config::default()).unwrap();
    let foretold = plane.foretell(7).unwrap();
    assert_eq!(foretold.addresses, plane.local_addrs());
    let offer = offer();
    let socket = checking(&foretold, &offer);
    let room = plane.open_room();
    let answer = room
        .offer_foretold(PeerId(1), 1, offer, Vec::new(), Some(7))
        .await
        .unwrap();
    let says = |line: String| assert!(answer.contains(&line), "{line} is not in {answer}");
    says(format!("a=ice-ufrag:{}\r\n", foretold.ufrag));
    says(format!("a=ice-pwd:{}\r\n", foretold.password));

    let (response, from) = next(&socket);
    assert_eq!(response[..2], SUCCESS);
    says(format!("{} {} typ host", from.ip(), from.port()));
}

#[tokio::test]
async fn where_one_of_several_addresses_may_not_be_reached_nothing_is_foretold() {
    let config = Config {
        advertise: ["127.0.0.1", "192.0.2.1"].map(|ip| ip.parse().unwrap()).to_vec(),
        ..Config::default()
    };
    let (plane, _events) = MediaPlane::start(config).unwrap();
    assert_eq!(plane.foretell(7), None);
}

#[tokio::test]
async fn a_name_that_has_a_connection_gets_other_credentials_for_the_next() {
    let (plane, _events) = MediaPlane::start(Config::default()).unwrap();
    let foretold = plane.foretell(7).unwrap();
    let room = plane.open_room();
    let mut answers = Vec::new();
    for (peer, generation) in [(1, 1), (2, 1), (1, 2)] {
        let answer = room.offer_foretold(PeerId(peer), generation, offer(), Vec::new(), Some(7));
        answers.push(answer.await.unwrap().contains(&foretold.ufrag));
    }
    assert_eq!(
        answers,
        [true, false, false],
        "nor has a second connection of the same peer"
    );
    room.remove_peer(PeerId(1)).await;
    let again = room.offer_foretold(PeerId(3), 1, offer(), Vec::new(), Some(7)).await;
    assert!(again.unwrap().contains(&foretold.ufrag), "the name is free again");
}

#[tokio::test]
async fn what_is_foretold_on_one_plane_means_nothing_on_another() {
    let [(one, _of_one), (other, _of_other)] = [(); 2].map(|()| MediaPlane::start(Config::default()).unwrap());
    let mut foretold = one.foretell(7).unwrap();
    foretold.addresses = other.local_addrs();
    let offer = offer();
    let socket = checking(&foretold, &offer);
    let room = other.open_room();
    let answer = room
        .offer_foretold(PeerId(1), 1, offer.clone(), Vec::new(), Some(7))
        .await
        .unwrap();
    assert!(!answer.contains(&foretold.ufrag));
    // What is answered on this socket is the second check, with the right credentials: nothing came for the first.
    let right = other.foretell(7).unwrap();
    let check = check(&right, &offer);
    for address in &right.addresses {
        socket.send_to(&check, address).unwrap();
    }
    let (response, _) = next(&socket);
    assert_eq!(response[..2], SUCCESS);
    assert_eq!(response[8..20], check[8..20], "it names the check that it answers");
}
