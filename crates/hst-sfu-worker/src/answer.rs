use std::{fmt, sync::Arc};

use crate::{credentials::Credentials, offer::repair};

/// An answer to an offer.
pub(crate) struct Answer {
    /// What str0m has written, which knows nothing of this connection.
    pub(crate) text: String,
    pub(crate) credentials: Credentials,
    pub(crate) candidates: Arc<str>,
    /// Whether we begin the handshake: what it was in the first answer holds.
    pub(crate) is_caller: bool,
    pub(crate) origin: Origin,
    pub(crate) lines: Vec<AnswerLine>,
}

/// Which description this is (RFC 8829 section 5.3.2): all of a connection have one number, and each is of a newer version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    number: u32,
    version: u32,
}

/// What an answer says of an m-line.
#[derive(Debug, Default)]
pub(crate) struct AnswerLine {
    pub(crate) sent: Option<SentLine>,
    /// Under which payload type pictures may be protected: his, ours or both.
    pub(crate) repair_type: Option<u8>,
}

/// What we send.
#[derive(Debug)]
pub(crate) struct SentLine {
    pub(crate) ssrc: u32,
    /// The source of what is sent again.
    pub(crate) rtx: Option<u32>,
    /// The source that protects it (FlexFEC).
    pub(crate) protector: Option<u32>,
    pub(crate) cname: Box<str>,
    /// The stream that it is a track of, with others.
    pub(crate) stream: Option<u64>,
}

impl Origin {
    pub(crate) fn new() -> Self {
        Self {
            number: rand::random(),
            version: 0,
        }
    }

    pub(crate) fn next(&mut self) -> Self {
        self.version = self.version.wrapping_add(1);
        *self
    }
}

impl Answer {
    /// The text for the client. Writing it takes a while, so it is not done on a media thread.
    pub(crate) fn to_sdp_string(&self) -> String {
        let Origin { number, version } = self.origin;
        let (mut sdp, mut lines) = (String::with_capacity(2 * self.text.len()), self.lines.iter());
        let mut line: Option<&AnswerLine> = None;
        for text in self.text.lines() {
            if text.starts_with("m=") {
                line.into_iter().for_each(|line| line.describe(&mut sdp));
                let is_first = line.is_none();
                line = lines.next();
                let repair_type = line.and_then(|line| line.repair_type);
                sdp.push_str(text);
                sdp.extend(repair_type.map(|pt| format!(" {pt}")));
                // All after the `c=` line that follows; where one stands among the attributes is all the same.
                sdp.push_str("\r\nc=IN IP4 0.0.0.0\r\n");
                self.describe_transport(&mut sdp, is_first);
            } else if text.starts_with("o=") {
                sdp.push_str(&format!("o=- {number} {version} IN IP4 0.0.0.0\r\n"));
            } else if !OTHERS.iter().any(|start| text.starts_with(start)) {
                sdp.push_str(text);
                sdp.push_str("\r\n");
            }
        }
        line.into_iter().for_each(|line| line.describe(&mut sdp));
        sdp
    }

    fn describe_transport(&self, sdp: &mut String, is_first: bool) {
        let ice = self.credentials.ice();
        let setup = if self.is_caller { "active" } else { "passive" };
        if is_first {
            sdp.push_str(&self.candidates);
        }
        let (ufrag, password) = (&ice.ufrag, &ice.pass);
        sdp.push_str(&format!(
            "a=ice-ufrag:{ufrag}\r\na=ice-pwd:{password}\r\na=setup:{setup}\r\n"
        ));
    }
}

/// How lines begin that say what str0m has made up, and those that are written here.
const OTHERS: [&str; 8] = [
    "c=",
    "a=ice-ufrag:",
    "a=ice-pwd:",
    "a=candidate:",
    "a=setup:",
    "a=msid:",
    "a=msid-semantic:",
    "a=ssrc",
];

impl AnswerLine {
    fn describe(&self, sdp: &mut String) {
        if let Some(SentLine {
            ssrc,
            rtx,
            protector,
            cname,
            stream,
        }) = &self.sent
        {
            let stream = stream.map_or_else(|| cname.to_string(), |stream| format!("stream-{stream}"));
            sdp.push_str(&format!("a=msid:{stream} {cname}\r\na=ssrc:{ssrc} cname:{cname}\r\n"));
            // RFC 5576 section 4.2 and RFC 5956 section 4.3.
            for (group, other) in [("FID", rtx), ("FEC-FR", protector)] {
                sdp.extend(
                    other.map(|other| {
                        format!("a=ssrc:{other} cname:{cname}\r\na=ssrc-group:{group} {ssrc} {other}\r\n")
                    }),
                );
            }
        }
        sdp.extend(self.repair_type.map(repair::described));
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}
