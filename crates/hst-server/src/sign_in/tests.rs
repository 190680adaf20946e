use hst_auth::{AppSecret, TokenIssuer, TokenRequest};
use hst_proto::{Command, Event, Reply, Request, RequestId, ServerFrame, decode_server, encode_client};
use hst_signal::{Limits, SignalConnection, memory::pair};
use hst_store::Store;
use tokio::{task::JoinSet, time::Instant};

use super::*;
use crate::{App, life::Lifeline, test_login::login};

const APPS: [&str; 2] = ["one", "two"];
const SECRET: &str = "0123456789abcdef";

/// A server with two Apps that have one secret.
struct House {
    hub: Arc<Hub>,
    _lifeline: Lifeline,
}

impl House {
    async fn new() -> Self {
        Self::with_policy("replace").await
    }

    /// The same, with this login policy.
    async fn with_policy(policy: &str) -> Self {
        let secret = AppSecret::parse(SECRET).unwrap();
        let mut apps = APPS.map(|app| App::new(AppId::parse(app).unwrap(), &secret));
        for app in &mut apps {
            app.settings.login = policy.parse().unwrap();
        }
        let (lifeline, hub) = Hub::in_memory(apps.into(), Store::in_memory().unwrap()).await;
        Self {
            hub,
            _lifeline: lifeline,
        }
    }

    /// Somebody at this address.
    fn client(&self, ip: &str) -> Client {
        let (connection, server) = pair(Limits::default());
        let place = self.hub.place(Some(ip.parse().unwrap()));
        self.hub.serve(server, place.unwrap());
        Client { connection, last_id: 0 }
    }

    /// Tries one token from this address.
    async fn login(&self, ip: &str, app: &str, token: &str) -> Result<Client, Failure> {
        let mut client = self.client(ip);
        client.login(app, token).await.map(|_| client)
    }

    /// Uses up what an address may try.
    async fn exhaust(&self, ip: &str, app: &str) {
        for _ in 0..20 {
            let failure = self.login(ip, app, "001").await.unwrap_err();
            assert_eq!((failure.code, failure.retry_after), (1_000_000, None));
        }
    }
}

#[derive(Debug)]
struct Client {
    connection: SignalConnection,
    last_id: RequestId,
}

impl Client {
    async fn login(&mut self, app: &str, token: &str) -> Result<Reply, Failure> {
        self.ask(Command::Login(login(app, token, "bob"))).await
    }

    /// Whether the session is still there, or the code it was ended with.
    async fn lives(&mut self) -> Result<(), u32> {
        self.last_id += 1;
        let id = self.last_id;
        let command = Command::Ping {};
        let frame = encode_client(&Request { id, command });
        // One that was ended may be closed already.
        let _ = self.connection.sender.send(frame).await;
        loop {
            let frame = self.connection.receiver.recv().await.unwrap();
            match decode_server(&frame).unwrap() {
                ServerFrame::Reply { re, .. } if re == id => return Ok(()),
                ServerFrame::Event {
                    event: Event::Ended(why),
                    ..
                } => return Err(why.code),
                _ => {}
            }
        }
    }

    async fn ask(&mut self, command: Command) -> Result<Reply, Failure> {
        self.last_id += 1;
        let id = self.last_id;
        let frame = encode_client(&Request { id, command });
        self.connection.sender.send(frame).await.unwrap();
        loop {
            let frame = self.connection.receiver.recv().await.unwrap();
            if let ServerFrame::Reply { result, .. } = decode_server(&frame).unwrap() {
                return result;
            }
        }
    }
}

/// A good token that is not signed.
fn legacy(app: &str) -> String {
    let issuer = TokenIssuer::legacy_001(AppId::parse(app).unwrap(), &AppSecret::parse(SECRET).unwrap());
    issuer.issue(&TokenRequest::default(), now()).unwrap()
}

/// A good token that is.
fn signed(app: &str) -> String {
    with_login(app, None)
}

/// One with a login policy of its own.
fn with_login(app: &str, login: Option<&str>) -> String {
    let issuer = TokenIssuer::jwt(AppId::parse(app).unwrap(), &AppSecret::parse(SECRET).unwrap());
    let request = TokenRequest {
        lifetime: Some(Duration::from_secs(3600)),
        login: login.map(|policy| policy.parse().unwrap()),
        ..TokenRequest::default()
    };
    issuer.issue(&request, now()).unwrap()
}

const MALLORY: &str = "192.0.2.1";

#[tokio::test(start_paused = true)]
async fn l7_after_twenty_wrong_tokens_no_001_token_is_looked_at_for_the_rest_of_the_minute() {
    let house = House::new().await;
    let start = Instant::now();
    house.exhaust(MALLORY, "one").await;
    let mut answers = Vec::new();
    for token in [legacy("one"), "001".to_owned(), legacy("two"), "wrong".to_owned()] {
        let asked = Instant::now();
        let failure = house.login(MALLORY, "one", &token).await.err().unwrap();
        assert_eq!(asked.elapsed(), Duration::from_millis(100));
        let wait = Duration::from_millis(failure.retry_after.unwrap().into());
        assert!(
            wait > Duration::from_secs(50) && wait <= Duration::from_secs(60),
            "{wait:?}"
        );
        answers.push((failure.code, failure.message));
    }
    answers.dedup();
    assert_eq!(
        answers.len(),
        1,
        "the good one and the bad ones look alike: {answers:?}"
    );

    tokio::time::sleep_until(start + Duration::from_secs(61)).await;
    assert!(house.login(MALLORY, "one", &legacy("one")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn l7_many_at_a_time_are_no_way_around() {
    let house = Arc::new(House::new().await);
    let mut tries = JoinSet::new();
    for _ in 0..200 {
        let house = house.clone();
        tries.spawn(async move { house.login(MALLORY, "one", "001").await.err().unwrap() });
    }
    let failures = tries.join_all().await;
    let looked_at = failures.iter().filter(|failure| failure.retry_after.is_none());
    assert_eq!(looked_at.count(), 20);
}

#[tokio::test(start_paused = true)]
async fn l7_who_fails_keeps_nobody_out_elsewhere_and_nobody_who_has_a_signed_token() {
    let house = House::new().await;
    house.exhaust(MALLORY, "one").await;
    assert!(house.login("192.0.2.2", "one", &legacy("one")).await.is_ok());
    assert!(house.login(MALLORY, "two", &legacy("two")).await.is_ok(), "another App");
    assert!(house.login(MALLORY, "one", &signed("one")).await.is_ok());
    assert!(house.login(MALLORY, "one", &legacy("one")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn l7_what_is_no_wrong_token_is_not_counted() {
    let house = House::new().await;
    for n in 0..30 {
        let unknown = house.login(MALLORY, &format!("app-{n}"), "001").await;
        assert_eq!(unknown.err().unwrap().code, 1_000_001);
        assert!(house.login(MALLORY, "one", &legacy("one")).await.is_ok());
    }
    house.exhaust(MALLORY, "one").await;
}

#[tokio::test(start_paused = true)]
async fn l7_a_session_that_renews_is_no_way_around() {
    let house = House::new().await;
    let mut bob = house.login(MALLORY, "one", &legacy("one")).await.ok().unwrap();
    let renew = |token: &str| Command::Renew {
        token: token.to_owned(),
    };
    for _ in 0..20 {
        let failure = bob.ask(renew("001")).await.unwrap_err();
        assert_eq!((failure.code, failure.retry_after), (1_000_000, None));
    }
    assert!(bob.ask(renew(&legacy("one"))).await.unwrap_err().retry_after.is_some());
    bob.ask(renew(&signed("one"))).await.unwrap();
    assert!(house.login(MALLORY, "one", &legacy("one")).await.is_err());
}

/// Logs in with a token that has this login policy.
async fn by(house: &House, policy: Option<&str>) -> Result<Client, u32> {
    let token = with_login("one", policy);
    house
        .login("192.0.2.2", "one", &token)
        .await
        .map_err(|failure| failure.code)
}

const CONFLICT: u32 = 1_000_008;

#[tokio::test(start_paused = true)]
async fn a_tokens_login_policy_counts_in_place_of_the_apps() {
    for (of_app, of_token, comes_in, first_stays) in [
        ("refuse", None, false, true),
        ("refuse", Some("replace"), true, false),
        ("refuse", Some("devices:2"), true, true),
        ("replace", None, true, false),
        ("replace", Some("refuse"), false, true),
        ("replace", Some("devices:2"), true, true),
        ("devices:2", None, true, true),
        ("devices:2", Some("refuse"), false, true),
        ("devices:2", Some("replace"), true, false),
    ] {
        let house = House::with_policy(of_app).await;
        let mut first = by(&house, None).await.ok().unwrap();
        let second = by(&house, of_token).await;
        assert_eq!(second.is_ok(), comes_in, "{of_app} {of_token:?}");
        assert_eq!(first.lives().await.is_ok(), first_stays, "{of_app} {of_token:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn devices_that_came_by_other_policies_are_counted_wherever_they_are() {
    let house = House::with_policy("devices:3").await;
    let mut devices = Vec::new();
    for _ in 0..3 {
        devices.push(by(&house, None).await.ok().unwrap());
    }
    assert_eq!(by(&house, None).await.err(), Some(CONFLICT), "a fourth");
    // The first place is free, and two others are not.
    devices.remove(0).ask(Command::Exit {}).await.unwrap();
    assert_eq!(by(&house, Some("refuse")).await.err(), Some(CONFLICT));
    assert_eq!(by(&house, Some("devices:2")).await.err(), Some(CONFLICT));
    for device in &mut devices {
        assert_eq!(device.lives().await, Ok(()));
    }
    let mut last = by(&house, Some("replace")).await.ok().unwrap();
    for device in &mut devices {
        assert_eq!(device.lives().await, Err(CONFLICT));
    }
    assert_eq!(last.lives().await, Ok(()));
}
