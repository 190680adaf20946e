//! HTTP by hand, so that wrong requests can be made, too.

#[path = "../server/common/answer.rs"]
mod answer;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU32, Ordering},
};

pub(crate) use answer::{Answer, connect};

impl Answer {
    /// The number in it, of a success or of a problem.
    pub(crate) fn code(&self) -> u64 {
        self.json()["code"]
            .as_u64()
            .unwrap_or_else(|| panic!("no code: {self:?}"))
    }
}

/// Another address of this machine each time, so that nobody pays for the failures of others.
pub(crate) fn stranger() -> Ipv4Addr {
    static LAST: AtomicU32 = AtomicU32::new(0);
    Ipv4Addr::from_bits(Ipv4Addr::new(127, 1, 0, 1).to_bits() + LAST.fetch_add(1, Ordering::Relaxed))
}

/// Sends these bytes and reads until the server closes.
pub(crate) async fn raw(from: Ipv4Addr, to: SocketAddr, request: &[u8]) -> Answer {
    Answer::to(request, connect(from, to).await).await
}

/// One whole request. `line` is a method and a target.
pub(crate) async fn request(
    from: Ipv4Addr,
    to: SocketAddr,
    line: &str,
    authorization: Option<&str>,
    body: &str,
) -> Answer {
    let authorization = authorization.map_or_else(String::new, |value| format!("Authorization: {value}\r\n"));
    let len = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\nContent-Length: {len}\r\n{authorization}\r\n{body}"
    );
    raw(from, to, request.as_bytes()).await
}
