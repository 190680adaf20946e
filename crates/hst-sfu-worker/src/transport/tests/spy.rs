//! The client's DTLS, which has our timers, tells what it has agreed upon and can be made to say anything.

use std::{cell::RefCell, sync::Arc};

use dimpl::Dtls;
use str0m::crypto::{
    CryptoError, CryptoProvider,
    dtls::{
        DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion, SrtpProfile,
    },
};

use super::*;
use crate::handshake;

/// What the client of this thread has agreed upon last.
#[derive(Debug, Clone)]
pub(super) struct Agreed {
    pub(super) keys: Vec<u8>,
    pub(super) profile: SrtpProfile,
    pub(super) version: Option<ProtocolVersion>,
    pub(super) is_active: bool,
}

thread_local! {
    static AGREED: RefCell<Option<Agreed>> = const { RefCell::new(None) };
    static TO_SAY: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// What has been agreed upon.
pub(super) fn agreed() -> Option<Agreed> {
    AGREED.with_borrow(Clone::clone)
}

/// The client says this inside of DTLS, when it is driven for the next time.
pub(super) fn say(data: Vec<u8>) {
    TO_SAY.with_borrow_mut(|to_say| to_say.push(data));
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    AGREED.take();
    let dtls_provider = &Spy;
    Arc::new(CryptoProvider {
        dtls_provider,
        ..crypto::from_feature_flags()
    })
}

#[derive(Debug)]
struct Spy;

#[derive(Debug)]
struct Tapped(Dtls);

impl DtlsProvider for Spy {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        crypto::from_feature_flags().dtls_provider.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        _: DtlsVersion,
        _: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let config = handshake::config().map_err(|error| CryptoError::Other(error.to_string()))?;
        Ok(Box::new(Tapped(Dtls::new_12(config, cert.clone(), now))))
    }
}

impl DtlsInstance for Tapped {
    fn set_active(&mut self, active: bool) {
        self.0.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.0.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        for data in TO_SAY.take() {
            let _ = self.0.send_application_data(&data);
        }
        let (version, is_active) = (self.0.protocol_version(), self.0.is_active());
        let output = self.0.poll_output(buf);
        if let DtlsOutput::KeyingMaterial(keys, profile) = &output {
            AGREED.set(Some(Agreed {
                keys: keys.to_vec(),
                profile: *profile,
                version,
                is_active,
            }));
        }
        output
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
