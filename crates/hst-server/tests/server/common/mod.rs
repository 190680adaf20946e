//! A minimal client by hand, and a server to try it on.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

pub(crate) mod answer;
pub(crate) mod cluster;
pub(crate) mod raw;
pub(crate) mod roamer;
pub(crate) mod span;

use std::{collections::VecDeque, time::SystemTime};

use hst_auth::{AppId, AppSecret, TokenIssuer, TokenRequest, UnixMillis, UserId};
use hst_proto::{
    Command, Event, Failure, Joined, Login, Reply, Request, RequestId, ServerFrame, decode_server, encode_client,
};
use hst_server::{Config, DEV_APP_ID, DEV_APP_SECRET, RunningServer, Server, signal::memory::MemoryNetwork};
use hst_signal::{RecvEnd, SignalConnection, SignalTransport};
use hst_signal_ws::WsTransport;

/// A server on free ports of this machine, without media threads.
pub(crate) async fn server() -> RunningServer {
    Server::new(config()).without_media().start().await.unwrap()
}

/// The development configuration on free ports.
pub(crate) fn config() -> Config {
    Config {
        bind: "127.0.0.1:0".parse().unwrap(),
        ..Config::dev()
    }
}

/// A server that only memory leads to, at `memory://server`.
pub(crate) async fn memory_server() -> (RunningServer, MemoryNetwork) {
    let network = MemoryNetwork::default();
    let listener = network.bind("server").unwrap();
    let server = Server::new(config())
        .listener(listener)
        .without_sockets()
        .without_media();
    (server.start().await.unwrap(), network)
}

/// A good token of the development App.
pub(crate) fn token() -> String {
    let secret = AppSecret::parse(DEV_APP_SECRET).unwrap();
    let issuer = TokenIssuer::legacy_001(AppId::parse(DEV_APP_ID).unwrap(), &secret);
    issuer
        .issue(&TokenRequest::default(), UnixMillis::from(SystemTime::now()))
        .unwrap()
}

/// A browser's description of one video line to send.
pub(crate) fn offered_video() -> String {
    let fingerprint = ["ab"; 32].join(":");
    format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=ice-ufrag:abcd\r\n\
         a=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\n\
         m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\n\
         a=rtpmap:96 VP8/90000\r\na=ssrc:1 cname:a\r\n"
    )
}

/// A login that is accepted.
pub(crate) fn login(user: &str) -> Login {
    Login {
        protocol: 1,
        app: DEV_APP_ID.to_owned(),
        token: token(),
        user: user.to_owned(),
        terminal: "web".parse().unwrap(),
        company: String::new(),
        force: false,
        extend_info: String::new(),
        previous: None,
    }
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

/// One connection that asks one thing at a time.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) connection: SignalConnection,
    events: VecDeque<(Option<u64>, Event)>,
    last_id: RequestId,
}

impl Client {
    pub(crate) fn new(connection: SignalConnection) -> Self {
        Self {
            connection,
            events: VecDeque::new(),
            last_id: 0,
        }
    }

    pub(crate) async fn in_memory(network: &MemoryNetwork) -> Self {
        Self::new(network.connect("memory://server").await.unwrap())
    }

    pub(crate) async fn web_socket(server: &RunningServer) -> Self {
        let url = format!("ws://{}/v1/signal", server.addresses().http.unwrap());
        Self::new(WsTransport::default().connect(&url).await.unwrap())
    }

    pub(crate) async fn logged_in(mut self, user: &str) -> Self {
        self.ask(Command::Login(login(user))).await.unwrap();
        self
    }

    /// Joins and says who is there.
    pub(crate) async fn join(&mut self, group: &str) -> Joined {
        match self
            .ask(Command::Join {
                group: group.to_owned(),
            })
            .await
        {
            Ok(Reply::Joined(joined)) => joined,
            other => panic!("not joined: {other:?}"),
        }
    }

    /// Asks and waits for the answer; events meanwhile are kept.
    pub(crate) async fn ask(&mut self, command: Command) -> Result<Reply, Failure> {
        let id = self.say(command).await;
        self.answer(id).await
    }

    /// The next request has a number behind this one.
    pub(crate) fn skip_to(&mut self, id: RequestId) {
        self.last_id = id;
    }

    /// Sends a frame of any command under the next number.
    pub(crate) async fn say_raw(&mut self, command: &str) -> RequestId {
        self.last_id += 1;
        let frame = format!(r#"{{"id":{},"do":{command}}}"#, self.last_id);
        self.connection.sender.send(frame.into()).await.unwrap();
        self.last_id
    }

    /// Asks without waiting.
    pub(crate) async fn say(&mut self, command: Command) -> RequestId {
        self.last_id += 1;
        let request = Request {
            id: self.last_id,
            command,
        };
        self.connection.sender.send(encode_client(&request)).await.unwrap();
        self.last_id
    }

    /// Waits for the next answer, which must be to this request.
    pub(crate) async fn answer(&mut self, id: RequestId) -> Result<Reply, Failure> {
        loop {
            match self.frame().await.unwrap() {
                ServerFrame::Reply { re, result, .. } => {
                    assert_eq!(re, id, "answers come in the order of requests");
                    return result;
                }
                ServerFrame::Event { seq, event } => self.events.push_back((seq, event)),
            }
        }
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> Event {
        self.numbered_event().await.1
    }

    /// The next event with its number.
    pub(crate) async fn numbered_event(&mut self) -> (Option<u64>, Event) {
        if let Some(kept) = self.events.pop_front() {
            return kept;
        }
        match self.frame().await.unwrap() {
            ServerFrame::Event { seq, event } => (seq, event),
            reply @ ServerFrame::Reply { .. } => panic!("no event but {reply:?}"),
        }
    }

    /// Reads to the end of the connection and says how it ended.
    pub(crate) async fn end(&mut self) -> RecvEnd {
        loop {
            if let Err(end) = self.frame().await {
                return end;
            }
        }
    }

    pub(crate) async fn frame(&mut self) -> Result<ServerFrame, RecvEnd> {
        let frame = self.connection.receiver.recv().await?;
        Ok(decode_server(&frame).unwrap())
    }
}
