use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::{
    constant_time,
    digest::{SHA256, digest},
    rand,
};
use hst_id::{AppId, UserId};
use hst_proto::{ErrorCode, Failure, RESUME_WINDOW};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::{
    apps::TokenFacts,
    handle::{SessionHandle, SessionId},
};

/// Sessions with and without a connection. Further logins are refused.
pub(crate) const MAX_SESSIONS: u32 = 65_536;

/// The sessions of this node, by name.
///
/// A lock, because every session enters and leaves by it; held for one look-up.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    live: HashMap<SessionId, Live>,
    /// Those that were ended, the earliest first, for as long as their clients may want to come back.
    ended: VecDeque<Ended>,
    /// Why no session is to begin any more.
    closed: Option<Failure>,
}

#[derive(Debug)]
struct Live {
    handle: SessionHandle,
    secret: Secret,
    user: (AppId, UserId),
    token: TokenFacts,
}

/// Whose sessions are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Who {
    /// Everybody's in an App.
    App(AppId),
    /// A user's in an App, on all his terminals.
    User(AppId, UserId),
    /// Those that began with a token of this id.
    Token(AppId, String),
    /// Those of everybody or of one user that began with a token made before this moment (Unix time, ms).
    IssuedBefore(AppId, Option<UserId>, u64),
}

impl Who {
    fn is(&self, (app, user): &(AppId, UserId), token: &TokenFacts) -> bool {
        match self {
            Self::App(of) => of == app,
            Self::User(of, who) => of == app && who == user,
            Self::Token(of, id) => of == app && token.id.as_ref() == Some(id),
            Self::IssuedBefore(of, who, at) => {
                let is_older = token.issued_at.is_none_or(|issued| issued.as_millis() < *at);
                of == app && who.as_ref().is_none_or(|who| who == user) && is_older
            }
        }
    }
}

#[derive(Debug)]
struct Ended {
    id: SessionId,
    secret: Secret,
    why: Failure,
    until: Instant,
}

/// What it takes to come back to a session: 128 random bits as text.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// A new one.
    pub(crate) fn random() -> Self {
        let mut bytes = [0; 16];
        rand::fill(&mut bytes).expect("the operating system gives random numbers");
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Its text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// By which another node knows who has it: it does not tell what it is.
    pub(crate) fn proof(&self) -> String {
        Self::proof_of(&self.0)
    }

    /// What [`proof`](Self::proof) is of the secret with this text.
    pub(crate) fn proof_of(text: &str) -> String {
        let digest = digest(&SHA256, text.as_bytes());
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether a text is the same, found out in a time that says nothing about how much of it is.
    pub(crate) fn is(&self, text: &str) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), text.as_bytes()).is_ok()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Sessions {
    /// Whether another session may begin.
    pub(crate) fn has_room(&self) -> bool {
        self.lock().live.len() < MAX_SESSIONS as usize
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.lock().live.len() as u64
    }

    /// A session has begun.
    pub(crate) fn enter(&self, handle: SessionHandle, secret: Secret, app: &AppId, user: &UserId, token: TokenFacts) {
        let id = handle.id;
        let live = Live {
            handle,
            secret,
            user: (app.clone(), user.clone()),
            token,
        };
        let mut book = self.lock();
        if let Some(why) = &book.closed {
            live.handle.end(why.clone());
        }
        book.live.insert(id, live);
    }

    /// A session has another token now.
    pub(crate) fn renewed(&self, id: SessionId, token: TokenFacts) {
        if let Some(live) = self.lock().live.get_mut(&id) {
            live.token = token;
        }
    }

    /// Ends all sessions that are meant.
    pub(crate) fn end_all(&self, who: &Who, why: &Failure) {
        let book = self.lock();
        for live in book.live.values().filter(|live| who.is(&live.user, &live.token)) {
            live.handle.end(why.clone());
        }
    }

    /// Ends all sessions, also those that are just beginning.
    pub(crate) fn close(&self, why: Failure) {
        let mut book = self.lock();
        for live in book.live.values() {
            live.handle.end(why.clone());
        }
        book.closed = Some(why);
    }

    /// A session is over. When the server has ended it, whoever comes back is told why.
    pub(crate) fn leave(&self, id: SessionId, why: Option<Failure>) {
        let mut book = self.lock();
        let Some(Live { secret, .. }) = book.live.remove(&id) else {
            return;
        };
        let now = Instant::now();
        while book.ended.front().is_some_and(|ended| ended.until <= now) {
            book.ended.pop_front();
        }
        if let Some(why) = why {
            let until = now + RESUME_WINDOW;
            book.ended.push_back(Ended { id, secret, why, until });
        }
    }

    /// The session that a client wants to come back to.
    ///
    /// # Errors
    /// Code 1000100 when there is none or the secret is another one, or the reason why it was ended.
    pub(crate) fn find(&self, name: &str, secret: &str) -> Result<SessionHandle, Failure> {
        let gone = || {
            let message = "there is no such session any more: log in";
            Failure::new(ErrorCode::SessionGone, message)
        };
        let id = SessionId::parse(name).ok_or_else(gone)?;
        let book = self.lock();
        if let Some(live) = book.live.get(&id).filter(|live| live.secret.is(secret)) {
            return Ok(live.handle.clone());
        }
        let ended = book
            .ended
            .iter()
            .find(|ended| ended.id == id && ended.secret.is(secret));
        Err(ended.map_or_else(gone, |ended| ended.why.clone()))
    }

    /// The session of this number.
    pub(crate) fn get(&self, id: SessionId) -> Option<SessionHandle> {
        self.lock().live.get(&id).map(|live| live.handle.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use hst_auth::UnixMillis;

    use super::*;
    use crate::handle::session;

    fn enter(sessions: &Sessions, id: u64) -> (SessionHandle, Secret) {
        let (handle, _inbox) = session(SessionId(id));
        let secret = Secret::random();
        let (app, user) = (AppId::parse("app").unwrap(), UserId::parse("ann").unwrap());
        let token = TokenFacts {
            id: Some(format!("t{id}")),
            issued_at: Some(UnixMillis::from_millis(1_000 * id)),
        };
        sessions.enter(handle.clone(), secret.clone(), &app, &user, token);
        (handle, secret)
    }

    fn refusal(sessions: &Sessions, name: &str, secret: &str) -> u32 {
        sessions.find(name, secret).unwrap_err().code
    }

    #[tokio::test(start_paused = true)]
    async fn s13_a_session_is_found_by_name_and_secret_alone() {
        let sessions = Sessions::default();
        let (one, secret) = enter(&sessions, 1);
        let (_, other) = enter(&sessions, 2);
        assert_eq!(sessions.find("s1", secret.as_str()).unwrap().id, one.id);
        for (name, guess) in [
            ("s1", other.as_str()),
            ("s1", ""),
            ("s1", &secret.as_str()[1..]),
            ("s3", secret.as_str()),
            ("1", secret.as_str()),
            ("s", secret.as_str()),
            ("s-1", secret.as_str()),
            ("s99999999999999999999999", secret.as_str()),
        ] {
            assert_eq!(refusal(&sessions, name, guess), 1_000_100, "{name} {guess}");
        }
        assert_eq!(secret.as_str().len(), 32, "128 bits");
    }

    #[tokio::test]
    async fn when_all_end_those_who_are_just_beginning_end_too() {
        let sessions = Sessions::default();
        let (early, mut first) = session(SessionId(1));
        let (late, mut second) = session(SessionId(2));
        let enter = |handle| {
            let (app, user) = (AppId::parse("app").unwrap(), UserId::parse("ann").unwrap());
            let token = TokenFacts {
                id: None,
                issued_at: None,
            };
            sessions.enter(handle, Secret::random(), &app, &user, token);
        };
        enter(early);
        sessions.close(Failure::new(ErrorCode::Connect, "over"));
        enter(late);
        for inbox in [&mut first, &mut second] {
            assert_eq!(inbox.next().await.unwrap_err().message, "over");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_back_to_an_ended_session_is_told_why_for_a_while() {
        let sessions = Sessions::default();
        let (one, secret) = enter(&sessions, 1);
        sessions.leave(one.id, Some(Failure::new(ErrorCode::KickedOut, "out")));
        assert_eq!(refusal(&sessions, "s1", secret.as_str()), 1_000_104);
        assert_eq!(refusal(&sessions, "s1", "guess"), 1_000_100);

        let (two, secret) = enter(&sessions, 2);
        sessions.leave(two.id, None);
        assert_eq!(refusal(&sessions, "s2", secret.as_str()), 1_000_100);

        tokio::time::advance(RESUME_WINDOW).await;
        let (three, _) = enter(&sessions, 3);
        sessions.leave(three.id, None);
        assert!(sessions.lock().ended.is_empty());
    }
}
