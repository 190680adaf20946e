use std::time::Duration;

use hst_group::server::Permissions;
use hst_id::{AppId, UserId};
use hst_proto::{Event, Joined, encode_event};
use tokio::time::timeout;

use super::*;
use crate::{
    handle::{Inbox, SessionId, session},
    life,
    media::Media,
};

const MEMBER: MemberId = MemberId(1);

fn site() -> Site {
    let id = GroupId::parse("g").unwrap();
    let (to_group, inbox) = mpsc::channel(1);
    let key = (AppId::parse("app").unwrap(), id.clone());
    let (_lifeline, life) = life::begin();
    Site::new(id, inbox, Media::off(life).open_room(&key, &to_group))
}

/// Somebody asks to come in.
fn enter(site: &mut Site) -> Inbox {
    let (handle, inbox) = session(SessionId(1));
    let seat = Seat::new(UserId::parse("ann").unwrap(), Permissions::ordinary());
    site.enter(MEMBER, 1, seat, handle);
    inbox
}

/// And is let in.
fn admit(site: &mut Site) {
    let joined = Joined {
        members: Vec::new(),
        total: 0,
        media: Vec::new(),
        last_message: 1,
        locked: false,
    };
    let result = Ok(Reply::Joined(joined));
    assert_eq!(site.tell(MEMBER, ToMember::Reply { re: 1, result }), None);
}

/// What all are told.
fn say(site: &mut Site) {
    let body = encode_event(&Event::Locked { locked: true });
    let gone = site.tell_all(&Recipients::All, &body, Class::Reliable);
    assert_eq!(gone, []);
}

async fn hear(inbox: &mut Inbox) -> Option<Word> {
    let next = timeout(Duration::from_millis(1), inbox.next()).await.ok()?;
    Some(next.unwrap())
}

#[tokio::test(start_paused = true)]
async fn who_is_on_his_way_in_hears_nothing_of_a_group_before_the_answer_that_lets_him_in() {
    let mut site = site();
    let mut ann = enter(&mut site);
    say(&mut site);
    assert!(hear(&mut ann).await.is_none(), "he is not in it");
    admit(&mut site);
    say(&mut site);
    let answer = hear(&mut ann).await;
    let is_answer = matches!(answer, Some(Word::Group(MEMBER, ToMember::Reply { re: 1, .. })));
    assert!(is_answer, "{answer:?}");
    let event = hear(&mut ann).await;
    assert!(
        matches!(event, Some(Word::Group(MEMBER, ToMember::Event(_)))),
        "{event:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn only_those_in_a_group_bring_its_numbers_with_them_when_it_goes_on_elsewhere() {
    let mut site = site();
    // Of a group that everybody has left meanwhile.
    site.standing.last_message = 15;
    let _ann = enter(&mut site);
    assert_eq!(site.standing_of_members(), None, "nobody here is in it");
    admit(&mut site);
    assert_eq!(site.standing_of_members(), Some(site.standing));
}
