use std::{
    fmt,
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, Error, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};

use crate::NodeName;

/// Clocks of nodes may be behind by this much.
const CLOCK_SKEW: Duration = Duration::from_secs(24 * 60 * 60);

/// A certificate authority for tests, and for clusters that have no other. It is nothing but its key: whoever has that can
/// make nodes.
pub struct Authority {
    key: KeyPair,
}

/// What a node needs to prove its name, as PEM.
pub struct Papers {
    /// Its certificate.
    pub certificate: String,
    /// Its private key: a secret.
    pub key: String,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// The cryptography's.
    pub fn generate() -> Result<Self, Error> {
        Ok(Self {
            key: KeyPair::generate()?,
        })
    }

    /// The one whose [`key`](Self::key) this is.
    ///
    /// # Errors
    /// It is no private key as PEM.
    pub fn from_key(pem: &str) -> Result<Self, Error> {
        Ok(Self {
            key: KeyPair::from_pem(pem)?,
        })
    }

    /// The private key as PEM: a secret, to be kept away from nodes.
    pub fn key(&self) -> String {
        self.key.serialize_pem()
    }

    /// The certificate as PEM, by which nodes know each other. Each call makes another that is worth the same.
    ///
    /// # Errors
    /// The cryptography's.
    pub fn root(&self) -> Result<String, Error> {
        Ok(self.params().self_signed(&self.key)?.pem())
    }

    /// A certificate for a node, good for both ends of a link, from a day ago to `lifetime` from now.
    ///
    /// # Errors
    /// The cryptography's.
    pub fn issue(&self, node: &NodeName, lifetime: Duration) -> Result<Papers, Error> {
        let key = KeyPair::generate()?;
        let now = SystemTime::now();
        let mut params = CertificateParams::new([node.to_string()])?;
        params.distinguished_name.push(DnType::CommonName, node.as_str());
        params.not_before = (now - CLOCK_SKEW).into();
        params.not_after = (now + lifetime).into();
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &Issuer::new(self.params(), &self.key))?;
        Ok(Papers {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// The same in every run, so that the key alone makes the authority, and another for each key, so that those of another
    /// cluster are not taken for forgeries.
    fn params(&self) -> CertificateParams {
        let id = self
            .key
            .public_key_raw()
            .last_chunk()
            .expect("a key has more than 8 bytes");
        let name = format!("nodes of cluster {:016x}", u64::from_be_bytes(*id));
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority(…)")
    }
}

impl fmt::Debug for Papers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Papers")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Identity, IdentityError};

    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

    fn identity(name: &NodeName, papers: &Papers, root: &str) -> Result<Identity, IdentityError> {
        Identity::from_pem(
            name.clone(),
            papers.certificate.as_bytes(),
            papers.key.as_bytes(),
            root.as_bytes(),
        )
    }

    #[test]
    fn an_authority_that_was_kept_issues_for_the_roots_of_before() {
        let authority = Authority::generate().unwrap();
        let root = authority.root().unwrap();
        let again = Authority::from_key(&authority.key()).unwrap();
        let name = NodeName::parse("n1").unwrap();
        identity(&name, &again.issue(&name, YEAR).unwrap(), &root).unwrap();
    }

    #[test]
    fn papers_that_no_peer_would_accept_are_refused_at_once() {
        let (authority, stranger) = (Authority::generate().unwrap(), Authority::generate().unwrap());
        let root = authority.root().unwrap();
        let (n1, n2) = (NodeName::parse("n1").unwrap(), NodeName::parse("n2").unwrap());
        let good = authority.issue(&n1, YEAR).unwrap();

        let wrong_name = identity(&n2, &good, &root).unwrap_err();
        assert!(matches!(wrong_name, IdentityError::Unfit(_)), "{wrong_name:?}");
        let other_authority = identity(&n1, &stranger.issue(&n1, YEAR).unwrap(), &root).unwrap_err();
        assert!(
            matches!(other_authority, IdentityError::Unfit(_)),
            "{other_authority:?}"
        );

        let other_key = Papers {
            certificate: good.certificate.clone(),
            key: authority.issue(&n1, YEAR).unwrap().key,
        };
        let other_key = identity(&n1, &other_key, &root).unwrap_err();
        assert!(matches!(other_key, IdentityError::Unusable(_)), "{other_key:?}");
        let no_root = identity(&n1, &good, "").unwrap_err();
        assert!(matches!(no_root, IdentityError::Pem { .. }), "{no_root:?}");
    }

    #[test]
    fn no_key_shows_itself() {
        let authority = Authority::generate().unwrap();
        let name = NodeName::parse("n1").unwrap();
        let papers = authority.issue(&name, YEAR).unwrap();
        let identity = identity(&name, &papers, &authority.root().unwrap()).unwrap();
        assert_eq!(format!("{authority:?} {identity:?}"), "Authority(…) Identity(n1, …)");
        assert!(!format!("{papers:?}").contains("PRIVATE"));
    }
}
