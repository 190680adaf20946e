//! What is left of a user whose right to be here is taken away: nothing, whatever his client does.

use std::time::{Duration, Instant};

use hst_auth::{AppId, TokenIssuer, TokenRequest, UnixMillis};
use hst_media_webrtc::WebRtcEngine;
use hst_proto::{Command, Event, Line, Login, Offer, Reply, Role};
use hst_rtc::{
    GroupEvent, MediaId, MediaRef, MediaType, RemoteMedia,
    media::{FrameReader, Kind, MediaEngine as _, MediaPeer, PeerConfig, PeerEvent, PeerEvents, PeerState},
};
use hst_server::DEV_APP_ID;
use hst_tests::{
    hand::{Hand, hand_login, join},
    house::{Door, House, Member, live, user, within},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Within this time everything is over.
const LIMIT: Duration = Duration::from_secs(2);

/// A developer's backend asks by this line, and gets what it asked for.
pub(crate) async fn ask(house: &House, line: &str, authorization: &str, body: &str) -> Value {
    let mut stream = TcpStream::connect(house.server.addresses().http.unwrap())
        .await
        .unwrap();
    let len = body.len();
    let head = format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: {authorization}\r\n");
    let request = format!("{head}Content-Length: {len}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(body["code"], 0, "{body}");
    body
}

pub(crate) async fn access_token(house: &House) -> String {
    let developer = house.server.new_developer().unwrap();
    let as_app = AppId::parse(developer.id.as_str()).unwrap();
    let now = UnixMillis::from(std::time::SystemTime::now());
    let token = TokenIssuer::legacy_001(as_app, &developer.secret).issue(&TokenRequest::default(), now);
    let shown = format!("{}.{}", developer.id, token.unwrap());
    let answer = ask(house, "GET /access/token", &shown, "").await;
    answer["result"]["access_token"].as_str().unwrap().to_owned()
}

/// Somebody whose client does what it wants: it sends and receives as long as anybody listens and speaks.
struct Mallory {
    hand: Hand,
    _peer: Box<dyn MediaPeer>,
    events: PeerEvents,
    /// What he sees of others.
    seen: Box<dyn FrameReader>,
}

impl Mallory {
    /// Joins, publishes a film and receives another one.
    async fn who_receives(house: &House, login: Login, key: MediaRef) -> Self {
        let mut hand = Hand::connect(house).await;
        hand.ask(Command::Login(login)).await.unwrap();
        hand.ask(join("g")).await.unwrap();
        let (media_type, media) = (MediaType::Video, MediaId::parse("film").unwrap());
        let name = String::new();
        let publish = Command::Publish {
            media_type,
            media: media.clone(),
            name,
        };
        hand.ask(publish).await.unwrap();
        hand.ask(Command::Receive(key.clone())).await.unwrap();

        let (mut peer, mut events) = WebRtcEngine::new().open(PeerConfig::default()).await.unwrap();
        let mut source = live("film.ivf").await;
        let (sends, mut writer) = peer.add_sender(source.info()).await.unwrap();
        peer.add_receiver(Kind::Video).await.unwrap();
        let offer = peer.offer().await.unwrap();
        let lines = offer.mids.into_iter().map(|(line, mid)| {
            let role = match line == sends {
                true => Role::Send {
                    media_type,
                    media: media.clone(),
                },
                false => Role::Receive(key.clone()),
            };
            Line { mid, role }
        });
        let command = Command::Offer(Offer {
            generation: 1,
            sdp: offer.sdp,
            lines: lines.collect(),
        });
        let Ok(Reply::Answer { sdp }) = hand.ask(command).await else {
            panic!("not answered")
        };
        peer.answer(&sdp).await.unwrap();
        tokio::spawn(async move {
            while let Ok(Some(frame)) = source.next().await {
                if writer.write(frame).await.is_err() {
                    return;
                }
            }
        });
        let seen = within("a track", async {
            loop {
                if let Some(PeerEvent::Track { reader, .. }) = events.next().await {
                    return reader;
                }
            }
        });
        let mut seen = seen.await;
        assert!(within("a picture", seen.read()).await.is_some());
        Self {
            hand,
            _peer: peer,
            events,
            seen,
        }
    }

    /// His signalling has ended with this code, and nothing more of media comes to him.
    async fn is_out(&mut self, since: Instant, code: u32) {
        let Event::Ended(why) = self.hand.event().await else {
            panic!("he is not told")
        };
        assert_eq!(why.code, code);
        self.hand.end().await;
        assert!(since.elapsed() < LIMIT, "{:?}", since.elapsed());
        // Up to a second in which nothing comes.
        while let Ok(Some(_)) = timeout(Duration::from_secs(1), self.seen.read()).await {
            assert!(since.elapsed() < LIMIT, "media is still forwarded to him");
        }
        let gone = [PeerState::Disconnected, PeerState::Failed, PeerState::Closed];
        let ended = async {
            while let Some(event) = self.events.next().await {
                if matches!(event, PeerEvent::State(state) if gone.contains(&state)) {
                    return;
                }
            }
        };
        within("the end of his transport", ended).await;
    }
}

/// Ann sees Mallory's film until it ends.
async fn sees(ann: &mut Member) -> RemoteMedia {
    loop {
        if let GroupEvent::Published(media) = ann.event().await {
            let mut remote = within("receiving", ann.engine.receive(media.key)).await.unwrap();
            assert!(within("a picture", remote.read()).await.is_some());
            return remote;
        }
    }
}

/// Everything of Mallory's ends as soon as a backend has asked for it, with this code.
async fn ends(door: Door, line: &str, body: Value, code: u32) {
    let house = House::open(door).await;
    let access = access_token(&house).await;
    let mut ann = house.member("ann", "g").await;
    let publish = ann.engine.publish(MediaType::Video, "cam", live("film.ivf").await);
    within("publishing", publish).await.unwrap();
    let key = MediaRef {
        user: user("ann"),
        media_type: MediaType::Video,
        media: MediaId::parse("cam").unwrap(),
    };
    let login = hand_login("mallory");
    let (mut mallory, mut remote) = tokio::join!(Mallory::who_receives(&house, login.clone(), key), sees(&mut ann));

    let since = Instant::now();
    ask(&house, line, &access, &body.to_string()).await;
    let unseen = async {
        while remote.read().await.is_some() {}
        assert!(since.elapsed() < LIMIT, "what he sends is still forwarded");
    };
    tokio::join!(within("the end of his film", unseen), mallory.is_out(since, code));
    let mut again = Hand::connect(&house).await;
    assert_eq!(again.ask(Command::Login(login)).await.unwrap_err().code, code);
}

#[tokio::test(flavor = "multi_thread")]
async fn t14_who_is_revoked_loses_his_web_socket_and_all_media_within_two_seconds() {
    let line = format!("POST /v1/apps/{DEV_APP_ID}/revocations");
    ends(Door::WebSocket, &line, json!({ "user": "mallory" }), 1_000_105).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn t14_who_is_banned_loses_his_quic_stream_and_all_media_within_two_seconds() {
    let line = format!("POST /v1/apps/{DEV_APP_ID}/bans");
    ends(Door::Quic, &line, json!({ "user": "mallory" }), 1_000_103).await;
}
