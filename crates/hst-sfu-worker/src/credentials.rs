use std::{
    fmt,
    net::SocketAddr,
    panic,
    time::{Duration, Instant},
};

use rand::distr::{Alphanumeric, SampleString};
use str0m::{IceCreds, crypto, ice::StunMessage};

/// How long the credentials of before an ICE restart are good, if the new path is not agreed sooner.
const OVERLAP: Duration = Duration::from_secs(5);
/// How often a connection may restart ICE in its life. One that does it more often must connect anew.
const MAX_RESTARTS: usize = 256;
/// A response to a check has some 60 bytes.
const RESPONSE: usize = 256;

/// What a connectivity check must know: the user name fragment and the password of one ICE session (RFC 8445 section
/// 5.3).
#[derive(Clone)]
pub(crate) struct Credentials(IceCreds);

/// What a connectivity check is answered (RFC 8445 section 7.3).
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) bytes: Vec<u8>,
    /// Whether the client is in the role that he has towards one who never asks, so that his check counts.
    pub(crate) leads: bool,
    /// Whether he chooses the path on which it came.
    pub(crate) nominates: bool,
}

/// The credentials of a connection, over all its ICE restarts (RFC 8445 section 9).
#[derive(Debug)]
pub(crate) struct Sessions {
    current: Credentials,
    /// Those of before the restart, and until when they are good. The path of before may carry media until there is a
    /// new one, so its checks must be answered as long (RFC 7675 section 5.1).
    before: Option<(Credentials, Instant)>,
    ufrags: Vec<String>,
}

impl Credentials {
    /// Fresh ones. str0m would take them from a generator that is not for secrets.
    pub(crate) fn generate() -> Self {
        let secret = |len| Alphanumeric.sample_string(&mut rand::rng(), len);
        Self::new(secret(12), secret(32))
    }

    pub(crate) fn new(ufrag: String, pass: String) -> Self {
        Self(IceCreds { ufrag, pass })
    }

    /// The user name fragment of ours that a connectivity check names. We make none ourselves (ICE lite), so anything
    /// else is not for us.
    pub(crate) fn claimed(check: &[u8]) -> Option<String> {
        // The parser is not ours, and these bytes are anybody's.
        panic::catch_unwind(|| {
            let check = StunMessage::parse(check).ok().filter(StunMessage::is_binding_request)?;
            Some(check.split_username()?.0.to_owned())
        })
        .ok()?
    }

    /// Whether a connectivity check knows them.
    pub(crate) fn prove(&self, check: &[u8]) -> bool {
        let anywhere = ([0, 0, 0, 0], 0).into();
        self.respond(anywhere, check).is_some()
    }

    pub(crate) fn ice(&self) -> &IceCreds {
        &self.0
    }

    /// The response to a connectivity check that knows them.
    fn respond(&self, source: SocketAddr, check: &[u8]) -> Option<Response> {
        // The parser is not ours, and these bytes are anybody's.
        panic::catch_unwind(|| self.judge(source, check)).ok()?
    }

    fn judge(&self, source: SocketAddr, check: &[u8]) -> Option<Response> {
        let hmac = crypto::from_feature_flags().sha1_hmac_provider;
        let hmac = |key: &[u8], parts: &[&[u8]]| hmac.sha1_hmac(key, parts);
        let check = StunMessage::parse(check).ok().filter(StunMessage::is_binding_request)?;
        let password = self.0.pass.as_bytes();
        if check.split_username()?.0 != self.0.ufrag || !check.verify(password, hmac) {
            return None;
        }
        // Who asks leads: whoever takes himself for the one who is led hears that he is not.
        let leads = check.ice_controlled().is_none();
        let reply = match leads {
            true => StunMessage::binding_reply(check.trans_id(), source),
            false => StunMessage::binding_role_conflict_reply(check.trans_id()),
        };
        let mut bytes = vec![0; RESPONSE];
        let len = reply.to_bytes(Some(password), &mut bytes, hmac).ok()?;
        bytes.truncate(len);
        Some(Response {
            bytes,
            leads,
            nominates: leads && check.use_candidate(),
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("ufrag", &self.0.ufrag)
            .finish_non_exhaustive()
    }
}

impl Sessions {
    pub(crate) fn new(first: Credentials) -> Self {
        Self {
            ufrags: vec![first.0.ufrag.clone()],
            current: first,
            before: None,
        }
    }

    pub(crate) fn current(&self) -> &Credentials {
        &self.current
    }

    /// Every user name fragment so far; the last one is the current.
    pub(crate) fn ufrags(&self) -> &[String] {
        &self.ufrags
    }

    /// ICE restarts: the credentials from now on, or `None` if it has been too often.
    pub(crate) fn restart(&mut self, now: Instant) -> Option<&Credentials> {
        if self.ufrags.len() > MAX_RESTARTS {
            return None;
        }
        let before = std::mem::replace(&mut self.current, Credentials::generate());
        self.before = Some((before, now + OVERLAP));
        self.ufrags.push(self.current.0.ufrag.clone());
        Some(&self.current)
    }

    /// A path is agreed with the current credentials: those of before are over.
    pub(crate) fn settle(&mut self) {
        self.before = None;
    }

    /// The response to a check with the current credentials.
    pub(crate) fn respond(&self, source: SocketAddr, check: &[u8]) -> Option<Response> {
        self.current.respond(source, check)
    }

    /// The response to a check of the path of before a restart, as long as that may be used.
    pub(crate) fn respond_as_before(&self, now: Instant, source: SocketAddr, check: &[u8]) -> Option<Response> {
        let (before, until) = self.before.as_ref()?;
        before.respond(source, check).filter(|_| now < *until)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn n4_names_and_passwords_are_long_enough_and_no_two_alike() {
        let some: Vec<_> = (0..1_000).map(|_| Credentials::generate().0).collect();
        let names: HashSet<_> = some.iter().map(|it| &it.ufrag).collect();
        let passwords: HashSet<_> = some.iter().map(|it| &it.pass).collect();
        assert_eq!((names.len(), passwords.len()), (1_000, 1_000));
        // A letter or digit has almost 6 bits: 71 of 24, and 190 of 128.
        assert!(some.iter().all(|it| (it.ufrag.len(), it.pass.len()) == (12, 32)));
    }
}
