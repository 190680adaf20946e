use std::{fmt, sync::Arc};

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::{
    RootCertStore,
    client::{Resumption, WebPkiServerVerifier, danger::ServerCertVerifier, verify_server_name},
    crypto::{CryptoProvider, aws_lc_rs::default_provider},
    pki_types::{
        CertificateDer, PrivateKeyDer, UnixTime,
        pem::{self, PemObject},
    },
    server::{ParsedCertificate, VerifierBuilderError, WebPkiClientVerifier},
    version::TLS13,
};

use crate::{ALPN, IdentityError, NodeName};

/// Who a node is: its name, what proves it, and whom it believes.
pub struct Identity {
    pub(crate) name: NodeName,
    pub(crate) server: Arc<QuicServerConfig>,
    pub(crate) client: Arc<QuicClientConfig>,
}

impl Identity {
    /// A name, the certificate for it with those that lead to a root, its private key, and the roots: those of the
    /// cluster's own authority, because whoever has a certificate beneath them is a node.
    ///
    /// # Errors
    /// No peer would accept it. This is what an operator is told when the node starts, and not when the first link fails.
    pub fn new(
        name: NodeName,
        certificates: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        roots: Vec<CertificateDer<'static>>,
    ) -> Result<Self, IdentityError> {
        let provider = Arc::new(default_provider());
        let roots = store(roots).map_err(IdentityError::Unusable)?;
        judge(&name, &certificates, &roots, provider.clone())?;
        let server = server(&certificates, &key, roots.clone(), provider.clone()).map_err(IdentityError::Unusable)?;
        let client = client(certificates, key, roots, provider).map_err(IdentityError::Unusable)?;
        Ok(Self { name, server, client })
    }

    /// The same from the contents of PEM files.
    ///
    /// # Errors
    /// A file is no PEM, or as [`new`](Self::new).
    pub fn from_pem(name: NodeName, certificates: &[u8], key: &[u8], roots: &[u8]) -> Result<Self, IdentityError> {
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|cause| IdentityError::Pem {
            what: "a private key",
            cause,
        })?;
        let certificates = read(certificates, "a certificate")?;
        Self::new(name, certificates, key, read(roots, "the authority's certificate")?)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({}, …)", self.name)
    }
}

/// Whether a certificate, which TLS has accepted, is for this name.
pub(crate) fn is_for(certificate: &CertificateDer<'_>, name: &NodeName) -> bool {
    ParsedCertificate::try_from(certificate)
        .is_ok_and(|certificate| verify_server_name(&certificate, &name.to_server_name()).is_ok())
}

fn read(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(pem::Error::NoItemsFound),
        Err(cause) => Err(cause),
    }
    .map_err(|cause| IdentityError::Pem { what, cause })
}

fn store(roots: Vec<CertificateDer<'static>>) -> Result<Arc<RootCertStore>, rustls::Error> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root)?;
    }
    Ok(Arc::new(store))
}

/// Looks at the own certificate as a peer will.
fn judge(
    name: &NodeName,
    certificates: &[CertificateDer<'static>],
    roots: &Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
) -> Result<(), IdentityError> {
    let unusable = |error: VerifierBuilderError| IdentityError::Unusable(rustls::Error::General(error.to_string()));
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.clone(), provider)
        .build()
        .map_err(unusable)?;
    let Some((own, others)) = certificates.split_first() else {
        return Err(IdentityError::Unusable(rustls::Error::NoCertificatesPresented));
    };
    verifier
        .verify_server_cert(own, others, &name.to_server_name(), &[], UnixTime::now())
        .map_err(IdentityError::Unfit)?;
    Ok(())
}

fn server(
    certificates: &[CertificateDer<'static>],
    key: &PrivateKeyDer<'static>,
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<QuicServerConfig>, rustls::Error> {
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone())
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates.to_vec(), key.clone_key())?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    // Each link proves both certificates anew.
    tls.send_tls13_tickets = 0;
    Ok(Arc::new(QuicServerConfig::try_from(tls).expect(FIRST_SUITE)))
}

fn client(
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<QuicClientConfig>, rustls::Error> {
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(certificates, key)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.resumption = Resumption::disabled();
    Ok(Arc::new(QuicClientConfig::try_from(tls).expect(FIRST_SUITE)))
}

const FIRST_SUITE: &str = "the provider has the cipher suite of QUIC's first packets";
