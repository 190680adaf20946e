mod book;

use std::{
    collections::{BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use hst_id::{AppId, UserId};
use hst_proto::{
    ErrorCode, Event, EventBody, Failure, Invitation, Invite, InviteAnswer, InviteCancel, InviteEnd, InviteEnded,
    InviteOutcome, InviteResult, Invited, MAX_LISTED, MAX_NAME_TEXT, Payload, encode_event,
};

use self::book::{Book, Open, Origin};

/// For so long an invitation rings.
const RINGING: Duration = Duration::from_secs(60);

/// The most invites of one session that may be open at a time.
const MAX_OPEN: usize = 64;

/// Who invites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inviter {
    /// His App, which is that of the invited too.
    pub app: AppId,
    /// His name.
    pub user: UserId,
    /// His login's free text.
    pub info: String,
    /// His session, named by the shell; never used twice.
    pub session: u64,
}

/// An event for sessions.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "a shell must handle every kind")]
pub enum InviteOutput {
    /// For every terminal of a user.
    ToUser {
        /// His App.
        app: AppId,
        /// Who.
        user: UserId,
        /// But not for this session of his.
        except_session: Option<u64>,
        /// The event.
        body: EventBody,
    },
    /// For one session.
    ToSession {
        /// Which.
        session: u64,
        /// The event.
        body: EventBody,
    },
}

/// The open invites of one node.
///
/// An inviter may use a number again while an earlier invite of this number is open: the two are one to him, and whom
/// he invites again is rung anew, once the earlier invitation to him is cancelled.
///
/// Call a `handle_*`, then [`poll_output`](Self::poll_output) until it is empty, and [`handle_timeout`] at
/// [`poll_timeout`].
///
/// [`handle_timeout`]: Self::handle_timeout
/// [`poll_timeout`]: Self::poll_timeout
#[derive(Debug)]
pub struct Invites {
    next: u64,
    book: Book,
    /// Drained by the shell after every call, so it holds what one call gives rise to.
    outputs: VecDeque<InviteOutput>,
}

impl Invites {
    /// None yet. The first one gets the number `first` towards the invited, and each later one a higher number.
    pub fn new(first: u64) -> Self {
        Self {
            next: first,
            book: Book::default(),
            outputs: VecDeque::new(),
        }
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.book.first().is_none()
    }

    /// A session invites users. Who is named twice is invited once.
    ///
    /// # Errors
    /// 1 when it names nobody, too many or the inviter himself, or its text is too long; 302 when too many invites of
    /// the session are open.
    pub fn handle_invite(
        &mut self,
        now: Instant,
        from: Inviter,
        invite: Invite,
        is_online: impl Fn(&UserId) -> bool,
    ) -> Result<Invited, Failure> {
        self.check_invite(&from, &invite)?;
        let users: BTreeSet<UserId> = invite.users.into_iter().collect();
        for earlier in self.book.of_inviter(from.session, invite.invite..=invite.invite) {
            self.take_back(earlier, Some(&users));
        }
        let (ringing, offline): (BTreeSet<_>, _) = users.into_iter().partition(is_online);
        let offline = Vec::from_iter(offline);
        if ringing.is_empty() {
            return Ok(Invited { offline });
        }

        let id = self.next;
        self.next += 1;
        let body = encode_event(&Event::Invited(Invitation {
            invite: id,
            group: invite.group,
            from: from.user,
            from_info: from.info,
            extend_info: invite.extend_info,
        }));
        for user in &ringing {
            self.outputs.push_back(InviteOutput::ToUser {
                app: from.app.clone(),
                user: user.clone(),
                except_session: None,
                body: body.clone(),
            });
        }
        let open = Open {
            app: from.app,
            inviter: Origin {
                session: from.session,
                number: invite.invite,
            },
            ends: now + RINGING,
            ringing,
        };
        self.book.insert(id, open);
        Ok(Invited { offline })
    }

    /// A session of the user accepts or rejects an invitation.
    ///
    /// # Errors
    /// 1 when its text is too long; 1000110 when the invitation is over, or is not one to this user.
    pub fn handle_answer(
        &mut self,
        now: Instant,
        app: &AppId,
        user: &UserId,
        session: u64,
        answer: InviteAnswer,
    ) -> Result<(), Failure> {
        check_text(answer.extend_info.as_ref())?;
        self.handle_timeout(now);
        let inviter = self.book.stop(answer.invite, app, user).ok_or_else(no_such_invite)?;
        let outcome = if answer.accept {
            InviteOutcome::Accepted
        } else {
            InviteOutcome::Rejected
        };
        self.tell_inviter(inviter, user.clone(), outcome, answer.extend_info);
        self.tell_invited(app, user, Some(session), answer.invite, InviteEnd::AnsweredElsewhere);
        Ok(())
    }

    /// A session takes an invite back, from all or from some of those who have not answered.
    ///
    /// # Errors
    /// 1000110 when none of them is left.
    pub fn handle_cancel(&mut self, session: u64, cancel: InviteCancel) -> Result<(), Failure> {
        let users: Option<BTreeSet<UserId>> = cancel.users.map(|users| users.into_iter().collect());
        let mut is_any_left = false;
        for id in self.book.of_inviter(session, cancel.invite..=cancel.invite) {
            is_any_left |= self.take_back(id, users.as_ref());
        }
        if is_any_left { Ok(()) } else { Err(no_such_invite()) }
    }

    /// A session is over, and with it its invites.
    pub fn handle_session_gone(&mut self, session: u64) {
        for id in self.book.of_inviter(session, 0..=u64::MAX) {
            self.take_back(id, None);
        }
    }

    /// A user is online by no terminal any more, so he will not answer.
    pub fn handle_user_offline(&mut self, app: &AppId, user: &UserId) {
        for id in self.book.of_invited(app, user) {
            if let Some(inviter) = self.book.stop(id, app, user) {
                self.tell_inviter(inviter, user.clone(), InviteOutcome::Offline, None);
            }
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.book.first().map(|(_, open)| open.ends)
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((id, open)) = self.book.first()
            && open.ends <= now
        {
            let app = open.app.clone();
            for user in open.ringing.clone() {
                if let Some(inviter) = self.book.stop(id, &app, &user) {
                    self.tell_invited(&app, &user, None, id, InviteEnd::TimedOut);
                    self.tell_inviter(inviter, user, InviteOutcome::TimedOut, None);
                }
            }
        }
    }

    /// The next event to hand out.
    pub fn poll_output(&mut self) -> Option<InviteOutput> {
        self.outputs.pop_front()
    }

    fn check_invite(&self, from: &Inviter, invite: &Invite) -> Result<(), Failure> {
        let refuse = |message: String| Err(Failure::new(ErrorCode::InvalidArgument, message));
        let count = invite.users.len();
        if !(1..=MAX_LISTED).contains(&count) {
            return refuse(format!("an invite names 1 to {MAX_LISTED} users: {count} are named"));
        }
        if invite.users.contains(&from.user) {
            return refuse(format!("{} invites himself: leave him out", from.user));
        }
        check_text(invite.extend_info.as_ref())?;
        if self.book.of_inviter(from.session, 0..=u64::MAX).len() >= MAX_OPEN {
            return Err(Failure::new(
                ErrorCode::OperationFailed,
                format!("{MAX_OPEN} invites are open already: wait for the answers, or cancel some"),
            ));
        }
        Ok(())
    }

    /// Cancels the invitations to these users, or to all. Returns whether one of them was ringing.
    fn take_back(&mut self, id: u64, users: Option<&BTreeSet<UserId>>) -> bool {
        let Some(open) = self.book.open(id) else { return false };
        let app = open.app.clone();
        let mut ringing = open.ringing.clone();
        ringing.retain(|user| users.is_none_or(|users| users.contains(user)));
        for user in &ringing {
            self.book.stop(id, &app, user);
            self.tell_invited(&app, user, None, id, InviteEnd::Cancelled);
        }
        !ringing.is_empty()
    }

    fn tell_inviter(&mut self, inviter: Origin, user: UserId, outcome: InviteOutcome, extend_info: Option<Payload>) {
        self.outputs.push_back(InviteOutput::ToSession {
            session: inviter.session,
            body: encode_event(&Event::InviteAnswered(InviteResult {
                invite: inviter.number,
                user,
                outcome,
                extend_info,
            })),
        });
    }

    fn tell_invited(&mut self, app: &AppId, user: &UserId, except_session: Option<u64>, invite: u64, why: InviteEnd) {
        self.outputs.push_back(InviteOutput::ToUser {
            app: app.clone(),
            user: user.clone(),
            except_session,
            body: encode_event(&Event::InviteEnded(InviteEnded { invite, why })),
        });
    }
}

fn check_text(text: Option<&Payload>) -> Result<(), Failure> {
    match text.map(|text| text.as_json().len()) {
        Some(size) if size > MAX_NAME_TEXT => Err(Failure::new(
            ErrorCode::InvalidArgument,
            format!("extend_info is at most {MAX_NAME_TEXT} bytes of JSON: it has {size}"),
        )),
        _ => Ok(()),
    }
}

fn no_such_invite() -> Failure {
    Failure::new(ErrorCode::NoSuchInvite, "there is no such invite, or it is over")
}
