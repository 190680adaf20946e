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

    /// For HTTP/1.1 over TLS, and for TURN where there is a relay; no other protocol is agreed to.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, StartError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), self.key.clone_key())?;
        // The name of TURN is that of RFC 7443.
        config.alpn_protocols = vec![b"http/1.1".to_vec(), b"stun.turn".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

#[cfg(test)]
mod tests {
    use rustls::{ClientConfig, ClientConnection, RootCertStore, pki_types::ServerName};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_rustls::TlsConnector;

    use super::*;

    /// What a client says first that trusts this certificate only, and judges it as any other.
    fn trusting(certificate: &Certificate) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.chain[0].clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }

    /// Whether such a client gets through by this name.
    async fn connects(certificate: &Certificate, name: &str) -> bool {
        let connector = TlsConnector::from(trusting(certificate));
        let (client, server) = tokio::io::duplex(16 * 1024);
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let (client, _) = tokio::join!(
            connector.connect(name, client),
            certificate.acceptor().unwrap().accept(server)
        );
        client.is_ok()
    }

    /// Its first word.
    fn hello(certificate: &Certificate) -> Vec<u8> {
        let name = ServerName::try_from("localhost").unwrap();
        let mut hello = Vec::new();
        let mut client = ClientConnection::new(trusting(certificate), name).unwrap();
        client.write_tls(&mut hello).unwrap();
        hello
    }

    #[tokio::test]
    async fn s16_a_first_word_in_two_parts_is_answered_wherever_it_was_cut() {
        let certificate = Certificate::self_signed(&[]).unwrap();
        let (acceptor, hello) = (certificate.acceptor().unwrap(), hello(&certificate));
        for cut in 0..=hello.len() {
            let (mut client, server) = tokio::io::duplex(16 * 1024);
            let speak = async {
                for part in [&hello[..cut], &hello[cut..]] {
                    client.write_all(part).await.unwrap();
                    tokio::task::yield_now().await;
                }
                client.read_u8().await.unwrap()
            };
            tokio::select! {
                // A handshake record.
                first = speak => assert_eq!(first, 0x16, "{cut}"),
                done = acceptor.accept(server) => panic!("{cut}: {:?}", done.map(|_| ())),
            }
        }
    }

    #[tokio::test]
    async fn s16_a_good_bye_at_any_point_of_the_first_word_ends_the_handshake() {
        let certificate = Certificate::self_signed(&[]).unwrap();
        let (acceptor, hello) = (certificate.acceptor().unwrap(), hello(&certificate));
        for cut in 0..=hello.len() {
            let (mut client, server) = tokio::io::duplex(16 * 1024);
            // An alert: close_notify.
            let word = [&hello[..cut], &[0x15, 3, 3, 0, 2, 1, 0]].concat();
            client.write_all(&word).await.unwrap();
            client.shutdown().await.unwrap();
            assert!(acceptor.accept(server).await.is_err(), "{cut}");
        }
    }

    #[tokio::test]
    async fn a5_no_other_protocol_than_http_1_is_agreed_to() {
        let certificate = Certificate::self_signed(&[]).unwrap();
        for (offer, agreed) in [(&[&b"h2"[..], b"http/1.1"][..], true), (&[b"h2"], false)] {
            let mut config = Arc::unwrap_or_clone(trusting(&certificate));
            config.alpn_protocols = offer.iter().map(|name| name.to_vec()).collect();
            let (client, server) = tokio::io::duplex(16 * 1024);
            let (client, _) = tokio::join!(
                TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), client),
                certificate.acceptor().unwrap().accept(server)
            );
            assert_eq!(client.is_ok(), agreed);
            if let Ok(client) = client {
                assert_eq!(client.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
            }
        }
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
