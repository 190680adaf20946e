use std::{
    net::IpAddr,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use hst_signal::CertificatePin;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

use crate::StartError;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a certificate made here is valid. Some browsers refuse those of more than 398 days.
const VALIDITY: u32 = 365;

/// What the server proves its identity with.
#[derive(Debug)]
pub(crate) struct Certificate {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    is_self_signed: bool,
}

impl Certificate {
    /// From PEM files.
    pub(crate) fn read(cert: &Path, key: &Path) -> Result<Self, StartError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| StartError::CertificateFile { path, source }
        };
        let chain: Vec<_> = CertificateDer::pem_file_iter(cert)
            .and_then(Iterator::collect)
            .and_then(|chain: Vec<_>| {
                if chain.is_empty() {
                    Err(rustls::pki_types::pem::Error::NoItemsFound)
                } else {
                    Ok(chain)
                }
            })
            .map_err(failed(cert))?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(failed(key))?;
        Ok(Self {
            chain,
            key,
            is_self_signed: false,
        })
    }

    /// Made on the spot for `localhost` and these addresses.
    pub(crate) fn self_signed(addresses: &[IpAddr]) -> Result<Self, StartError> {
        let mut names = vec!["localhost".to_owned()];
        names.extend(addresses.iter().map(IpAddr::to_string));
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "hst-server");
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        let since_1970 = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let now = rcgen::date_time_ymd(1970, 1, 1) + since_1970;
        // A client's clock may be behind.
        params.not_before = now - DAY;
        params.not_after = now + DAY * VALIDITY;
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            chain: vec![certificate.der().clone()],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            is_self_signed: true,
        })
    }

    /// What a client must be told to trust it by, if no public root does.
    pub(crate) fn pin(&self) -> Option<CertificatePin> {
        self.is_self_signed.then(|| CertificatePin::of(&self.chain[0]))
    }

    /// For HTTP/1.1 over TLS; no other protocol is agreed to.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, StartError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), self.key.clone_key())?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

#[cfg(test)]
mod tests {
    use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
    use tokio_rustls::TlsConnector;

    use super::*;

    /// Whether a client that trusts this certificate only, and judges it as any other, gets through by this name.
    async fn connects(certificate: &Certificate, name: &str) -> bool {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.chain[0].clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = TlsConnector::from(Arc::new(config));
        let (client, server) = tokio::io::duplex(16 * 1024);
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let (client, _) = tokio::join!(
            connector.connect(name, client),
            certificate.acceptor().unwrap().accept(server)
        );
        client.is_ok()
    }

    #[tokio::test]
    async fn a_certificate_made_here_is_for_localhost_and_the_given_addresses() {
        let addresses = ["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()];
        let certificate = Certificate::self_signed(&addresses).unwrap();
        for name in ["localhost", "192.0.2.7", "2001:db8::7"] {
            assert!(connects(&certificate, name).await, "{name}");
        }
        for name in ["example.org", "192.0.2.8"] {
            assert!(!connects(&certificate, name).await, "{name}");
        }
        assert_eq!(certificate.pin(), Some(CertificatePin::of(&certificate.chain[0])));
    }
}
