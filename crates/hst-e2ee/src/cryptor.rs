use std::{
    collections::{HashMap, VecDeque},
    fmt,
};

use aws_lc_rs::rand;

use crate::{Codec, GroupKey, Header, KeyRing, OpenError, ReplayWindow, SealError, SframeKey};

/// How many keys of other senders are at hand. When there are more, the one that came first is derived again when it is
/// needed, and what was seen under it may be seen once more.
pub const MAX_SENDERS: usize = 4096;

/// One life of a sender: whoever comes again has another, so that his counter may begin at 0 again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session(u64);

impl Session {
    const BITS: u32 = 48;

    /// A new one, which nobody else has.
    ///
    /// # Panics
    /// When the system gives no random numbers, without which nothing can be encrypted.
    pub fn random() -> Self {
        let mut bytes = [0; 8];
        rand::fill(&mut bytes[2..]).expect("the system gives random numbers");
        Self(u64::from_be_bytes(bytes))
    }

    /// The lowest 48 bits of a number, for tests that need to know what they encrypt.
    pub fn fixed(number: u64) -> Self {
        Self(number & ((1 << Self::BITS) - 1))
    }

    /// The number of the session's key under a key of the group.
    fn kid(self, id: u8) -> u64 {
        self.0 << u8::BITS | u64::from(id)
    }
}

/// Encrypts what one member of a group sends, and decrypts what the others send.
pub struct FrameCryptor {
    group: String,
    user: String,
    session: Session,
    /// Over all keys and all media, so that no key ever sees a number twice.
    counter: u64,
    /// Those that one sends under; where there is no exchange, everybody does.
    keys: KeyRing,
    /// In an exchange, where everybody sends under keys of his own: those of the others.
    keys_of: Option<HashMap<String, KeyRing>>,
    sealing: Option<SframeKey>,
    senders: HashMap<(String, u64), Sender>,
    /// In the order in which they came.
    order: VecDeque<(String, u64)>,
}

/// One life of somebody else, under one key of the group.
struct Sender {
    key: SframeKey,
    seen: ReplayWindow,
}

impl fmt::Debug for FrameCryptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameCryptor")
            .field("group", &self.group)
            .field("user", &self.user)
            .field("key", &self.keys.current().map(|(id, _)| id))
            .finish_non_exhaustive()
    }
}

impl FrameCryptor {
    /// Of a user in a group whose members share one key; it has none yet.
    pub fn new(group: &str, user: &str, session: Session) -> Self {
        Self {
            group: group.to_owned(),
            user: user.to_owned(),
            session,
            counter: 0,
            keys: KeyRing::default(),
            keys_of: None,
            sealing: None,
            senders: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Of a user in a group where each member sends under keys of his own, and nobody is read whose keys are not here.
    pub fn in_exchange(group: &str, user: &str, session: Session) -> Self {
        Self {
            keys_of: Some(HashMap::new()),
            ..Self::new(group, user, session)
        }
    }

    /// The number of the key in use, and the key.
    pub fn key(&self) -> Option<(u8, &GroupKey)> {
        self.keys.current()
    }

    /// Puts a key to use: what is sent from now on is encrypted under it, and where members share their keys, what comes
    /// is decrypted under it and the few before it.
    pub fn set_key(&mut self, id: u8, key: GroupKey) {
        if self.keys.current() == Some((id, &key)) {
            return;
        }
        self.sealing = Some(key.of_sender(&self.group, &self.user, self.session.kid(id)));
        self.keys.set(id, key);
        if self.keys_of.is_none() {
            self.forget_derived(id, |_| true);
        }
    }

    /// Puts a key of one member of an exchange to use, under which he alone sends. Where members share their keys, nobody
    /// has such a one.
    pub fn set_key_of(&mut self, user: &str, id: u8, key: GroupKey) {
        let Some(keys_of) = &mut self.keys_of else { return };
        let ring = keys_of.entry(user.to_owned()).or_default();
        // What was seen under it was seen.
        if ring.current() == Some((id, &key)) {
            return;
        }
        ring.set(id, key);
        self.forget_derived(id, |other| other == user);
    }

    /// Decrypts nothing any more of a member of an exchange.
    pub fn forget(&mut self, user: &str) {
        if let Some(keys_of) = &mut self.keys_of {
            keys_of.remove(user);
            self.senders.retain(|(of, _), _| of != user);
            self.order.retain(|(of, _)| of != user);
        }
    }

    /// Forgets what was derived of a key that is gone, or of another one of the same number, for these users.
    fn forget_derived(&mut self, id: u8, concerns: impl Fn(&str) -> bool) {
        let Self { keys, keys_of, .. } = self;
        let is_valid = |(user, kid): &(String, u64)| {
            let known = *kid as u8;
            let ring = keys_of.as_ref().map_or(Some(&*keys), |keys_of| keys_of.get(user));
            !concerns(user) || (known != id && ring.is_some_and(|ring| ring.contains(known)))
        };
        self.senders.retain(|name, _| is_valid(name));
        self.order.retain(is_valid);
    }

    /// Those that a user sends under, if any are known.
    fn ring_of(&self, user: &str) -> Option<&KeyRing> {
        match &self.keys_of {
            Some(keys_of) => keys_of.get(user),
            None => Some(&self.keys),
        }
    }

    /// Goes on to the key that everybody makes of the present one, and tells its number. Others follow when they see a
    /// frame under it; whoever comes with the new key cannot read what was sent before.
    ///
    /// # Errors
    /// [`SealError::NoKey`].
    pub fn ratchet(&mut self) -> Result<u8, SealError> {
        let (id, key) = self.keys.current().ok_or(SealError::NoKey)?;
        let (next, key) = (id.wrapping_add(1), key.ratcheted());
        self.set_key(next, key);
        Ok(next)
    }

    /// Encrypts a frame.
    ///
    /// # Errors
    /// [`SealError`]; the frame must not be sent then.
    pub fn seal(&mut self, codec: Codec, frame: &[u8]) -> Result<Vec<u8>, SealError> {
        let key = self.sealing.as_ref().ok_or(SealError::NoKey)?;
        let (mut sealed, body) = codec.split(frame).ok_or(SealError::WrongCodec)?;
        let mut encrypted = key.seal(self.counter, &sealed, body).ok_or(SealError::Cipher)?;
        self.counter += 1;
        sealed.append(&mut encrypted);
        Ok(sealed)
    }

    /// Decrypts a frame that is said to be of `user`.
    ///
    /// # Errors
    /// [`OpenError`]; the frame must not be shown then.
    pub fn open(&mut self, user: &str, codec: Codec, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (prefix, rest) = codec.split_sealed(sealed).ok_or(OpenError::Malformed)?;
        let (Header { kid, ctr }, body) = Header::decode(rest)?;
        if kid >> (u8::BITS + Session::BITS) != 0 {
            return Err(OpenError::Malformed);
        }
        let name = (user.to_owned(), kid);
        let opened = match self.senders.get_mut(&name) {
            Some(sender) => sender.open(ctr, prefix, body)?,
            None => self.meet(name, ctr, prefix, body)?,
        };
        Ok(codec.join(prefix, &opened))
    }

    /// The first frame of a sender under a key. Only one that is genuine leaves anything behind.
    fn meet(&mut self, name: (String, u64), ctr: u64, prefix: &[u8], body: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (user, kid) = &name;
        let id = *kid as u8;
        let ring = self.ring_of(user).ok_or(OpenError::UnknownKey(id))?;
        let group_key = ring.find(id).ok_or(OpenError::UnknownKey(id))?;
        let is_kept = ring.contains(id);
        let mut sender = Sender {
            key: group_key.of_sender(&self.group, user, *kid),
            seen: ReplayWindow::default(),
        };
        let opened = sender.open(ctr, prefix, body).map_err(|error| match error {
            // One that was only guessed by ratcheting is none.
            OpenError::Forged if !is_kept => OpenError::UnknownKey(id),
            other => other,
        })?;
        if !is_kept {
            match self.keys_of {
                Some(_) => self.set_key_of(user, id, group_key),
                None => self.set_key(id, group_key),
            }
        }
        if self.order.len() == MAX_SENDERS
            && let Some(first) = self.order.pop_front()
        {
            self.senders.remove(&first);
        }
        self.order.push_back(name.clone());
        self.senders.insert(name, sender);
        Ok(opened)
    }
}

impl Sender {
    fn open(&mut self, ctr: u64, prefix: &[u8], body: &[u8]) -> Result<Vec<u8>, OpenError> {
        if !self.seen.is_fresh(ctr) {
            return Err(OpenError::Replayed);
        }
        let opened = self.key.open(ctr, prefix, body)?;
        self.seen.take(ctr);
        Ok(opened)
    }
}
