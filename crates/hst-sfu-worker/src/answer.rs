use std::fmt;

use str0m::change::SdpAnswer;

use crate::{credentials::Credentials, offer::repair};

/// An answer to an offer, under the credentials that hold.
pub(crate) struct Answer {
    sdp: SdpAnswer,
    credentials: Credentials,
    /// Under which payload type he may protect what he sends, by line: str0m knows nothing of that.
    repair_types: Vec<Option<u8>>,
}

impl Answer {
    pub(crate) fn new(sdp: SdpAnswer, credentials: Credentials, repair_types: Vec<Option<u8>>) -> Self {
        Self {
            sdp,
            credentials,
            repair_types,
        }
    }

    /// The text for the client. Writing it takes a while, so it is not done on a media thread.
    ///
    /// After an ICE restart str0m writes credentials of its own making, also into the candidates, which need none.
    pub(crate) fn to_sdp_string(&self) -> String {
        let text = self.sdp.to_sdp_string();
        let ice = self.credentials.ice();
        let mut answer = String::with_capacity(text.len());
        let (mut slots, mut repair_type) = (self.repair_types.iter().copied(), None);
        for line in text.lines() {
            if line.starts_with("m=") {
                answer.extend(repair_type.map(repair::described));
                repair_type = slots.next().flatten();
            }
            if line.starts_with("a=ice-ufrag:") {
                answer.extend(["a=ice-ufrag:", &ice.ufrag]);
            } else if line.starts_with("a=ice-pwd:") {
                answer.extend(["a=ice-pwd:", &ice.pass]);
            } else if line.starts_with("a=candidate:") {
                answer.push_str(line.split(" ufrag ").next().unwrap_or(line));
            } else {
                answer.push_str(line);
            }
            if line.starts_with("m=") {
                answer.extend(repair_type.map(|pt| format!(" {pt}")));
            }
            answer.push_str("\r\n");
        }
        answer.extend(repair_type.map(repair::described));
        answer
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}
