use std::{collections::VecDeque, ops::ControlFlow};

use bytes::Bytes;
use hst_cascade::Joined;
use hst_cluster::{
    NodeId,
    pipe::{News, Pipe},
};
use hst_group::server::{Kept, Seat, ToMember};
use hst_proto::{Event, EventBody, Reply};
use tokio::sync::oneshot;

use super::{
    GOING, Message,
    site::{Comer, Site, Turn},
    words::{ToBranch, ToHome, encode},
};
use crate::versions::{COPIES, RETURNS};

/// A group that lives on another node, its home, and has members on this one: what they ask goes there, and what the home says
/// comes to them.
#[derive(Debug)]
pub(crate) struct Branch {
    site: Site,
    home: Pipe,
    /// Joins the room here to the one of the home.
    joined: Option<Joined>,
    /// What it begins with, and what it has to say unasked: no more than there are members. It goes before everything else.
    due: VecDeque<Bytes>,
    /// Who waits until the home has heard so many words.
    waiting: VecDeque<(u64, oneshot::Sender<()>)>,
    /// Whether the home has said anything, so that it knows this branch; and who waits for that.
    is_known: bool,
    /// Whether the home fills the copy that is here of what the group keeps.
    is_copied: bool,
    /// The group is about to go on elsewhere: whatever comes from here waits for that.
    is_closing: bool,
    is_silent: bool,
    strangers: Vec<oneshot::Sender<()>>,
}

impl Branch {
    /// `words` is what its node and the home's both speak.
    pub(crate) fn new(mut site: Site, home: Pipe, node: &NodeId, words: u16) -> Self {
        let is_copied = words >= COPIES;
        if !is_copied {
            // What changes is not told here.
            site.kept = Kept::default();
        }
        let comers = site.move_out().into_iter().map(|comer| match comer {
            Comer::Back(member, seat) => ToHome::Return { member, seat },
            Comer::New(member, re, seat) => ToHome::Join { member, re, seat },
        });
        let returned = (words >= RETURNS).then_some(ToHome::Returned);
        let due = comers.chain(returned).map(|word| encode(&word)).collect();
        Self {
            joined: site.join(node),
            site,
            home,
            due,
            waiting: VecDeque::new(),
            is_known: false,
            is_copied,
            is_closing: false,
            is_silent: false,
            strangers: Vec::new(),
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
            if self.is_closing && !self.is_silent && !self.site.has_offers() && self.home.has_room() {
                self.is_silent = true;
                self.say(&ToHome::Silent);
            }
            let listens = self.home.has_room() && !self.is_closing;
            let awaits = self.is_closing && !self.is_silent;
            let flow = tokio::select! {
                turn = next_of(&mut self.site, listens), if listens || awaits => self.hear(turn).await,
                news = self.home.next() => self.take(news).await,
            };
            if let ControlFlow::Break(is_over) = flow {
                if is_over {
                    self.close().await;
                    return None;
                }
                let Self {
                    mut site, home, joined, ..
                } = self;
                site.hesitates = self.is_copied && site.kept.at().is_none() && site.has_members();
                // Media go on by the home as long as it can, until they come by the next one.
                if let Some(joined) = joined {
                    joined.go(GOING);
                }
                // So that it need not wait for what is over.
                home.close().await;
                return Some(site);
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
            Message::Expect {
                member,
                seat,
                session,
                ready,
            } => {
                self.site.expect(member, seat, session);
                match self.is_known {
                    // One who has given up does not want to know.
                    true => _ = ready.send(()),
                    false => self.strangers.push(ready),
                }
            }
            Message::Pass {
                member,
                to,
                called,
                over,
            } => {
                self.site.begin_to_pass(member, over);
                self.say(&ToHome::Pass { member, to, called });
            }
            Message::TakeBack {
                member,
                seat,
                session,
                from,
            } => {
                let user = seat.user.clone();
                self.site.expect(member, seat, session);
                self.say(&ToHome::TakeBack { member, user, from });
            }
            Message::Dismiss(member) => _ = self.site.let_go(member).await,
            Message::Missed(member) => _ = self.say(&ToHome::Missed(member)),
            Message::TransportLost { member, generation } => {
                if !self.site.let_go(member).await {
                    self.say(&ToHome::TransportLost { member, generation });
                }
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
            Message::Said(..) | Message::Strange(..) | Message::Heard(..) | Message::BranchGone(_) | Message::Lost => {}
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
        self.is_known = true;
        for waiting in self.strangers.drain(..) {
            let _ = waiting.send(());
        }
        match serde_json::from_slice(&bytes) {
            Ok(ToBranch::Closing) => self.is_closing = true,
            Ok(ToBranch::Over { members }) => {
                self.site.told = members;
                return ControlFlow::Break(false);
            }
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
                is_kept,
            } => {
                self.note_message(last_message);
                if is_kept {
                    self.keep(&body);
                }
                self.site.tell_all(&to, &body, class)
            }
            ToBranch::Media(command) => {
                self.site.command(command).await;
                Vec::new()
            }
            ToBranch::Keep(said) => {
                self.site.kept.handle(said);
                Vec::new()
            }
            // Heard before.
            ToBranch::Closing | ToBranch::Over { .. } => Vec::new(),
            ToBranch::Passed { member, is_done } => {
                self.site.pass(member, is_done);
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

    /// An event changes what the group keeps.
    fn keep(&mut self, body: &EventBody) {
        match serde_json::from_str::<Event>(body.as_json()) {
            Ok(event) => self.site.kept.handle_event(event),
            // It was read once before, as what it is.
            Err(error) => tracing::error!(%error, group = %self.site.id, "an event is not understood"),
        }
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

/// What happens next at a site, or only that an offer is answered. Cancel-safe.
async fn next_of(site: &mut Site, listens: bool) -> Turn {
    match listens {
        true => site.next().await,
        false => site.next_answer().await,
    }
}
