//! What an engine asks of the platform beside media: messages, presence, invites, and acts on others.

use hst_client::{
    Error, GroupMessage, Invite, InviteAnswer, InviteCancel, OnlineUser, Payload, Priority, Roster, ToGroup,
};
use hst_id::{MediaRef, UserId};

use crate::RtcEngine;

impl RtcEngine {
    /// Sends a message to some of the others in the group, or of a class that may be lost.
    ///
    /// # Errors
    /// As [`Client::send_to_group`](crate::Client::send_to_group).
    pub async fn send_to_group(&self, message: ToGroup) -> Result<u64, Error> {
        self.client.send_to_group(message).await
    }

    /// Sends a message to a user who is online, on all his terminals.
    ///
    /// # Errors
    /// As [`Client::send_user_message`](crate::Client::send_user_message).
    pub async fn send_user_message(&self, user: UserId, body: Payload) -> Result<u64, Error> {
        self.client.send_user_message(user, body).await
    }

    /// Earlier messages of the group, where its App keeps any.
    ///
    /// # Errors
    /// As [`Client::group_history`](crate::Client::group_history).
    pub async fn group_history(&self, before: Option<u64>, limit: u32) -> Result<Vec<GroupMessage>, Error> {
        self.client.group_history(before, limit).await
    }

    /// A page of the other members of the group.
    ///
    /// # Errors
    /// As [`Client::group_members`](crate::Client::group_members).
    pub async fn group_members(&self, after: Option<UserId>, limit: u32) -> Result<Roster, Error> {
        self.client.group_members(after, limit).await
    }

    /// Everybody who is online in the App and company; from then on changes come as events.
    ///
    /// # Errors
    /// As [`Client::online_users`](crate::Client::online_users).
    pub async fn online_users(&self) -> Result<Vec<OnlineUser>, Error> {
        self.client.online_users().await
    }

    /// Ends the events of presence.
    ///
    /// # Errors
    /// As [`Client::unwatch_online`](crate::Client::unwatch_online).
    pub async fn unwatch_online(&self) -> Result<(), Error> {
        self.client.unwatch_online().await
    }

    /// Sets the free text that others see beside this terminal.
    ///
    /// # Errors
    /// As [`Client::set_state`](crate::Client::set_state).
    pub async fn set_state(&self, state: &str) -> Result<(), Error> {
        self.client.set_state(state).await
    }

    /// Invites users into a group, and returns those who are not online.
    ///
    /// # Errors
    /// As [`Client::invite`](crate::Client::invite).
    pub async fn invite(&self, invite: Invite) -> Result<Vec<UserId>, Error> {
        self.client.invite(invite).await
    }

    /// Accepts or rejects an invitation.
    ///
    /// # Errors
    /// As [`Client::answer_invite`](crate::Client::answer_invite).
    pub async fn answer_invite(&self, answer: InviteAnswer) -> Result<(), Error> {
        self.client.answer_invite(answer).await
    }

    /// Takes an invite back from those who have not answered.
    ///
    /// # Errors
    /// As [`Client::cancel_invite`](crate::Client::cancel_invite).
    pub async fn cancel_invite(&self, cancel: InviteCancel) -> Result<(), Error> {
        self.client.cancel_invite(cancel).await
    }

    /// Removes a member from the group, for `ban` seconds at least; for who may administer.
    ///
    /// # Errors
    /// As [`Client::kick`](crate::Client::kick).
    pub async fn kick(&self, user: UserId, ban: Option<u32>) -> Result<(), Error> {
        self.client.kick(user, ban).await
    }

    /// Says how much of a received picture is of use, in pixels of height: with 0 nothing of it is sent for now, with
    /// `None` all.
    ///
    /// # Errors
    /// As [`Client::view`](crate::Client::view).
    pub async fn view(&self, media: MediaRef, height: Option<u32>) -> Result<(), Error> {
        self.client.view(media, height).await
    }

    /// Says how much a received picture matters beside the others, while the network does not carry all of them.
    ///
    /// # Errors
    /// As [`Client::prioritize`](crate::Client::prioritize).
    pub async fn prioritize(&self, media: MediaRef, priority: Priority) -> Result<(), Error> {
        self.client.prioritize(media, priority).await
    }

    /// Silences a member's media at the server or lets it be heard again; for who may administer.
    ///
    /// # Errors
    /// As [`Client::mute`](crate::Client::mute).
    pub async fn mute(&self, media: MediaRef, muted: bool) -> Result<(), Error> {
        self.client.mute(media, muted).await
    }

    /// Closes the group to newcomers or opens it; for who may administer.
    ///
    /// # Errors
    /// As [`Client::lock_group`](crate::Client::lock_group).
    pub async fn lock_group(&self, locked: bool) -> Result<(), Error> {
        self.client.lock_group(locked).await
    }

    /// Shows a newer token, so that the session outlives the one that it began with.
    ///
    /// # Errors
    /// As [`Client::renew_token`](crate::Client::renew_token).
    pub async fn renew_token(&self, token: &str) -> Result<(), Error> {
        self.client.renew_token(token).await
    }
}
