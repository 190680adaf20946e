//! Clients whose key is of RSA: dimpl asks a client for a certificate of ECDSA alone.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use dimpl::{CryptoError, CryptoOperation};
use x509_cert::{
    Certificate,
    der::{Decode, asn1::ObjectIdentifier},
};

use super::beneath::whole;

/// The request (RFC 5246 section 7.4.4), the kind of certificate that it is completed by, and how that signs (section 7.4.1.4.1):
/// RSASSA-PKCS1-v1_5 with SHA-256, which whoever has such a key knows.
const CERTIFICATE_REQUEST: u8 = 13;
const RSA_SIGN: u8 = 1;
const RSA_SHA256: [u8; 2] = [4, 1];
/// How much longer a request becomes.
pub(super) const MORE: usize = 3;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The message, if it is a whole request for certificates, with RSA behind what it asks for.
pub(super) fn asking(message: &[u8]) -> Option<Vec<u8>> {
    let (header, body) = whole(CERTIFICATE_REQUEST, message)?;
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

/// Verifies that the certificate's key, which is one of RSA, has signed this.
pub(super) fn verify(certificate: &[u8], signed: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
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
