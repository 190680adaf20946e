//! HTTP by hand, so that wrong requests can be made, too.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

/// What a server has answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

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

pub(crate) async fn connect(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

/// Sends these bytes and reads until the server closes.
pub(crate) async fn raw(from: Ipv4Addr, to: SocketAddr, request: &[u8]) -> Answer {
    let mut stream = connect(from, to).await;
    // A server that has heard enough closes, and what it has not read then breaks the connection behind its answer.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {answer:?}"));
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_owned(),
        body: body.to_owned(),
    }
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
