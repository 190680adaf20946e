//! A client by hand: it says what it wants, when it wants, also what no engine would.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;

use bytes::Bytes;
use hst_proto::{
    Audience, Class, Command, Event, Failure, Login, Payload, Reply, Request, RequestId, ServerFrame, ToGroup,
    decode_server, encode_client,
};
use hst_rtc::LoginOptions;
use hst_server::{DEV_APP_ID, DEV_APP_SECRET};
use hst_signal::{RecvEnd, SignalConnection};

use crate::house::{House, other_login, token, within};

/// One connection, without an engine.
#[derive(Debug)]
pub struct Hand {
    /// The connection.
    pub connection: SignalConnection,
    events: VecDeque<Event>,
    last_id: RequestId,
}

impl Hand {
    /// Connects by the house's door.
    pub async fn connect(house: &House) -> Self {
        let url = &house.signal_urls()[0];
        Self::new(within("a connection", house.transport().connect(url)).await.unwrap())
    }

    /// Takes a connection.
    pub fn new(connection: SignalConnection) -> Self {
        Self {
            connection,
            events: VecDeque::new(),
            last_id: 0,
        }
    }

    /// Connects, logs in and joins.
    pub async fn member(house: &House, user: &str, group: &str) -> Self {
        let mut hand = Self::connect(house).await;
        hand.ask(Command::Login(hand_login(user))).await.unwrap();
        hand.ask(join(group)).await.unwrap();
        hand
    }

    /// Sends any bytes as a frame; whether they still go out is not his concern.
    pub async fn throw(&mut self, frame: impl Into<Bytes>) {
        // The server may have cut him already.
        let _ = self.connection.sender.send(frame.into()).await;
    }

    /// Sends any text as a command under the next number.
    pub async fn throw_command(&mut self, command: &str) -> RequestId {
        self.last_id += 1;
        self.throw(format!(r#"{{"id":{},"do":{command}}}"#, self.last_id)).await;
        self.last_id
    }

    /// Asks without waiting.
    pub async fn say(&mut self, command: Command) -> RequestId {
        self.last_id += 1;
        let id = self.last_id;
        let frame = encode_client(&Request { id, command });
        self.connection.sender.send(frame).await.unwrap();
        id
    }

    /// Asks and waits for the answer; events meanwhile are kept.
    ///
    /// # Errors
    /// The server's refusal.
    pub async fn ask(&mut self, command: Command) -> Result<Reply, Failure> {
        let id = self.say(command).await;
        let (re, result) = self.reply().await;
        assert_eq!(re, id, "replies come in the order of requests");
        result
    }

    /// The next reply, whatever it is to; events meanwhile are kept.
    pub async fn reply(&mut self) -> (RequestId, Result<Reply, Failure>) {
        loop {
            match within("a reply", self.frame()).await.unwrap() {
                ServerFrame::Reply { re, result, .. } => return (re, result),
                ServerFrame::Event { event, .. } => self.events.push_back(event),
            }
        }
    }

    /// The next event.
    pub async fn event(&mut self) -> Event {
        if let Some(kept) = self.events.pop_front() {
            return kept;
        }
        match within("an event", self.frame()).await.unwrap() {
            ServerFrame::Event { event, .. } => event,
            reply @ ServerFrame::Reply { .. } => panic!("no event but {reply:?}"),
        }
    }

    /// Reads to the end of the connection and says how it ended.
    pub async fn end(&mut self) -> RecvEnd {
        within("the end", async {
            loop {
                if let Err(end) = self.frame().await {
                    return end;
                }
            }
        })
        .await
    }

    async fn frame(&mut self) -> Result<ServerFrame, RecvEnd> {
        let frame = self.connection.receiver.recv().await?;
        Ok(decode_server(&frame).unwrap())
    }
}

/// A login that is accepted.
pub fn hand_login(user: &str) -> Login {
    Login {
        protocol: hst_proto::VERSION,
        app: DEV_APP_ID.to_owned(),
        token: token(DEV_APP_ID, DEV_APP_SECRET),
        user: user.to_owned(),
        terminal: "web".parse().unwrap(),
        company: String::new(),
        force: false,
        extend_info: String::new(),
        previous: None,
    }
}

/// The same in the house's other App.
pub fn other_hand_login(user: &str) -> Login {
    let LoginOptions { app, token, .. } = other_login(user);
    Login {
        app,
        token,
        ..hand_login(user)
    }
}

/// A message to all others in the group.
pub fn message(body: Payload) -> Command {
    Command::Message(ToGroup {
        body,
        to: Audience::All,
        class: Class::Reliable,
    })
}

/// The wish to join.
pub fn join(group: &str) -> Command {
    Command::Join {
        group: group.to_owned(),
    }
}
