//! What an engine asks of the platform beside media: messages, presence, invites, and acts on others.

use std::time::Instant;

use hst_group::client::{Refusal, Session};
use hst_id::{MediaRef, UserId};
use hst_proto::{
    Audience, Class, ErrorCode, GroupMessage, Invite, InviteAnswer, InviteCancel, MAX_PAGE, OnlinePage, OnlineUser,
    Payload, Priority, Reply, RequestId, Roster, RosterPage, ToGroup,
};

use crate::{Client, Error, client::done, command::Command};

impl Client {
    /// Sends a message to all others in the group and returns its number there. It then reaches every member of that
    /// moment exactly once, in the order of the numbers.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 1 when it is too large, 1000020 without the right to it, 1000022 too fast,
    /// 302 when the connection was lost for so long that nobody knows whether it was sent.
    pub async fn send_group_message(&self, body: Payload) -> Result<u64, Error> {
        self.send_to_group(ToGroup {
            body,
            to: Audience::All,
            class: Class::Reliable,
        })
        .await
    }

    /// Sends a message to some of the others in the group, or of a class that may be lost.
    ///
    /// # Errors
    /// As [`send_group_message`](Self::send_group_message), and 1 for more than 128 users.
    pub async fn send_to_group(&self, message: ToGroup) -> Result<u64, Error> {
        number(
            self.ask("sending a message", move |s, now| s.message(now, message))
                .await?,
        )
    }

    /// Sends a message to a user who is online, on all his terminals, and returns its number among the messages that
    /// this session has sent to users.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 before login, 1 when it is too large, 1000020 without the right to it, 1000021 too fast,
    /// 1000107 when he is not online.
    pub async fn send_user_message(&self, user: UserId, body: Payload) -> Result<u64, Error> {
        number(
            self.ask("sending a message", move |s, now| s.user_message(now, user, body))
                .await?,
        )
    }

    /// Earlier messages of the group, where its App keeps any: the last `limit` before number `before`.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group.
    pub async fn group_history(&self, before: Option<u64>, limit: u32) -> Result<Vec<GroupMessage>, Error> {
        match self
            .ask("asking for messages", move |s, now| s.history(now, before, limit))
            .await?
        {
            Reply::History { messages } => Ok(messages),
            _ => Err(something_else()),
        }
    }

    /// A page of the other members of the group, behind the user `after` in the order of names. For large groups, whose
    /// members are not all told by events.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group.
    pub async fn group_members(&self, after: Option<UserId>, limit: u32) -> Result<Roster, Error> {
        let page = RosterPage { after, limit };
        match self
            .ask("asking for the members", move |s, now| s.roster(now, page))
            .await?
        {
            Reply::Roster(roster) => Ok(roster),
            _ => Err(something_else()),
        }
    }

    /// Everybody who is online in the App and company, oneself included. From then on changes come as
    /// [`Event::Presence`](crate::Event::Presence), and nothing is told twice.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 before login, 1000023 when the App does not include presence.
    pub async fn online_users(&self) -> Result<Vec<OnlineUser>, Error> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page = OnlinePage {
                after,
                limit: MAX_PAGE as u32,
            };
            let reply = self
                .ask("asking who is online", move |s, now| s.online_page(now, page))
                .await?;
            let Reply::Online(page) = reply else {
                return Err(something_else());
            };
            after = page.users.last().map(|last| last.user.clone());
            all.extend(page.users);
            if !page.more || after.is_none() {
                return Ok(all);
            }
        }
    }

    /// Ends the events of presence.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 before login.
    pub async fn unwatch_online(&self) -> Result<(), Error> {
        done(self.ask("ending the watch", |s, now| s.unwatch(now)).await)
    }

    /// Sets the free text that others see beside this terminal: at most 1 KiB.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 before login, 1 when it is too long, 1000023 when the App does not include presence.
    pub async fn set_state(&self, state: &str) -> Result<(), Error> {
        let state = state.to_owned();
        done(
            self.ask("setting the state", move |s, now| s.set_state(now, state))
                .await,
        )
    }

    /// Invites users into a group, and returns those who are not online. What comes of it with the others comes as
    /// [`Event::InviteAnswered`](crate::Event::InviteAnswered).
    ///
    /// # Errors
    /// Code 2 before `init`, 35 before login, 1 for nobody or more than 128 users, 1000023 when the App does not include
    /// invites.
    pub async fn invite(&self, invite: Invite) -> Result<Vec<UserId>, Error> {
        match self.ask("inviting", move |s, now| s.invite(now, invite)).await? {
            Reply::Invited(invited) => Ok(invited.offline),
            _ => Err(something_else()),
        }
    }

    /// Accepts or rejects an invitation.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 before login, 1000110 when it is over or was answered on another terminal.
    pub async fn answer_invite(&self, answer: InviteAnswer) -> Result<(), Error> {
        done(
            self.ask("answering an invite", move |s, now| s.answer_invite(now, answer))
                .await,
        )
    }

    /// Takes an invite back from those who have not answered.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 before login, 1000110 when there is none.
    pub async fn cancel_invite(&self, cancel: InviteCancel) -> Result<(), Error> {
        done(
            self.ask("taking an invite back", move |s, now| s.cancel_invite(now, cancel))
                .await,
        )
    }

    /// Says how much of a received picture is of use, in pixels of height: with 0 nothing of it is sent for now, with
    /// `None` all. It is all from `receive` on, and again after a [`Discontinuity`](crate::Event::Discontinuity).
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 302 when it is not received, 1 for a sound or more than 16,384 pixels.
    pub async fn view(&self, media: MediaRef, height: Option<u32>) -> Result<(), Error> {
        done(self.ask("viewing", move |s, now| s.view(now, media, height)).await)
    }

    /// Says how much a received picture matters beside the others, while the network does not carry all of them: of those
    /// that matter most the layers come first. From `receive` on, and again after a
    /// [`Discontinuity`](crate::Event::Discontinuity), that is [`Priority::High`] of a screen share and
    /// [`Priority::Normal`] of all else. Sound always comes first.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 302 when it is not received, 1 for a sound.
    pub async fn prioritize(&self, media: MediaRef, priority: Priority) -> Result<(), Error> {
        let asked = self.ask("setting a priority", move |s, now| s.prioritize(now, media, priority));
        done(asked.await)
    }

    /// Removes a member from the group, for who may administer; with `ban` for so many seconds.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 1000108 without the right to it, 302 when he is not there.
    pub async fn kick(&self, user: UserId, ban: Option<u32>) -> Result<(), Error> {
        done(
            self.ask("removing a member", move |s, now| s.kick(now, user, ban))
                .await,
        )
    }

    /// Silences a member's media at the server or lets it be heard again, for who may administer.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 1000108 without the right to it, 302 when it is not published.
    pub async fn mute(&self, media: MediaRef, muted: bool) -> Result<(), Error> {
        done(
            self.ask("silencing a media", move |s, now| s.mute(now, media, muted))
                .await,
        )
    }

    /// Closes the group to newcomers or opens it, for who may administer.
    ///
    /// # Errors
    /// Code 2 before `init`, 31 in no group, 1000108 without the right to it.
    pub async fn lock_group(&self, locked: bool) -> Result<(), Error> {
        done(self.ask("locking the group", move |s, now| s.lock(now, locked)).await)
    }

    /// Shows a newer token, so that the session outlives the one that it began with.
    ///
    /// # Errors
    /// Code 2 before `init`, 35 before login, 32 when it is not accepted for this user.
    pub async fn renew_token(&self, token: &str) -> Result<(), Error> {
        let token = token.to_owned();
        done(self.ask("renewing the token", move |s, now| s.renew(now, token)).await)
    }

    async fn ask(
        &self,
        call: &str,
        ask: impl FnOnce(&mut Session, Instant) -> Result<RequestId, Refusal> + Send + 'static,
    ) -> Result<Reply, Error> {
        let ask = Box::new(ask);
        self.call(call, |outcome| Command::Ask { ask, outcome }).await
    }
}

fn number(reply: Reply) -> Result<u64, Error> {
    match reply {
        Reply::Sent { seq } => Ok(seq),
        _ => Err(something_else()),
    }
}

fn something_else() -> Error {
    Error::local(ErrorCode::ServerInternal, "the server answered with something else")
}
