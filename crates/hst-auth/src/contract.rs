//! What every [`TokenVerifier`] owes its caller, as test functions.
//!
//! [`token_verifier_contract!`](crate::token_verifier_contract) makes tests of them.

use hst_id::AppId;

use crate::{MAX_TOKEN_BYTES, TokenError, TokenVerifier, UnixMillis};

/// A verifier and a token that it takes.
#[derive(Debug)]
pub struct Fixture {
    /// What is tested.
    pub verifier: Box<dyn TokenVerifier>,
    /// An app that it knows.
    pub app: AppId,
    /// An app that it does not know.
    pub unknown_app: AppId,
    /// A token for `app`.
    pub token: String,
    /// A moment at which the token is valid.
    pub now: UnixMillis,
    /// The moment at which it ends.
    pub expires_at: UnixMillis,
}

/// A token is accepted up to the millisecond before its end, and then it is `Expired`.
pub fn a_token_is_good_until_its_end(fixture: &Fixture) {
    let Fixture {
        verifier,
        app,
        token,
        now,
        expires_at,
        ..
    } = fixture;
    let last = UnixMillis::from_millis(expires_at.as_millis() - 1);
    for moment in [*now, last] {
        let claims = verifier.verify(app, token, moment).expect("valid");
        assert_eq!((&claims.app, claims.expires_at), (app, Some(*expires_at)));
    }
    for moment in [*expires_at, UnixMillis::from_millis(u64::MAX)] {
        assert_eq!(verifier.verify(app, token, moment), Err(TokenError::Expired));
    }
}

/// An app that is not known is told apart from a token that is no good, whatever the token.
pub fn an_unknown_app_is_told_apart(fixture: &Fixture) {
    let Fixture {
        verifier,
        unknown_app,
        token,
        now,
        expires_at,
        ..
    } = fixture;
    for token in ["", token, "001", "a.b.c", &"x".repeat(MAX_TOKEN_BYTES + 1)] {
        for moment in [now, expires_at] {
            assert_eq!(
                verifier.verify(unknown_app, token, *moment),
                Err(TokenError::UnknownApp)
            );
        }
    }
}

/// No other text says anything else than the token does: it is `Rejected`, even after the token's end.
pub fn no_part_of_a_token_is_another_token(fixture: &Fixture) {
    let Fixture {
        verifier,
        app,
        token,
        now,
        expires_at,
        ..
    } = fixture;
    let genuine = verifier.verify(app, token, *now).expect("valid");
    let mut others: Vec<String> = (0..token.len()).map(|len| token[..len].to_owned()).collect();
    others.extend((1..token.len()).map(|from| token[from..].to_owned()));
    others.extend([".", "x", token.as_str()].map(|tail| format!("{token}{tail}")));
    for other in others {
        match verifier.verify(app, &other, *now) {
            // Cutting off base64 padding changes nothing.
            Ok(claims) => assert_eq!(claims, genuine, "{other}"),
            Err(error) => {
                assert_eq!(error, TokenError::Rejected, "{other}");
                assert_eq!(
                    verifier.verify(app, &other, *expires_at),
                    Err(TokenError::Rejected),
                    "{other}"
                );
            }
        }
    }
}

/// Text of any size and shape is refused without harm.
pub fn any_text_is_refused_without_harm(fixture: &Fixture) {
    let Fixture { verifier, app, now, .. } = fixture;
    let shapes = [
        "",
        " ",
        "\0",
        ".",
        "..",
        "...",
        "....",
        "001",
        "0010",
        "001=",
        "eyJ9.e30.",
        "\u{1f600}",
        "null",
    ];
    let long = [".", "=", "A", "\u{e9}", "001"].map(|unit| unit.repeat(1_000_000 / unit.len()));
    for text in shapes.into_iter().chain(long.iter().map(String::as_str)) {
        assert_eq!(
            verifier.verify(app, text, *now),
            Err(TokenError::Rejected),
            "{:.20}",
            text
        );
    }
}

/// Makes a module of tests from an expression that makes a [`Fixture`].
#[macro_export]
macro_rules! token_verifier_contract {
    ($module:ident, $fixture:expr) => {
        mod $module {
            use super::*;

            $crate::token_verifier_contract! { @ $fixture;
                a_token_is_good_until_its_end
                an_unknown_app_is_told_apart
                no_part_of_a_token_is_another_token
                any_text_is_refused_without_harm
            }
        }
    };
    (@ $fixture:expr; $($law:ident)*) => {
        $(
            #[test]
            fn $law() {
                $crate::contract::$law(&$fixture);
            }
        )*
    };
}
