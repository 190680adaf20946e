use hst_cluster::Subject;
use hst_id::{GroupId, MediaType, UserId};
use hst_proto::{Command, RequestId, ServerFrame, decode_server, encode_client};
use hst_signal::{Limits, RecvEnd, memory::pair};
use hst_store::{AppName, AppSettings, Store};
use serde_json::{Value, json};
use tokio::time::advance;

use super::*;
use crate::{DEV_APP_ID, apps::now, config::Config, follow::What, life::Lifeline, test_login::dev_login};

/// A server with the App of the configuration and one App of each of two developers.
struct House {
    hub: Arc<Hub>,
    developer: DeveloperId,
    own: AppId,
    strange: AppId,
    _lifeline: Lifeline,
}

impl House {
    async fn new() -> Self {
        let store = Store::in_memory().unwrap();
        let create = || {
            let developer = store.create_developer(now()).unwrap().id;
            let settings = AppSettings::new(AppName::parse("x").unwrap());
            let app = store.create_app(&developer, settings, now()).unwrap().id;
            (developer, app)
        };
        let ((developer, own), (_, strange)) = (create(), create());
        let (lifeline, hub) = Hub::in_memory(Config::dev().apps, store).await;
        Self {
            hub,
            developer,
            own,
            strange,
            _lifeline: lifeline,
        }
    }

    fn connect(&self) -> Client {
        let (client, server) = pair(Limits::default());
        self.hub.serve_events(server, self.hub.place(None).unwrap());
        Client(client)
    }

    async fn logged_in(&self) -> Client {
        let mut client = self.connect();
        let token = self
            .hub
            .registry
            .issue_access_token(self.developer.clone())
            .await
            .unwrap();
        let answer = client
            .ask(json!({"id": 20_000, "business": "EGW", "dev_id": self.developer.as_str(), "token": token}))
            .await;
        assert_eq!((&answer["id"], &answer["result"]), (&json!(20_001), &json!(0)));
        client
    }

    /// A follower of the App of the configuration.
    async fn follower(&self) -> Client {
        let mut client = self.logged_in().await;
        let answer = client.ask(subscribe(DEV_APP_ID)).await;
        assert_eq!((&answer["id"], &answer["result"]), (&json!(20_005), &json!(0)));
        client
    }

    /// Says that something has happened, as a group does.
    async fn happened(&self, group: &str, what: What) {
        let (app, group) = (dev_app(), GroupId::parse(group).unwrap());
        let subject = Subject::parse("feed").unwrap().with(&app).with(&group);
        let payload = serde_json::to_vec(&Happened { app, group, what }).unwrap();
        self.hub.node.bus.publish(&subject, payload.into()).await.unwrap();
    }

    async fn member(&self, user: &str, group: &str) -> Member {
        let (connection, server) = pair(Limits::default());
        self.hub.serve(server, self.hub.place(None).unwrap());
        let mut member = Member { connection, last_id: 0 };
        member.ask(Command::Login(dev_login(user))).await;
        let group = group.to_owned();
        member.ask(Command::Join { group }).await;
        member
    }
}

fn dev_app() -> AppId {
    AppId::parse(DEV_APP_ID).unwrap()
}

fn subscribe(app: &str) -> Value {
    json!({"id": 20_004, "app_list": [{"app_id": app}]})
}

fn bob() -> UserId {
    UserId::parse("bob").unwrap()
}

/// A client of the event gateway.
struct Client(SignalConnection);

impl Client {
    async fn ask(&mut self, request: Value) -> Value {
        self.say(&request.to_string()).await;
        self.next().await
    }

    async fn say(&mut self, frame: &str) {
        self.0.sender.send(frame.to_owned().into()).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        serde_json::from_slice(&self.0.receiver.recv().await.unwrap()).unwrap()
    }

    async fn end(&mut self) -> RecvEnd {
        loop {
            if let Err(end) = self.0.receiver.recv().await {
                return end;
            }
        }
    }
}

/// A user in a group.
struct Member {
    connection: SignalConnection,
    last_id: RequestId,
}

impl Member {
    async fn ask(&mut self, command: Command) {
        self.last_id += 1;
        let id = self.last_id;
        let request = encode_client(&hst_proto::Request { id, command });
        self.connection.sender.send(request).await.unwrap();
        loop {
            let frame = self.connection.receiver.recv().await.unwrap();
            if let ServerFrame::Reply { re, result, .. } = decode_server(&frame).unwrap() {
                assert_eq!((re, result.err()), (id, None));
                return;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_follower_is_told_what_happens_in_a_group_by_rising_versions() {
    let house = House::new().await;
    let mut follower = house.follower().await;
    let mut bob = house.member("bob", "g").await;
    let (media_type, media) = (MediaType::Video, "cam".parse().unwrap());
    bob.ask(Command::Publish {
        media_type,
        media,
        name: String::new(),
    })
    .await;
    bob.ask(Command::Leave {}).await;
    let mut expected = Vec::new();
    for (id, version) in [(20_100, 1), (20_102, 2), (20_103, 3), (20_101, 4)] {
        let mut push = json!({
            "business": "EGW", "id": id, "app_id": DEV_APP_ID, "group_id": "g", "user_id": "bob", "version": version
        });
        if matches!(id, 20_102 | 20_103) {
            push["media_id"] = json!("cam");
            push["media_type"] = json!(2);
        }
        expected.push(push);
    }
    for push in expected {
        assert_eq!(follower.next().await, push);
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_sync_shows_who_is_there_and_the_version_that_it_is_of() {
    let house = House::new().await;
    let mut follower = house.follower().await;
    let _ann = house.member("ann", "g").await;
    let _bob = house.member("bob", "h").await;
    follower.next().await;
    follower.next().await;
    let answer = follower
        .ask(json!({"id": 20_008, "seq": 7, "app_list": [{"app_id": DEV_APP_ID}]}))
        .await;
    let group = |group: &str, user: &str| {
        let users = [json!({ "user_id": user, "media_info": [] })];
        json!({ "group_id": group, "group_media_list": [], "user_list": users })
    };
    assert_eq!(
        answer,
        json!({
            "business": "EGW", "id": 20_009, "seq": 7, "result": 0, "message": "OK",
            "app_id": DEV_APP_ID, "version": 2, "group_list": [group("g", "ann"), group("h", "bob")],
        })
    );
    let request = json!({"id": 20_008, "app_list": [{"app_id": DEV_APP_ID, "group_list": ["h", "nobody"]}]});
    let answer = follower.ask(request).await;
    assert_eq!(answer["group_list"], json!([group("h", "bob")]));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_done_before_login_and_only_the_developers_own_token_opens() {
    let house = House::new().await;
    let token = house
        .hub
        .registry
        .issue_access_token(house.developer.clone())
        .await
        .unwrap();
    let mut client = house.connect();
    for request in [
        subscribe(DEV_APP_ID),
        json!({"id": 20_010}),
        json!({"id": 20_000, "dev_id": house.developer.as_str(), "token": "0".repeat(32)}),
        json!({"id": 20_000, "dev_id": "0".repeat(32), "token": token}),
    ] {
        assert_eq!(client.ask(request.clone()).await["result"], 606_000_000, "{request}");
    }
    let login = json!({"id": 20_000, "dev_id": house.developer.as_str(), "token": token});
    assert_eq!(client.ask(login.clone()).await["result"], 0);
    assert_eq!(client.ask(login).await["result"], 606_000_005, "once is enough");
}

#[tokio::test(start_paused = true)]
async fn l7_wrong_access_tokens_are_counted_and_a_good_one_always_opens() {
    let house = House::new().await;
    let login = |token: &str| json!({"id": 20_000, "dev_id": house.developer.as_str(), "token": token});
    let wrong = login(&"0".repeat(32));
    let mut stranger = house.connect();
    for _ in 0..10 {
        assert_eq!(stranger.ask(wrong.clone()).await["result"], 606_000_000);
    }
    assert_eq!(stranger.ask(wrong.clone()).await["result"], 606_000_005);
    assert_eq!(
        house.connect().ask(wrong.clone()).await["result"],
        606_000_005,
        "by any connection"
    );
    let token = house
        .hub
        .registry
        .issue_access_token(house.developer.clone())
        .await
        .unwrap();
    assert_eq!(stranger.ask(login(&token)).await["result"], 0);
    advance(Duration::from_secs(61)).await;
    assert_eq!(house.connect().ask(wrong).await["result"], 606_000_000, "a new minute");
}

#[tokio::test(start_paused = true)]
async fn a_large_frame_is_taken_from_nobody_before_login() {
    let house = House::new().await;
    let large = json!({"id": 20_010, "seq": "x".repeat(FRAME_BEFORE_LOGIN)});
    let mut stranger = house.connect();
    stranger.say(&large.to_string()).await;
    assert!(matches!(stranger.end().await, RecvEnd::Closed(why) if why.code == CloseCode::TooLarge));
    assert_eq!(house.logged_in().await.ask(large).await["result"], 0);
}

#[tokio::test(start_paused = true)]
async fn another_developers_app_does_not_exist() {
    let house = House::new().await;
    let mut client = house.logged_in().await;
    for id in [20_004, 20_008] {
        for strange in [house.strange.as_str(), "no-such-app"] {
            let own = house.own.as_str();
            let request = json!({"id": id, "app_list": [{"app_id": own}, {"app_id": strange}]});
            let answer = client.ask(request).await;
            assert_eq!(
                (&answer["id"], &answer["result"]),
                (&json!(id + 1), &json!(606_000_003))
            );
        }
    }
    assert_eq!(client.ask(json!({"id": 20_010})).await["app_list"], json!([]));
    assert_eq!(client.ask(subscribe(house.own.as_str())).await["result"], 0);
}

#[tokio::test(start_paused = true)]
async fn only_the_groups_that_were_chosen_are_told_and_nothing_after_it_was_left() {
    let house = House::new().await;
    let mut client = house.logged_in().await;
    let some = |id: u32| json!({"id": id, "app_list": [{"app_id": DEV_APP_ID, "group_list": ["h"]}]});
    client.ask(some(20_004)).await;
    house.happened("g", What::Joined(bob())).await;
    house.happened("h", What::Joined(bob())).await;
    let push = client.next().await;
    assert_eq!((&push["group_id"], &push["version"]), (&json!("h"), &json!(1)));
    assert_eq!(client.ask(some(20_006)).await["id"], 20_007);
    house.happened("h", What::Left(bob())).await;
    assert_eq!(client.ask(json!({"id": 20_010})).await["id"], 20_011);
    client.ask(subscribe(DEV_APP_ID)).await;
    assert_eq!(client.ask(json!({"id": 20_006})).await["result"], 0);
    house.happened("h", What::Left(bob())).await;
    assert_eq!(client.ask(json!({"id": 20_010})).await["app_list"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn g1_a_subscription_names_apps_and_groups_and_is_no_pattern() {
    let house = House::new().await;
    let mut client = house.logged_in().await;
    for pattern in ["*", ">", "a.*", "", ".", "a.>", "%", "a b"] {
        for apps in [
            json!([{"app_id": pattern}]),
            json!([{"app_id": DEV_APP_ID, "group_list": [pattern]}]),
        ] {
            let answer = client.ask(json!({"id": 20_004, "app_list": apps})).await;
            assert_eq!(answer["result"], 606_000_003, "{pattern:?}");
        }
    }
    // Whoever follows one group hears of that one, and not of those that begin alike.
    let one = json!([{"app_id": DEV_APP_ID, "group_list": ["g"]}]);
    client.ask(json!({"id": 20_004, "app_list": one})).await;
    for group in ["ga", "G", "g-", "g"] {
        house.happened(group, What::Joined(bob())).await;
    }
    let push = client.next().await;
    assert_eq!((&push["group_id"], &push["version"]), (&json!("g"), &json!(1)));
}

#[tokio::test(start_paused = true)]
async fn what_was_too_much_is_seen_as_a_version_that_is_left_out() {
    let house = House::new().await;
    let mut follower = house.follower().await;
    const FLOOD: u64 = 10_000;
    for number in 0..FLOOD {
        let user = format!("u{number}").parse().unwrap();
        house.happened("g", What::Joined(user)).await;
    }
    let (mut last, mut left_out) = (0, 0);
    loop {
        let push = follower.next().await;
        let version = push["version"].as_u64().unwrap();
        left_out += version - last - 1;
        last = version;
        if push["user_id"] == format!("u{}", FLOOD - 1) {
            break;
        }
    }
    assert!(left_out > 0 && last < FLOOD, "{left_out} {last}");
    let versions = json!([{ "app_id": DEV_APP_ID, "version": last }]);
    assert_eq!(follower.ask(json!({"id": 20_010})).await["app_list"], versions);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_cut() {
    let house = House::new().await;
    let mut follower = house.follower().await;
    for _ in 0..100 {
        house.happened("g", What::Joined(bob())).await;
    }
    // The place of the connection is free again when its task has ended.
    let started = Instant::now();
    while Arc::strong_count(&house.hub) > 1 {
        advance(Duration::from_millis(100)).await;
    }
    assert!(started.elapsed() >= WRITE_TIMEOUT);
    assert_eq!(follower.end().await, RecvEnd::Closed(CloseCode::SlowReader.into()));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_connection_before_login_and_after() {
    let house = House::new().await;
    let started = Instant::now();
    let late = CloseReason::new(CloseCode::PolicyViolation, "no login in time");
    assert_eq!(house.connect().end().await, RecvEnd::Closed(late));
    assert_eq!(started.elapsed(), LOGIN_DEADLINE);

    let mut client = house.logged_in().await;
    for _ in 0..3 {
        advance(IDLE_TIMEOUT - Duration::from_millis(1)).await;
        assert_eq!(client.ask(json!({"id": 20_010})).await["result"], 0);
    }
    let silent = Instant::now();
    assert_eq!(client.end().await, RecvEnd::Closed(CloseCode::HeartbeatLost.into()));
    assert_eq!(silent.elapsed(), IDLE_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_logout_is_answered_and_ends_the_connection() {
    let house = House::new().await;
    let mut client = house.follower().await;
    let answer = client.ask(json!({"id": 20_002, "seq_id": 5})).await;
    assert_eq!((&answer["id"], &answer["seq_id"]), (&json!(20_003), &json!(5)));
    assert_eq!(client.end().await, RecvEnd::Closed(CloseCode::Normal.into()));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_frame_ends_the_connection_and_nobody_else_notices() {
    let house = House::new().await;
    let mut other = house.follower().await;
    for frame in ["", "{}", "[1]", "{\"id\":\"x\"}", &"[".repeat(100_000)] {
        let mut client = house.logged_in().await;
        client.say(frame).await;
        let wrong = CloseReason::new(CloseCode::ProtocolError, "not a frame of this protocol");
        assert_eq!(client.end().await, RecvEnd::Closed(wrong), "{frame:.10}");
    }
    house.happened("g", What::Joined(bob())).await;
    assert_eq!(other.next().await["version"], 1);
}
