//! ICE restarts, and offers that a connection cannot take.

use str0m::change::SdpPendingOffer;

use super::*;

/// The value of an SDP attribute.
fn attribute<'a>(sdp: &'a str, name: &str) -> &'a str {
    sdp.lines()
        .find_map(|line| line.strip_prefix(name))
        .expect("an attribute")
}

impl Pair {
    /// The client offers an ICE restart; what it makes of the answer and the answer itself.
    fn restart(&mut self) -> (SdpPendingOffer, String) {
        let mut api = self.client.sdp_api();
        api.ice_restart(true);
        let (offer, pending) = api.apply().expect("an offer");
        let line = Line::new(self.camera.to_string(), LineRole::Send { track: TrackId(1) });
        let offer = parse(&offer.to_sdp_string(), &[line]).expect("readable");
        let (answer, changes) = self.transport.negotiate(self.now, offer).expect("an answer");
        assert_eq!(changes, [], "nothing changes for the router");
        (pending, answer.to_sdp_string())
    }

    pub(super) fn accept(&mut self, pending: SdpPendingOffer, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).expect("readable");
        self.client.sdp_api().accept_answer(pending, answer).expect("it fits");
    }

    /// Whether the server answers a check from the client's address.
    fn is_answered(&mut self, check: &[u8]) -> bool {
        self.outbox.take();
        self.receive(check);
        self.outbox.take().iter().any(|(_, bytes)| is_stun(bytes))
    }
}

#[test]
fn an_ice_restart_is_answered_with_fresh_credentials_of_ours() {
    let mut pair = Pair::connected();
    let mut ufrags = vec![pair.transport.paths.sessions.ufrags()[0].clone()];
    for _ in 0..3 {
        let (pending, answer) = pair.restart();
        let current = pair.transport.paths.sessions.current().ice().clone();
        assert_eq!(attribute(&answer, "a=ice-ufrag:"), current.ufrag);
        assert_eq!(attribute(&answer, "a=ice-pwd:"), current.pass);
        assert_eq!(
            (current.ufrag.len(), current.pass.len()),
            (12, 32),
            "not those of the stack"
        );
        assert!(!attribute(&answer, "a=candidate:").contains("ufrag"), "{answer}");
        ufrags.push(current.ufrag);
        pair.accept(pending, &answer);
        pair.run(Duration::from_secs(30));
        assert_eq!(pair.lost(), None);
        pair.video(ufrags.len() as u64, 500);
        assert_eq!(pair.media(), 1, "the keys are those of before");
    }
    assert_eq!(pair.transport.paths.sessions.ufrags(), ufrags);
}

#[test]
fn n7_the_credentials_of_before_are_good_until_the_new_path_is_agreed() {
    let mut pair = Pair::connected();
    let old = pair.check.clone();
    let (pending, answer) = pair.restart();
    assert!(pair.is_answered(&old));
    pair.accept(pending, &answer);
    pair.run(Duration::from_millis(200));
    assert_ne!(pair.check, old);
    assert!(!pair.is_answered(&old));
}

#[test]
fn n7_the_credentials_of_before_are_good_for_five_seconds_at_most() {
    let mut pair = Pair::connected();
    let old = pair.check.clone();
    let mut forged = old.clone();
    let end = forged.len() - 9;
    forged[end] ^= 1;
    let (_pending, _answer) = pair.restart();
    pair.now += Duration::from_millis(4_999);
    assert!(pair.is_answered(&old));
    assert!(!pair.is_answered(&forged));
    let elsewhere = Remote::udp(SocketAddr::new(addr(CLIENT).ip(), 1));
    assert!(
        pair.transport.proves(pair.now, elsewhere, &old).is_none(),
        "they make no new path"
    );
    pair.now += Duration::from_millis(1);
    assert!(!pair.is_answered(&old));
}

#[test]
fn media_goes_on_over_the_path_of_before_until_there_is_a_new_one() {
    let mut pair = Pair::connected();
    let (_pending, _answer) = pair.restart();
    pair.video(1, 500);
    assert_eq!(pair.media(), 1);
}

#[test]
fn p5_a_restart_that_is_answered_and_taken_back_is_made_good_by_the_next_one() {
    for taken_back in 1..10 {
        let mut pair = Pair::connected();
        for round in 0..taken_back {
            let (_pending, _answer) = pair.restart();
            pair.run(Duration::from_secs(1));
            pair.video(1 + round, 500);
            assert_eq!(pair.media(), 1, "it goes on over the path of before");
        }
        let (pending, answer) = pair.restart();
        pair.accept(pending, &answer);
        pair.goes_on_at(1 + taken_back);
    }
}

#[test]
fn a_restart_that_leads_nowhere_ends_the_connection() {
    let mut pair = Pair::connected();
    let (pending, answer) = pair.restart();
    pair.accept(pending, &answer);
    pair.passes = |_| false;
    let start = pair.now;
    pair.run(Duration::from_secs(60));
    assert_eq!(pair.lost(), Some(LostReason::Silent));
    let after = pair.now - start;
    assert!(
        (CONNECT_TIMEOUT..CONNECT_TIMEOUT + Duration::from_secs(1)).contains(&after),
        "{after:?}"
    );
}

#[test]
fn restarts_are_counted() {
    let mut pair = Pair::connected();
    let now = pair.now;
    let mut restarts = 0;
    while pair.transport.paths.sessions.restart(now).is_some() {
        restarts += 1;
    }
    assert_eq!(restarts, 256);
    let mut api = pair.client.sdp_api();
    api.ice_restart(true);
    let (offer, _pending) = api.apply().expect("an offer");
    let offer = parse(&offer.to_sdp_string(), &[]).expect("readable");
    assert!(matches!(
        pair.transport.negotiate(now, offer),
        Err(OfferError::Malformed { .. })
    ));
}

#[test]
fn offers_without_credentials_or_with_a_line_less_are_refused() {
    let mut pair = Pair::connected();
    let now = pair.now;
    let mut api = pair.client.sdp_api();
    api.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
    let (offer, _pending) = api.apply().expect("an offer");
    let text = offer.to_sdp_string();
    let mut answers = |text: &str| parse(text, &[]).and_then(|offer| pair.transport.negotiate(now, offer));
    assert!(answers(&text).is_ok());
    let nobody = answers(&text.replace("a=ice-ufrag", "a=ice-u"));
    assert!(matches!(nobody, Err(OfferError::Malformed { .. })));
    let audio = text.find("m=audio").expect("the new line");
    let group = attribute(&text, "a=group:BUNDLE").to_owned();
    let short = text[..audio].replace(&group, &group[..group.rfind(' ').expect("two lines")]);
    assert!(matches!(answers(&short), Err(OfferError::Malformed { .. })));
}
