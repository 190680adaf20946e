use hst_auth::{AppId, GroupId, MediaId, TerminalType, UserId};

/// Whatever is taken for a name is that name, byte by byte, and its rule is the same for all kinds.
pub fn names(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(user) = UserId::parse(text) {
        assert_eq!(user.as_str(), text);
    }
    if let Ok(group) = GroupId::parse(text) {
        assert_eq!(group.as_str(), text);
    }
    if let Ok(app) = AppId::parse(text) {
        assert_eq!(app.as_str(), text);
    }
    if let Ok(media) = MediaId::parse(text) {
        assert_eq!(media.as_str(), text);
    }
    if let Ok(terminal) = TerminalType::parse(text) {
        assert_eq!(terminal.as_str(), text);
    }
}
