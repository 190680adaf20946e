use std::net::SocketAddr;

use async_trait::async_trait;
use bytes::Bytes;
use hst_rtc::signal::{ConnectError, RecvEnd, SignalConnection, SignalReceiver, SignalTransport};

/// Signalling whose answers lead media over a detour: where they name an address of the server, its client finds
/// another one.
#[derive(Debug)]
pub(super) struct Led<T> {
    transport: T,
    detours: Vec<[String; 2]>,
}

impl<T> Led<T> {
    pub(super) fn new(transport: T, detours: &[(SocketAddr, SocketAddr)]) -> Self {
        // As a candidate has it (RFC 8839 section 5.1), and as it is foretold.
        let candidate = |at: SocketAddr| format!("{} {} typ host", at.ip(), at.port());
        let foretold = |at: SocketAddr| format!("\"{at}\"");
        let detours = detours
            .iter()
            .flat_map(|&(from, to)| [[from, to].map(candidate), [from, to].map(foretold)]);
        Self {
            transport,
            detours: detours.collect(),
        }
    }
}

#[async_trait]
impl<T: SignalTransport> SignalTransport for Led<T> {
    async fn connect(&self, url: &str) -> Result<SignalConnection, ConnectError> {
        let mut connection = self.transport.connect(url).await?;
        connection.receiver = Box::new(LedReceiver {
            receiver: connection.receiver,
            detours: self.detours.clone(),
        });
        Ok(connection)
    }
}

#[derive(Debug)]
struct LedReceiver {
    receiver: Box<dyn SignalReceiver>,
    detours: Vec<[String; 2]>,
}

#[async_trait]
impl SignalReceiver for LedReceiver {
    async fn recv(&mut self) -> Result<Bytes, RecvEnd> {
        let frame = self.receiver.recv().await?;
        // What is no text is somebody else's to complain about.
        let Ok(text) = std::str::from_utf8(&frame) else {
            return Ok(frame);
        };
        let led = self
            .detours
            .iter()
            .fold(text.to_owned(), |text, [from, to]| text.replace(from, to));
        Ok(led.into())
    }

    fn limit_frames(&mut self, max_frame: usize) {
        self.receiver.limit_frames(max_frame);
    }
}
