use hst_auth::TokenFormat;

use hst_auth::LoginPolicy;

use crate::{AppName, Bounded, Services, Webhook};

/// How many members a group may have.
pub type MaxMembers = Bounded<1, { u32::MAX }>;
/// How many bytes a message may have.
pub type MessageBytes = Bounded<1, 65_536>;
/// How many past messages a group keeps for those who come later.
pub type History = Bounded<0, 1_000>;

/// What may be changed about an App. Every value of these types is one that an App can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppSettings {
    /// What people call it.
    pub name: AppName,
    /// Whether its users may log in.
    pub online: bool,
    /// The tokens that it takes.
    pub tokens: TokenRules,
    /// What its users may use.
    pub services: Services,
    /// What happens when somebody logs in who is online already.
    pub login: LoginPolicy,
    /// How much its users may use.
    pub limits: Limits,
    /// The most that it may consume, in whole yuan; `None`: there is no limit.
    pub consumption_limit: Option<u32>,
    /// Who is told what happens in it.
    pub webhook: Option<Webhook>,
}

impl AppSettings {
    /// A new App's: **offline**, as on the platform, and otherwise the defaults.
    pub fn new(name: AppName) -> Self {
        Self {
            name,
            online: false,
            tokens: TokenRules::default(),
            services: Services::default(),
            login: LoginPolicy::default(),
            limits: Limits::default(),
            consumption_limit: None,
            webhook: None,
        }
    }
}

/// Which tokens an App takes. The default is both formats, and names in `001` tokens that bind nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRules {
    /// Whether it takes the platform's `001` tokens.
    pub accepts_001: bool,
    /// Whether it takes JWTs.
    pub accepts_jwt: bool,
    /// Whether the bearer of a `001` token is held to the names in it, as that of a JWT always is.
    pub bind_001_names: bool,
}

impl Default for TokenRules {
    fn default() -> Self {
        Self {
            accepts_001: true,
            accepts_jwt: true,
            bind_001_names: false,
        }
    }
}

impl TokenRules {
    /// Whether tokens of this format are taken.
    pub fn accepts(&self, format: TokenFormat) -> bool {
        match format {
            TokenFormat::Legacy001 => self.accepts_001,
            TokenFormat::Jwt => self.accepts_jwt,
            // A format that came after this crate was chosen for no App.
            _ => false,
        }
    }
}

/// How much an App's users may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Members of a group, 10,000 by default.
    pub max_members: MaxMembers,
    /// Bytes of a message, 8,192 by default.
    pub message_bytes: MessageBytes,
    /// Past messages that a group keeps, 0 by default.
    pub history: History,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_members: const { MaxMembers::constant(10_000) },
            message_bytes: const { MessageBytes::constant(8_192) },
            history: const { History::constant(0) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_app_is_offline_and_takes_both_formats() {
        let settings = AppSettings::new(AppName::parse("a").unwrap());
        assert!(!settings.online);
        assert!(settings.tokens.accepts(TokenFormat::Legacy001) && settings.tokens.accepts(TokenFormat::Jwt));
        let only_jwt = TokenRules {
            accepts_001: false,
            ..settings.tokens
        };
        assert!(!only_jwt.accepts(TokenFormat::Legacy001) && only_jwt.accepts(TokenFormat::Jwt));
    }
}
