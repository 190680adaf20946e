use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::crypto::{hmac_sha1, md5, random};

/// How long credentials are good, in seconds, if their session is as long: 30 days. They are given once, with the login, so it
/// is longer than sessions are; it is the end of the session that ends them.
pub const LIFETIME: u64 = 30 * 24 * 60 * 60;
/// The longest user name that is looked at, in bytes.
const MAX_USERNAME: usize = 128;

/// What passwords are made of. Whoever knows it can make credentials for any session.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// What one session shows to the relay.
///
/// It is the scheme that other TURN servers and their tools know as that of the REST API: the user name is the end (Unix
/// time, s) and a name with `:` between them, the password is Base64 of its HMAC-SHA1.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
}

/// A user name that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct User<'a> {
    /// When it ends (Unix time, s).
    pub(crate) ends: u64,
    pub(crate) session: &'a str,
}

impl Secret {
    /// A fresh one.
    pub fn random() -> Self {
        Self(random::<32>().into())
    }

    /// One that others know, too.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Credentials of a session, good until `ends` (Unix time, s).
    pub fn credentials(&self, session: &str, ends: u64) -> Credentials {
        let username = format!("{ends}:{session}");
        let password = self.password(&username);
        Credentials { username, password }
    }

    fn password(&self, username: &str) -> String {
        BASE64_STANDARD.encode(hmac_sha1(&self.0, &[username.as_bytes()]))
    }

    /// The key that a message of this user is signed with (RFC 8489 section 9.2.2).
    pub(crate) fn key(&self, username: &str, realm: &str) -> Vec<u8> {
        md5(format!("{username}:{realm}:{}", self.password(username)).as_bytes())
    }
}

impl<'a> User<'a> {
    pub(crate) fn parse(username: &'a str) -> Option<Self> {
        let (ends, session) = username.split_once(':').filter(|_| username.len() <= MAX_USERNAME)?;
        let is_number = !ends.is_empty() && ends.bytes().all(|byte| byte.is_ascii_digit());
        let ends = is_number.then(|| ends.parse().ok())??;
        Some(Self { ends, session })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Debug for Credentials {
    /// Keeps the password out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_those_of_the_rest_scheme() {
        // printf 1700000000:alice | openssl dgst -sha1 -hmac s3cret -binary | base64
        let credentials = Secret::new("s3cret").credentials("alice", 1_700_000_000);
        assert_eq!(credentials.username, "1700000000:alice");
        assert_eq!(credentials.password, "TtElzSjT0GdnTQ9xdcRNxx96yQs=");
        assert_ne!(Secret::random().credentials("alice", 1_700_000_000), credentials);
        assert!(!format!("{credentials:?} {:?}", Secret::new("s3cret")).contains(&credentials.password));
    }

    #[test]
    fn a_user_name_is_an_end_and_a_session() {
        assert_eq!(
            User::parse("17:a:b"),
            Some(User {
                ends: 17,
                session: "a:b"
            })
        );
        let long = format!("17:{}", "a".repeat(MAX_USERNAME));
        for bad in [
            "",
            "17",
            ":a",
            "+17:a",
            "-1:a",
            " 17:a",
            "a:17",
            "99999999999999999999:a",
            &long,
        ] {
            assert_eq!(User::parse(bad), None, "{bad}");
        }
    }
}
