use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hst_store::DeveloperId;
use tokio::time::{Duration, Instant};

use crate::sessions::Secret;

/// How long a token opens the gateways.
pub(crate) const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(7_200);

/// What developers' backends show to the gateways, once they have proved who they are: one token a developer.
#[derive(Debug, Default)]
pub(crate) struct AccessTokens {
    /// A lock, because requests come on all threads; held for one look over the developers, of whom there are few.
    issued: Mutex<HashMap<DeveloperId, Issued>>,
}

#[derive(Debug)]
struct Issued {
    token: Secret,
    until: Instant,
}

impl AccessTokens {
    /// A new token, 32 characters that nobody can guess. The developer's token of before opens nothing any more.
    pub(crate) fn issue(&self, developer: DeveloperId) -> String {
        let token = Secret::random();
        let text = token.as_str().to_owned();
        let until = Instant::now() + ACCESS_TOKEN_LIFETIME;
        self.lock().insert(developer, Issued { token, until });
        text
    }

    /// Whose token this is, if it is one and its time is not over.
    pub(crate) fn check(&self, token: &str) -> Option<DeveloperId> {
        let now = Instant::now();
        let mut issued = self.lock();
        issued.retain(|_, issued| now < issued.until);
        let (developer, _) = issued.iter().find(|(_, issued)| issued.token.is(token))?;
        Some(developer.clone())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeveloperId, Issued>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn developer(digit: &str) -> DeveloperId {
        DeveloperId::parse(&digit.repeat(32)).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_good_for_two_hours() {
        let tokens = AccessTokens::default();
        let token = tokens.issue(developer("a"));
        assert_eq!(token.len(), 32);
        tokio::time::advance(Duration::from_secs(7_199)).await;
        assert_eq!(tokens.check(&token), Some(developer("a")));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(tokens.check(&token), None);
        assert!(tokens.lock().is_empty(), "and then forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn a_developer_has_one_token_and_others_keep_theirs() {
        let tokens = AccessTokens::default();
        let [first, others] = [tokens.issue(developer("a")), tokens.issue(developer("b"))];
        let second = tokens.issue(developer("a"));
        assert_eq!(tokens.check(&first), None);
        assert_eq!(tokens.check(&second), Some(developer("a")));
        assert_eq!(tokens.check(&others), Some(developer("b")));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_else_is_a_token() {
        let tokens = AccessTokens::default();
        let token = tokens.issue(developer("a"));
        for guess in ["", &token[1..], &format!("{token} "), &token.replace(&token[31..], "x")] {
            assert_eq!(tokens.check(guess), None, "{guess:?}");
        }
    }
}
