//! What Apps consume, and how it is listed.

use serde_json::{Value, json};

use crate::{
    engine::Engine,
    house::{Backend, House, now, start},
};

const DAY: u64 = 86_400_000;

/// What is recorded from now on.
async fn recorded(backend: &Backend, more: &str) -> Vec<Value> {
    let now = now().as_millis();
    let to = now + DAY;
    let line = format!("GET /v1/consuming/records?start_time={now}&end_time={to}&page=1&page_size=10{more}");
    backend.get(&line, None).await["result"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_camera_that_two_have_before_them_is_two_seconds_of_video_in_one_also_over_a_restart() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    let mut ann = Engine::in_group(&house, &app, "ann", "g").await;
    let _bob = Engine::in_group(&house, &app, "bob", "g").await;
    assert_eq!(recorded(&backend, "").await, [] as [Value; 0]);

    ann.ask(json!({ "publish": { "type": 2, "media": "cam" } }))
        .await
        .unwrap();
    let mut record = Value::Null;
    while record["total_time"].as_u64() < Some(2) {
        record = recorded(&backend, "").await.pop().unwrap_or_default();
    }
    let begin = record["start_time"].as_u64().unwrap();
    assert_eq!(begin % DAY, 0);
    let seconds = record["total_time"].as_u64().unwrap();
    let expected = json!({
        "app_id": app.id, "app_name": "test", "product_id": 3, "product_name": "video", "charge_term": 2,
        "start_time": begin, "end_time": begin + DAY, "total_time": seconds, "amount": 0, "price": 0,
    });
    assert_eq!(record, expected);

    let House {
        server,
        developer,
        folder,
    } = house;
    server.shutdown().await;
    let house = House {
        server: start(&folder).await,
        developer,
        folder,
    };
    let backend = house.backend().await;
    let of_app = format!("&app_id={}", app.id);
    let kept = recorded(&backend, &of_app).await.pop().unwrap();
    assert!(kept["total_time"].as_u64() >= Some(seconds), "{kept}");
}

#[tokio::test]
async fn nothing_is_recorded_of_times_when_nothing_was_used_nor_of_other_developers_apps() {
    let house = House::open().await;
    let backend = house.backend().await;
    let app = backend.create_app().await;
    let long_ago = "GET /v1/consuming/records?start_time=1588146896000&end_time=1590738896000&page=1&page_size=10";
    assert_eq!(
        backend.get(long_ago, None).await,
        json!({ "code": 0, "msg": "OK", "result": [] })
    );
    let backwards = "GET /v1/consuming/records?start_time=2&end_time=1&page=1&page_size=10";
    assert_eq!(backend.ask(backwards, None).await.code(), 606_000_003);
    let stranger = Backend::of(&house, &house.another_developer()).await;
    let foreign = format!("{long_ago}&app_id={}", app.id);
    assert_eq!(stranger.ask(&foreign, None).await.code(), 606_000_100);
}
