//! Two who chat and must notice nothing of what others are up to.

use hst_rtc::{GroupEvent, GroupMessage, Payload};
use hst_tests::house::{House, Member, user};

/// Ann and Bob, in a group of their own.
#[derive(Debug)]
pub(crate) struct Bystanders {
    ann: Member,
    bob: Member,
    said: u64,
}

impl Bystanders {
    /// They meet in this group.
    pub(crate) async fn in_group(house: &House, group: &str) -> Self {
        let mut ann = house.member("ann", group).await;
        let mut bob = house.member("bob", group).await;
        assert_eq!(ann.event().await, GroupEvent::Members(vec![]));
        assert_eq!(ann.event().await, GroupEvent::MemberJoined(user("bob")));
        assert_eq!(bob.event().await, GroupEvent::Members(vec![user("ann")]));
        Self { ann, bob, said: 0 }
    }

    /// Each says something, and each hears the other and nothing else.
    pub(crate) async fn chat(&mut self) {
        for _ in 0..3 {
            exchange(&self.ann, "ann", &mut self.bob, self.said + 1).await;
            exchange(&self.bob, "bob", &mut self.ann, self.said + 2).await;
            self.said += 2;
        }
    }
}

async fn exchange(from: &Member, name: &str, to: &mut Member, number: u64) {
    let text = format!("message {number}");
    assert_eq!(from.say(&text).await, number, "nobody else has spoken");
    let expected = GroupEvent::Message(GroupMessage {
        from: user(name),
        seq: number,
        body: Payload::text(&text),
    });
    assert_eq!(to.event().await, expected, "nothing else has happened");
}
