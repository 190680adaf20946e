use std::collections::HashSet;

use hst_e2ee::{Errand, GroupKey, KeyExchange, Letter};
use hst_group::client::{GroupEvent, SessionEvent, State};
use hst_id::UserId;
use hst_proto::{Audience, Class, ErrorCode, Payload, RequestId, ToGroup};

use super::{Driver, Waiter, now};
use crate::{Error, Event, command::KeyChange, encryption::Encryption};

/// What the groups are encrypted under that are joined now.
#[derive(Debug, Clone)]
pub(super) enum Secret {
    Key(u8, GroupKey),
    /// Each member's own, which they give each other.
    Exchange,
}

/// An exchange of keys in a group.
#[derive(Debug)]
pub(super) struct Exchange {
    core: KeyExchange,
    /// The session that takes part in it.
    session: Option<String>,
    /// Events were lost: who is here is about to be told.
    is_blind: bool,
    /// Those that the server has not taken yet.
    letters: HashSet<RequestId>,
    /// What to send under once it has.
    due: Option<(u8, GroupKey)>,
}

impl Driver {
    /// A group is about to be joined.
    pub(super) fn enter(&mut self, group: &str) {
        (self.media.encryption, self.exchange) = (None, None);
        let (Some(secret), Some(user)) = (&self.key, self.session.user()) else {
            return;
        };
        let encryption = match secret {
            Secret::Key(id, key) => Encryption::shared(group, user.as_str(), (*id, key.clone())),
            Secret::Exchange => {
                let exchange = self.exchange.insert(Exchange {
                    core: KeyExchange::new(group, user.as_str()),
                    session: self.session.id().map(str::to_owned),
                    is_blind: false,
                    letters: HashSet::new(),
                    due: None,
                });
                Encryption::in_exchange(group, user.as_str(), exchange.core.key())
            }
        };
        self.media.encryption = Some(encryption);
    }

    /// The application's word on the key.
    pub(super) fn change_key(&mut self, change: KeyChange) -> Result<u8, Error> {
        let refused = |message| Err(Error::local(ErrorCode::OperationFailed, message));
        let in_group = matches!(self.session.state(), State::Joining | State::Joined);
        let encryption = self.media.encryption.as_ref().filter(|_| in_group);
        if in_group && encryption.is_none() {
            return match change {
                KeyChange::End => Ok(0),
                _ => refused("the group is not encrypted: leave it, set the key and join again"),
            };
        }
        if in_group && self.exchange.is_some() {
            return refused("the members of this group make their keys by themselves");
        }
        let next = match (change, encryption) {
            (KeyChange::Set(id, key), Some(encryption)) => {
                encryption.set_key(id, key.clone());
                Some((id, key))
            }
            (KeyChange::Set(id, key), None) => Some((id, key)),
            (KeyChange::Ratchet, Some(encryption)) => encryption.ratchet(),
            (KeyChange::Ratchet, None) => match &self.key {
                Some(Secret::Key(id, key)) => Some((id.wrapping_add(1), key.ratcheted())),
                _ => None,
            },
            (KeyChange::End | KeyChange::Exchange, Some(_)) => {
                return refused("the group is encrypted: leave it first");
            }
            (KeyChange::Exchange, None) => {
                self.key = Some(Secret::Exchange);
                return Ok(0);
            }
            (KeyChange::End, None) => {
                self.key = None;
                return Ok(0);
            }
        };
        let Some((id, key)) = next else {
            return refused("there is no key: set one first");
        };
        self.key = Some(Secret::Key(id, key));
        Ok(id)
    }

    /// Follows what happens in the group. Whether it is a matter of keys alone, of which the application is not told.
    pub(super) fn attend_to_keys(&mut self, event: &SessionEvent) -> bool {
        let letter = match event {
            SessionEvent::Group(GroupEvent::Message(message)) => Letter::in_message(message.body.as_json()),
            _ => None,
        };
        if let Some(Exchange {
            core,
            session,
            is_blind,
            ..
        }) = &mut self.exchange
        {
            match (event, &letter) {
                (SessionEvent::Group(GroupEvent::Members(members)), _) => {
                    core.handle_members(members.iter().map(|user| user.as_str().to_owned()));
                }
                (SessionEvent::Group(GroupEvent::MemberJoined(user)), _) => core.handle_joined(user.as_str()),
                (SessionEvent::Group(GroupEvent::MemberLeft(user)), _) => core.handle_left(user.as_str()),
                (SessionEvent::Group(GroupEvent::Message(message)), Some(letter)) => {
                    core.handle_letter(message.from.as_str(), letter);
                }
                (SessionEvent::Discontinuity, _) => {
                    match self.session.id() == session.as_deref() {
                        true => core.lose_sight(),
                        false => core.begin_anew(),
                    }
                    *session = self.session.id().map(str::to_owned);
                    *is_blind = true;
                }
                _ => {}
            }
        }
        self.run_errands();
        letter.is_some()
    }

    /// The group is as it was told last, also when events were lost before.
    pub(super) fn see_group_again(&mut self) {
        if let Some(exchange) = &mut self.exchange
            && std::mem::take(&mut exchange.is_blind)
        {
            exchange.core.introduce();
            self.run_errands();
        }
    }

    /// The server has taken a letter, or has not.
    pub(super) fn letter_sent(&mut self, id: RequestId) {
        if let Some(exchange) = &mut self.exchange {
            exchange.letters.remove(&id);
            self.take_due_key();
        }
    }

    fn run_errands(&mut self) {
        while let Some(errand) = self.exchange.as_mut().and_then(|exchange| exchange.core.poll_errand()) {
            match (errand, &self.media.encryption, &mut self.exchange) {
                (Errand::Send(users, letter), ..) => self.send_letter(&users, &letter),
                (Errand::SetKey(id, key), _, Some(exchange)) => {
                    exchange.due = Some((id, key));
                    self.take_due_key();
                }
                (Errand::SetKeyOf(user, id, key), Some(encryption), _) => encryption.set_key_of(&user, id, key),
                (Errand::Forget(user), Some(encryption), _) => encryption.forget(&user),
                (Errand::Tell(digits), ..) => self.tell(Event::SafetyNumber(digits)),
                (Errand::SetKey(..) | Errand::SetKeyOf(..) | Errand::Forget(_), ..) => {}
            }
        }
    }

    fn send_letter(&mut self, users: &[String], letter: &Letter) {
        let users = users.iter().filter_map(|user| UserId::parse(user).ok()).collect();
        let message = ToGroup {
            body: Payload::from_json(&letter.to_message()).expect("a letter is JSON"),
            to: Audience::Only(users),
            class: Class::Reliable,
        };
        // Outside a group nobody waits for it.
        if let (Ok(id), Some(exchange)) = (self.session.message(now(), message), &mut self.exchange) {
            exchange.letters.insert(id);
            self.waiting.insert(id, Waiter::Letter);
        }
    }

    /// Sends under the next key when all have been told of it who are to have it.
    fn take_due_key(&mut self) {
        if let (Some(exchange), Some(encryption)) = (&mut self.exchange, &self.media.encryption)
            && exchange.letters.is_empty()
            && let Some((id, key)) = exchange.due.take()
        {
            encryption.set_key(id, key);
        }
    }
}
