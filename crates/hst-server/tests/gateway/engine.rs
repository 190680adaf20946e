//! A user's engine, spoken by hand as docs/protocol.md has it.

use std::{collections::VecDeque, time::Duration};

use hst_signal::{SignalConnection, SignalTransport as _};
use hst_signal_ws::WsTransport;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::house::{House, OwnApp};

/// For what comes, if all is well.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Engine {
    connection: SignalConnection,
    last_id: u64,
    events: VecDeque<Value>,
}

impl Engine {
    pub(crate) async fn connect(house: &House) -> Self {
        let url = format!("ws://{}/v1/signal", house.http());
        Self {
            connection: WsTransport::default().connect(&url).await.unwrap(),
            last_id: 0,
            events: VecDeque::new(),
        }
    }

    /// A user of this App, online by this class of terminal.
    pub(crate) async fn online(house: &House, app: &OwnApp, user: &str, terminal: &str) -> Self {
        let mut engine = Self::connect(house).await;
        let login = login(app, &app.token(), user, terminal);
        engine
            .ask(login)
            .await
            .unwrap_or_else(|code| panic!("{user} is refused: {code}"));
        engine
    }

    /// The same, in a group.
    pub(crate) async fn in_group(house: &House, app: &OwnApp, user: &str, group: &str) -> Self {
        let mut engine = Self::online(house, app, user, "web").await;
        engine.ask(json!({ "join": { "group": group } })).await.unwrap();
        engine
    }

    /// Asks, and hears the answer or the code of a refusal. Events meanwhile are kept.
    pub(crate) async fn ask(&mut self, command: Value) -> Result<Value, u64> {
        self.last_id += 1;
        let frame = json!({ "id": self.last_id, "do": command }).to_string();
        self.connection.sender.send(frame.into()).await.unwrap();
        loop {
            let mut frame = self.frame().await;
            if frame["re"] == self.last_id {
                return match frame["err"]["code"].as_u64() {
                    Some(code) => Err(code),
                    None => Ok(frame["ok"].take()),
                };
            }
            self.events.push_back(frame["ev"].take());
        }
    }

    /// The content of the next event, which must be of this kind.
    pub(crate) async fn event(&mut self, kind: &str) -> Value {
        let mut event = match self.events.pop_front() {
            Some(event) => event,
            None => self.frame().await["ev"].take(),
        };
        assert!(event[kind].is_object(), "no {kind} but {event}");
        event[kind].take()
    }

    /// Nothing has happened: an answer comes first.
    pub(crate) async fn hears_nothing(&mut self) {
        self.ask(json!({ "ping": {} })).await.unwrap();
        assert!(self.events.is_empty(), "it heard {:?}", self.events);
    }

    async fn frame(&mut self) -> Value {
        let frame = timeout(PATIENCE, self.connection.receiver.recv()).await;
        serde_json::from_slice(&frame.expect("nothing comes").unwrap()).unwrap()
    }
}

pub(crate) fn login(app: &OwnApp, token: &str, user: &str, terminal: &str) -> Value {
    json!({ "login": { "protocol": 1, "app": app.id, "token": token, "user": user, "terminal": terminal } })
}
