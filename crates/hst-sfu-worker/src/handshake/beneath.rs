//! What is said otherwise than dimpl has it, which has no switch for it: messages are changed between it and the network, and changed
//! in the same way wherever the handshake is hashed or its signature verified. So what counts there is what was said.

use dimpl::{
    CryptoError, HashAlgorithm, SignatureAlgorithm,
    crypto::{Buf, CryptoProvider, HashContext, HashProvider, SignatureVerifier, aws_lc_rs::default_provider},
};

use super::{
    hello::{Hello, Piece},
    numbered, profile, rsa,
};

/// Of a DTLS record (RFC 6347 section 4.1), and of a handshake message in it (section 4.2.2).
pub(super) const RECORD: usize = 13;
pub(super) const MESSAGE: usize = 12;
const HANDSHAKE: u8 = 22;

/// dimpl's cryptography for one whose records are [told their nonces](numbered::told), and whose datagrams, where the client begins,
/// are changed on [the way out](outward) and [the way in](inward).
pub(super) fn provider(is_caller: bool) -> CryptoProvider {
    let numbered = CryptoProvider {
        cipher_suites: numbered::suites(),
        ..default_provider()
    };
    match is_caller {
        true => numbered,
        false => CryptoProvider {
            hash_provider: &AsSaid,
            signature_verification: &AsSaid,
            ..numbered
        },
    }
}

/// The datagram as it is to leave; it may be longer by [`rsa::MORE`].
pub(super) fn outward(datagram: &[u8]) -> Vec<u8> {
    changed(datagram, rsa::asking)
}

/// The datagram as dimpl is to read it, with the client's hello where that is whole, and without the pieces of one that is not.
pub(super) fn inward(datagram: &[u8], hello: &mut Hello) -> Vec<u8> {
    changed(datagram, |message| match hello.take(message) {
        Piece::None => profile::reduced(message),
        Piece::Kept => Some(Vec::new()),
        Piece::Last(whole) => Some(profile::reduced(&whole).unwrap_or(whole)),
    })
}

/// The datagram with its messages changed, and without those of which nothing is left. What is encrypted is left alone.
fn changed(datagram: &[u8], mut change: impl FnMut(&[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(datagram.len() + rsa::MORE);
    let mut rest = datagram;
    while let Some((header, after)) = rest.split_first_chunk::<RECORD>() {
        let len = u16::from_be_bytes([header[11], header[12]]);
        let Some((body, next)) = after.split_at_checked(len.into()) else {
            break;
        };
        let is_plain = header[0] == HANDSHAKE && header[3..5] == [0, 0];
        let other = is_plain.then(|| change(body)).flatten();
        rest = next;
        let body = other.as_deref().unwrap_or(body);
        if other.as_ref().is_none_or(|other| !other.is_empty()) {
            out.extend(&header[..11]);
            out.extend((body.len() as u16).to_be_bytes());
            out.extend(body);
        }
    }
    out.extend(rest);
    out
}

/// The messages of a handshake, one behind the other, as they were said, from what dimpl has of them.
pub(super) fn said(messages: &[u8]) -> Vec<u8> {
    let mut said = Vec::with_capacity(messages.len() + rsa::MORE);
    let mut rest = messages;
    while let Some(&[_, a, b, c, ..]) = rest.first_chunk::<MESSAGE>() {
        let len = u32::from_be_bytes([0, a, b, c]) as usize;
        let Some((message, next)) = rest.split_at_checked(MESSAGE + len) else {
            break;
        };
        match rsa::asking(message).or_else(|| profile::restored(message)) {
            Some(other) => said.extend(other),
            None => said.extend(message),
        }
        rest = next;
    }
    said.extend(rest);
    said
}

/// The header and the body of a message, if it is one of this kind, and in one piece.
pub(super) fn whole(kind: u8, message: &[u8]) -> Option<(&[u8; MESSAGE], &[u8])> {
    let (header, body) = message.split_first_chunk::<MESSAGE>()?;
    let is_whole = header[6..9] == [0; 3] && header[1..4] == header[9..12];
    let len = u32::from_be_bytes([0, header[1], header[2], header[3]]) as usize;
    (header[0] == kind && is_whole && len == body.len()).then_some((header, body))
}

/// Hashes and verifies what was said.
#[derive(Debug)]
struct AsSaid;

#[derive(Debug)]
struct Hash(Box<dyn HashContext>);

impl HashProvider for AsSaid {
    fn create_hash(&self, algorithm: HashAlgorithm) -> Box<dyn HashContext> {
        Box::new(Hash(default_provider().hash_provider.create_hash(algorithm)))
    }
}

impl HashContext for Hash {
    /// Takes whole messages.
    fn update(&mut self, messages: &[u8]) {
        self.0.update(&said(messages));
    }

    fn clone_and_finalize(&self, out: &mut Buf) {
        self.0.clone_and_finalize(out);
    }
}

impl SignatureVerifier for AsSaid {
    fn verify_signature(
        &self,
        certificate: &[u8],
        messages: &[u8],
        signature: &[u8],
        hash: HashAlgorithm,
        algorithm: SignatureAlgorithm,
    ) -> Result<(), CryptoError> {
        let said = said(messages);
        match (algorithm, hash) {
            (SignatureAlgorithm::RSA, HashAlgorithm::SHA256) => rsa::verify(certificate, &said, signature),
            _ => default_provider().signature_verification.verify_signature(
                certificate,
                &said,
                signature,
                hash,
                algorithm,
            ),
        }
    }
}
