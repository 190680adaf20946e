use std::{
    net::{IpAddr, SocketAddr},
    panic::{self, AssertUnwindSafe},
};

use rtc_stun::{
    attributes::{ATTR_ERROR_CODE, ATTR_MESSAGE_INTEGRITY, AttrType, RawAttribute},
    integrity::MessageIntegrity,
    message::{
        CLASS_ERROR_RESPONSE, CLASS_INDICATION, CLASS_REQUEST, CLASS_SUCCESS_RESPONSE, MAGIC_COOKIE, Message,
        MessageClass, MessageType, Method, Setter, TransactionId,
    },
};

use crate::crypto::crypto;

const HEADER: usize = 20;

/// A STUN message that has come, well-formed as a whole.
#[derive(Debug)]
pub(crate) struct Request {
    message: Message,
    /// How many of its attributes its signature covers; all, when there is none.
    covered: usize,
}

/// A STUN message to send.
#[derive(Debug)]
pub(crate) struct Reply(Message);

impl Request {
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        // Attributes are whole words, and nothing is behind the message.
        let len = bytes.get(2..4)?;
        let len = usize::from(u16::from_be_bytes([len[0], len[1]]));
        if bytes.len() != HEADER + len || len % 4 != 0 {
            return None;
        }
        // The parser is not ours, and these bytes are anybody's.
        let parsed = panic::catch_unwind(|| {
            let mut message = Message::new();
            message.unmarshal_binary(bytes).ok().map(|()| message)
        });
        let message = parsed.ok()??;
        let attributes = &message.attributes.0;
        let signature = attributes.iter().position(|it| it.typ == ATTR_MESSAGE_INTEGRITY);
        let covered = signature.unwrap_or(attributes.len());
        Some(Self { message, covered })
    }

    pub(crate) fn is_request(&self) -> bool {
        self.message.typ.class == CLASS_REQUEST
    }

    pub(crate) fn is_success(&self) -> bool {
        self.message.typ.class == CLASS_SUCCESS_RESPONSE
    }

    /// The code of a failure.
    pub(crate) fn error(&self) -> Option<u16> {
        let &[_, _, hundreds, rest, ..] = self.attribute(ATTR_ERROR_CODE)? else {
            return None;
        };
        let is_error = self.message.typ.class == CLASS_ERROR_RESPONSE;
        is_error.then_some(u16::from(hundreds & 7) * 100 + u16::from(rest))
    }

    pub(crate) fn is_indication(&self) -> bool {
        self.message.typ.class == CLASS_INDICATION
    }

    pub(crate) fn method(&self) -> Method {
        self.message.typ.method
    }

    pub(crate) fn transaction(&self) -> TransactionId {
        self.message.transaction_id
    }

    pub(crate) fn has_signature(&self) -> bool {
        self.covered < self.message.attributes.0.len()
    }

    /// Whether it was signed with this key.
    pub(crate) fn is_signed_with(&mut self, key: &[u8]) -> bool {
        let message = &mut self.message;
        let check = || MessageIntegrity::check(message, key, crypto()).is_ok();
        panic::catch_unwind(AssertUnwindSafe(check)).unwrap_or(false)
    }

    /// What the signature covers. The rest may have been added by anybody on the way.
    fn attributes(&self) -> &[RawAttribute] {
        &self.message.attributes.0[..self.covered]
    }

    pub(crate) fn attribute(&self, kind: AttrType) -> Option<&[u8]> {
        let mut attributes = self.attributes().iter();
        attributes.find(|it| it.typ == kind).map(|it| &it.value[..])
    }

    pub(crate) fn text(&self, kind: AttrType) -> Option<&str> {
        str::from_utf8(self.attribute(kind)?).ok()
    }

    /// All addresses under this name; `None` where one is malformed.
    pub(crate) fn addresses(&self, kind: AttrType) -> Option<Vec<SocketAddr>> {
        let of_kind = self.attributes().iter().filter(|it| it.typ == kind);
        of_kind.map(|it| self.address(&it.value)).collect()
    }

    /// An address as STUN writes it (RFC 8489 section 14.2).
    fn address(&self, value: &[u8]) -> Option<SocketAddr> {
        let (&[_, family, high, low], ip) = value.split_first_chunk()?;
        let port = u16::from_be_bytes([high, low]) ^ (MAGIC_COOKIE >> 16) as u16;
        let ip = match family {
            1 => IpAddr::from((u32::from_be_bytes(ip.try_into().ok()?) ^ MAGIC_COOKIE).to_be_bytes()),
            2 => IpAddr::from((u128::from_be_bytes(ip.try_into().ok()?) ^ self.mask()).to_be_bytes()),
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }

    fn mask(&self) -> u128 {
        mask(self.message.transaction_id)
    }

    /// The attributes that whoever does not know them must not pass over.
    pub(crate) fn unknown(&self, known: &[AttrType]) -> Vec<AttrType> {
        let attributes = self.attributes().iter().map(|it| it.typ);
        attributes.filter(|it| it.required() && !known.contains(it)).collect()
    }
}

impl Reply {
    pub(crate) fn success(request: &Request) -> Self {
        Self::answer(request.method(), request.transaction())
    }

    pub(crate) fn error(request: &Request, code: u16) -> Self {
        Self::failure(request.method(), request.transaction(), code)
    }

    /// The success of a request that is not at hand any more.
    pub(crate) fn answer(method: Method, transaction: TransactionId) -> Self {
        Self::new(method, CLASS_SUCCESS_RESPONSE, transaction)
    }

    /// Its failure, without a reason in words: they would only make it longer.
    pub(crate) fn failure(method: Method, transaction: TransactionId, code: u16) -> Self {
        let reply = Self::new(method, CLASS_ERROR_RESPONSE, transaction);
        reply.with(ATTR_ERROR_CODE, &[0, 0, (code / 100) as u8, (code % 100) as u8])
    }

    pub(crate) fn question(method: Method, transaction: TransactionId) -> Self {
        Self::new(method, CLASS_REQUEST, transaction)
    }

    pub(crate) fn indication(method: Method) -> Self {
        Self::new(method, CLASS_INDICATION, TransactionId::new())
    }

    fn new(method: Method, class: MessageClass, transaction: TransactionId) -> Self {
        let mut message = Message::new();
        message.set_type(MessageType { method, class });
        message.transaction_id = transaction;
        message.write_header();
        Self(message)
    }

    #[must_use]
    pub(crate) fn with(mut self, kind: AttrType, value: &[u8]) -> Self {
        self.0.add(kind, value);
        self
    }

    #[must_use]
    pub(crate) fn with_address(self, kind: AttrType, addr: SocketAddr) -> Self {
        let port = addr.port() ^ (MAGIC_COOKIE >> 16) as u16;
        let mut value = vec![0, if addr.is_ipv4() { 1 } else { 2 }];
        value.extend(port.to_be_bytes());
        match addr.ip() {
            IpAddr::V4(ip) => value.extend((ip.to_bits() ^ MAGIC_COOKIE).to_be_bytes()),
            IpAddr::V6(ip) => value.extend((ip.to_bits() ^ mask(self.0.transaction_id)).to_be_bytes()),
        }
        self.with(kind, &value)
    }

    pub(crate) fn plain(self) -> Vec<u8> {
        self.0.raw
    }

    pub(crate) fn signed(mut self, key: &[u8]) -> Vec<u8> {
        let integrity = MessageIntegrity::new_raw_integrity_with_provider(key, crypto());
        integrity.add_to(&mut self.0).expect("HMAC-SHA1 takes any key");
        self.0.raw
    }
}

fn mask(TransactionId(id): TransactionId) -> u128 {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
    mask[4..].copy_from_slice(&id);
    u128::from_be_bytes(mask)
}
