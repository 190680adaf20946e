use hst_id::{GroupId, MediaType};
use hst_proto::{ErrorCode, Failure};

/// What a member may do, as his token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions {
    /// The only group that he may join; `None` is any.
    pub group: Option<GroupId>,
    /// The media types that he may publish.
    pub publish: Vec<MediaType>,
    /// Whether he may receive media.
    pub receive: bool,
    /// Whether he may send messages.
    pub message: bool,
}

impl Permissions {
    /// Everything, everywhere.
    pub fn all() -> Self {
        Self {
            group: None,
            publish: MediaType::ALL.to_vec(),
            receive: true,
            message: true,
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
        if self.publish.contains(&media_type) {
            return Ok(());
        }
        let code = match media_type {
            MediaType::Video => ErrorCode::NoVideoService,
            MediaType::Audio => ErrorCode::NoAudioService,
            MediaType::ScreenShare => ErrorCode::NoScreenShareService,
            _ => ErrorCode::OperationFailed,
        };
        Err(Failure::new(
            code,
            format!("the token does not allow to publish {media_type}"),
        ))
    }

    pub(super) fn check_receive(&self) -> Result<(), Failure> {
        if self.receive {
            return Ok(());
        }
        Err(Failure::new(
            ErrorCode::OperationFailed,
            "the token does not allow to receive media",
        ))
    }

    pub(super) fn check_message(&self) -> Result<(), Failure> {
        if self.message {
            return Ok(());
        }
        Err(Failure::new(
            ErrorCode::NoMessageService,
            "the token does not allow to send messages",
        ))
    }
}
