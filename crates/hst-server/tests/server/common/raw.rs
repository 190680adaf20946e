//! HTTP by hand, so that wrong requests can be made, too.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::answer::Answer;

/// Sends these bytes and reads until the server closes.
pub(crate) async fn raw(to: SocketAddr, request: &str) -> Answer {
    Answer::to(request.as_bytes(), TcpStream::connect(to).await.unwrap()).await
}

/// The request for a WebSocket, with these headers besides.
pub(crate) fn upgrade(headers: &str) -> String {
    format!(
        "GET /v1/signal HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
}

/// Sends bytes and reads one head, in lower case; empty if the server just closes.
pub(crate) async fn head(stream: &mut TcpStream, request: &str) -> String {
    let _ = stream.write_all(request.as_bytes()).await;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap().to_lowercase()
}
