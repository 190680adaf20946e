use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use hst_cluster::{
    Key, Login as Record, Owner, Revision, WriteError,
    pipe::{News, Pipe},
};
use hst_group::server::{MemberId, PackedSession, Seat};
use hst_proto::{Event, encode_event, frame_event};
use hst_signal::{CloseCode, CloseReason, SignalConnection};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{SessionTask, Turn, User};
use crate::{
    apps::permissions,
    group::encode,
    groups::Key as GroupKey,
    handle::{SessionId, Word},
    handover::{CHUNK, HasMoved, Order, Packed, PackedGrants, PackedWatch, ToGiver, ToTaker, Whereabouts},
    membership::Membership,
    node::Node,
    sessions::Elsewhere,
};

/// How long a session may take to have an answer to all that it has asked.
const REST: Duration = Duration::from_secs(2);
/// How long its group's home may take to let it go.
const PASS: Duration = Duration::from_secs(3);
/// How long the other node may take to have it.
const TAKE: Duration = Duration::from_secs(5);
/// How often, and how long at most, the directory is asked whose it is, when nobody else says.
const ASK_EVERY: Duration = Duration::from_millis(200);
const ASK_TIMES: usize = 50;

/// What comes of handing a session over.
pub(super) enum Handed {
    /// It is at another node, and nothing is left of it here.
    Gone,
    /// It goes on here.
    Stays,
    /// It is over.
    Ends(CloseReason),
}

/// Whose the session is.
enum Verdict {
    Theirs,
    Ours(Record, Revision),
    Nobodys(CloseReason),
}

impl SessionTask {
    pub(super) fn whereabouts(&self) -> Option<Whereabouts> {
        if self.stays {
            return None;
        }
        let group = self.membership.as_ref().filter(|_| self.core.is_in_group());
        let group = group.map(|membership| {
            let permissions = permissions(&self.user.grants, &self.hub.apps.services(&self.user.app));
            (membership.key().1.clone(), Seat::new(self.user.id.clone(), permissions))
        });
        Some(Whereabouts {
            app: self.user.app.clone(),
            user: self.user.id.clone(),
            group,
        })
    }

    /// Gives the session to another node. Until it is there, or it is certain that it stays, its client is not heard.
    pub(super) async fn hand_over(&mut self, order: Order) -> Handed {
        let Order {
            to,
            mut pipe,
            session,
            called,
            group,
            signal,
            outcome,
        } = order;
        self.is_frozen = true;
        let rested = match self.come_to_rest().await {
            Ok(is_at_rest) => is_at_rest && group == self.group(),
            Err(reason) => return Handed::Ends(reason),
        };
        let mut lingers = None;
        let is_ready = match (rested, &group) {
            (false, _) => false,
            (true, None) => true,
            (true, Some(_)) => {
                let (over, is_over) = oneshot::channel();
                lingers = Some(is_over);
                match self.leave_group_to(&to, called, over).await {
                    Ok(is_passed) => is_passed,
                    Err(reason) => return Handed::Ends(reason),
                }
            }
        };
        let verdict = match is_ready.then(|| self.core.pack(now())).flatten() {
            Some(core) => {
                let (key, record, revision) = self.user.login.let_go();
                let packed = self.pack(core, (&key, &record, revision));
                match send(&mut pipe, &packed).await {
                    true => Verdict::Theirs,
                    false => find_out(&self.hub.node, &key, &record, (&to, session)).await,
                }
            }
            None => {
                pipe.close().await;
                if is_ready && group.is_some() {
                    self.return_to_group(&to);
                }
                self.is_frozen = false;
                return Handed::Stays;
            }
        };
        pipe.close().await;
        match verdict {
            Verdict::Theirs => {
                let elsewhere = Elsewhere { to, session, signal };
                let lingering = group.is_some().then(|| self.linger(lingers)).flatten();
                self.depart(elsewhere).await;
                // Who gave the order may have given up.
                let _ = outcome.send(HasMoved(lingering));
                Handed::Gone
            }
            Verdict::Ours(record, revision) => {
                self.user.login.hold_again(record, revision);
                if group.is_some() {
                    self.return_to_group(&to);
                }
                self.is_frozen = false;
                Handed::Stays
            }
            Verdict::Nobodys(reason) => Handed::Ends(reason),
        }
    }

    fn group(&self) -> Option<GroupKey> {
        let membership = self.membership.as_ref().filter(|_| self.core.is_in_group());
        membership.map(|membership| membership.key().clone())
    }

    /// Waits until everything that was asked has its answer. Says whether it has; or why the session ends.
    async fn come_to_rest(&mut self) -> Result<bool, CloseReason> {
        let until = Instant::now() + REST;
        loop {
            if let Some(reason) = self.perform() {
                return Err(reason);
            }
            let is_sending = self.membership.as_ref().is_some_and(Membership::is_sending);
            if self.core.is_at_rest() && !is_sending {
                return Ok(true);
            }
            let Ok(turn) = timeout_at(until, self.turn(true)).await else {
                return Ok(false);
            };
            if let Some(reason) = self.step(turn).await {
                return Err(reason);
            }
        }
    }

    /// The group's home is told that the member comes by another node from now on, and everything that it has said to him here
    /// by then is heard. Says whether he is let go.
    async fn leave_group_to(
        &mut self,
        to: &Owner,
        called: MemberId,
        over: oneshot::Sender<()>,
    ) -> Result<bool, CloseReason> {
        let Some(membership) = &mut self.membership else {
            return Ok(false);
        };
        membership.pass(to.clone(), called, over);
        let until = Instant::now() + PASS;
        loop {
            if let Some(reason) = self.perform() {
                return Err(reason);
            }
            let Ok(turn) = timeout_at(until, self.turn(true)).await else {
                // Nobody knows whether he was. One session at two nodes must not be, and none is better than that.
                return Err(CloseCode::InternalError.into());
            };
            if let Turn::Word(Word::Passed(member, is_done)) = turn {
                if self.membership.as_ref().is_some_and(|own| own.id() == member) {
                    return Ok(is_done);
                }
            } else if let Some(reason) = self.step(turn).await {
                return Err(reason);
            }
        }
    }

    fn return_to_group(&mut self, from: &Owner) {
        let permissions = permissions(&self.user.grants, &self.hub.apps.services(&self.user.app));
        let seat = Seat::new(self.user.id.clone(), permissions);
        if let Some(left) = self.membership.take() {
            let member = self.hub.groups.next_member();
            self.membership = Some(left.again(member, seat, self.user.handle.clone(), from.clone()));
        }
    }

    fn pack(&self, core: PackedSession, (key, record, revision): (&Key, &Record, Revision)) -> Packed {
        let User {
            terminal,
            company,
            extend_info,
            grants,
            messages,
            handle,
            ..
        } = &self.user;
        let (secret, token) = self.hub.sessions.facts(handle.id).unwrap_or_default();
        Packed {
            core,
            secret,
            terminal: terminal.clone(),
            company: company.clone(),
            extend_info: extend_info.clone(),
            grants: PackedGrants::of(grants),
            token_id: token.id,
            token_issued: token.issued_at.map(|at| at.as_millis()),
            messages: messages.load(Ordering::Relaxed),
            watch: PackedWatch::of(self.watch.as_ref()),
            place: key.as_str().to_owned(),
            record: record.clone(),
            revision,
        }
    }

    /// The member's transport here may carry on until he has one at the other node.
    fn linger(&mut self, over: Option<oneshot::Receiver<()>>) -> Option<oneshot::Receiver<()>> {
        let (membership, over) = (self.membership.take()?, over?);
        let (done, is_done) = oneshot::channel();
        self.hub.life.spawn(async move {
            membership.linger(over).await;
            drop(done);
        });
        Some(is_done)
    }

    /// The session is at another node: its client is told, and so is whoever still comes for it.
    async fn depart(&mut self, elsewhere: Elsewhere) {
        let id = self.user.handle.id;
        tracing::info!(session = %id, node = %elsewhere.to.node, "session handed over");
        self.hub.people.unwatch(&self.user);
        let signal = elsewhere.signal.clone();
        let (to, session) = (elsewhere.to.clone(), SessionId(elsewhere.session));
        self.hub.sessions.move_out(id, elsewhere);
        if let Some(membership) = self.membership.take() {
            self.hub.life.spawn(membership.end());
        }
        self.core.handle_moved(signal.clone());
        self.perform();
        if let Some(line) = self.line.take() {
            line.close(&self.hub.life, CloseCode::GoingAway.into());
        }
        let (words, ending) = self.inbox.close();
        for word in words {
            match word {
                Word::Event(body) => self.hub.tell_session(&to, session, &body).await,
                Word::Attach(attach) => {
                    let farewell = say_moved(attach.connection, signal.clone());
                    self.hub.life.spawn(farewell);
                }
                _ => {}
            }
        }
        // Whoever has ended it meanwhile meant it wherever it is.
        if let Some(why) = ending {
            self.hub.end_session(&to, session, why).await;
        }
    }
}

/// Tells a client who comes back to a session that it is elsewhere.
async fn say_moved(mut connection: SignalConnection, signal: Vec<String>) {
    let moved = frame_event(None, &encode_event(&Event::Moved { signal }));
    let farewell = async {
        let _ = connection.sender.send(moved).await;
        connection.sender.close(CloseCode::GoingAway.into()).await;
    };
    let _ = timeout(TAKE, farewell).await;
}

/// Sends a session, and says whether the other node has it for certain.
async fn send(pipe: &mut Pipe, packed: &Packed) -> bool {
    let Ok(text) = serde_json::to_string(packed) else {
        return false;
    };
    let mut parts = parts(&text).into_iter().peekable();
    let taken = async {
        loop {
            while pipe.has_room()
                && let Some(text) = parts.next()
            {
                let is_last = parts.peek().is_none();
                let text = text.to_owned();
                pipe.push(encode(&ToTaker::Part { text, is_last }));
            }
            match pipe.next().await {
                News::Message(bytes) => return is_taken(&bytes),
                News::Delivered(_) => {}
                News::Ended => return false,
            }
        }
    };
    timeout(TAKE, taken).await.unwrap_or(false)
}

fn is_taken(bytes: &Bytes) -> bool {
    match serde_json::from_slice(bytes) {
        Ok(ToGiver::Taken) => true,
        Ok(ToGiver::Refused(why)) => {
            tracing::info!(why = why.message, "a session was not taken");
            false
        }
        _ => false,
    }
}

/// A text in parts that each go into one message.
fn parts(text: &str) -> Vec<&str> {
    let (mut rest, mut parts) = (text, Vec::new());
    while !rest.is_empty() {
        let (part, behind) = rest.split_at(rest.floor_char_boundary(CHUNK));
        parts.push(part);
        rest = behind;
    }
    parts
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// Whose the session is, when the other node has not said: the directory does. It is the own one only once that is written
/// there, so that the other node cannot have it any more.
async fn find_out(node: &Node, key: &Key, record: &Record, (to, session): (&Owner, u64)) -> Verdict {
    let directory = &*node.directory;
    for _ in 0..ASK_TIMES {
        match directory.get(key).await {
            Ok(Some(entry)) => match Record::read(&entry) {
                Some(read) if read.session == session && read.owner.boot == to.boot => return Verdict::Theirs,
                Some(read) if read.is_same_session(record) => {
                    let written = directory.update(key, record.to_bytes(), entry.revision).await;
                    match written {
                        Ok(revision) => return Verdict::Ours(record.clone(), revision),
                        Err(WriteError::Conflict) => continue,
                        Err(WriteError::Unknown | WriteError::Unavailable) => {}
                    }
                }
                _ => return Verdict::Nobodys(CloseCode::Replaced.into()),
            },
            Ok(None) => return Verdict::Nobodys(CloseCode::GoingAway.into()),
            Err(_) => {}
        }
        sleep(ASK_EVERY).await;
    }
    Verdict::Nobodys(CloseCode::GoingAway.into())
}
