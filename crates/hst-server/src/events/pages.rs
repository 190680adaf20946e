use std::{collections::HashMap, mem};

use hst_id::{AppId, GroupId, MediaType};
use hst_proto::Media;
use serde_json::{Map, Value, json};

use crate::group::GroupView;

/// Bytes of JSON that a page has, but for what is the same in each: well below what a frame may have.
const PAGE: usize = 128 * 1024;
/// Bytes of JSON around what a group holds.
const AROUND: usize = 64;

/// The groups of an App as a client is shown them: in pages, because a frame is bounded and an App is not.
///
/// A group that does not fit goes on in the next page, with the rest of its users.
#[derive(Debug)]
pub(super) struct Pages {
    app: AppId,
    version: u64,
    groups: Vec<Shown>,
    len: usize,
    full: Vec<Vec<Shown>>,
}

/// A group, or a part of it.
#[derive(Debug)]
struct Shown {
    group: GroupId,
    boards: Vec<Value>,
    users: Vec<Value>,
}

impl Pages {
    /// `version`: the number of the App's last push.
    pub(super) fn new(app: AppId, version: u64) -> Self {
        Self {
            app,
            version,
            groups: Vec::new(),
            len: 0,
            full: Vec::new(),
        }
    }

    /// One more group.
    pub(super) fn add(&mut self, group: GroupId, view: &GroupView) {
        // White boards are the group's, whoever has published them.
        let is_board = |media: &&Media| media.key.media_type == MediaType::WhiteBoard;
        let (boards, media): (Vec<_>, Vec<_>) = view.media.iter().partition(is_board);
        let mut of_users: HashMap<_, Vec<Value>> = HashMap::new();
        for media in media {
            of_users.entry(&media.key.user).or_default().push(show(media));
        }
        self.begin(group);
        for board in boards {
            self.place(show(board), |group| &mut group.boards);
        }
        for user in &view.members {
            let media = of_users.remove(user).unwrap_or_default();
            let user = json!({ "user_id": user, "media_info": media });
            self.place(user, |group| &mut group.users);
        }
    }

    /// The next page that is full.
    pub(super) fn next_full(&mut self) -> Option<Map<String, Value>> {
        let page = (!self.full.is_empty()).then(|| self.full.remove(0))?;
        let mut page = self.page(page);
        page.insert("more".to_owned(), true.into());
        Some(page)
    }

    /// The last page, once the full ones were taken.
    pub(super) fn last(mut self) -> Map<String, Value> {
        let rest = mem::take(&mut self.groups);
        self.page(rest)
    }

    fn begin(&mut self, group: GroupId) {
        self.len += AROUND + group.as_str().len();
        self.groups.push(Shown {
            group,
            boards: Vec::new(),
            users: Vec::new(),
        });
    }

    fn place(&mut self, value: Value, list: impl FnOnce(&mut Shown) -> &mut Vec<Value>) {
        let len = value.to_string().len() + 1;
        if self.len + len > PAGE {
            let group = self.current().group.clone();
            self.full.push(mem::take(&mut self.groups));
            self.len = 0;
            self.begin(group);
        }
        self.len += len;
        list(self.current()).push(value);
    }

    fn current(&mut self) -> &mut Shown {
        self.groups.last_mut().expect("a group has begun")
    }

    fn page(&self, groups: Vec<Shown>) -> Map<String, Value> {
        let group = |shown: Shown| {
            json!({
                "group_id": shown.group,
                "group_media_list": shown.boards,
                "user_list": shown.users,
            })
        };
        let fields = [
            ("app_id", json!(self.app)),
            ("version", json!(self.version)),
            ("group_list", groups.into_iter().map(group).collect()),
        ];
        fields
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect()
    }
}

fn show(media: &Media) -> Value {
    json!({ "media_id": media.key.media, "media_type": media.key.media_type })
}

#[cfg(test)]
mod tests {
    use hst_id::{MediaId, MediaRef, UserId};
    use hst_signal::MAX_FRAME;

    use super::*;

    fn media(user: &str, media_type: MediaType, media: &str) -> Media {
        Media {
            key: MediaRef {
                user: user.parse().unwrap(),
                media_type,
                media: MediaId::parse(media).unwrap(),
            },
            name: String::new(),
            muted: false,
        }
    }

    fn view(members: Vec<UserId>, media: Vec<Media>) -> GroupView {
        GroupView {
            members,
            media,
            locked: false,
        }
    }

    fn pages() -> Pages {
        Pages::new(AppId::parse("app").unwrap(), 7)
    }

    #[test]
    fn a_group_shows_its_boards_and_its_users_with_their_media() {
        let mut pages = pages();
        let media = vec![
            media("ann", MediaType::Audio, "appdef_mic"),
            media("bob", MediaType::WhiteBoard, "whiteboard1"),
            media("ann", MediaType::Video, "cam"),
        ];
        let members = ["ann", "bob"].map(|user| user.parse().unwrap());
        pages.add("g".parse().unwrap(), &view(members.into(), media));
        assert!(pages.next_full().is_none());
        let expected = json!({
            "app_id": "app",
            "version": 7,
            "group_list": [{
                "group_id": "g",
                "group_media_list": [{ "media_id": "whiteboard1", "media_type": 4 }],
                "user_list": [
                    { "user_id": "ann", "media_info": [
                        { "media_id": "appdef_mic", "media_type": 1 },
                        { "media_id": "cam", "media_type": 2 },
                    ]},
                    { "user_id": "bob", "media_info": [] },
                ],
            }],
        });
        assert_eq!(Value::Object(pages.last()), expected);
    }

    #[test]
    fn a_large_app_comes_in_pages_that_fit_a_frame_and_nothing_is_lost_or_told_twice() {
        let mut pages = pages();
        let user = |number: u32| UserId::parse(&format!("{}{number:08}", "u".repeat(100))).unwrap();
        for group in 0..4_u32 {
            let users = (0..2_500).map(|number| user(group * 2_500 + number)).collect();
            pages.add(format!("g{group}").parse().unwrap(), &view(users, Vec::new()));
        }
        let mut all = Vec::new();
        while let Some(page) = pages.next_full() {
            assert_eq!(page["more"], true);
            all.push(page);
        }
        all.push(pages.last());
        assert!(all.len() > 5 && all.last().unwrap().get("more").is_none());
        let mut seen = Vec::new();
        for page in all {
            assert!(Value::Object(page.clone()).to_string().len() < MAX_FRAME);
            assert_eq!((&page["version"], &page["app_id"]), (&json!(7), &json!("app")));
            for group in page["group_list"].as_array().unwrap() {
                let users = group["user_list"].as_array().unwrap().iter();
                seen.extend(users.map(|user| (group["group_id"].clone(), user["user_id"].clone())));
            }
        }
        let expected = (0..10_000).map(|n| (json!(format!("g{}", n / 2_500)), json!(user(n))));
        assert_eq!(seen, expected.collect::<Vec<_>>());
    }
}
