//! How a client judges a server's certificate, for the transports that encrypt.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs::default_provider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use rustls_platform_verifier::Verifier;

use crate::{CertificatePin, ConnectError};

impl CertificatePin {
    /// The pin of a certificate in DER form.
    pub fn of(certificate: &[u8]) -> Self {
        let digest = digest::digest(&digest::SHA256, certificate);
        Self::from_sha256(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }
}

/// Makes the TLS configuration of each connection: by the platform's trusted roots, by a configuration of the user's
/// own, or by a pin.
#[derive(Debug)]
pub struct ClientTls {
    alpn: Vec<Vec<u8>>,
    own: Option<Arc<ClientConfig>>,
    /// Read from the disk when first needed. Kept, because TLS sessions are resumed through it.
    platform: OnceLock<Arc<ClientConfig>>,
}

impl ClientTls {
    /// Trusts the platform's roots. `alpn` lists the protocols to offer, best first.
    pub fn new(alpn: &[&[u8]]) -> Self {
        Self {
            alpn: alpn.iter().map(|name| name.to_vec()).collect(),
            own: None,
            platform: OnceLock::new(),
        }
    }

    /// Uses a configuration of the user's own, but for its ALPN, in place of the platform's roots.
    #[must_use]
    pub fn with_config(self, config: Arc<ClientConfig>) -> Self {
        let mut config = Arc::unwrap_or_clone(config);
        config.alpn_protocols.clone_from(&self.alpn);
        Self {
            own: Some(Arc::new(config)),
            ..self
        }
    }

    /// The configuration for one connection. With a pin that very certificate is accepted, whatever its names, dates
    /// and issuer, and no other.
    ///
    /// # Errors
    /// [`ConnectError::Tls`] if the platform has no trusted roots.
    pub fn config(&self, pin: Option<CertificatePin>) -> Result<Arc<ClientConfig>, ConnectError> {
        match (pin, &self.own, self.platform.get()) {
            (Some(pin), own, _) => self.pinned(pin, own.as_deref()).map_err(failed),
            (None, Some(config), _) | (None, None, Some(config)) => Ok(config.clone()),
            (None, None, None) => {
                let provider = Arc::new(default_provider());
                let verifier = Verifier::new(provider.clone()).map_err(failed)?;
                let config = Arc::new(self.with_verifier(provider, Arc::new(verifier)).map_err(failed)?);
                Ok(self.platform.get_or_init(|| config).clone())
            }
        }
    }

    fn pinned(&self, pin: CertificatePin, own: Option<&ClientConfig>) -> Result<Arc<ClientConfig>, TlsError> {
        let provider = own.map_or_else(
            || Arc::new(default_provider()),
            |config| config.crypto_provider().clone(),
        );
        let verifier = Arc::new(Pinned {
            pin,
            provider: provider.clone(),
        });
        let Some(own) = own else {
            return Ok(Arc::new(self.with_verifier(provider, verifier)?));
        };
        let mut config = own.clone();
        config.dangerous().set_certificate_verifier(verifier);
        Ok(Arc::new(config))
    }

    fn with_verifier(
        &self,
        provider: Arc<CryptoProvider>,
        verifier: Arc<dyn ServerCertVerifier>,
    ) -> Result<ClientConfig, TlsError> {
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols.clone_from(&self.alpn);
        Ok(config)
    }
}

fn failed(error: TlsError) -> ConnectError {
    ConnectError::Tls(error.into())
}

/// Accepts one certificate. That the server holds its key is still proved by the handshake's signature.
#[derive(Debug)]
struct Pinned {
    pin: CertificatePin,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        if CertificatePin::of(end_entity) == self.pin {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
