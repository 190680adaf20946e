//! str0m's handshake, whose keys come out to us: str0m itself gets none, so nothing of media ever goes through it.

use std::{
    cell::Cell,
    fmt,
    sync::{Arc, OnceLock},
    time::Instant,
};

use hst_srtp::{Profile, Receiver, Sender, Side};
use str0m::crypto::{
    self, CryptoError, CryptoProvider,
    dtls::{
        DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion, SrtpProfile,
    },
};

/// str0m's cryptography, of which the keys of media come out here.
pub(crate) fn provider() -> CryptoProvider {
    CryptoProvider {
        dtls_provider: &Provider,
        ..crypto::from_feature_flags()
    }
}

/// The keys of a connection, once its handshake has agreed on some.
#[derive(Clone, Default)]
pub(crate) struct Keys(Arc<OnceLock<Agreed>>);

struct Agreed {
    profile: Profile,
    exported: Vec<u8>,
    side: Side,
}

thread_local! {
    /// Of the handshake begun last on this thread: str0m begins it, and does not hand it over.
    static LAST: Cell<Option<Keys>> = const { Cell::new(None) };
}

impl Keys {
    /// Those of the handshake that this thread has begun last.
    pub(crate) fn of_last() -> Self {
        LAST.take().unwrap_or_default()
    }

    /// What encrypts and what decrypts with them; `None` until there are some.
    pub(crate) fn contexts(&self) -> Option<(Sender, Receiver)> {
        let Agreed {
            profile,
            exported,
            side,
        } = self.0.get()?;
        hst_srtp::contexts(*profile, exported, *side).ok()
    }
}

/// No key is ever written anywhere.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keys").field(&self.0.get().is_some()).finish()
    }
}

#[derive(Debug)]
struct Provider;

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
        let theirs = crypto::from_feature_flags().dtls_provider;
        let dtls = theirs.new_dtls(certificate, now, version, mtu)?;
        let keys = Keys::default();
        LAST.set(Some(keys.clone()));
        Ok(Box::new(Instance {
            dtls,
            keys,
            made_at: now,
        }))
    }
}

#[derive(Debug)]
struct Instance {
    dtls: Box<dyn DtlsInstance>,
    keys: Keys,
    made_at: Instant,
}

impl DtlsInstance for Instance {
    fn set_active(&mut self, is_active: bool) {
        self.dtls.set_active(is_active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.dtls.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        let is_active = self.dtls.is_active();
        match self.dtls.poll_output(buf) {
            DtlsOutput::KeyingMaterial(material, profile) => {
                let agreed = Agreed {
                    profile: match profile {
                        SrtpProfile::AEAD_AES_128_GCM => Profile::AeadAes128Gcm,
                        SrtpProfile::AEAD_AES_256_GCM => Profile::AeadAes256Gcm,
                        _ => Profile::Aes128CmSha1_80,
                    },
                    exported: material.to_vec(),
                    side: if is_active { Side::Client } else { Side::Server },
                };
                // There is one handshake.
                let _ = self.keys.0.set(agreed);
                // A time that has come: str0m asks at once for what is next.
                DtlsOutput::Timeout(self.made_at)
            }
            output => output,
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.dtls.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.dtls.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.dtls.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.dtls.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.dtls.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.dtls.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.dtls.close()
    }
}
