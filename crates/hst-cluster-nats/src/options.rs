use std::{fmt, path::PathBuf};

/// Where the servers are, who we are, and how the directory is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// Servers of one NATS cluster: `nats://host:port` or `tls://host:port`, with `user:password@` before the host if need be. One that answers is enough; it names the
    /// others.
    pub servers: Vec<String>,
    /// Who we are.
    pub auth: Auth,
    /// Beside what a `tls://` asks for.
    pub tls: Tls,
    /// Of the bucket, and the first part of every subject: clusters of different names share servers and know nothing of
    /// each other.
    pub name: String,
    /// How many servers keep the directory. With 1 it is out of reach while its server is, and lost with its disk. It is
    /// never guessed from how many servers there are, because nodes that start at different moments would guess
    /// differently.
    pub replicas: u8,
}

impl Options {
    /// One replica, in a bucket called `hst`, for servers that ask for no credentials.
    pub fn new<S: Into<String>>(servers: impl IntoIterator<Item = S>) -> Self {
        Self {
            servers: servers.into_iter().map(Into::into).collect(),
            auth: Auth::default(),
            tls: Tls::default(),
            name: "hst".to_owned(),
            replicas: 1,
        }
    }
}

/// How the servers know us.
#[derive(Clone, Default)]
pub enum Auth {
    /// They do not ask, or look at the certificate in [`Tls`], or a server's address has a user and a password.
    #[default]
    None,
    /// A user and a password.
    User {
        /// Who.
        name: String,
        /// The secret.
        password: String,
    },
    /// A token, which is a secret.
    Token(String),
    /// A file with a JWT and a seed, as `nsc` makes it (`.creds`).
    Credentials(PathBuf),
}

impl fmt::Debug for Auth {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::User { name, .. } => f.debug_struct("User").field("name", name).finish_non_exhaustive(),
            Self::Token(_) => f.write_str("Token(..)"),
            Self::Credentials(path) => f.debug_tuple("Credentials").field(path).finish(),
        }
    }
}

/// Whom we trust, and by what we are known. All files are PEM.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// Certificates of those who sign the servers' certificates; `None`: those that the system trusts.
    pub roots: Option<PathBuf>,
    /// Our own certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show_in_debug() {
        let mut options = Options::new(["nats://127.0.0.1:4222"]);
        let (name, password) = ("ann".to_owned(), "s3cret".to_owned());
        for auth in [Auth::User { name, password }, Auth::Token("s3cret".to_owned())] {
            options.auth = auth;
            assert!(!format!("{options:?}").contains("s3cret"));
        }
    }
}
