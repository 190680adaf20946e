//! Who may come in.

use hst_rtc::LoginOptions;
use hst_server::DEV_APP_ID;
use hst_tests::house::{House, login, other_login, within};

through_every_door! {
    a_second_login_of_a_user_is_refused_while_he_is_online
    who_cuts_his_connection_may_come_back
    a_login_that_is_wrong_is_refused_by_its_number
    an_illegal_group_is_refused_and_the_session_goes_on
}

/// The sample token that was published with the platform: two of its characters were lost on the way.
const DAMAGED: &str = "001Sx04XAA406DvYyD8J3oEh/eSZFnogbLaFnwlXozD6QfHgzwvglCNrVj3wjjxldlRYRG28cGFdK9xgku3fhdMKY2pB3j1It4Omq8Quxx4xFH/2h3MbrWmsVCjh/N1cfsx";

async fn a_second_login_of_a_user_is_refused_while_he_is_online(house: House) {
    let (first, second) = (house.visitor().await, house.visitor().await);
    first.engine.login(login("ann")).await.unwrap();
    let refused = second.engine.login(login("ann")).await.unwrap_err();
    assert_eq!((refused.code(), refused.server_code()), (34, Some(1_000_008)));

    // Neither another user nor the same name in another App is in the way.
    second.engine.login(login("bob")).await.unwrap();
    let third = house.visitor().await;
    third.engine.login(other_login("ann")).await.unwrap();

    // The first has noticed nothing.
    first.engine.join_group("g").await.unwrap();
    first.engine.exit().await.unwrap();
    let again = house.visitor().await;
    again.engine.login(login("ann")).await.unwrap();
}

async fn who_cuts_his_connection_may_come_back(house: House) {
    let first = house.member("ann", "g").await;
    drop(first);
    let second = house.visitor().await;
    within("a login", async {
        while let Err(refused) = second.engine.login(login("ann")).await {
            assert_eq!(refused.code(), 34);
        }
    })
    .await;
}

async fn a_login_that_is_wrong_is_refused_by_its_number(house: House) {
    let ann = house.visitor().await;
    let good = login("ann").token;
    let long = "a".repeat(129);
    for (app, token, user, code, server_code) in [
        ("no-such-app", &*good, "ann", 33, Some(1_000_001)),
        (DEV_APP_ID, DAMAGED, "ann", 32, Some(1_000_000)),
        (DEV_APP_ID, "", "ann", 32, Some(1_000_000)),
        (DEV_APP_ID, &good[..good.len() - 1], "ann", 32, Some(1_000_000)),
        ("other-app", &good, "ann", 32, Some(1_000_000)),
    ] {
        let refused = ann.engine.login(LoginOptions::new(app, token, user)).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.server_code()),
            (code, server_code),
            "{app} {token}"
        );
    }
    for user in ["", "a b", "a/b", "安", &long] {
        let refused = ann.engine.login(LoginOptions::new(DEV_APP_ID, &good, user)).await;
        assert_eq!(refused.unwrap_err().code(), 1_000_006, "{user:?}");
    }
    ann.engine.login(login("ann")).await.unwrap();
}

async fn an_illegal_group_is_refused_and_the_session_goes_on(house: House) {
    let ann = house.visitor().await;
    ann.engine.login(login("ann")).await.unwrap();
    let long = "g".repeat(129);
    for group in ["", "a b", "a/b", "组", &long] {
        assert_eq!(ann.engine.join_group(group).await.unwrap_err().code(), 1, "{group:?}");
    }
    ann.engine.join_group(&long[1..]).await.unwrap();
}
