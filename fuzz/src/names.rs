use hst_auth::{AppId, GroupId, MediaId, TerminalType, UserId};

/// Whatever is taken for a name is that name, byte by byte. One rule holds for all kinds but the media's, which may
/// be all that, longer, and of more letters.
pub fn names(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let is_name = UserId::parse(text).is_ok();
    assert_eq!(GroupId::parse(text).is_ok(), is_name);
    assert_eq!(AppId::parse(text).is_ok(), is_name);
    assert_eq!(TerminalType::parse(text).is_ok(), is_name);
    if let Ok(user) = UserId::parse(text) {
        assert_eq!(user.as_str(), text);
    }
    if let Ok(group) = GroupId::parse(text) {
        assert_eq!(group.as_str(), text);
    }
    if let Ok(app) = AppId::parse(text) {
        assert_eq!(app.as_str(), text);
    }
    assert!(MediaId::parse(text).is_ok() || !is_name);
    if let Ok(media) = MediaId::parse(text) {
        assert_eq!(media.as_str(), text);
    }
    if let Ok(terminal) = TerminalType::parse(text) {
        assert_eq!(terminal.as_str(), text);
    }
}
