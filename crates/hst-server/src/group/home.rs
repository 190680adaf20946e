mod asking;
mod leaving;
mod passing;
mod tell;

use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    time::Duration,
};

use hst_cluster::{Owner, pipe::Pipe};
use hst_group::server::{Filling, Group, GroupRequest, Happening, MemberId, Rules, Seat, ToMember};
use hst_proto::{ErrorCode, Event, Failure, RequestId, encode_event};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    GroupView, Message,
    branches::{BranchId, Branches, Unheard},
    site::{Comer, Site, Turn},
    words::{ToBranch, ToHome},
};
use crate::{
    follow::Follow,
    life::Life,
    node::Node,
    versions::{COPIES, RETURNS},
};

/// How long the members of a branch that is gone may take to come back by another, and all members of a group that goes on
/// here.
const GRACE: Duration = Duration::from_secs(1);

/// One group at work: who is in it and what they do is decided here, by whichever node they came. It never waits for a session
/// or for a branch, so no member can hold up the others.
#[derive(Debug)]
pub(crate) struct Home {
    node: Node,
    core: Group,
    site: Site,
    branches: Branches,
    follow: Follow,
    /// Requests that are being carried out, and whose answer says that what was done is known everywhere.
    to_be_known: HashSet<(MemberId, RequestId)>,
    /// Answers that wait until every branch has heard what was done: one a member at most, who waits for it.
    held: VecDeque<Held>,
    /// Branches that are gone, and until when their members may come back.
    orphans: VecDeque<(Instant, BranchId)>,
    /// Who comes by another node than before, and what he was called there: his transport may be there still.
    former: HashMap<MemberId, MemberId>,
    /// When everybody has come who was in the group when it was elsewhere, if all branches have said by then who comes by them.
    settles: Option<Instant>,
    /// Requests that wait for that, because all must hear what comes of them: one a member at most, who waits for the answer.
    deferred: Vec<(MemberId, RequestId, GroupRequest)>,
    /// How many members there were, if all had been told everything where the group was: when they have come, nobody need be
    /// told how it is.
    told: Option<usize>,
    /// While the group is about to go on elsewhere: the branches that have nothing more to say.
    silent: Option<BTreeSet<BranchId>>,
    /// When it ends, whatever has been copied by then: it is to end, and nobody comes by it any more.
    ends: Option<Instant>,
    /// A branch has more of what the group keeps, and is to be the home.
    yields: bool,
    life: Life,
}

#[derive(Debug)]
struct Held {
    until: Unheard,
    member: MemberId,
    what: ToMember,
}

impl Home {
    /// `generation` is higher each time that a group of this name has a home.
    pub(crate) fn new(node: Node, rules: Rules, generation: u64, mut site: Site, follow: Follow, life: Life) -> Self {
        let mut core = Group::new(site.id.clone(), rules).of_generation(generation);
        core.handle_kept(std::mem::take(&mut site.kept));
        let comers = site.move_out();
        let mut home = Self {
            node,
            core,
            branches: Branches::new(life.clone()),
            follow,
            to_be_known: HashSet::new(),
            held: VecDeque::new(),
            orphans: VecDeque::new(),
            former: HashMap::new(),
            settles: None,
            deferred: Vec::new(),
            told: site.told.take(),
            silent: None,
            ends: None,
            yields: false,
            life,
            site,
        };
        for board in home.core.media() {
            home.follow.took_over(Happening::Published(board.key));
        }
        home.core.handle_standing(home.site.standing);
        for comer in comers {
            match comer {
                Comer::Back(member, seat) => home.take_back(member, seat),
                Comer::New(member, re, seat) => home.join(member, re, seat),
            }
        }
        home
    }

    /// Runs until nobody is left who could ask anything, or the group is to go on elsewhere: then its site looks for where.
    /// Before those on other nodes find that it is over, its place is released.
    pub(crate) async fn run(mut self, release: impl AsyncFnOnce()) -> Option<Site> {
        let goes_on = self.work().await;
        let told = match &self.silent {
            // Before it has settled itself, those who came to it do not know yet what they have missed.
            Some(silent) if goes_on && self.settles.is_none() && self.is_all_said(silent) => {
                self.core.can_go_on_unnoticed(self.branches.have_copies())
            }
            _ => None,
        };
        release().await;
        if goes_on && self.silent.is_some() {
            self.say_over(told).await;
        }
        goes_on.then(|| self.move_out())
    }

    async fn work(&mut self) -> bool {
        let life = self.life.clone();
        loop {
            self.perform_all().await;
            if self.yields {
                return true;
            }
            if self.may_end() {
                // They go on without this node.
                return self.take_leave().await;
            }
            let due = self.due();
            let timeout = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                turn = self.site.next() => match turn {
                    Turn::Message(Message::Lost) => return true,
                    Turn::Message(message) => self.handle(message).await,
                    Turn::Answered(member, re, answer) => self.core.handle_answer(member, re, answer),
                    Turn::Over => return false,
                },
                () = timeout => self.handle_timeout(),
                () = life.leaving(), if !life.is_leaving() => {}
            }
        }
    }

    fn due(&self) -> Option<Instant> {
        let core = self.core.poll_timeout().map(Instant::from_std);
        let orphans = self.orphans.front().map(|&(until, _)| until);
        core.into_iter()
            .chain(orphans)
            .chain(self.settles.filter(|_| self.branches.have_returned()))
            .chain(self.ends)
            .min()
    }

    fn handle_timeout(&mut self) {
        let present = Instant::now();
        self.core.handle_timeout(now());
        while self.orphans.front().is_some_and(|(until, _)| *until <= present)
            && let Some((_, branch)) = self.orphans.pop_front()
        {
            for member in self.members_of(branch) {
                self.core.handle_gone(now(), member);
            }
        }
        if self.branches.have_returned() && self.settles.take_if(|at| *at <= present).is_some() {
            match self.told.take() == Some(self.core.members().count()) {
                true => self.core.handle_all_returned(),
                false => self.core.handle_settled(),
            }
            for (member, re, request) in std::mem::take(&mut self.deferred) {
                self.carry_out(member, re, request);
            }
        }
    }

    async fn handle(&mut self, message: Message) {
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
                self.join(member, re, seat);
            }
            Message::Prepare {
                member,
                re,
                prepare,
                session,
            } => self.site.prepare(member, re, prepare, session).await,
            Message::Request { member, re, request } => {
                self.site.ask(member, re, &request);
                self.ask(member, re, request);
            }
            Message::Gone { member, noticed } => {
                self.core.handle_gone(now(), member);
                // Also one who was expected and has not come: the group itself has not heard of him.
                self.site.forget(member);
                self.site.dismiss(member).await;
                drop(noticed);
            }
            Message::Expect {
                member,
                seat,
                session,
                ready,
            } => {
                self.site.expect(member, seat, session);
                // One who has given up does not want to know.
                let _ = ready.send(());
            }
            Message::Pass {
                member,
                to,
                called,
                over,
            } => {
                self.site.begin_to_pass(member, over);
                let is_done = self.pass(member, &to, called).await;
                self.site.pass(member, is_done);
            }
            Message::TakeBack {
                member,
                seat,
                session,
                from,
            } => {
                let user = seat.user.clone();
                self.site.expect(member, seat, session);
                self.take_over(member, &user, &from).await;
            }
            Message::Dismiss(member) => _ = self.site.let_go(member).await,
            Message::Missed(member) => self.core.handle_missed(member),
            Message::TransportLost { member, generation } => {
                if !self.site.let_go(member).await {
                    self.core.handle_transport_lost(member, generation);
                }
            }
            Message::Encodings { track, rids } => self.core.handle_encodings(track, rids),
            Message::Starved { member, track, starved } => self.core.handle_starved(member, track, starved),
            Message::Govern { act, outcome } => {
                // Whoever asked may have given up.
                let _ = outcome.send(self.govern(act));
            }
            Message::Look(view) => {
                let _ = view.send(GroupView {
                    members: self.core.users().cloned().collect(),
                    media: self.core.media().collect(),
                    locked: self.core.is_locked(),
                });
            }
            Message::Branch {
                at,
                pipe,
                standing,
                told,
                kept,
                words,
                inbox,
            } => {
                if standing.is_some() && told != self.told {
                    // Somebody there has not heard everything.
                    self.told = None;
                }
                if standing.is_some() {
                    // Those who come back with it are told nothing before they are told how the group is.
                    self.settles.get_or_insert(Instant::now() + GRACE);
                }
                let has_returned = standing.is_none() || words < RETURNS;
                self.core.handle_standing(standing.unwrap_or_default());
                let kept_here = self.core.kept_at();
                self.yields |= kept > Some(kept_here);
                let filling = (words >= COPIES).then(|| match kept == Some(kept_here) {
                    true => Filling::of_the_same(),
                    false => Filling::default(),
                });
                self.welcome(at, has_returned, filling, *pipe, inbox);
            }
            Message::Said(branch, word) => self.hear(branch, word).await,
            Message::Strange(branch, member, re) => {
                let why = "the node of this group has a version of the server that does not know this";
                let result = Err(Failure::new(ErrorCode::OperationFailed, why));
                let what = ToMember::Reply { re, result };
                let stuck = self.branches.tell(branch, &ToBranch::To { member, what });
                self.lose_branches(stuck);
            }
            Message::Heard(branch, count) => {
                self.branches.heard(branch, count);
                let stuck = self.branches.fill(branch, &self.core);
                self.lose_branches(stuck);
                self.release();
            }
            Message::BranchGone(branch) => self.lose_branch(branch),
            // Taken care of by the site and the loop.
            Message::Measure(_) | Message::Lost => {}
        }
    }

    /// A branch has something for the group.
    async fn hear(&mut self, branch: BranchId, word: ToHome) {
        if self.branches.node_of(branch).is_none() {
            // It was given up, and what it still says is to be said again.
            return;
        }
        match word {
            ToHome::Return { member, seat } => self.take_back(branch.member(member), seat),
            ToHome::Returned => self.branches.returned(branch),
            ToHome::Join { member, re, seat } => self.join(branch.member(member), re, seat),
            ToHome::Ask { member, re, request } => self.ask(branch.member(member), re, request),
            ToHome::Gone(member) => self.core.handle_gone(now(), branch.member(member)),
            ToHome::Pass { member, to, called } => {
                let is_done = self.pass(branch.member(member), &to, called).await;
                let stuck = self.branches.tell(branch, &ToBranch::Passed { member, is_done });
                self.lose_branches(stuck);
            }
            ToHome::TakeBack { member, user, from } => self.take_over(branch.member(member), &user, &from).await,
            ToHome::Silent => {
                if let Some(silent) = &mut self.silent {
                    silent.insert(branch);
                }
            }
            ToHome::Missed(member) => self.core.handle_missed(branch.member(member)),
            ToHome::Answered { member, re, answer } => self.core.handle_answer(branch.member(member), re, answer),
            ToHome::TransportLost { member, generation } => {
                self.core.handle_transport_lost(branch.member(member), generation);
            }
            ToHome::Encodings { track, rids } => self.core.handle_encodings(track, rids),
            ToHome::Starved { member, track, starved } => {
                self.core.handle_starved(branch.member(member), track, starved);
            }
        }
    }

    fn join(&mut self, member: MemberId, re: RequestId, seat: Seat) {
        // Whoever comes back later does not know of him, nor he of them.
        self.told = None;
        self.core.handle_join(now(), member, re, seat.user, seat.permissions);
    }

    /// Somebody was in the group when it was elsewhere, or when his branch was another.
    fn take_back(&mut self, member: MemberId, seat: Seat) {
        if let Some(before) = self.core.member_named(&seat.user)
            && self.is_orphan(before)
        {
            self.core.handle_moved(before, member);
            self.settles.get_or_insert(Instant::now() + GRACE);
            return;
        }
        match self.core.handle_return(now(), member, seat) {
            Ok(()) => {
                self.settles.get_or_insert(Instant::now() + GRACE);
                if self.told == Some(self.core.members().count()) {
                    self.settles = Some(Instant::now());
                }
                let Some(seat) = self.core.seat(member) else { return };
                self.follow.took_over(Happening::Joined(seat.user.clone()));
                for media in seat.published() {
                    self.announce(&media);
                    self.follow.took_over(Happening::Published(media));
                }
            }
            Err(why) => {
                let removed = ToMember::Removed(encode_event(&Event::Removed(why)));
                self.tell(member, removed);
                self.depart(member);
            }
        }
    }

    /// Lets the branch of a member know what he has, before he knows it himself: should the group go on elsewhere, he has it
    /// there.
    fn keep(&mut self, member: MemberId) {
        let (branch, local) = BranchId::of(member);
        let Some(seat) = self.core.seat(member) else { return };
        if branch == BranchId::HOME {
            self.site.keep(member, seat);
        } else {
            let stuck = self.branches.tell(branch, &ToBranch::Seat { member: local, seat });
            self.lose_branches(stuck);
        }
    }

    fn welcome(
        &mut self,
        at: Owner,
        has_returned: bool,
        filling: Option<Filling>,
        pipe: Pipe,
        inbox: mpsc::Sender<Message>,
    ) {
        // A process has one branch of a group: an earlier one is over, whether it has said so or not.
        for before in self.branches.of(&at) {
            self.lose_branch(before);
        }
        let branch = self.site.next_branch();
        let joined = self.site.join(&at.node);
        self.branches
            .enter(branch, (at, joined), has_returned, filling, pipe, inbox);
        let published: Vec<_> = self.site.tracks().collect();
        let published = published.into_iter().map(|(track, media, at)| ToBranch::Published {
            track,
            media: media.clone(),
            at: at.clone(),
        });
        let stands = ToBranch::Stands(self.core.standing());
        let closing = self.silent.is_some().then_some(ToBranch::Closing);
        let first: Vec<_> = published.chain([stands]).chain(closing).collect();
        for word in first {
            let stuck = self.branches.tell(branch, &word);
            self.lose_branches(stuck);
        }
        let stuck = self.branches.fill(branch, &self.core);
        self.lose_branches(stuck);
    }

    fn lose_branches(&mut self, branches: impl IntoIterator<Item = BranchId>) {
        branches.into_iter().for_each(|branch| self.lose_branch(branch));
    }

    fn lose_branch(&mut self, branch: BranchId) {
        if self.branches.node_of(branch).is_some() {
            self.branches.leave(branch);
            self.orphans.push_back((Instant::now() + GRACE, branch));
            self.release();
        }
    }

    fn is_orphan(&self, member: MemberId) -> bool {
        let (branch, _) = BranchId::of(member);
        branch != BranchId::HOME && self.branches.node_of(branch).is_none()
    }

    fn members_of(&self, branch: BranchId) -> Vec<MemberId> {
        let all = self.core.members().map(|(member, _)| member);
        all.filter(|&member| BranchId::of(member).0 == branch).collect()
    }

    /// Lets acknowledgements go whose message is everywhere by now.
    fn release(&mut self) {
        while self
            .held
            .front()
            .is_some_and(|held| self.branches.have_heard(&held.until))
            && let Some(Held { member, what, .. }) = self.held.pop_front()
        {
            self.tell(member, what);
        }
    }

    /// The site with what its members have here.
    fn move_out(mut self) -> Site {
        self.branches.go(None);
        self.site.standing = self.core.standing();
        let members: Vec<_> = self.site.members().collect();
        for member in members {
            if let Some(seat) = self.core.seat(member) {
                self.site.keep(member, seat);
            }
        }
        self.site.hesitates = self.yields;
        self.site.kept = self.core.into_kept();
        self.site
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

#[cfg(test)]
mod tests;
