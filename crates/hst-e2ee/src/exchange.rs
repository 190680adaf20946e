use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    digest::{SHA512, digest},
    rand,
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use crate::{GroupKey, Letter, sframe::hkdf};

/// The most members that one letter has keys for: so many fit into a message.
pub const MAX_KEYS: usize = 48;
/// A safety number has so many groups of five digits.
const DIGIT_GROUPS: usize = 12;

/// What an exchange wants to be done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever drives an exchange must do all of it")]
pub enum Errand {
    /// Send a letter to these members.
    Send(Vec<String>, Letter),
    /// Encrypt under this key, once the letters before it have gone out, whether or not they came through.
    SetKey(u8, GroupKey),
    /// Decrypt what a member sends under this key of his.
    SetKeyOf(String, u8, GroupKey),
    /// Decrypt nothing any more that was encrypted under keys of this member.
    Forget(String),
    /// Tell what all members see alike, if nobody stands between them: 60 digits.
    Tell(String),
}

/// Gives each member of a group a key of his own under which he sends, and each other member that key, in letters that
/// the server carries and cannot read. Whoever comes or goes makes everybody take another key.
///
/// The server could pretend to be a member towards another one. Then their safety numbers differ.
pub struct KeyExchange {
    group: String,
    user: String,
    private: PrivateKey,
    public: Vec<u8>,
    /// All other members, whether they have introduced themselves or not.
    members: BTreeSet<String>,
    /// The public keys of those who have.
    others: BTreeMap<String, Vec<u8>>,
    id: u8,
    secret: [u8; 32],
    errands: VecDeque<Errand>,
}

impl fmt::Debug for KeyExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyExchange")
            .field("group", &self.group)
            .field("user", &self.user)
            .field("others", &self.others.keys())
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl KeyExchange {
    /// Of a user in a group, with keys that nobody else has.
    ///
    /// # Panics
    /// When the system gives no random numbers, without which nothing can be encrypted.
    pub fn new(group: &str, user: &str) -> Self {
        let private = PrivateKey::generate(&ECDH_P256).expect("the system gives random numbers");
        let public = private.compute_public_key().expect("a key of P-256 has a public one");
        Self {
            group: group.to_owned(),
            user: user.to_owned(),
            public: public.as_ref().to_vec(),
            private,
            members: BTreeSet::new(),
            others: BTreeMap::new(),
            id: 0,
            secret: random(),
            errands: VecDeque::new(),
        }
    }

    /// The key to begin with.
    pub fn key(&self) -> (u8, GroupKey) {
        (self.id, key_of(&self.secret))
    }

    /// What is to be done next.
    pub fn poll_errand(&mut self) -> Option<Errand> {
        self.errands.pop_front()
    }

    /// The group is joined, and these are the others.
    pub fn handle_members(&mut self, members: impl IntoIterator<Item = String>) {
        self.members = members.into_iter().collect();
        let gone: Vec<_> = self
            .others
            .keys()
            .filter(|user| !self.members.contains(*user))
            .cloned()
            .collect();
        gone.into_iter().for_each(|user| self.drop(&user));
        self.introduce();
    }

    /// Letters may have been lost: introduces itself again to all who are there.
    pub fn introduce(&mut self) {
        let letter = Letter {
            public: BASE64.encode(&self.public),
            ..Letter::default()
        };
        let members: Vec<_> = self.members.iter().cloned().collect();
        for some in members.chunks(MAX_KEYS) {
            self.errands.push_back(Errand::Send(some.to_vec(), letter.clone()));
        }
        self.tell();
    }

    /// Somebody has come, who will introduce himself.
    pub fn handle_joined(&mut self, user: &str) {
        self.members.insert(user.to_owned());
    }

    /// Somebody has left.
    pub fn handle_left(&mut self, user: &str) {
        self.members.remove(user);
        if self.others.contains_key(user) {
            self.drop(user);
            self.renew();
            self.tell();
        }
    }

    /// A member has written. What is no letter is left out.
    pub fn handle_letter(&mut self, user: &str, letter: &Letter) {
        let Ok(theirs) = BASE64.decode(&letter.public) else {
            return;
        };
        // Whose key is no point of the curve is nobody.
        let Some(ours) = self.between(user, &self.user, &theirs) else {
            return;
        };
        let is_new = self.others.get(user) != Some(&theirs);
        let mut opened = None;
        if let Some(wrapped) = letter.keys.get(&self.user) {
            opened = letter
                .id
                .and_then(|id| Some((id, unwrap(&ours, id, &BASE64.decode(wrapped).ok()?)?)));
            if opened.is_none() {
                return;
            }
        }
        if is_new {
            self.drop(user);
            self.others.insert(user.to_owned(), theirs);
        }
        let brings_key = opened.is_some();
        if let Some((id, key)) = opened {
            self.errands.push_back(Errand::SetKeyOf(user.to_owned(), id, key));
        }
        // Who comes gets a key that nothing was sent under; who has only lost sight of us gets the present one again.
        if is_new && !brings_key {
            self.renew();
        } else if is_new || !brings_key {
            self.give(&[user.to_owned()]);
        }
        if is_new {
            self.tell();
        }
    }

    /// Another key for all that is sent from now on.
    fn renew(&mut self) {
        self.id = self.id.wrapping_add(1);
        self.secret = random();
        let others: Vec<_> = self.others.keys().cloned().collect();
        self.give(&others);
        self.errands.push_back(Errand::SetKey(self.id, key_of(&self.secret)));
    }

    fn give(&mut self, users: &[String]) {
        for some in users.chunks(MAX_KEYS) {
            let wrapped = some.iter().filter_map(|user| {
                let key = self.between(&self.user, user, self.others.get(user)?)?;
                Some((user.clone(), BASE64.encode(wrap(&key, self.id, &self.secret))))
            });
            let letter = Letter {
                public: BASE64.encode(&self.public),
                id: Some(self.id),
                keys: wrapped.collect(),
            };
            self.errands.push_back(Errand::Send(some.to_vec(), letter));
        }
    }

    /// What is known to two members alone, for what one sends to the other, one of whom has the public key `theirs`.
    fn between(&self, from: &str, to: &str, theirs: &[u8]) -> Option<LessSafeKey> {
        let (first, second) = if from == self.user {
            (&self.public[..], theirs)
        } else {
            (theirs, &self.public[..])
        };
        let [first, second] = [first, second].map(|public| BASE64.encode(public));
        let info = format!("hst-e2ee 1 wrap {}/{from}/{to}/{first}/{second}", self.group);
        let key = agree(
            &self.private,
            UnparsedPublicKey::new(&ECDH_P256, theirs),
            (),
            |shared| Ok(hkdf::<32>(shared, info.as_bytes())),
        );
        let key = UnboundKey::new(&AES_256_GCM, &key.ok()?).expect("the key has the length of the cipher's");
        Some(LessSafeKey::new(key))
    }

    fn drop(&mut self, user: &str) {
        if self.others.remove(user).is_some() {
            self.errands.push_back(Errand::Forget(user.to_owned()));
        }
    }

    fn tell(&mut self) {
        let mut all = self.others.clone();
        all.insert(self.user.clone(), self.public.clone());
        let lines = all
            .iter()
            .map(|(user, public)| format!("{user}/{}\n", BASE64.encode(public)));
        let text = format!("hst-e2ee 1 safety {}\n{}", self.group, lines.collect::<String>());
        let hash = digest(&SHA512, text.as_bytes());
        let five = hash.as_ref().chunks(5).take(DIGIT_GROUPS);
        let numbers = five.map(|bytes| bytes.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)));
        let digits: Vec<_> = numbers.map(|number| format!("{:05}", number % 100_000)).collect();
        self.errands.push_back(Errand::Tell(digits.join(" ")));
    }
}

/// A nonce, and what it encrypts with the number of the key under the same seal.
fn wrap(key: &LessSafeKey, id: u8, secret: &[u8; 32]) -> Vec<u8> {
    let nonce: [u8; NONCE_LEN] = random();
    let mut body = secret.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from([id]), &mut body)
        .expect("32 bytes are within the limit of the cipher");
    [&nonce[..], &body].concat()
}

fn unwrap(key: &LessSafeKey, id: u8, wrapped: &[u8]) -> Option<GroupKey> {
    let (nonce, body) = wrapped.split_first_chunk::<NONCE_LEN>()?;
    let mut body = body.to_vec();
    let opened = key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from([id]), &mut body);
    GroupKey::from_bytes(opened.ok()?).ok()
}

fn key_of(secret: &[u8; 32]) -> GroupKey {
    GroupKey::from_bytes(secret).expect("32 bytes are enough")
}

fn random<const LEN: usize>() -> [u8; LEN] {
    let mut bytes = [0; LEN];
    rand::fill(&mut bytes).expect("the system gives random numbers");
    bytes
}
