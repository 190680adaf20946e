use hst_auth::{AppKeys, KeyRing, TokenVerifier as _};
use hst_id::AppId;
use hst_store::{DeveloperId, Record, StoreError};

use super::Refused;
use crate::{
    apps::{Apps, now},
    hub::Hub,
    registry::place,
};

impl Hub {
    /// The developer whose credentials these are: `<Developer ID>.<token>`, and the token is one that the Developer Secret
    /// has made for the Developer ID, as an App Secret makes them for an App ID.
    ///
    /// # Errors
    /// [`Refused::WrongCredentials`], [`Refused::Store`].
    pub(crate) async fn developer(&self, credentials: &str) -> Result<DeveloperId, Refused> {
        let credentials = credentials.to_owned();
        let found = self.on_disk(move |apps| developer(apps, &credentials)).await?;
        found.ok_or(Refused::WrongCredentials)
    }
}

/// A developer that does not exist takes as much work as a wrong token.
fn developer(apps: &Apps, credentials: &str) -> Result<Option<DeveloperId>, StoreError> {
    let Some((id, token)) = credentials.split_once('.') else {
        return Ok(None);
    };
    let (Ok(id), Ok(as_app)) = (DeveloperId::parse(id), AppId::parse(id)) else {
        return Ok(None);
    };
    let known = match apps
        .records
        .get(&place::of_developer(&id))
        .map(|known| known.stamped.record)
    {
        Some(Record::Developer(developer)) => Some(developer),
        // Another process may have made one, in this server's database alone.
        _ => apps.store.developer(&id)?,
    };
    // A ring without a key works as hard as one with a key.
    let keys = known.map(|developer| (as_app.clone(), AppKeys::from_secret(&developer.secret)));
    let claims = KeyRing::from_iter(keys).verify(&as_app, token, now());
    Ok(claims.is_ok().then_some(id))
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use hst_auth::{AppSecret, TokenIssuer, TokenRequest, UnixMillis};
    use hst_store::Store;

    use super::*;

    fn token(id: &str, secret: &AppSecret, request: &TokenRequest, at: UnixMillis) -> String {
        let issuer = TokenIssuer::legacy_001(AppId::parse(id).unwrap(), secret);
        issuer.issue(request, at).unwrap()
    }

    #[test]
    fn only_a_token_of_the_developers_own_id_and_secret_is_his() {
        let store = Arc::new(Store::in_memory().unwrap());
        let one = store.create_developer(now()).unwrap();
        let apps = Apps::open(Vec::new(), store.clone(), None).unwrap();
        let two = store.create_developer(now()).unwrap();
        let forever = TokenRequest::default();
        let good = token(one.id.as_str(), &one.secret, &forever, now());
        let ask = |credentials: &str| developer(&apps, credentials).unwrap();
        assert_eq!(ask(&format!("{}.{good}", one.id)), Some(one.id.clone()));

        let others = token(two.id.as_str(), &two.secret, &forever, now());
        let others_secret = token(one.id.as_str(), &two.secret, &forever, now());
        let ended = TokenRequest {
            lifetime: Some(Duration::from_secs(1)),
            ..forever.clone()
        };
        let expired = token(
            one.id.as_str(),
            &one.secret,
            &ended,
            UnixMillis::from_secs(1_600_000_000),
        );
        let nobody = "0".repeat(32);
        for credentials in [
            String::new(),
            good.clone(),
            format!("{}.", one.id),
            format!(".{good}"),
            format!("{}{good}", one.id),
            format!("{nobody}.{good}"),
            format!("{}.{good}", two.id),
            format!("{}.{others}", one.id),
            format!("{}.{others_secret}", one.id),
            format!("{}.{expired}", one.id),
            format!("{}.{}", one.id, one.secret.reveal()),
            format!("{}.{}", one.id, &good[3..]),
            format!("{}.{good}", one.id.as_str().to_uppercase()),
        ] {
            assert_eq!(ask(&credentials), None, "{credentials}");
        }
    }
}
