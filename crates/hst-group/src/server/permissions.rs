use hst_id::{GroupId, MediaType};
use hst_proto::{ErrorCode, Failure};
use serde::{Deserialize, Serialize};

/// What a member may do: what his App offers and his token grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions {
    /// The only group that he may join; `None` is any.
    pub group: Option<GroupId>,
    /// The media types that he may publish.
    pub publish: Vec<MediaType>,
    /// Whether he may receive media.
    pub receive: bool,
    /// Whether he may send messages.
    pub message: bool,
    /// Whether he may act on others: remove them, silence their media, lock the group.
    pub admin: bool,
}

impl Permissions {
    /// All that an ordinary user does, everywhere.
    pub fn ordinary() -> Self {
        Self {
            group: None,
            publish: MediaType::ALL.to_vec(),
            receive: true,
            message: true,
            admin: false,
        }
    }

    /// Everything, everywhere.
    pub fn all() -> Self {
        Self {
            admin: true,
            ..Self::ordinary()
        }
    }

    pub(super) fn check_join(&self, group: &GroupId) -> Result<(), Failure> {
        match &self.group {
            Some(only) if only != group => Err(Failure::new(
                ErrorCode::TokenRefused,
                format!("the token admits to group {only} only: ask for a token for {group}"),
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn check_publish(&self, media_type: MediaType) -> Result<(), Failure> {
        let code = match media_type {
            MediaType::Video => ErrorCode::NoVideoService,
            MediaType::Audio => ErrorCode::NoAudioService,
            MediaType::ScreenShare => ErrorCode::NoScreenShareService,
            _ => ErrorCode::OperationFailed,
        };
        let message = || format!("neither App nor token allow to publish {media_type}");
        check(self.publish.contains(&media_type), code, message)
    }

    pub(super) fn check_receive(&self) -> Result<(), Failure> {
        let message = || "the token does not allow to receive media".to_owned();
        check(self.receive, ErrorCode::OperationFailed, message)
    }

    /// Whether messages may be sent, to groups or to users.
    ///
    /// # Errors
    /// Code 1000020.
    pub fn check_message(&self) -> Result<(), Failure> {
        let message = || "neither App nor token allow to send messages".to_owned();
        check(self.message, ErrorCode::NoMessageService, message)
    }

    pub(super) fn check_admin(&self) -> Result<(), Failure> {
        let message = || "the token does not allow to act on others".to_owned();
        check(self.admin, ErrorCode::NotAdmin, message)
    }
}

fn check(is_allowed: bool, code: ErrorCode, message: impl FnOnce() -> String) -> Result<(), Failure> {
    if is_allowed {
        Ok(())
    } else {
        Err(Failure::new(code, message()))
    }
}
