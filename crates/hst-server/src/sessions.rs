use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::{
    constant_time,
    digest::{SHA256, digest},
    rand,
};
use hst_cluster::Owner;
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
    /// Those that have come from other nodes, whose clients know them by other names, by the proof of their secrets.
    came: HashMap<String, SessionId>,
    /// Those that are at other nodes now, the earliest first, for as long.
    moved: VecDeque<MovedOut>,
    /// Why no session is to begin any more.
    closed: Option<Failure>,
}

/// Where a session is that was here before.
#[derive(Debug, Clone)]
pub(crate) struct Elsewhere {
    pub(crate) to: Owner,
    /// How it is called there.
    pub(crate) session: u64,
    /// Where clients reach that node.
    pub(crate) signal: Vec<String>,
}

#[derive(Debug)]
struct MovedOut {
    id: SessionId,
    secret: Secret,
    elsewhere: Elsewhere,
    until: Instant,
}

/// Why a session cannot be gone on with here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Absent {
    /// It is over.
    Over(Failure),
    /// It is at another node, which is reached there.
    Moved(Vec<String>),
}

#[derive(Debug)]
struct Live {
    handle: SessionHandle,
    secret: Secret,
    user: (AppId, UserId),
    token: TokenFacts,
    has_come: bool,
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

    /// One that another node has made; `None` if it is none.
    pub(crate) fn from_text(text: String) -> Option<Self> {
        (text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(Self(text))
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
        self.insert(handle, secret, (app, user), token, false);
    }

    /// A session has come from another node: its client calls it as it was called first.
    pub(crate) fn take_in(&self, handle: SessionHandle, secret: Secret, app: &AppId, user: &UserId, token: TokenFacts) {
        self.insert(handle, secret, (app, user), token, true);
    }

    fn insert(
        &self,
        handle: SessionHandle,
        secret: Secret,
        (app, user): (&AppId, &UserId),
        token: TokenFacts,
        has_come: bool,
    ) {
        let id = handle.id;
        let live = Live {
            handle,
            secret,
            user: (app.clone(), user.clone()),
            token,
            has_come,
        };
        let mut book = self.lock();
        if has_come {
            book.came.insert(live.secret.proof(), id);
        }
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
        let Some(secret) = book.remove(id) else { return };
        let now = Instant::now();
        while book.ended.front().is_some_and(|ended| ended.until <= now) {
            book.ended.pop_front();
        }
        if let Some(why) = why {
            let until = now + RESUME_WINDOW;
            book.ended.push_back(Ended { id, secret, why, until });
        }
    }

    /// A session is at another node now. Whoever comes back to it for a while is told where.
    pub(crate) fn move_out(&self, id: SessionId, elsewhere: Elsewhere) {
        let mut book = self.lock();
        let Some(secret) = book.remove(id) else { return };
        let now = Instant::now();
        while book.moved.front().is_some_and(|moved| moved.until <= now) {
            book.moved.pop_front();
        }
        let until = now + RESUME_WINDOW;
        book.moved.push_back(MovedOut {
            id,
            secret,
            elsewhere,
            until,
        });
    }

    /// Where a session is that was here a while ago.
    pub(crate) fn elsewhere(&self, id: SessionId) -> Option<(Owner, SessionId)> {
        let book = self.lock();
        let moved = book.moved.iter().rev().find(|moved| moved.id == id)?;
        Some((moved.elsewhere.to.clone(), SessionId(moved.elsewhere.session)))
    }

    /// All that there are.
    pub(crate) fn all(&self) -> Vec<SessionHandle> {
        self.lock().live.values().map(|live| live.handle.clone()).collect()
    }

    /// The text of a session's secret, and what is known of its token.
    pub(crate) fn facts(&self, id: SessionId) -> Option<(String, TokenFacts)> {
        let book = self.lock();
        let live = book.live.get(&id)?;
        Some((live.secret.as_str().to_owned(), live.token.clone()))
    }

    /// The session that a client wants to come back to.
    ///
    /// # Errors
    /// Code 1000100 when there is none or the secret is another one, or the reason why it was ended; or where it is.
    pub(crate) fn find(&self, name: &str, secret: &str) -> Result<SessionHandle, Absent> {
        let gone = || {
            let message = "there is no such session any more: log in";
            Absent::Over(Failure::new(ErrorCode::SessionGone, message))
        };
        let id = SessionId::parse(name).ok_or_else(gone)?;
        let book = self.lock();
        if let Some(live) = book.live.get(&id).filter(|live| live.secret.is(secret)) {
            return Ok(live.handle.clone());
        }
        let came = book
            .came
            .get(&Secret::proof_of(secret))
            .and_then(|id| book.live.get(id));
        if let Some(live) = came {
            return Ok(live.handle.clone());
        }
        let is_meant = |moved: &&MovedOut| moved.secret.is(secret);
        if let Some(moved) = book.moved.iter().rev().find(is_meant) {
            return Err(Absent::Moved(moved.elsewhere.signal.clone()));
        }
        let ended = book
            .ended
            .iter()
            .find(|ended| ended.id == id && ended.secret.is(secret));
        Err(ended.map_or_else(gone, |ended| Absent::Over(ended.why.clone())))
    }

    /// The session of this number.
    pub(crate) fn get(&self, id: SessionId) -> Option<SessionHandle> {
        self.lock().live.get(&id).map(|live| live.handle.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// Strikes a session off, and gives its secret.
    fn remove(&mut self, id: SessionId) -> Option<Secret> {
        let Live { secret, has_come, .. } = self.live.remove(&id)?;
        if has_come && self.came.get(&secret.proof()) == Some(&id) {
            self.came.remove(&secret.proof());
        }
        Some(secret)
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
        match sessions.find(name, secret).unwrap_err() {
            Absent::Over(why) => why.code,
            moved @ Absent::Moved(_) => panic!("{moved:?}"),
        }
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
