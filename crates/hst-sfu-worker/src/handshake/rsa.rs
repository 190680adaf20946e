//! Clients whose key is of RSA. dimpl asks a client for a certificate of ECDSA, and has no switch for more. So its request is
//! completed where it leaves, and wherever the handshake is hashed or its signature verified: what counts there is what was said.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use dimpl::{
    CryptoError, CryptoOperation, HashAlgorithm, SignatureAlgorithm,
    crypto::{Buf, CryptoProvider, HashContext, HashProvider, SignatureVerifier, aws_lc_rs::default_provider},
};
use x509_cert::{
    Certificate,
    der::{Decode, asn1::ObjectIdentifier},
};

/// Of a DTLS record (RFC 6347 section 4.1), and of a handshake message in it (section 4.2.2).
const RECORD: usize = 13;
const MESSAGE: usize = 12;
const HANDSHAKE: u8 = 22;
/// The request (RFC 5246 section 7.4.4), the kind of certificate that it is completed by, and how that signs (section 7.4.1.4.1):
/// RSASSA-PKCS1-v1_5 with SHA-256, which whoever has such a key knows.
const CERTIFICATE_REQUEST: u8 = 13;
const RSA_SIGN: u8 = 1;
const RSA_SHA256: [u8; 2] = [4, 1];
/// How much longer a datagram becomes.
pub(super) const MORE: usize = 3;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// dimpl's cryptography, for a server whose datagrams are [completed](completed).
pub(super) fn provider() -> CryptoProvider {
    CryptoProvider {
        hash_provider: &AsSaid,
        signature_verification: &AsSaid,
        ..default_provider()
    }
}

/// The datagram as it is to leave. What is encrypted is left alone.
pub(super) fn completed(datagram: &[u8]) -> Vec<u8> {
    let mut completed = Vec::with_capacity(datagram.len() + MORE);
    let mut rest = datagram;
    while let Some((header, after)) = rest.split_first_chunk::<RECORD>() {
        let len = u16::from_be_bytes([header[11], header[12]]);
        let Some((body, next)) = after.split_at_checked(len.into()) else {
            break;
        };
        let is_plain = header[0] == HANDSHAKE && header[3..5] == [0, 0];
        let asking = is_plain.then(|| asking(body)).flatten();
        let body = asking.as_deref().unwrap_or(body);
        completed.extend(&header[..11]);
        completed.extend((body.len() as u16).to_be_bytes());
        completed.extend(body);
        rest = next;
    }
    completed.extend(rest);
    completed
}

/// The messages of a handshake, one behind the other, as they were said.
pub(super) fn said(messages: &[u8]) -> Vec<u8> {
    let mut said = Vec::with_capacity(messages.len() + MORE);
    let mut rest = messages;
    while let Some(&[_, a, b, c, ..]) = rest.first_chunk::<MESSAGE>() {
        let len = u32::from_be_bytes([0, a, b, c]) as usize;
        let Some((message, next)) = rest.split_at_checked(MESSAGE + len) else {
            break;
        };
        match asking(message) {
            Some(asking) => said.extend(asking),
            None => said.extend(message),
        }
        rest = next;
    }
    said.extend(rest);
    said
}

/// The message, if it is a whole request for certificates, with RSA behind what it asks for.
fn asking(message: &[u8]) -> Option<Vec<u8>> {
    let (header, body) = message.split_first_chunk::<MESSAGE>()?;
    let is_whole = header[6..9] == [0; 3] && header[1..4] == header[9..12];
    if header[0] != CERTIFICATE_REQUEST || !is_whole {
        return None;
    }
    let (&count, rest) = body.split_first()?;
    let (kinds, rest) = rest.split_at_checked(count.into())?;
    let (&len, rest) = rest.split_first_chunk::<2>()?;
    let len = u16::from_be_bytes(len);
    let (algorithms, names) = rest.split_at_checked(len.into())?;
    let (count, len) = (count.checked_add(1)?, len.checked_add(2)?.to_be_bytes());
    let body = [&[count], kinds, &[RSA_SIGN], &len, algorithms, &RSA_SHA256, names].concat();
    let total = &(body.len() as u32).to_be_bytes()[1..];
    Some([&header[..1], total, &header[4..9], total, &body].concat())
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
            (SignatureAlgorithm::RSA, HashAlgorithm::SHA256) => verify(certificate, &said, signature),
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

/// Verifies that the certificate's key, which is one of RSA, has signed this.
fn verify(certificate: &[u8], signed: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
    let certificate = Certificate::from_der(certificate).map_err(|_| CryptoError::CertificateParseFailed)?;
    let key = certificate.tbs_certificate().subject_public_key_info();
    if key.algorithm.oid != RSA_ENCRYPTION {
        return Err(CryptoError::UnsupportedPublicKeyAlgorithm);
    }
    let key = key.subject_public_key.as_bytes();
    let key = key.ok_or(CryptoError::InvalidSubjectPublicKey)?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
        .verify(signed, signature)
        .map_err(|_| CryptoError::OperationFailed(CryptoOperation::VerifySignature))
}
