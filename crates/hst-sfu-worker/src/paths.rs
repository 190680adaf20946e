//! The paths to a client: ICE as it is for one who is found and never seeks (ICE lite, RFC 8445 section 2.5).

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use str0m::{
    Candidate,
    net::{Protocol, TcpType},
};

use crate::{
    credentials::{Credentials, Sessions},
    remote::Remote,
};
use seen::{Seen, id};

mod seen;

/// From how many addresses a client may speak at a time: of those that are not taken the one goes that was checked the longest ago.
pub(crate) const MAX_PATHS: usize = 8;
/// How many addresses a client may use in a connection's life. One that moves more must connect anew.
pub(crate) const MAX_MOVES: usize = 256;
/// A client that has not checked a path for so long is not there any more: he agrees to being sent to by checking (RFC 7675).
const SILENCE: Duration = Duration::from_secs(15);
/// A path over UDP that was checked within this time is not left for one over TCP, unless the client says so.
const FRESH: Duration = Duration::from_secs(3);

/// All paths of one connection, and which of them is taken.
#[derive(Debug)]
pub(crate) struct Paths {
    pub(crate) sessions: Sessions,
    all: Vec<Path>,
    moves: usize,
    taken: Option<Remote>,
    state: State,
    seen: Seen,
    moved: Option<Move>,
}

/// The last time that another path was taken, at a client's word.
#[derive(Debug)]
struct Move {
    at: Instant,
    from: Remote,
    /// Of the check that said so.
    id: u32,
}

#[derive(Debug)]
struct Path {
    remote: Remote,
    checked_at: Instant,
    /// Whether its last check chose it.
    is_nominated: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The client has not chosen yet.
    New,
    Agreed,
    /// ICE was restarted, and the client has not chosen since; the path of before is taken meanwhile.
    Restarted,
}

/// An address was proved to be the client's.
#[derive(Debug)]
pub(crate) struct Proved {
    /// The one that had to go for it.
    pub(crate) dropped: Option<Remote>,
}

/// What comes of a connectivity check.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) response: Vec<u8>,
    /// Whether the client has chosen a path, for the first time or since a restart.
    pub(crate) is_agreed: bool,
}

impl Paths {
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self {
            sessions: Sessions::new(credentials),
            all: Vec::new(),
            moves: 0,
            taken: None,
            state: State::New,
            seen: Seen::default(),
            moved: None,
        }
    }

    /// Where what is sent goes; `None` before there is any path.
    pub(crate) fn taken(&self) -> Option<Remote> {
        self.taken
    }

    pub(crate) fn addresses(&self) -> impl ExactSizeIterator<Item = Remote> {
        self.all.iter().map(|path| path.remote)
    }

    /// Whether a connectivity check from a new address knows our secret, so that the address may be taken for the
    /// client's, and not for that of somebody who has heard it. An address more than allowed gives back the one that has to go.
    pub(crate) fn prove(&mut self, now: Instant, source: Remote, check: &[u8]) -> Option<Proved> {
        if self.moves >= MAX_MOVES || !self.sessions.current().prove(check) || !self.seen.take(source, id(check)) {
            return None;
        }
        self.moves += 1;
        self.all.retain(|path| path.remote != source);
        let dropped = (self.all.len() >= MAX_PATHS).then(|| self.remove_idlest()).flatten();
        self.all.push(Path {
            remote: source,
            checked_at: now,
            is_nominated: false,
        });
        Some(Proved { dropped })
    }

    /// Takes a connectivity check from a proved address; `None` where it does not know our secret, or another address has sent it
    /// before.
    pub(crate) fn check(&mut self, now: Instant, source: Remote, check: &[u8]) -> Option<Checked> {
        if let Some(response) = self.sessions.respond_as_before(now, source.addr, check) {
            return Some(Checked {
                response: response.bytes,
                is_agreed: false,
            });
        }
        let response = self.sessions.respond(source.addr, check)?;
        let id = id(check);
        let is_copied = !self.seen.take(source, id);
        if is_copied && !self.is_overtaken(now, source, id) {
            return None;
        }
        let mut is_agreed = false;
        if response.leads && self.note(now, source, response.nominates) {
            if response.nominates {
                is_agreed = self.state != State::Agreed;
                self.agree(now, source, id);
                // Who has come back for that does not go again for it.
                self.moved.take_if(|_| is_copied);
            } else if self.taken.is_none() {
                self.taken = Some(source);
            }
        }
        Some(Checked {
            response: response.bytes,
            is_agreed,
        })
    }

    /// The handshake goes on from there: until the client chooses, he is answered where he speaks.
    pub(crate) fn follow(&mut self, source: Remote) {
        if self.state == State::New && self.addresses().any(|address| address == source) {
            self.taken = Some(source);
        }
    }

    /// ICE restarts: `None` if it has been too often.
    pub(crate) fn restart(&mut self, now: Instant) -> Option<()> {
        self.sessions.restart(now)?;
        if self.state == State::Agreed {
            self.state = State::Restarted;
        }
        self.all.iter_mut().for_each(|path| path.is_nominated = false);
        (self.seen, self.moved) = Default::default();
        Some(())
    }

    /// When to call [`is_silent`](Self::is_silent). While ICE is restarted there is another limit.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        let path = self.path(self.taken?).filter(|_| self.state != State::Restarted)?;
        Some(path.checked_at + SILENCE)
    }

    /// Whether the client is silent on all paths; where it is so only on the one that is taken, another one is.
    pub(crate) fn is_silent(&mut self, now: Instant) -> bool {
        if self.wake_at().is_none_or(|at| now < at) {
            return false;
        }
        let alive = self.all.iter().filter(|path| now < path.checked_at + SILENCE);
        let best = alive.max_by_key(|path| (path.is_nominated, path.checked_at));
        self.taken = best.map(|path| path.remote);
        self.taken.is_none()
    }

    fn remove_idlest(&mut self) -> Option<Remote> {
        let places = self.all.iter().enumerate();
        let others = places.filter(|(_, path)| Some(path.remote) != self.taken);
        let (place, _) = others.min_by_key(|(_, path)| path.checked_at)?;
        Some(self.all.remove(place).remote)
    }

    fn path(&self, remote: Remote) -> Option<&Path> {
        self.all.iter().find(|path| path.remote == remote)
    }

    /// Takes note of a check that counts; says whether it came from a proved address.
    fn note(&mut self, now: Instant, source: Remote, nominates: bool) -> bool {
        let path = self.all.iter_mut().find(|path| path.remote == source);
        path.map(|path| (path.checked_at, path.is_nominated) = (now, nominates))
            .is_some()
    }

    /// Whether a copy of this check has led away from where it comes itself, later. Then the copy counts as one.
    fn is_overtaken(&mut self, now: Instant, source: Remote, id: u32) -> bool {
        let is_it = |it: &Move| it.from == source && it.id == id && now < it.at + FRESH;
        let is_overtaken = self.moved.as_ref().is_some_and(is_it);
        if is_overtaken {
            self.seen.give_back(source, id);
        }
        is_overtaken
    }

    /// The client chooses a path. Some choose all that work, and take the best of them: those stay where they are. Others choose the
    /// one that they take, and say so with each check.
    fn agree(&mut self, now: Instant, source: Remote, id: u32) {
        let current = self.taken.and_then(|taken| self.path(taken));
        let is_kept = current.is_some_and(|current| {
            let is_better = current.remote.protocol == Protocol::Udp && source.protocol != Protocol::Udp;
            is_better && current.is_nominated && now < current.checked_at + FRESH
        });
        if !is_kept {
            let before = self.taken.replace(source).filter(|before| *before != source);
            self.moved = before.map(|from| Move { at: now, from, id }).or(self.moved.take());
        }
        self.state = State::Agreed;
        self.sessions.settle();
    }
}

/// Our candidates as an answer says them, a line each.
///
/// # Errors
/// One of the addresses cannot be one.
pub(crate) fn candidates(advertise: &[IpAddr], port: u16) -> io::Result<Arc<str>> {
    let addresses = advertise.iter().map(|&ip| SocketAddr::new(ip, port));
    let of = |addr| {
        // The browser connects (RFC 6544 section 4.5), and prefers UDP where that gets through.
        let tcp = Candidate::builder().tcp().host(addr).tcptype(TcpType::Passive);
        [Candidate::host(addr, "udp"), tcp.build()]
    };
    let line = |candidate: Result<Candidate, _>| Ok(format!("a={}\r\n", candidate?.to_sdp_string()));
    let lines: Result<String, str0m::error::IceError> = addresses.flat_map(of).map(line).collect();
    Ok(lines.map_err(io::Error::other)?.into())
}

#[cfg(test)]
mod tests {
    use std::slice;

    use str0m::{
        crypto,
        ice::{StunMessage, TransId},
    };

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    struct Client {
        now: Instant,
        paths: Paths,
    }

    fn udp(port: u16) -> Remote {
        Remote::udp(([192, 0, 2, 1], port).into())
    }

    fn tcp(port: u16) -> Remote {
        Remote::tcp(([192, 0, 2, 1], port).into())
    }

    impl Client {
        fn new() -> Self {
            Self {
                now: Instant::now(),
                paths: Paths::new(Credentials::generate()),
            }
        }

        fn check(&self, leads: bool, nominates: bool) -> Vec<u8> {
            let hmac = crypto::from_feature_flags().sha1_hmac_provider;
            let ice = self.paths.sessions.current().ice();
            let name = format!("{}:theirs", ice.ufrag);
            let check = StunMessage::binding_request(&name, TransId::new(), leads, 1, 1, nominates);
            let mut bytes = vec![0; 256];
            let sign = |key: &[u8], parts: &[&[u8]]| hmac.sha1_hmac(key, parts);
            let len = check.to_bytes(Some(ice.pass.as_bytes()), &mut bytes, sign);
            bytes.truncate(len.expect("room"));
            bytes
        }

        /// A check comes from there; says where the path leads then.
        fn checks(&mut self, from: Remote, nominates: bool) -> Option<Remote> {
            let check = self.check(true, nominates);
            if !self.paths.addresses().any(|address| address == from) {
                self.paths.prove(self.now, from, &check).expect("its own check");
            }
            self.paths.check(self.now, from, &check).expect("a response");
            self.paths.taken()
        }
    }

    #[test]
    fn a_client_is_answered_where_it_speaks_until_it_chooses() {
        let mut client = Client::new();
        client.paths.follow(udp(1));
        assert_eq!(client.paths.taken(), None, "nobody has proved that it is there");
        assert_eq!(client.checks(udp(1), false), Some(udp(1)));
        assert_eq!(client.checks(udp(2), false), Some(udp(1)));
        client.paths.follow(udp(2));
        assert_eq!(client.paths.taken(), Some(udp(2)));
        assert_eq!(client.checks(udp(1), true), Some(udp(1)));
        client.paths.follow(udp(2));
        assert_eq!(client.paths.taken(), Some(udp(1)), "it has chosen");
    }

    #[test]
    fn what_is_chosen_last_is_taken_but_tcp_only_where_udp_is_left() {
        let mut client = Client::new();
        assert_eq!(client.checks(tcp(1), true), Some(tcp(1)));
        assert_eq!(client.checks(udp(1), true), Some(udp(1)));
        // It chooses all that work.
        assert_eq!(client.checks(tcp(1), true), Some(udp(1)));
        assert_eq!(client.checks(udp(2), true), Some(udp(2)));
        // It says itself that it does not take that any more.
        assert_eq!(client.checks(udp(2), false), Some(udp(2)));
        assert_eq!(client.checks(tcp(1), true), Some(tcp(1)));
        assert_eq!(client.checks(udp(2), true), Some(udp(2)));
        // Nothing comes that way.
        client.now += FRESH;
        assert_eq!(client.checks(tcp(1), true), Some(tcp(1)));
    }

    #[test]
    fn who_does_not_lead_hears_so_and_chooses_nothing() {
        let mut client = Client::new();
        client.checks(udp(1), true);
        let check = client.check(false, true);
        client
            .paths
            .prove(client.now, udp(2), &check)
            .expect("it knows the secret");
        let checked = client.paths.check(client.now, udp(2), &check).expect("a response");
        let response = StunMessage::parse(&checked.response).expect("well-formed");
        assert_eq!(response.error_code().map(|(code, _)| code), Some(487));
        assert_eq!((client.paths.taken(), checked.is_agreed), (Some(udp(1)), false));
    }

    #[test]
    fn n5_silence_on_the_path_that_is_taken_leads_to_another_and_on_all_of_them_to_the_end() {
        let mut client = Client::new();
        client.checks(udp(1), true);
        client.now += 10 * SECOND;
        client.checks(udp(2), false);
        client.now += 5 * SECOND;
        assert_eq!(client.paths.wake_at(), Some(client.now));
        assert!(!client.paths.is_silent(client.now));
        assert_eq!(client.paths.taken(), Some(udp(2)));
        assert_eq!(client.paths.wake_at(), Some(client.now + 10 * SECOND));
        client.now += 10 * SECOND;
        assert!(client.paths.is_silent(client.now));
    }

    #[test]
    fn n5_who_never_chooses_is_missed_all_the_same() {
        let mut client = Client::new();
        assert_eq!(client.paths.wake_at(), None, "nobody is there yet");
        client.checks(udp(1), false);
        client.now += SILENCE;
        assert!(client.paths.is_silent(client.now));
    }

    #[test]
    fn a_restart_goes_on_over_the_path_of_before_until_another_is_chosen() {
        let mut client = Client::new();
        client.checks(udp(1), true);
        client.paths.restart(client.now).expect("the first");
        client.now += 2 * SILENCE;
        assert!(!client.paths.is_silent(client.now), "there is another limit for that");
        assert_eq!(client.checks(udp(2), false), Some(udp(1)));
        let check = client.check(true, true);
        let agreed = [1, 2].map(|_| {
            client
                .paths
                .check(client.now, udp(2), &check)
                .expect("a response")
                .is_agreed
        });
        assert_eq!((client.paths.taken(), agreed), (Some(udp(2)), [true, false]));
    }

    #[test]
    fn n9_of_too_many_addresses_the_idlest_goes_and_never_the_one_that_is_taken() {
        let mut client = Client::new();
        client.checks(udp(0), true);
        for port in 1..MAX_PATHS as u16 {
            client.now += SECOND;
            client.checks(udp(port), false);
        }
        client.now += SECOND;
        client.checks(udp(1), false);
        let check = client.check(true, false);
        let proved = client.paths.prove(client.now, udp(99), &check).expect("one more");
        assert_eq!(proved.dropped, Some(udp(2)));
        assert_eq!(client.paths.addresses().len(), MAX_PATHS);
        let again = client.paths.prove(client.now, udp(99), &check).expect("once more");
        assert_eq!((again.dropped, client.paths.addresses().len()), (None, MAX_PATHS));
    }

    #[test]
    fn candidates_are_those_of_udp_and_of_tcp() {
        let lines = candidates(slice::from_ref(&[203, 0, 113, 7].into()), 7881).expect("an ordinary address");
        let ends = [
            " 203.0.113.7 7881 typ host",
            " 203.0.113.7 7881 typ host tcptype passive",
        ];
        assert!(
            lines.lines().zip(ends).all(|(line, end)| line.ends_with(end)),
            "{lines}"
        );
        assert_eq!(lines.lines().count(), 2);
        assert!(candidates(&[[0, 0, 0, 0].into()], 7881).is_err());
    }
}
