//! The DTLS of clients in tests, which has our timers, tells what it has agreed upon and can be made to say anything.

use std::{
    cell::{Cell, RefCell},
    sync::{Arc, OnceLock},
    time::Instant,
};

use dimpl::Dtls;
use hst_srtp::Side;
use str0m::crypto::{
    self, CryptoError, CryptoProvider,
    dtls::{
        DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion, SrtpProfile,
    },
};

use crate::handshake::{self, Contexts, profile_of};

/// What the client of this thread has agreed upon last.
#[derive(Debug, Clone)]
pub(crate) struct Agreed {
    pub(crate) keys: Vec<u8>,
    pub(crate) profile: SrtpProfile,
    pub(crate) version: Option<ProtocolVersion>,
    pub(crate) is_active: bool,
}

/// What a client has agreed upon, once it has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys(Arc<OnceLock<Agreed>>);

impl Keys {
    /// Those of the client that this thread has made last.
    pub(crate) fn of_last() -> Self {
        LAST.take().unwrap_or_default()
    }

    /// What encrypts what it sends, and decrypts what it gets.
    pub(crate) fn contexts(&self) -> Option<Contexts> {
        let agreed = self.0.get()?;
        let side = if agreed.is_active { Side::Client } else { Side::Server };
        Self::contexts_of(agreed, side)
    }

    /// What decrypts what it sends.
    pub(crate) fn contexts_of_other(&self) -> Option<Contexts> {
        let agreed = self.0.get()?;
        let side = if agreed.is_active { Side::Server } else { Side::Client };
        Self::contexts_of(agreed, side)
    }

    fn contexts_of(agreed: &Agreed, side: Side) -> Option<Contexts> {
        Contexts::new(profile_of(agreed.profile), &agreed.keys, side)
    }
}

thread_local! {
    static LAST: Cell<Option<Keys>> = const { Cell::new(None) };
    static AGREED: RefCell<Option<Agreed>> = const { RefCell::new(None) };
    static TO_SAY: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// What has been agreed upon.
pub(crate) fn agreed() -> Option<Agreed> {
    AGREED.with_borrow(Clone::clone)
}

/// The client says this inside of DTLS, when it is driven for the next time.
pub(crate) fn say(data: Vec<u8>) {
    TO_SAY.with_borrow_mut(|to_say| to_say.push(data));
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
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
struct Tapped(Dtls, Keys);

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
        let config = handshake::plain_config().build();
        let config = Arc::new(config.map_err(|error| CryptoError::Other(error.to_string()))?);
        let keys = Keys::default();
        LAST.set(Some(keys.clone()));
        Ok(Box::new(Tapped(Dtls::new_12(config, cert.clone(), now), keys)))
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
            let agreed = Agreed {
                keys: keys.to_vec(),
                profile: *profile,
                version,
                is_active,
            };
            let _ = self.1.0.set(agreed.clone());
            AGREED.set(Some(agreed));
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
