//! Encoders and players that know nothing of the platform but WHIP and WHEP.

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, SystemTime},
};

use hst_auth::{AppId, AppSecret, Right, TokenIssuer, TokenRequest, UnixMillis};
use hst_media_webrtc::WebRtcEngine;
use hst_rtc::{
    GroupEvent, MediaType,
    media::{Kind, MediaEngine as _, MediaPeer, PeerConfig, PeerEvent, PeerEvents, PeerState},
};
use hst_server::{DEV_APP_ID, DEV_APP_SECRET};
use hst_tests::house::{Door, House, Member, live, other_login, token, user, within};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::revoked::{access_token, ask};

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// One HTTP request of its own.
async fn http(house: &House, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let address = house.server.addresses().http.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut request = format!("{line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
    // It may be answered before it was read to its end.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = within("an answer", stream.read_to_end(&mut answer)).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    Answer {
        status,
        headers: headers
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect(),
        body: body.to_owned(),
    }
}

/// A token for this user, with these rights or what every user may.
pub(crate) fn pass(name: &str, rights: Option<&[Right]>) -> String {
    issue(TokenRequest {
        user: Some(user(name)),
        rights: rights.map(|rights| rights.iter().copied().collect::<BTreeSet<_>>()),
        ..TokenRequest::default()
    })
}

fn issue(request: TokenRequest) -> String {
    let request = TokenRequest {
        lifetime: Some(Duration::from_secs(600)),
        ..request
    };
    let app = AppId::parse(DEV_APP_ID).unwrap();
    let issuer = TokenIssuer::jwt(app, &AppSecret::parse(DEV_APP_SECRET).unwrap());
    issuer.issue(&request, UnixMillis::from(SystemTime::now())).unwrap()
}

pub(crate) async fn post(house: &House, path: &str, token: &str, sdp: &str) -> Answer {
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", SDP)];
    http(house, &format!("POST {path}"), &headers, sdp).await
}

pub(crate) async fn delete(house: &House, path: &str, token: &str) -> u16 {
    let authorization = format!("Bearer {token}");
    let answer = http(
        house,
        &format!("DELETE {path}"),
        &[("Authorization", &authorization)],
        "",
    )
    .await;
    answer.status
}

async fn patch(house: &House, path: &str, token: &str, tag: &str, fragment: &str) -> Answer {
    let authorization = format!("Bearer {token}");
    let mut headers = vec![("Authorization", authorization.as_str()), ("Content-Type", FRAGMENT)];
    if !tag.is_empty() {
        headers.push(("If-Match", tag));
    }
    http(house, &format!("PATCH {path}"), &headers, fragment).await
}

/// A program that speaks WHIP or WHEP, at work.
struct Streamer {
    token: String,
    /// Of its resource.
    path: String,
    etag: String,
    peer: Box<dyn MediaPeer>,
    events: PeerEvents,
    offer: String,
    answer: String,
}

impl Streamer {
    async fn publishes(house: &House, name: &str, group: &str) -> Self {
        let (mut peer, events) = WebRtcEngine::new().open(PeerConfig::default()).await.unwrap();
        for film in ["film.ogg", "film.ivf"] {
            let mut source = live(film).await;
            let (_, mut writer) = peer.add_sender(source.info()).await.unwrap();
            tokio::spawn(async move {
                while let Ok(Some(frame)) = source.next().await {
                    if writer.write(frame).await.is_err() {
                        return;
                    }
                }
            });
        }
        Self::begin(house, &format!("/whip/{group}"), name, peer, events).await
    }

    async fn plays(house: &House, name: &str, path: &str) -> Self {
        let (mut peer, events) = WebRtcEngine::new().open(PeerConfig::default()).await.unwrap();
        for kind in [Kind::Audio, Kind::Video] {
            peer.add_receiver(kind).await.unwrap();
        }
        Self::begin(house, path, name, peer, events).await
    }

    async fn begin(house: &House, path: &str, name: &str, mut peer: Box<dyn MediaPeer>, events: PeerEvents) -> Self {
        let token = pass(name, None);
        let offer = peer.offer().await.unwrap().sdp;
        let answer = post(house, path, &token, &offer).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert_eq!(answer.header("content-type"), SDP);
        peer.answer(&answer.body).await.unwrap();
        Self {
            token,
            path: answer.header("location").to_owned(),
            etag: answer.header("etag").to_owned(),
            peer,
            events,
            offer,
            answer: answer.body,
        }
    }

    /// Waits until its connection is in this state.
    async fn becomes(&mut self, state: PeerState) {
        let found = async {
            while let Some(event) = self.events.next().await {
                if matches!(event, PeerEvent::State(now) if now == state) {
                    return;
                }
            }
            panic!("its events have ended");
        };
        within("a state", found).await;
    }
}

/// Waits until this member has left.
async fn sees_leave(member: &mut Member, name: &str) {
    let left = async { while member.event().await != GroupEvent::MemberLeft(user(name)) {} };
    within("a departure", left).await;
}

/// Waits until there is no such resource any more. Asking for nothing in particular does not end it.
async fn is_gone(house: &House, path: &str, token: &str) {
    let gone = async { while patch(house, path, token, "", "").await.status != 404 {} };
    within("the end of a resource", gone).await;
}

/// An offer as an encoder would make it, which nobody is behind.
async fn offer() -> String {
    let (mut peer, _events) = WebRtcEngine::new().open(PeerConfig::default()).await.unwrap();
    peer.add_sender(live("film.ivf").await.info()).await.unwrap();
    peer.offer().await.unwrap().sdp
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoder_is_a_member_whose_picture_and_sound_arrive_until_it_deletes_its_resource() {
    let house = House::open(Door::WebSocket).await;
    let mut ann = house.member("ann", "g").await;
    let encoder = Streamer::publishes(&house, "obs", "g").await;
    let mut kinds = BTreeSet::new();
    for _ in 0..2 {
        let key = ann.published().await;
        assert_eq!(key.user, user("obs"));
        kinds.insert((key.media_type, key.media.as_str().to_owned()));
        let mut remote = within("receiving", ann.engine.receive(key)).await.unwrap();
        assert!(within("a frame", remote.read()).await.is_some());
    }
    let expected = [(MediaType::Audio, "appdef_mic"), (MediaType::Video, "appdef_vid")];
    assert_eq!(kinds, expected.map(|(kind, id)| (kind, id.to_owned())).into());

    let stranger = pass("ann", None);
    assert_eq!(delete(&house, &encoder.path, &stranger).await, 401, "another's token");
    assert_eq!(delete(&house, &encoder.path, &encoder.token).await, 200);
    sees_leave(&mut ann, "obs").await;
    assert_eq!(
        delete(&house, &encoder.path, &encoder.token).await,
        404,
        "once is enough"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_gets_what_is_published_and_ends_with_it() {
    let house = House::open(Door::WebSocket).await;
    let mut ann = house.member("ann", "g").await;
    let nobody = post(
        &house,
        "/whep/g",
        &pass("tv", None),
        &offer().await.replace("a=sendonly", "a=recvonly"),
    )
    .await;
    assert_eq!(
        (nobody.status, nobody.header("retry-after")),
        (409, "5"),
        "{}",
        nobody.body
    );
    // Who asked was a member for a moment, and leaves when he has his answer.
    sees_leave(&mut ann, "tv").await;

    let encoder = Streamer::publishes(&house, "obs", "g").await;
    let mut player = Streamer::plays(&house, "tv", "/whep/g?user=obs").await;
    let mut kinds = BTreeSet::new();
    while kinds.len() < 2 {
        let event = within("a track", player.events.next()).await.unwrap();
        if let PeerEvent::Track { codec, mut reader, .. } = event {
            assert!(within("a frame", reader.read()).await.is_some());
            kinds.insert(codec.to_string());
        }
    }
    assert_eq!(delete(&house, &encoder.path, &encoder.token).await, 200);
    sees_leave(&mut ann, "tv").await;
    assert_eq!(delete(&house, &player.path, &player.token).await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoder_that_dies_leaves_and_one_that_comes_again_takes_over() {
    let house = House::open(Door::WebSocket).await;
    let mut ann = house.member("ann", "g").await;
    let first = Streamer::publishes(&house, "obs", "g").await;
    let mut second = Streamer::publishes(&house, "obs", "g").await;
    sees_leave(&mut ann, "obs").await;
    is_gone(&house, &first.path, &first.token).await;

    second.becomes(PeerState::Connected).await;
    second.peer.close().await;
    sees_leave(&mut ann, "obs").await;
    assert_eq!(delete(&house, &second.path, &second.token).await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoder_whose_user_is_revoked_is_out() {
    let house = House::open(Door::WebSocket).await;
    let access = access_token(&house).await;
    let mut ann = house.member("ann", "g").await;
    let encoder = Streamer::publishes(&house, "obs", "g").await;
    let line = format!("POST /v1/apps/{DEV_APP_ID}/revocations");
    ask(&house, &line, &access, &json!({ "user": "obs" }).to_string()).await;
    sees_leave(&mut ann, "obs").await;
    is_gone(&house, &encoder.path, &encoder.token).await;
    assert_eq!(
        post(&house, "/whip/g", &encoder.token, &encoder.offer).await.status,
        401
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ice_restarts_by_a_fragment_with_new_credentials_and_by_nothing_else() {
    let house = House::open(Door::WebSocket).await;
    let mut encoder = Streamer::publishes(&house, "obs", "g").await;
    encoder.becomes(PeerState::Connected).await;
    let of = |sdp: &str| -> String {
        let lines = sdp
            .lines()
            .filter(|line| line.starts_with("a=ice-ufrag:") || line.starts_with("a=ice-pwd:"));
        lines.take(2).flat_map(|line| [line, "\r\n"]).collect()
    };
    let (path, token, etag) = (encoder.path.clone(), encoder.token.clone(), encoder.etag.clone());
    let known = of(&encoder.offer);
    for (tag, fragment, status) in [
        ("", known.as_str(), 428),
        ("\"other\"", &known, 412),
        (&etag, "garbage", 400),
        (&etag, "a=ice-ufrag:x\r\na=ice-pwd:y\r\n", 400),
        (&etag, &known, 204),
    ] {
        let answer = patch(&house, &path, &token, tag, fragment).await;
        assert_eq!(answer.status, status, "{fragment}: {}", answer.body);
    }

    encoder.peer.restart_ice().await.unwrap();
    let fresh = of(&encoder.peer.offer().await.unwrap().sdp);
    assert_ne!(fresh, known);
    let answer = patch(&house, &path, &token, "*", &fresh).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, FRAGMENT),
        "{}",
        answer.body
    );
    assert_ne!(answer.header("etag"), etag);
    let (own, theirs) = (of(&encoder.answer), of(&answer.body));
    let changed = own
        .lines()
        .zip(theirs.lines())
        .fold(encoder.answer.clone(), |sdp, (old, new)| sdp.replace(old, new));
    encoder.peer.answer(&changed).await.unwrap();
    encoder.becomes(PeerState::Connected).await;
    assert_eq!(
        patch(&house, &path, &token, &etag, &fresh).await.status,
        412,
        "the tag of before"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_with_another_token_of_its_user_and_with_nobody_elses() {
    let house = House::open(Door::WebSocket).await;
    let access = access_token(&house).await;
    let mut ann = house.member("ann", "g").await;
    let of_obs = |id: &str| {
        issue(TokenRequest {
            user: Some(user("obs")),
            id: Some(id.to_owned()),
            ..TokenRequest::default()
        })
    };
    let (first, second) = (of_obs("first"), of_obs("second"));
    let begun = post(&house, "/whip/g", &first, &offer().await).await;
    let (path, tag) = (begun.header("location"), begun.header("etag"));
    let patched = async |token: &str| patch(&house, path, token, tag, "garbage").await.status;
    let revoke = async |id: &str| {
        let line = format!("POST /v1/apps/{DEV_APP_ID}/revocations");
        ask(&house, &line, &access, &json!({ "token": id }).to_string()).await;
    };
    for (stranger, why) in [
        (pass("ann", None), "another user"),
        (other_login("obs").token, "another App"),
        (second.clone() + "x", "forged"),
    ] {
        assert_eq!(patched(&stranger).await, 401, "{why}");
        assert_eq!(delete(&house, path, &stranger).await, 401, "{why}");
    }
    // Its body is none, but whoever asks may ask: 400.
    for token in [&first, &second, &second] {
        assert_eq!(patched(token).await, 400);
    }

    revoke("first").await;
    assert_eq!(patched(&first).await, 401);
    assert_eq!(patched(&second).await, 400, "it is the second's now");
    revoke("second").await;
    sees_leave(&mut ann, "obs").await;
    is_gone(&house, path, &second).await;

    let begun = post(&house, "/whip/g", &of_obs("third"), &offer().await).await;
    let path = begun.header("location");
    assert_eq!(delete(&house, path, &of_obs("fourth")).await, 200);
    sees_leave(&mut ann, "obs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_to_be_is_refused_with_a_reason() {
    let house = House::open(Door::WebSocket).await;
    let offer = offer().await;
    let good = pass("obs", None);
    let large = "v=0\r\n".to_owned() + &"a=x\r\n".repeat(20_000);
    let twice = offer.clone() + &offer[offer.find("m=video").unwrap()..].replace("a=mid:0", "a=mid:1");
    let foreign = offer
        .replace("VP8/90000", "X8/90000")
        .replace("H264/90000", "X264/90000");
    let no_line = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
    let dumb = pass("obs", Some(&[Right::Join, Right::Subscribe]));
    let deaf = pass("obs", Some(&[Right::Join, Right::Publish]));
    let outside = pass("obs", Some(&[Right::Publish]));
    let legacy = token(DEV_APP_ID, DEV_APP_SECRET);
    let forged = good.clone() + "x";
    let _bob = house.member("bob", "g").await;
    for (path, token, sdp, status, code) in [
        ("/whip/g", forged.as_str(), offer.as_str(), 401, 1_000_000),
        ("/whip/g", "nothing", &offer, 400, 1),
        ("/whip/g", &legacy, &offer, 400, 1),
        ("/whip/g", &dumb, &offer, 403, 1_000_004),
        ("/whip/g", &outside, &offer, 403, 1_000_000),
        ("/whep/g", &deaf, &offer, 422, 1),
        ("/whip/not%20a%20group", &good, &offer, 400, 1),
        ("/whip/g", &good, "garbage", 400, 1),
        ("/whip/g", &good, no_line, 422, 1),
        ("/whip/g", &good, &twice, 422, 1),
        ("/whip/g", &good, &foreign, 422, 1),
        ("/whip/g", &good, &large, 413, 1),
        ("/whip/g", &good, &offer.replace("SAVPF", "X"), 400, 1),
        ("/whip/g", &pass("bob", None), &offer, 409, 1_000_010),
        ("/whep/g?user=no%20name", &good, &offer, 400, 1),
    ] {
        let answer = post(&house, path, token, sdp).await;
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let start = &sdp[..sdp.len().min(40)];
        assert_eq!(
            (answer.status, &body["code"]),
            (status, &json!(code)),
            "{path} {start}: {body}"
        );
    }
    let with_names = format!("/whip/h?app={DEV_APP_ID}&as=obs");
    let granted = post(&house, &with_names, &legacy, &offer).await;
    assert_eq!(granted.status, 201, "names fill in what a token does not tell");

    let authorization = format!("Bearer {good}");
    let other = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "text/plain"),
    ];
    assert_eq!(http(&house, "POST /whip/g", &other, &offer).await.status, 415);
    let nobody = http(&house, "POST /whip/g", &[("Content-Type", SDP)], &offer).await;
    assert_eq!((nobody.status, nobody.header("www-authenticate")), (401, "Bearer"));
    let plain = [("Authorization", authorization.as_str()), ("Content-Type", SDP)];
    for (line, allow) in [
        ("PUT /whip/g", "GET,HEAD,OPTIONS,POST"),
        ("PATCH /whep/g", "GET,HEAD,OPTIONS,POST"),
        ("POST /whip/g/0123", "GET,HEAD,OPTIONS,PATCH,DELETE"),
    ] {
        let answer = http(&house, line, &plain, &offer).await;
        assert_eq!((answer.status, answer.header("allow")), (405, allow), "{line}");
    }
    for line in ["GET /whip/g", "GET /whep/g/0123"] {
        assert_eq!(
            http(&house, line, &[], "").await.status,
            204,
            "{line}: nothing to look at"
        );
    }
    assert_eq!(delete(&house, "/whip/g/0123", &good).await, 404);
    assert_eq!(patch(&house, "/whip/g/0123", &good, "*", "").await.status, 404);
    let asked = http(&house, "OPTIONS /whep/g", &[("Origin", "https://a.example")], "").await;
    assert_eq!((asked.status, asked.header("access-control-allow-origin")), (200, "*"));
    assert_eq!(asked.header("accept-post"), SDP);
}
