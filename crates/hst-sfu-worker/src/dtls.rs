//! DTLS as str0m sets it up, but for the timers.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use dimpl::{Config, Dtls};
use str0m::crypto::{
    self, CryptoError, CryptoProvider,
    dtls::{DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion},
};

/// How soon a part of the handshake that may be lost is sent again; each further time takes twice as long. After a second,
/// as RFC 6347 section 4.2.4.1 has it for whoever knows nothing of the path, one lost datagram is a second that a caller
/// waits. Browsers, which know the round trip from their connectivity checks, begin with 50 ms.
const FIRST_RESEND: Duration = Duration::from_millis(100);
/// How often it is sent again: the last time some 13 seconds after the first.
const RESENDS: usize = 7;
/// How many datagrams wait for one before them, each with some 6 KiB of what was read of it. A flight has six where it is cut
/// smallest, to 256 bytes each; of what does not fit, the sender sends again.
const WAITING: usize = 8;

/// str0m's cryptography with these timers.
pub(crate) fn provider() -> CryptoProvider {
    CryptoProvider {
        dtls_provider: &Provider,
        ..crypto::from_feature_flags()
    }
}

#[derive(Debug)]
struct Provider;

struct Instance(Dtls);

impl DtlsProvider for Provider {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        crypto::from_feature_flags().dtls_provider.generate_certificate()
    }

    fn new_dtls(
        &self,
        certificate: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        if version != DtlsVersion::Dtls12 {
            return Err(CryptoError::Other(format!("{version} is not spoken here")));
        }
        // No cookie: the client's address is proved by its connectivity checks.
        let config = Config::builder().use_server_cookie(false);
        let config = config.flight_start_rto(FIRST_RESEND).flight_retries(RESENDS);
        let config = config.max_queue_rx(WAITING);
        let config = mtu.into_iter().fold(config, |config, mtu| config.mtu(mtu)).build();
        let config = config.map_err(|error| CryptoError::Other(error.to_string()))?;
        Ok(Box::new(Instance(Dtls::new_12(
            Arc::new(config),
            certificate.clone(),
            now,
        ))))
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").finish_non_exhaustive()
    }
}

impl DtlsInstance for Instance {
    fn set_active(&mut self, is_active: bool) {
        self.0.set_active(is_active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        self.0.poll_output(buf)
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.0.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.0.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.0.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.0.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.0.close()
    }
}
