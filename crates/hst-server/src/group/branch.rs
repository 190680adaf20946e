use std::{collections::VecDeque, ops::ControlFlow};

use bytes::Bytes;
use hst_cascade::Joined;
use hst_cluster::{
    NodeId,
    pipe::{News, Pipe},
};
use hst_group::server::{Seat, ToMember};
use hst_proto::Reply;
use tokio::sync::oneshot;

use super::{
    Message,
    site::{Comer, Site, Turn},
    words::{ToBranch, ToHome, encode},
};

/// A group that lives on another node, its home, and has members on this one: what they ask goes there, and what the home says
/// comes to them.
#[derive(Debug)]
pub(crate) struct Branch {
    site: Site,
    home: Pipe,
    /// Joins the room here to the one of the home.
    _joined: Option<Joined>,
    /// What it begins with, and what it has to say unasked: no more than there are members. It goes before everything else.
    due: VecDeque<Bytes>,
    /// Who waits until the home has heard so many words.
    waiting: VecDeque<(u64, oneshot::Sender<()>)>,
}

impl Branch {
    pub(crate) fn new(mut site: Site, home: Pipe, node: &NodeId) -> Self {
        let comers = site.move_out().into_iter().map(|comer| match comer {
            Comer::Back(member, seat) => ToHome::Return { member, seat },
            Comer::New(member, re, seat) => ToHome::Join { member, re, seat },
        });
        let due = comers.map(|word| encode(&word)).collect();
        Self {
            _joined: site.join(node),
            site,
            home,
            due,
            waiting: VecDeque::new(),
        }
    }

    /// Runs until nobody is left here, or the home is gone: then the site is looking for another.
    pub(crate) async fn run(mut self) -> Option<Site> {
        loop {
            while self.home.has_room()
                && let Some(word) = self.due.pop_front()
            {
                self.home.push(word);
            }
            let listens = self.home.has_room();
            let flow = tokio::select! {
                turn = self.site.next(), if listens => self.hear(turn).await,
                news = self.home.next() => self.take(news).await,
            };
            if let ControlFlow::Break(is_over) = flow {
                if is_over {
                    self.close().await;
                    return None;
                }
                return Some(self.site);
            }
        }
    }

    /// Somebody here has something for the home. Breaks with true when nobody is left.
    async fn hear(&mut self, turn: Turn) -> ControlFlow<bool> {
        let message = match turn {
            Turn::Message(message) => message,
            Turn::Answered(member, re, answer) => {
                self.say(&ToHome::Answered { member, re, answer });
                return ControlFlow::Continue(());
            }
            Turn::Over => return ControlFlow::Break(true),
        };
        match message {
            Message::Join {
                member,
                re,
                user,
                permissions,
                session,
            } => {
                let seat = Seat::new(user, permissions);
                self.site.enter(member, re, seat.clone(), session);
                self.say(&ToHome::Join { member, re, seat });
            }
            Message::Prepare {
                member,
                re,
                prepare,
                session,
            } => self.site.prepare(member, re, prepare, session).await,
            Message::Request { member, re, request } => {
                self.site.ask(member, re, &request);
                self.say(&ToHome::Ask { member, re, request });
            }
            Message::Gone { member, noticed } => {
                self.site.forget(member);
                self.site.dismiss(member).await;
                let said = self.say(&ToHome::Gone(member));
                self.waiting.push_back((said, noticed));
            }
            Message::Missed(member) => _ = self.say(&ToHome::Missed(member)),
            Message::TransportLost { member, generation } => {
                self.say(&ToHome::TransportLost { member, generation });
            }
            Message::Encodings { track, rids } => _ = self.say(&ToHome::Encodings { track, rids }),
            Message::Starved { member, track, starved } => {
                self.say(&ToHome::Starved { member, track, starved });
            }
            // Asked of homes alone; whoever asks finds another.
            Message::Govern { .. } | Message::Look(_) | Message::Branch { .. } => {}
            // Answered by the site.
            Message::Measure(_) => {}
            // Of a home that was here before.
            Message::Said(..) | Message::Heard(..) | Message::BranchGone(_) | Message::Lost => {}
        }
        ControlFlow::Continue(())
    }

    /// The home has something for somebody here. Breaks with false when it is gone.
    async fn take(&mut self, news: News) -> ControlFlow<bool> {
        let bytes = match news {
            News::Message(bytes) => bytes,
            News::Delivered(count) => {
                while self.waiting.front().is_some_and(|&(said, _)| said <= count) {
                    self.waiting.pop_front();
                }
                return ControlFlow::Continue(());
            }
            News::Ended => return ControlFlow::Break(false),
        };
        match serde_json::from_slice(&bytes) {
            Ok(word) => self.obey(word).await,
            Err(error) => {
                tracing::warn!(%error, group = %self.site.id, "the home of a group said what is not understood")
            }
        }
        ControlFlow::Continue(())
    }

    async fn obey(&mut self, word: ToBranch) {
        let gone = match word {
            ToBranch::To { member, what } => {
                if let ToMember::Reply {
                    result: Ok(Reply::Sent { seq }),
                    ..
                } = &what
                {
                    self.note_message(*seq);
                }
                self.site.tell(member, what).into_iter().collect()
            }
            ToBranch::Tell {
                to,
                body,
                class,
                last_message,
            } => {
                self.note_message(last_message);
                self.site.tell_all(&to, &body, class)
            }
            ToBranch::Media(command) => {
                self.site.command(command).await;
                Vec::new()
            }
            ToBranch::Departed(member) => {
                self.site.forget(member);
                self.site.dismiss(member).await;
                Vec::new()
            }
            ToBranch::Seat { member, seat } => {
                self.site.keep(member, seat);
                Vec::new()
            }
            ToBranch::Stands(standing) => {
                self.site.standing = standing;
                Vec::new()
            }
            ToBranch::Published { track, media, at } => {
                self.site.publish(track, media, at);
                Vec::new()
            }
        };
        for member in gone {
            self.due.push_back(encode(&ToHome::Gone(member)));
        }
    }

    fn note_message(&mut self, seq: u64) {
        let last = &mut self.site.standing.last_message;
        *last = seq.max(*last);
    }

    /// Only while there is room.
    fn say(&mut self, word: &ToHome) -> u64 {
        self.home.push(encode(word))
    }

    /// The home hears to the end who has gone.
    async fn close(mut self) {
        let Some(&(last, _)) = self.waiting.back() else {
            return self.home.close().await;
        };
        loop {
            match self.home.next().await {
                News::Delivered(count) if count >= last => return self.home.close().await,
                News::Ended => return,
                News::Delivered(_) | News::Message(_) => {}
            }
        }
    }
}
