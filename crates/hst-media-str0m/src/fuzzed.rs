//! What the fuzz targets try in here; no part of the interface.

use std::collections::HashSet;

use hst_media::IceServer;

use crate::{
    early::without_candidates,
    ice::{MAX_TCP, candidates, credentials, lite_password, plans},
    relay::relays,
};

/// A server's answer, and the addresses of relays, one a line: whatever stands there, there are few ways to try, and what is taken
/// out of the answer is its candidates alone.
pub fn answer(data: &[u8]) {
    let Ok(sdp) = str::from_utf8(data) else { return };
    let server = |url: &str| IceServer {
        urls: vec![url.to_owned()],
        username: "user".to_owned(),
        credential: "password".to_owned(),
    };
    let relays: Vec<_> = sdp
        .lines()
        .filter_map(|url| relays(&[server(url)]).ok())
        .flatten()
        .collect();
    assert!(relays.iter().all(|relay| !relay.address.host.is_empty()));
    let all = candidates(sdp);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "each once");
    assert!(plans(sdp, &relays).len() <= MAX_TCP + relays.len());
    let rest = without_candidates(sdp);
    assert_eq!(candidates(&rest), []);
    assert_eq!(credentials(&rest), credentials(sdp));
    assert_eq!(lite_password(&rest), lite_password(sdp));
}
