//! The event gateway, by the address that Access names and with the token that the gateway gives.

use std::time::Duration;

use hst_signal::{SignalConnection, SignalTransport as _};
use hst_signal_ws::WsTransport;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    engine::Engine,
    house::{Backend, House},
    http::{request, stranger},
};

/// For what comes, if all is well.
const PATIENCE: Duration = Duration::from_secs(10);

struct Follower(SignalConnection);

impl Follower {
    async fn connect(house: &House) -> Self {
        let asked = "GET /server/address?appType=8";
        let named = request(stranger(), house.http(), asked, None, "").await.json();
        let url = named["result"].as_str().unwrap().trim_end_matches(';').to_owned();
        Self(WsTransport::default().connect(&url).await.unwrap())
    }

    async fn log_in(&mut self, house: &House, backend: &Backend) -> Value {
        let (developer, token) = (house.developer.id.as_str(), &backend.access_token);
        self.ask(json!({ "id": 20_000, "dev_id": developer, "token": token }))
            .await
    }

    async fn ask(&mut self, request: Value) -> Value {
        self.0.sender.send(request.to_string().into()).await.unwrap();
        self.next().await
    }

    async fn next(&mut self) -> Value {
        let frame = timeout(PATIENCE, self.0.receiver.recv()).await;
        serde_json::from_slice(&frame.expect("nothing comes").unwrap()).unwrap()
    }
}

#[tokio::test]
async fn a_backend_follows_its_own_app_and_finds_the_same_by_a_full_sync() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    let mut follower = Follower::connect(&house).await;
    assert_eq!(follower.log_in(&house, &backend).await["result"], 0);
    let apps = json!([{ "app_id": app.id }]);
    assert_eq!(
        follower.ask(json!({ "id": 20_004, "app_list": apps })).await["result"],
        0
    );

    let mut bob = Engine::in_group(&house, &app, "bob", "g").await;
    bob.ask(json!({ "create_board": {} })).await.unwrap();
    let publish = json!({ "publish": { "type": 4, "media": "whiteboard1" } });
    bob.ask(publish).await.unwrap();
    for (id, version) in [(20_100, 1), (20_102, 2)] {
        let push = follower.next().await;
        assert_eq!((&push["id"], &push["version"]), (&json!(id), &json!(version)));
        assert_eq!((&push["group_id"], &push["user_id"]), (&json!("g"), &json!("bob")));
    }
    let shown = follower.ask(json!({ "id": 20_008, "app_list": apps })).await;
    assert_eq!((&shown["version"], &shown["result"]), (&json!(2), &json!(0)));
    let group = json!({
        "group_id": "g",
        "group_media_list": [{ "media_id": "whiteboard1", "media_type": 4 }],
        "user_list": [{ "user_id": "bob", "media_info": [] }],
    });
    assert_eq!(shown["group_list"], json!([group]));
}

#[tokio::test]
async fn an_access_token_that_a_newer_one_has_replaced_opens_nothing() {
    let house = House::open().await;
    let (old, new) = (house.backend().await, house.backend().await);
    let mut follower = Follower::connect(&house).await;
    assert_eq!(follower.log_in(&house, &old).await["result"], 606_000_000);
    assert_eq!(follower.log_in(&house, &new).await["result"], 0);
}

#[tokio::test]
async fn the_app_of_another_developer_is_not_followed() {
    let house = House::open().await;
    let stranger = Backend::of(&house, &house.another_developer()).await;
    let app = stranger.create_app().await;
    let backend = house.backend().await;
    let mut follower = Follower::connect(&house).await;
    follower.log_in(&house, &backend).await;
    let request = json!({ "id": 20_004, "app_list": [{ "app_id": app.id }] });
    assert_eq!(follower.ask(request).await["result"], 606_000_003);
}
