//! The bytes of every message, pinned: a change here is a change of the protocol.

#![allow(clippy::unwrap_used, reason = "a failing unwrap fails the test")]

mod boards;
mod commands;
mod events;
mod replies;

use hst_id::{MediaId, MediaRef, MediaType, TerminalType, UserId};
use hst_proto::{GroupMessage, OnlineTerminal, Payload};

fn camera() -> MediaRef {
    MediaRef {
        user: user("bob"),
        media_type: MediaType::Video,
        media: MediaId::parse("cam").unwrap(),
    }
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn message() -> GroupMessage {
    GroupMessage {
        from: user("bob"),
        seq: 1,
        body: Payload::text("hi"),
    }
}

fn terminal() -> OnlineTerminal {
    OnlineTerminal {
        terminal: TerminalType::default(),
        state: "busy".into(),
        extend_info: String::new(),
    }
}
