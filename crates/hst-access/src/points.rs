use std::fmt;

use crate::AccessError;

/// Where the services of an app are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessPoints {
    signal: Vec<String>,
    ice_servers: Vec<IceServer>,
}

impl AccessPoints {
    /// Signalling addresses, best first, each a URL.
    ///
    /// # Errors
    /// [`AccessError::NoSignal`] if there is none: an answer without an address is no answer.
    pub fn new<S: Into<String>>(signal: impl IntoIterator<Item = S>) -> Result<Self, AccessError> {
        let signal: Vec<String> = signal.into_iter().map(Into::into).collect();
        if signal.is_empty() {
            return Err(AccessError::NoSignal);
        }
        Ok(Self {
            signal,
            ice_servers: Vec::new(),
        })
    }

    /// Adds the servers that help media through firewalls.
    #[must_use]
    pub fn with_ice_servers(mut self, ice_servers: Vec<IceServer>) -> Self {
        self.ice_servers = ice_servers;
        self
    }

    /// Signalling addresses, best first; never empty.
    pub fn signal(&self) -> &[String] {
        &self.signal
    }

    /// STUN and TURN servers (RFC 8489, RFC 8656); none if media needs no help.
    pub fn ice_servers(&self) -> &[IceServer] {
        &self.ice_servers
    }
}

/// A STUN or TURN server. Its `Debug` does not show the credential.
#[derive(Clone, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:`, `turn:` or `turns:` URLs (RFC 7064, RFC 7065) of the same server.
    pub urls: Vec<String>,
    /// TURN's user name.
    pub username: Option<String>,
    /// TURN's password.
    pub credential: Option<String>,
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer")
            .field("urls", &self.urls)
            .field("username", &self.username)
            .field(
                "credential",
                &self.credential.as_ref().map(|_| format_args!("Secret(…)")),
            )
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_an_address_is_no_answer() {
        assert!(matches!(
            AccessPoints::new(Vec::<String>::new()),
            Err(AccessError::NoSignal)
        ));
        assert_eq!(AccessPoints::new(["b", "a"]).unwrap().signal(), ["b", "a"]);
    }

    #[test]
    fn a_credential_does_not_show_itself() {
        let server = |credential: Option<&str>| IceServer {
            urls: vec!["turn:turn.example.com".into()],
            username: Some("bob".into()),
            credential: credential.map(Into::into),
        };
        let shown = format!(
            "{:?}",
            AccessPoints::new(["a"])
                .unwrap()
                .with_ice_servers(vec![server(Some("hush"))])
        );
        assert!(!shown.contains("hush") && shown.contains("Some(Secret(…))"), "{shown}");
        assert!(format!("{:?}", server(None)).contains("credential: None"));
    }
}
