use std::{collections::HashMap, sync::Arc, time::SystemTime};

use hst_auth::{Claims, Grants, KeyRing, Scope, TokenError, TokenFormat, TokenVerifier, UnixMillis};
use hst_group::server::{Permissions, SignIn};
use hst_id::{AppId, MediaType};
use hst_proto::{ErrorCode, Failure};

use crate::{
    App,
    logins::{Login, Logins},
};

/// The door: which Apps there are, what their tokens grant, and who is inside.
#[derive(Debug)]
pub(crate) struct Apps {
    verifier: Arc<dyn TokenVerifier>,
    policies: HashMap<AppId, Policy>,
    logins: Logins,
}

/// What the configuration says about an App beyond its keys.
#[derive(Debug)]
struct Policy {
    tokens: Vec<TokenFormat>,
    enabled: bool,
}

/// Somebody who was let in.
#[derive(Debug)]
pub(crate) struct SignedIn {
    pub(crate) login: Login,
    pub(crate) grants: Grants,
}

impl Apps {
    /// Verifies tokens with the Apps' own keys.
    pub(crate) fn new(apps: Vec<App>) -> Self {
        let mut keys = KeyRing::new();
        let mut policies = HashMap::new();
        for app in apps {
            keys.insert(app.id.clone(), app.keys);
            policies.insert(
                app.id,
                Policy {
                    tokens: app.tokens,
                    enabled: app.enabled,
                },
            );
        }
        Self {
            verifier: Arc::new(keys),
            policies,
            logins: Logins::default(),
        }
    }

    /// Leaves the verification of tokens to somebody else. Apps that the configuration does not list are his, too.
    pub(crate) fn with_verifier(mut self, verifier: Arc<dyn TokenVerifier>) -> Self {
        self.verifier = verifier;
        self
    }

    /// Lets somebody in, or says why not. Which of its checks a token failed is for the log only.
    pub(crate) async fn sign_in(&self, who: SignIn) -> Result<SignedIn, Failure> {
        let claims = self.verify(&who.app, &who.login.token).map_err(|error| {
            tracing::info!(app = %who.app, user = %who.user, %error, "login refused");
            match error {
                TokenError::UnknownApp => Failure::new(ErrorCode::UnknownApp, "no such App: check the App ID"),
                _ => Failure::new(
                    ErrorCode::TokenRefused,
                    "the token was not accepted: get a new one for this App",
                ),
            }
        })?;
        if self.policies.get(&who.app).is_some_and(|app| !app.enabled) {
            return Err(Failure::new(ErrorCode::AppOffline, "the App is switched off"));
        }
        let grants = claims.grants;
        if !grants.may_login(&who.user) {
            let message = format!("the token was made for another user than {}", who.user);
            return Err(Failure::new(ErrorCode::TokenRefused, message));
        }
        match self.logins.claim(who.app, who.user.clone(), who.login.force).await {
            Ok(login) => Ok(SignedIn { login, grants }),
            Err(_) => Err(Failure::new(
                ErrorCode::LoginConflict,
                format!(
                    "{} is online already: end that session, or choose another User ID",
                    who.user
                ),
            )),
        }
    }

    /// Judges a token by the clock of this machine.
    pub(crate) fn verify(&self, app: &AppId, token: &str) -> Result<Claims, TokenError> {
        let claims = self.verifier.verify(app, token, UnixMillis::from(SystemTime::now()))?;
        match self.policies.get(app) {
            Some(policy) if !policy.tokens.contains(&claims.format) => Err(TokenError::Rejected),
            _ => Ok(claims),
        }
    }
}

/// What a token's grants mean to a group that they admit to.
pub(crate) fn permissions(grants: &Grants) -> Permissions {
    Permissions {
        group: match &grants.join {
            Scope::Only(group) => Some(group.clone()),
            Scope::Any | Scope::None => None,
        },
        publish: MediaType::ALL.into_iter().filter(|&t| grants.may_publish(t)).collect(),
        receive: grants.subscribe,
        message: grants.message,
    }
}

#[cfg(test)]
mod tests {
    use hst_auth::mock::MockTokenVerifier;
    use hst_id::{TerminalType, UserId};
    use hst_proto::Login as LoginCommand;

    use super::*;

    fn apps(verdict: Result<Grants, TokenError>) -> Apps {
        let app = AppId::parse("app").unwrap();
        let mut verifier = MockTokenVerifier::new();
        verifier.expect_verify().returning(move |app, _, _| {
            let grants = verdict.clone()?;
            let (user, group, issued_at, expires_at, id) = (None, None, None, None, None);
            Ok(Claims {
                app: app.clone(),
                user,
                group,
                grants,
                issued_at,
                expires_at,
                id,
                format: TokenFormat::Jwt,
            })
        });
        let secret = hst_auth::AppSecret::parse("0123456789abcdef").unwrap();
        Apps::new(vec![App::new(app, &secret)]).with_verifier(Arc::new(verifier))
    }

    fn who(user: &str) -> SignIn {
        let login = LoginCommand {
            protocol: 1,
            app: "app".to_owned(),
            token: "t".to_owned(),
            user: user.to_owned(),
            terminal: TerminalType::default(),
            company: String::new(),
            force: false,
            extend_info: String::new(),
        };
        SignIn {
            app: AppId::parse("app").unwrap(),
            user: UserId::parse(user).unwrap(),
            terminal: TerminalType::default(),
            login,
        }
    }

    async fn refusal(apps: &Apps, user: &str) -> u32 {
        apps.sign_in(who(user)).await.unwrap_err().code
    }

    #[tokio::test]
    async fn a_refused_token_is_told_from_an_unknown_app_and_from_nothing_else() {
        for (error, code) in [
            (TokenError::UnknownApp, 1_000_001),
            (TokenError::Rejected, 1_000_000),
            (TokenError::Expired, 1_000_000),
            (TokenError::NotYetValid, 1_000_000),
        ] {
            assert_eq!(refusal(&apps(Err(error)), "ann").await, code, "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_token_for_another_user_is_refused() {
        let bob_only = Grants {
            login: Scope::Only(UserId::parse("bob").unwrap()),
            ..Grants::ordinary()
        };
        let apps = apps(Ok(bob_only));
        assert_eq!(refusal(&apps, "ann").await, 1_000_000);
        assert!(apps.sign_in(who("bob")).await.is_ok());
    }

    #[tokio::test]
    async fn an_app_may_be_switched_off_and_choose_its_formats() {
        let mut off = apps(Ok(Grants::ordinary()));
        off.policies.values_mut().for_each(|app| app.enabled = false);
        assert_eq!(refusal(&off, "ann").await, 1_000_002);

        let mut only_001 = apps(Ok(Grants::ordinary()));
        only_001
            .policies
            .values_mut()
            .for_each(|app| app.tokens = vec![TokenFormat::Legacy001]);
        assert_eq!(refusal(&only_001, "ann").await, 1_000_000);
    }

    #[tokio::test]
    async fn the_second_login_of_a_user_is_refused_while_the_first_lasts() {
        let apps = apps(Ok(Grants::ordinary()));
        let first = apps.sign_in(who("ann")).await.unwrap();
        assert_eq!(refusal(&apps, "ann").await, 1_000_008);
        drop(first);
        assert!(apps.sign_in(who("ann")).await.is_ok());
    }
}
