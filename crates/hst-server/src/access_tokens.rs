use std::{sync::Arc, time::Duration};

use hst_auth::UnixMillis;
use hst_store::{AccessToken, DeveloperId, Record};

use crate::{
    admin::Refused,
    apps::now,
    registry::{Registry, place},
    sessions::Secret,
};

/// How long a token opens the gateways.
pub(crate) const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(7_200);

/// What developers' backends show to the gateways, once they have proved who they are: one token a developer, of which a
/// digest is known to all nodes.
impl Registry {
    /// A new token, 32 characters that nobody can guess. The developer's token of before opens nothing any more.
    ///
    /// # Errors
    /// As [`write`](Registry::write).
    pub(crate) async fn issue_access_token(self: &Arc<Self>, developer: DeveloperId) -> Result<String, Refused> {
        let token = Secret::random();
        let record = AccessToken {
            digest: token.proof(),
            until: until(now()),
            developer,
        };
        self.write(place::of_access_token(&record.developer), move |_| {
            Ok(Record::AccessToken(record.clone()))
        })
        .await?;
        Ok(token.as_str().to_owned())
    }

    /// Whose token this is, if it is one and its time is not over.
    pub(crate) fn check_access_token(&self, token: &str) -> Option<DeveloperId> {
        self.check_access_token_at(token, now())
    }

    fn check_access_token_at(&self, token: &str, now: UnixMillis) -> Option<DeveloperId> {
        // Who compares digests learns nothing of a token by the time that it takes.
        let digest = Secret::proof_of(token);
        let known = self.apps.records.beneath(&place::access_tokens()).into_iter();
        known
            .filter_map(|(_, known)| match known.stamped.record {
                Record::AccessToken(issued) => Some(issued),
                _ => None,
            })
            .find(|issued| now < issued.until && issued.digest == digest)
            .map(|issued| issued.developer)
    }
}

fn until(now: UnixMillis) -> UnixMillis {
    now.checked_add(ACCESS_TOKEN_LIFETIME).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use hst_store::Store;

    use super::*;
    use crate::{hub::Hub, life::Lifeline};

    fn developer(digit: &str) -> DeveloperId {
        DeveloperId::parse(&digit.repeat(32)).unwrap()
    }

    async fn registry() -> (Lifeline, Arc<Registry>) {
        let (lifeline, hub) = Hub::in_memory(Vec::new(), Store::in_memory().unwrap()).await;
        (lifeline, hub.registry.clone())
    }

    #[tokio::test]
    async fn a_token_is_good_for_two_hours() {
        let (_lifeline, registry) = registry().await;
        let token = registry.issue_access_token(developer("a")).await.unwrap();
        assert_eq!(token.len(), 32);
        let in_seconds = |seconds| now().checked_add(Duration::from_secs(seconds)).unwrap();
        let check = |at| registry.check_access_token_at(&token, at);
        assert_eq!(check(in_seconds(7_190)), Some(developer("a")));
        assert_eq!(check(in_seconds(7_200)), None);
    }

    #[tokio::test]
    async fn a_developer_has_one_token_and_others_keep_theirs() {
        let (_lifeline, registry) = registry().await;
        let issue = async |digit| registry.issue_access_token(developer(digit)).await.unwrap();
        let [first, others] = [issue("a").await, issue("b").await];
        let second = issue("a").await;
        assert_eq!(registry.check_access_token(&first), None);
        assert_eq!(registry.check_access_token(&second), Some(developer("a")));
        assert_eq!(registry.check_access_token(&others), Some(developer("b")));
    }

    #[tokio::test]
    async fn nothing_else_is_a_token() {
        let (_lifeline, registry) = registry().await;
        let token = registry.issue_access_token(developer("a")).await.unwrap();
        let digest = Secret::proof_of(&token);
        for guess in [
            "",
            &token[1..],
            &format!("{token} "),
            &token.replace(&token[31..], "x"),
            &digest,
        ] {
            assert_eq!(registry.check_access_token(guess), None, "{guess:?}");
        }
    }
}
