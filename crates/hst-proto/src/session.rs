use std::{fmt, net::SocketAddr};

use hst_id::TerminalType;
use serde::{Deserialize, Serialize};

use crate::RequestId;

/// Who logs in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The protocol that the client speaks: [`VERSION`](crate::VERSION).
    pub protocol: u16,
    /// The text of an App ID, checked by the server.
    pub app: String,
    /// A token of that App.
    pub token: String,
    /// The text of a User ID, checked by the server.
    pub user: String,
    /// The class of this terminal.
    #[serde(default)]
    pub terminal: TerminalType,
    /// The organisation inside the App that bounds presence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub company: String,
    /// Whether an earlier login of the same user and terminal gives way.
    #[serde(default, skip_serializing_if = "is_false")]
    pub force: bool,
    /// A free text shown to others, such as a nickname.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub extend_info: String,
    /// The client's own session before this one, if it may still be there: it gives way, whatever `force` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
}

/// A session that a client had before, and the proof that it was his.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// Which session.
    pub session: String,
    /// Its secret.
    pub secret: String,
}

/// A session has begun.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedIn {
    /// The server's name for the session.
    pub session: String,
    /// What it takes, beside the name, to go on with the session over another connection.
    pub secret: String,
    /// For how many seconds the session waits for that.
    pub resume_window: u32,
    /// The most bytes of one message's JSON text.
    pub max_message: u32,
    /// What helps a client to reach the media where it cannot do so directly; good as long as the session is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ice_servers: Vec<IceServer>,
    /// What the answer to the first offer will say of ICE, where that is known. With it a client can begin to connect together with the offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foretold: Option<Foretold>,
}

/// ICE credentials of the server (RFC 8445 section 5.3), and the addresses at one of which it will be found.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foretold {
    /// The user name fragment.
    pub ufrag: String,
    /// The password.
    pub password: String,
    /// For media over UDP, as `ip:port`.
    pub addresses: Vec<SocketAddr>,
}

/// Servers of one kind that help to reach the media, and what opens them: as browsers take it (`RTCIceServer`).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceServer {
    /// Where they are, as `turn:host:port?transport=udp`.
    pub urls: Vec<String>,
    /// The user name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// The password.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub credential: String,
}

/// Goes on with a session whose connection was lost.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// The protocol that the client speaks: [`VERSION`](crate::VERSION).
    pub protocol: u16,
    /// Which session.
    pub session: String,
    /// Its secret.
    pub secret: String,
    /// The number of the last frame that came; 0 for none.
    pub got: u64,
}

/// The session goes on: frames from `got` on follow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// The highest number of a request that came; later ones are to be sent again.
    pub received: RequestId,
    /// Frames are lost that were kept no longer. Requests up to `received` will not be answered any more, and a
    /// `snapshot` of the group follows if the session is in one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub missed: bool,
    /// What helps to reach the media from here on, if the session has come from another node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ice_servers: Vec<IceServer>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl fmt::Debug for Login {
    /// Keeps the token out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("protocol", &self.protocol)
            .field("app", &self.app)
            .field("token", &"Token(…)")
            .field("user", &self.user)
            .field("terminal", &self.terminal)
            .field("company", &self.company)
            .field("force", &self.force)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Previous {
    /// Keeps the secret out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Previous")
            .field("session", &self.session)
            .field("secret", &"Secret(…)")
            .finish()
    }
}

impl fmt::Debug for LoggedIn {
    /// Keeps the secret out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoggedIn")
            .field("session", &self.session)
            .field("secret", &"Secret(…)")
            .field("resume_window", &self.resume_window)
            .field("max_message", &self.max_message)
            .field("ice_servers", &self.ice_servers)
            .field("foretold", &self.foretold)
            .finish()
    }
}

impl fmt::Debug for Foretold {
    /// Keeps the password out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Foretold")
            .field("ufrag", &self.ufrag)
            .field("password", &"Secret(…)")
            .field("addresses", &self.addresses)
            .finish()
    }
}

impl fmt::Debug for IceServer {
    /// Keeps the password out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer")
            .field("urls", &self.urls)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Resume {
    /// Keeps the secret out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resume")
            .field("protocol", &self.protocol)
            .field("session", &self.session)
            .field("secret", &"Secret(…)")
            .field("got", &self.got)
            .finish()
    }
}
