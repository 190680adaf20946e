use hst_id::TerminalType;
use hst_proto::{Login, Previous, VERSION};

/// What a login needs.
#[derive(Clone, Default)]
pub struct LoginOptions {
    /// The App ID.
    pub app: String,
    /// A token of the App.
    pub token: String,
    /// The User ID.
    pub user: String,
    /// The class of terminal; `web` when not given.
    pub terminal: TerminalType,
    /// The organisation inside the App.
    pub company: String,
    /// Whether an earlier login gives way.
    pub force: bool,
    /// A free text for others, such as a nickname.
    pub extend_info: String,
}

impl LoginOptions {
    /// A login with what every login needs.
    pub fn new(app: impl Into<String>, token: impl Into<String>, user: impl Into<String>) -> Self {
        Self {
            app: app.into(),
            token: token.into(),
            user: user.into(),
            ..Self::default()
        }
    }

    /// The login on the wire, in place of the session that this client had before.
    pub(super) fn to_wire(&self, previous: Option<Previous>) -> Login {
        Login {
            protocol: VERSION,
            app: self.app.clone(),
            token: self.token.clone(),
            user: self.user.clone(),
            terminal: self.terminal.clone(),
            company: self.company.clone(),
            force: self.force,
            extend_info: self.extend_info.clone(),
            previous,
        }
    }
}

impl std::fmt::Debug for LoginOptions {
    /// Keeps the token out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginOptions")
            .field("app", &self.app)
            .field("user", &self.user)
            .field("terminal", &self.terminal)
            .finish_non_exhaustive()
    }
}
