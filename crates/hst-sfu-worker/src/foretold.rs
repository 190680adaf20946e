use std::{
    collections::VecDeque,
    fmt,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use rand::RngCore as _;
use str0m::{crypto, net::Protocol};

use crate::{credentials::Credentials, network::Datagram, remote::Remote};

/// What the answer to a client's first offer will say of ICE, known before there is an offer.
///
/// So a client may send its first check and the first flight of DTLS together with the offer, to each of the addresses:
/// one of them is the room's, and the others stay silent. That saves a round trip.
#[derive(Clone, PartialEq, Eq)]
pub struct Foretold {
    /// The user name fragment (RFC 8445 section 5.3).
    pub ufrag: String,
    /// The password.
    pub password: String,
    /// The addresses of all threads, for media over UDP.
    pub addresses: Vec<SocketAddr>,
}

/// The most addresses that a client is told to try: where there are more, nothing is foretold.
pub(crate) const MAX_ADDRESSES: usize = 16;

/// How long the offer may come after the first check.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many clients may wait for their offers. The next one makes the first of them lose its place; it asks again.
const MAX_CLIENTS: usize = 64;
/// How much is kept for each: two checks, and the first flight of DTLS in as many datagrams. The rest is lost, as any
/// datagram may be.
const MAX_DATAGRAMS: usize = 4;

/// What credentials are foretold by: a secret of the plane, so that each thread knows all of them and keeps none.
#[derive(Clone)]
pub(crate) struct Foretelling {
    key: [u8; 32],
}

impl Foretelling {
    pub(crate) fn new() -> Self {
        let mut key = [0; 32];
        rand::rng().fill_bytes(&mut key);
        Self { key }
    }

    /// The credentials that belong to a name. They tell nothing about those of other names.
    pub(crate) fn credentials(&self, name: u64) -> Credentials {
        Credentials::new(self.ufrag(name), self.secret("password", name))
    }

    /// The credentials with this user name fragment, if it is one that was foretold.
    fn recognise(&self, ufrag: &str) -> Option<Credentials> {
        let name = u64::from_str_radix(ufrag.get(..16)?, 16).ok()?;
        (self.ufrag(name) == ufrag).then(|| self.credentials(name))
    }

    /// 64 bits that nobody can guess, and a password of 160 (RFC 8445 section 5.3 wants 24 and 128).
    fn ufrag(&self, name: u64) -> String {
        format!("{name:016x}{}", &self.secret("ufrag", name)[..16])
    }

    fn secret(&self, purpose: &str, name: u64) -> String {
        let hmac = crypto::from_feature_flags().sha1_hmac_provider;
        let secret = hmac.sha1_hmac(&self.key, &[purpose.as_bytes(), &name.to_be_bytes()]);
        let digits = secret.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
        digits
            .map(|digit| char::from_digit(digit.into(), 16).expect("a digit"))
            .collect()
    }
}

impl fmt::Debug for Foretelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Foretelling").finish_non_exhaustive()
    }
}

impl fmt::Debug for Foretold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Foretold")
            .field("ufrag", &self.ufrag)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

/// Datagrams of clients whose offer has not come yet. Nothing is answered, and nothing kept of whoever was not told
/// what he knows.
#[derive(Debug)]
pub(crate) struct Early {
    foretelling: Foretelling,
    /// The oldest first.
    clients: VecDeque<Client>,
}

#[derive(Debug)]
struct Client {
    ufrag: String,
    source: Remote,
    local_ip: Option<IpAddr>,
    since: Instant,
    datagrams: Vec<Vec<u8>>,
}

impl Early {
    pub(crate) fn new(foretelling: Foretelling) -> Self {
        Self {
            foretelling,
            clients: VecDeque::new(),
        }
    }

    pub(crate) fn credentials(&self, name: u64) -> Credentials {
        self.foretelling.credentials(name)
    }

    /// Keeps what is nobody's yet, if it is a check with foretold credentials or comes from where one has come from.
    pub(crate) fn keep(&mut self, now: Instant, datagram: Datagram<'_>) {
        self.clients.retain(|client| now < client.since + PATIENCE);
        let Datagram {
            source,
            local_ip,
            bytes,
        } = datagram;
        if let Some(client) = self.clients.iter_mut().find(|client| client.source == source) {
            if client.datagrams.len() < MAX_DATAGRAMS {
                client.datagrams.push(bytes.to_vec());
            }
            return;
        }
        // Over TCP nothing is early: a connection takes its time, too.
        if source.protocol != Protocol::Udp {
            return;
        }
        let Some(ufrag) = Credentials::claimed(bytes) else {
            return;
        };
        let known = self.foretelling.recognise(&ufrag);
        if known.is_none_or(|credentials| !credentials.prove(bytes)) {
            return;
        }
        // From another address it is the same client, or one whose secret he has told.
        self.clients.retain(|client| client.ufrag != ufrag);
        if self.clients.len() == MAX_CLIENTS {
            self.clients.pop_front();
        }
        self.clients.push_back(Client {
            ufrag,
            source,
            local_ip,
            since: now,
            datagrams: vec![bytes.to_vec()],
        });
    }

    /// What has come for these credentials, in the order in which it came.
    pub(crate) fn take(&mut self, now: Instant, ufrag: &str) -> Vec<(Remote, Option<IpAddr>, Vec<u8>)> {
        self.clients.retain(|client| now < client.since + PATIENCE);
        let (theirs, others) = std::mem::take(&mut self.clients)
            .into_iter()
            .partition::<VecDeque<_>, _>(|client| client.ufrag == ufrag);
        self.clients = others;
        let datagrams = theirs.into_iter().flat_map(|client| {
            let Client { source, local_ip, .. } = client;
            let datagrams = client.datagrams.into_iter();
            datagrams.map(move |bytes| (source, local_ip, bytes))
        });
        datagrams.collect()
    }
}

#[cfg(test)]
mod tests {
    use str0m::ice::{StunMessage, TransId};

    use super::*;

    fn check(credentials: &Credentials) -> Vec<u8> {
        let hmac = crypto::from_feature_flags().sha1_hmac_provider;
        let ice = credentials.ice();
        let name = format!("{}:theirs", ice.ufrag);
        let check = StunMessage::binding_request(&name, TransId::new(), true, 1, 1, true);
        let mut bytes = vec![0; 256];
        let len = check.to_bytes(Some(ice.pass.as_bytes()), &mut bytes, |key, parts| {
            hmac.sha1_hmac(key, parts)
        });
        bytes.truncate(len.expect("room"));
        bytes
    }

    fn source(client: usize) -> Remote {
        Remote::udp(([192, 0, 2, 1], 5_000 + client as u16).into())
    }

    fn keep(early: &mut Early, now: Instant, client: usize, bytes: &[u8]) {
        let datagram = Datagram {
            source: source(client),
            local_ip: None,
            bytes,
        };
        early.keep(now, datagram);
    }

    #[test]
    fn each_name_has_its_own_secrets_and_each_plane_others() {
        let (one, other) = (Foretelling::new(), Foretelling::new());
        let of = |plane: &Foretelling, name| plane.credentials(name).ice().clone();
        assert_eq!(of(&one, 7), of(&one, 7));
        for different in [of(&one, 8), of(&other, 7)] {
            assert_ne!(of(&one, 7).ufrag[16..], different.ufrag[16..]);
            assert_ne!(of(&one, 7).pass, different.pass);
        }
        assert!(one.recognise(&of(&one, 7).ufrag).is_some());
        for wrong in [&of(&other, 7).ufrag, "", "ä234567890123456", &of(&one, 7).ufrag[..31]] {
            assert!(one.recognise(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn what_came_before_the_offer_is_given_once_and_in_order() {
        let (now, plane) = (Instant::now(), Foretelling::new());
        let mut early = Early::new(plane.clone());
        let theirs = plane.credentials(7);
        let first = check(&theirs);
        keep(&mut early, now, 1, &first);
        (1..9).for_each(|number| keep(&mut early, now, 1, &[22, number]));
        keep(&mut early, now, 2, &check(&plane.credentials(8)));
        let kept = early.take(now, &theirs.ice().ufrag);
        let bytes: Vec<_> = kept.iter().map(|(_, _, bytes)| bytes.clone()).collect();
        assert_eq!(
            bytes,
            [first.clone(), vec![22, 1], vec![22, 2], vec![22, 3]],
            "and no more"
        );
        assert!(kept.iter().all(|(from, _, _)| *from == source(1)));
        assert!(early.take(now, &theirs.ice().ufrag).is_empty());

        keep(&mut early, now, 1, &first);
        assert!(early.take(now + PATIENCE, &theirs.ice().ufrag).is_empty(), "too late");
    }

    #[test]
    fn of_strangers_nothing_is_kept() {
        let (now, plane) = (Instant::now(), Foretelling::new());
        let mut early = Early::new(plane.clone());
        let ufrag = plane.credentials(7).ice().ufrag.clone();
        let guessed = Credentials::new(ufrag, "0".repeat(40));
        for (client, bytes) in [
            check(&guessed),
            check(&Credentials::generate()),
            vec![22; 200],
            vec![],
            vec![0; 20],
        ]
        .iter()
        .enumerate()
        {
            keep(&mut early, now, client, bytes);
        }
        assert!(early.clients.is_empty());
    }

    #[test]
    fn only_so_many_wait_and_the_latest_have_the_places() {
        let (now, plane) = (Instant::now(), Foretelling::new());
        let mut early = Early::new(plane.clone());
        for name in 0..=MAX_CLIENTS {
            keep(&mut early, now, name, &check(&plane.credentials(name as u64)));
        }
        assert_eq!(early.clients.len(), MAX_CLIENTS);
        assert!(early.take(now, &plane.credentials(0).ice().ufrag).is_empty());
        assert_eq!(early.take(now, &plane.credentials(1).ice().ufrag).len(), 1);
    }
}
