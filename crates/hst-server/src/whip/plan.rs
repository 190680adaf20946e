use hst_id::{MediaId, MediaRef, MediaType, UserId};
use hst_proto::{Line, Media, Role};

use super::outline::{Kind, OfferedLine};

/// What a resource is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plan {
    /// To publish a sound and a picture.
    Publish,
    /// To play what this user publishes, or somebody.
    Play(Option<UserId>),
}

/// The id of a camera that is published without naming a device.
const CAMERA: &str = "appdef_vid";

/// What is published on an offer's lines: the microphone on the one that sends sound, the camera on the one that sends a
/// picture. `None` if there are more of a kind.
pub(super) fn published(offered: &[OfferedLine<'_>]) -> Option<Vec<Line>> {
    let camera = MediaId::parse(CAMERA).expect("it is an id");
    let media = [
        (Kind::Audio, MediaType::Audio, MediaId::microphone()),
        (Kind::Video, MediaType::Video, camera),
    ];
    let mut lines = Vec::new();
    for (kind, media_type, media) in media {
        let mut of_kind = offered.iter().filter(|line| line.sends && line.kind == kind);
        let Some(line) = of_kind.next() else { continue };
        if of_kind.next().is_some() {
            return None;
        }
        lines.push(Line {
            mid: line.mid.to_owned(),
            role: Role::Send { media_type, media },
        });
    }
    Some(lines)
}

/// What is played on an offer's lines: of one user as many sounds and pictures as there are lines for them, his voice and
/// his shared screen first. Without a user it is the first by name of those who share a screen, else of those with a
/// camera, else of all.
pub(super) fn played(offered: &[OfferedLine<'_>], media: &[Media], user: Option<&UserId>) -> Vec<Line> {
    let mut media: Vec<_> = media.iter().map(|media| &media.key).collect();
    media.retain(|key| key.media_type.is_stream());
    media.sort_by_key(|key| (rank(key), &key.user, &key.media));
    let Some(user) = user.or(media.first().map(|key| &key.user)) else {
        return Vec::new();
    };
    let of = |kind: Kind| {
        let his = media
            .iter()
            .filter(move |key| key.user == *user && kind_of(key) == kind);
        let lines = offered.iter().filter(move |line| line.receives && line.kind == kind);
        lines.zip(his).map(|(line, key)| Line {
            mid: line.mid.to_owned(),
            role: Role::Receive((*key).clone()),
        })
    };
    of(Kind::Audio).chain(of(Kind::Video)).collect()
}

fn kind_of(key: &MediaRef) -> Kind {
    match key.media_type {
        MediaType::Audio => Kind::Audio,
        _ => Kind::Video,
    }
}

fn rank(key: &MediaRef) -> u8 {
    match (key.media_type, &key.media) {
        (MediaType::ScreenShare, _) => 0,
        (MediaType::Video, _) => 1,
        // It is heard in the place of the microphone.
        (_, id) if *id == MediaId::altered_voice() => 2,
        (_, id) if *id == MediaId::microphone() => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(kinds: &[(&'static str, Kind)]) -> Vec<OfferedLine<'static>> {
        let line = |&(mid, kind)| OfferedLine {
            mid,
            kind,
            sends: true,
            receives: true,
        };
        kinds.iter().map(line).collect()
    }

    fn media(user: &str, media_type: MediaType, id: &str) -> Media {
        Media {
            key: MediaRef {
                user: UserId::parse(user).unwrap(),
                media_type,
                media: MediaId::parse(id).unwrap(),
            },
            name: String::new(),
            muted: false,
        }
    }

    fn told(lines: Vec<Line>) -> Vec<String> {
        let told = lines.into_iter().map(|Line { mid, role }| match role {
            Role::Receive(key) => format!("{mid} {key}"),
            Role::Send { media_type, media } => format!("{mid} {media_type}/{media}"),
        });
        told.collect()
    }

    #[test]
    fn one_line_of_each_kind_is_published_and_an_offer_of_more_is_none() {
        let pair = offered(&[("0", Kind::Video), ("2", Kind::Audio)]);
        let lines = published(&pair).unwrap();
        assert_eq!(told(lines), ["2 audio/appdef_mic", "0 video/appdef_vid"]);
        let mut two = offered(&[("0", Kind::Video), ("1", Kind::Video)]);
        assert_eq!(published(&two), None);
        two[0].sends = false;
        assert_eq!(told(published(&two).unwrap()), ["1 video/appdef_vid"]);
    }

    #[test]
    fn one_users_media_are_played_the_screen_first_and_never_the_voice_behind_an_altered_one() {
        let all = [
            media("ann", MediaType::Audio, "appdef_mic"),
            media("ann", MediaType::Audio, "appdef_mic_magic"),
            media("ann", MediaType::Video, "cam"),
            media("bob", MediaType::ScreenShare, "0"),
            media("bob", MediaType::Video, "cam"),
            media("cid", MediaType::WhiteBoard, "1"),
        ];
        let pair = offered(&[("a", Kind::Audio), ("v", Kind::Video)]);
        assert_eq!(told(played(&pair, &all, None)), ["v bob/screen/0"]);
        let ann = UserId::parse("ann").unwrap();
        let of_ann = ["a ann/audio/appdef_mic_magic", "v ann/video/cam"];
        assert_eq!(told(played(&pair, &all, Some(&ann))), of_ann);
        let two = offered(&[("v", Kind::Video), ("w", Kind::Video)]);
        assert_eq!(told(played(&two, &all, None)), ["v bob/screen/0", "w bob/video/cam"]);
        let cid = UserId::parse("cid").unwrap();
        assert_eq!(told(played(&pair, &all, Some(&cid))), [""; 0]);
    }
}
