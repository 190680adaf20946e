use std::{fmt, sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use quinn::EndpointConfig;
use quinn_proto::HashedConnectionIdGenerator;

/// The least time between two answers to packets of connections that are not there. Short, because after a restart there
/// may be many; an answer is always smaller than what it answers, so nobody is flooded by it.
const MIN_INTERVAL: Duration = Duration::from_millis(1);

/// What a server must know to tell the clients of an earlier run that their connections are gone (a stateless reset, RFC
/// 9000 section 10.3). Whoever knows it can end connections of others, so it is a secret of the server's.
#[derive(Clone)]
pub struct ResetKey([u8; 32]);

impl ResetKey {
    /// A key of 32 random bytes, the same in each run.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// An endpoint that recognises the connections of earlier runs.
    pub(crate) fn endpoint(&self) -> EndpointConfig {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        // It need not be secret: it keeps packets that are not QUIC from being answered.
        let tag = hmac::sign(&key, b"connection ids");
        let ids = u64::from_be_bytes(*tag.as_ref().first_chunk().expect("SHA-256 has 32 bytes"));
        let mut config = EndpointConfig::new(Arc::new(key));
        config
            .cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(ids)))
            .min_reset_interval(MIN_INTERVAL);
        config
    }
}

impl fmt::Debug for ResetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_not_show_itself() {
        assert_eq!(format!("{:?}", ResetKey::new([7; 32])), "ResetKey(…)");
    }
}
