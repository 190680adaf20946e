use std::{
    io,
    sync::{Arc, OnceLock},
};

use rustls::{ClientConfig, crypto::aws_lc_rs::default_provider};
use rustls_platform_verifier::Verifier;

/// How the certificates of relays are judged: by the platform's roots, or by a configuration of the user's own. All copies
/// share what was read.
#[derive(Debug, Clone, Default)]
pub(crate) struct RelayTls(Arc<OnceLock<Arc<ClientConfig>>>);

impl RelayTls {
    pub(crate) fn new(config: Arc<ClientConfig>) -> Self {
        Self(Arc::new(config.into()))
    }

    /// The configuration for a connection; the roots are read from the disk when they are first needed.
    ///
    /// # Errors
    /// The platform has no trusted roots.
    pub(crate) fn config(&self) -> io::Result<Arc<ClientConfig>> {
        if let Some(config) = self.0.get() {
            return Ok(config.clone());
        }
        let provider = Arc::new(default_provider());
        let verifier = Verifier::new(provider.clone()).map_err(io::Error::other)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(self.0.get_or_init(|| Arc::new(config)).clone())
    }
}
