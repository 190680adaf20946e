use std::{collections::BTreeSet, time::Duration};

use hst_auth::{
    AppKeys, GroupId, IssueError, LoginPolicy, MediaType, Right, Scope, TokenError, TokenIssuer, TokenRequest,
    TokenVerifier, UnixMillis, UserId,
};

use crate::support::{NOW, app, ring, secret, verify, verify_at};

fn request() -> TokenRequest {
    TokenRequest {
        user: Some(UserId::parse("user1").unwrap()),
        group: Some(GroupId::parse("group1").unwrap()),
        ..TokenRequest::default()
    }
}

fn lasting(lifetime: Duration) -> TokenRequest {
    TokenRequest {
        lifetime: Some(lifetime),
        ..request()
    }
}

#[test]
fn a_001_token_is_byte_for_byte_the_platforms() {
    let issuer = TokenIssuer::legacy_001(app(), &secret());
    assert_eq!(
        issuer.issue_with(&request(), NOW, 42).unwrap(),
        "0015GvNj+cbNVsRcgp+0OCN3nKtfLsm77tEVCEFS7ghGU3bcS89O4Zg0PFsUsLeBpgiPbKSqO0KzATZkxZZtJZMPgD9i4TRc8dmsN/+7fCT7AY="
    );
    let android = TokenRequest {
        group: None,
        ..lasting(Duration::from_secs(3600))
    };
    assert_eq!(
        issuer.issue_with(&android, NOW, 42).unwrap(),
        "0015GvNj+cbNVsRcgp+0OCN3qAEbXwGspbrVZe7PUBPzthTesvhylhhoxDjcAlQLKVcKRJilnCDzIfAVbpjMPaqIbGodgB2RynTeQIuefdlq2o="
    );
}

/// The format has one IV for ever, so equal beginnings look equal; what tells two tokens apart is `r`.
#[test]
fn l4_001_tokens_of_the_same_moment_differ() {
    let issuer = TokenIssuer::legacy_001(app(), &secret());
    let tokens: BTreeSet<String> = (0..10_000).map(|_| issuer.issue(&request(), NOW).unwrap()).collect();
    // Ten thousand draws of 32 bits hold one pair about once in a hundred times, and four pairs never.
    assert!(tokens.len() > 9_996, "{}", tokens.len());
    let beginnings: BTreeSet<&str> = tokens.iter().map(|token| &token[..80]).collect();
    assert_eq!(beginnings.len(), 1);
}

#[test]
fn what_is_issued_is_accepted_until_its_end() {
    for issuer in [
        TokenIssuer::legacy_001(app(), &secret()),
        TokenIssuer::jwt(app(), &secret()),
    ] {
        for (lifetime, end) in [(1, 1), (999, 1), (1000, 1), (1001, 2), (86_400_000, 86_400)] {
            let token = issuer.issue(&lasting(Duration::from_millis(lifetime)), NOW).unwrap();
            let end = UnixMillis::from_secs(NOW.as_secs() + end);
            assert_eq!(
                verify(&token).unwrap().expires_at,
                Some(end),
                "{issuer:?} {lifetime} ms"
            );
            assert_eq!(verify_at(&token, end), Err(TokenError::Expired));
        }
    }
}

#[test]
fn a_lifetime_that_the_token_cannot_say_is_refused() {
    for issuer in [
        TokenIssuer::legacy_001(app(), &secret()),
        TokenIssuer::jwt(app(), &secret()),
    ] {
        for lifetime in [Duration::ZERO, Duration::from_secs(300_000_000_000), Duration::MAX] {
            assert_eq!(
                issuer.issue(&lasting(lifetime), NOW),
                Err(IssueError::Lifetime),
                "{issuer:?} {lifetime:?}"
            );
        }
    }
    // In 1970 the end would be read as seconds from now.
    let legacy = TokenIssuer::legacy_001(app(), &secret());
    let early = UnixMillis::from_secs(1000);
    assert_eq!(
        legacy.issue(&lasting(Duration::from_secs(60)), early),
        Err(IssueError::Lifetime)
    );
}

#[test]
fn a_jwt_has_an_end_and_a_001_token_has_no_rights_no_login_policy_and_no_id() {
    let jwt = TokenIssuer::jwt(app(), &secret());
    assert_eq!(jwt.issue(&request(), NOW), Err(IssueError::LifetimeRequired));
    for id in [String::new(), "x".repeat(129)] {
        let request = TokenRequest {
            id: Some(id),
            ..lasting(Duration::from_secs(1))
        };
        assert_eq!(jwt.issue(&request, NOW), Err(IssueError::TokenId));
    }
    let legacy = TokenIssuer::legacy_001(app(), &secret());
    let with_rights = TokenRequest {
        rights: Some([Right::Join].into()),
        ..request()
    };
    let with_id = TokenRequest {
        id: Some("t1".into()),
        ..request()
    };
    let with_login = TokenRequest {
        login: Some(LoginPolicy::Replace),
        ..request()
    };
    for request in [with_rights, with_id, with_login] {
        assert_eq!(legacy.issue(&request, NOW), Err(IssueError::NotIn001));
    }
}

#[test]
fn a_jwt_carries_rights_a_login_policy_and_an_id() {
    let issuer = TokenIssuer::hs256(app(), Some("k"), &[5; 32]).unwrap();
    let request = TokenRequest {
        rights: Some([Right::Join, Right::PublishOnly(MediaType::Audio), Right::Admin].into()),
        login: Some(LoginPolicy::Replace),
        id: Some("t1".into()),
        ..lasting(Duration::from_secs(60))
    };
    let token = issuer.issue(&request, NOW).unwrap();
    let ring = ring(AppKeys::new().with_hs256(Some("k"), &[5; 32]).unwrap());
    let claims = ring.verify(&app(), &token, NOW).unwrap();
    assert_eq!((claims.id.as_deref(), claims.issued_at), (Some("t1"), Some(NOW)));
    assert_eq!(claims.login, Some(LoginPolicy::Replace));
    assert_eq!(claims.grants.publish, Scope::Only([MediaType::Audio].into()));
    assert_eq!(claims.grants.join, Scope::Only(GroupId::parse("group1").unwrap()));
    assert!(claims.grants.admin && !claims.grants.subscribe && !claims.grants.message);
}

#[test]
fn the_longest_tokens_are_far_below_the_limit() {
    let name = "x".repeat(128);
    let app = hst_auth::AppId::parse(&name).unwrap();
    let request = TokenRequest {
        user: Some(UserId::parse(&name).unwrap()),
        group: Some(GroupId::parse(&name).unwrap()),
        lifetime: Some(Duration::from_secs(60)),
        ..TokenRequest::default()
    };
    let mut rights = BTreeSet::from([
        Right::Join,
        Right::Publish,
        Right::Subscribe,
        Right::Message,
        Right::Admin,
    ]);
    rights.extend(MediaType::ALL.map(Right::PublishOnly));
    let full = TokenRequest {
        rights: Some(rights),
        id: Some(name),
        ..request.clone()
    };
    let key_id = "k".repeat(64);
    let tokens = [
        TokenIssuer::legacy_001(app.clone(), &secret())
            .issue(&request, NOW)
            .unwrap(),
        TokenIssuer::hs256(app, Some(&key_id), &[1; 32])
            .unwrap()
            .issue(&full, NOW)
            .unwrap(),
    ];
    assert!(
        tokens.iter().all(|token| token.len() < hst_auth::MAX_TOKEN_BYTES / 3),
        "{:?}",
        tokens.map(|t| t.len())
    );
}
