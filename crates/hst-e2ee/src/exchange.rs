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
/// How many public keys are remembered that are of no use any more; the one that came first is forgotten for the next.
const MAX_DROPPED: usize = 4096;
/// How many letters are kept of users who are not said to be here yet: further ones are left out.
const MAX_EARLY: usize = 64;
/// The bytes of a point of P-256, neither of whose coordinates is left out.
const POINT_LEN: usize = 65;
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
/// The server could pretend to be a member towards another one. Then their safety numbers differ, as long as it does.
pub struct KeyExchange {
    group: String,
    user: String,
    private: PrivateKey,
    public: Vec<u8>,
    /// All other members, whether they have introduced themselves or not.
    members: BTreeSet<String>,
    /// Those who have.
    others: BTreeMap<String, Other>,
    /// The public keys of those who have left. Nobody comes with one of them again but who repeats old letters.
    dropped: VecDeque<Vec<u8>>,
    /// What users wrote who are about to be here: word of them may come later than their letters.
    early: BTreeMap<String, Letter>,
    /// Counts the keys of one's own.
    number: u64,
    secret: [u8; 32],
    errands: VecDeque<Errand>,
}

/// A member who has introduced himself.
struct Other {
    /// His public key, which is the same one for as long as he stays.
    public: Vec<u8>,
    /// The number of the newest key that he gave.
    newest: Option<u64>,
    /// Whether he may have left and come again, with another public key, while nobody was looking.
    may_differ: bool,
}

impl fmt::Debug for KeyExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyExchange")
            .field("group", &self.group)
            .field("user", &self.user)
            .field("others", &self.others.keys())
            .field("number", &self.number)
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
            dropped: VecDeque::new(),
            early: BTreeMap::new(),
            number: 0,
            secret: random(),
            errands: VecDeque::new(),
        }
    }

    /// The key to begin with.
    pub fn key(&self) -> (u8, GroupKey) {
        (id_of(self.number), key_of(&self.secret))
    }

    /// What is to be done next.
    pub fn poll_errand(&mut self) -> Option<Errand> {
        self.errands.pop_front()
    }

    /// The group is joined, and these are the others.
    pub fn handle_members(&mut self, members: impl IntoIterator<Item = String>) {
        members.into_iter().for_each(|user| self.handle_joined(&user));
        self.introduce();
    }

    /// The group is joined once more, and the others saw this member leave: to them he is a new one, so he begins as one,
    /// with keys of which they know nothing. [`introduce`](Self::introduce) follows when it is known who is here.
    pub fn begin_anew(&mut self) {
        let Self { others, errands, .. } = self;
        errands.extend(std::mem::take(others).into_keys().map(Errand::Forget));
        *self = Self {
            members: std::mem::take(&mut self.members),
            errands: std::mem::take(&mut self.errands),
            ..Self::new(&self.group, &self.user)
        };
        let (id, key) = self.key();
        self.errands.push_back(Errand::SetKey(id, key));
    }

    /// What happened for a while is lost: anybody may have left and come again. [`introduce`](Self::introduce) follows
    /// when it is known who is here.
    pub fn lose_sight(&mut self) {
        self.others.values_mut().for_each(|other| other.may_differ = true);
    }

    /// Letters may have been lost: introduces itself again to all who are here.
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
        if user == self.user {
            return;
        }
        self.members.insert(user.to_owned());
        if let Some(letter) = self.early.remove(user) {
            self.handle_letter(user, &letter);
        }
    }

    /// Somebody has left.
    pub fn handle_left(&mut self, user: &str) {
        self.members.remove(user);
        self.early.remove(user);
        if self.others.contains_key(user) {
            self.drop(user);
            self.renew();
            self.tell();
        }
    }

    /// Somebody has written. Left out is what is no letter, what is no member's, what is said to be one's own, and what
    /// has another public key than this member had before.
    pub fn handle_letter(&mut self, user: &str, letter: &Letter) {
        if !self.members.contains(user) {
            return self.keep_early(user, letter);
        }
        let Some(theirs) = BASE64.decode(&letter.public).ok().filter(|key| key.len() == POINT_LEN) else {
            return;
        };
        let known = self.others.get(user);
        let is_new = known.is_none_or(|other| other.public != theirs);
        if is_new && (self.dropped.contains(&theirs) || known.is_some_and(|other| !other.may_differ)) {
            return;
        }
        // Whose key is no point of the curve is nobody.
        let Some(ours) = self.between(user, &self.user, &theirs) else {
            return;
        };
        let mut opened = None;
        if let Some(wrapped) = letter.keys.get(&self.user) {
            opened = letter
                .id
                .and_then(|number| Some((number, unwrap(&ours, number, &BASE64.decode(wrapped).ok()?)?)));
            if opened.is_none() {
                return;
            }
        }
        let brings_key = opened.is_some();
        if is_new {
            self.drop(user);
        }
        let other = self.others.entry(user.to_owned()).or_insert(Other {
            public: theirs,
            newest: None,
            may_differ: false,
        });
        other.may_differ = false;
        if let Some((number, key)) = opened
            && other.newest.is_none_or(|newest| number > newest)
        {
            other.newest = Some(number);
            let errand = Errand::SetKeyOf(user.to_owned(), id_of(number), key);
            self.errands.push_back(errand);
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

    fn keep_early(&mut self, user: &str, letter: &Letter) {
        let has_room = self.early.len() < MAX_EARLY || self.early.contains_key(user);
        if has_room && user != self.user {
            self.early.insert(user.to_owned(), letter.clone());
        }
    }

    /// Another key for all that is sent from now on.
    fn renew(&mut self) {
        self.number += 1;
        self.secret = random();
        let others: Vec<_> = self.others.keys().cloned().collect();
        self.give(&others);
        self.errands
            .push_back(Errand::SetKey(id_of(self.number), key_of(&self.secret)));
    }

    fn give(&mut self, users: &[String]) {
        for some in users.chunks(MAX_KEYS) {
            let wrapped = some.iter().filter_map(|user| {
                let key = self.between(&self.user, user, &self.others.get(user)?.public)?;
                Some((user.clone(), BASE64.encode(wrap(&key, self.number, &self.secret))))
            });
            let letter = Letter {
                public: BASE64.encode(&self.public),
                id: Some(self.number),
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
        if let Some(other) = self.others.remove(user) {
            if self.dropped.len() == MAX_DROPPED {
                self.dropped.pop_front();
            }
            self.dropped.push_back(other.public);
            self.errands.push_back(Errand::Forget(user.to_owned()));
        }
    }

    fn tell(&mut self) {
        let mut all: BTreeMap<_, _> = self.others.iter().map(|(user, other)| (user, &other.public)).collect();
        all.insert(&self.user, &self.public);
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
fn wrap(key: &LessSafeKey, number: u64, secret: &[u8; 32]) -> Vec<u8> {
    let nonce: [u8; NONCE_LEN] = random();
    let mut body = secret.to_vec();
    key.seal_in_place_append_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::from(number.to_be_bytes()),
        &mut body,
    )
    .expect("32 bytes are within the limit of the cipher");
    [&nonce[..], &body].concat()
}

fn unwrap(key: &LessSafeKey, number: u64, wrapped: &[u8]) -> Option<GroupKey> {
    let (nonce, body) = wrapped.split_first_chunk::<NONCE_LEN>()?;
    let mut body = body.to_vec();
    let opened = key.open_in_place(
        Nonce::assume_unique_for_key(*nonce),
        Aad::from(number.to_be_bytes()),
        &mut body,
    );
    GroupKey::from_bytes(opened.ok()?).ok()
}

/// The number of a key among frames, which have less room for it than letters.
fn id_of(number: u64) -> u8 {
    number as u8
}

fn key_of(secret: &[u8; 32]) -> GroupKey {
    GroupKey::from_bytes(secret).expect("32 bytes are enough")
}

fn random<const LEN: usize>() -> [u8; LEN] {
    let mut bytes = [0; LEN];
    rand::fill(&mut bytes).expect("the system gives random numbers");
    bytes
}
