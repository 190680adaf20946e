//! Who goes is gone.

use hst_rtc::GroupEvent;
use hst_tests::house::{House, user, within};

through_every_door! {
    who_destroys_an_engine_that_is_talked_to_leaves_at_once
}

/// Many times: what the server says and what the client says last cross on the way.
async fn who_destroys_an_engine_that_is_talked_to_leaves_at_once(house: House) {
    let mut bob = house.member("bob", "g").await;
    for round in 0..15 {
        let name = format!("ann-{round}");
        let ann = house.member(&name, "g").await;
        for _ in 0..5 {
            bob.say("do stay").await;
        }
        let (_, ()) = tokio::join!(bob.say("wait!"), async { ann.engine.destroy() });
        // Long before the server gives her up, if it takes her for lost.
        within("her departure", async {
            while bob.event().await != GroupEvent::MemberLeft(user(&name)) {}
        })
        .await;
    }
}
