//! DTLS as str0m sets it up, but for the timers, and for the keys that come out of it: media are ours.

use std::{
    cell::Cell,
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use dimpl::{Config, Dtls, SrtpProfile};
use hst_srtp::{Profile, Side};
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
/// What shows the way: it begins as media do, of which str0m sends none, and says nothing.
const SIGN: u8 = 0x80;

/// str0m's cryptography with these timers, and without the keys of media: it would keep ciphers for them that nobody uses.
pub(crate) fn provider() -> CryptoProvider {
    CryptoProvider {
        dtls_provider: &Provider { passes_keys: false },
        ..crypto::from_feature_flags()
    }
}

/// The same for a str0m whose media are its own.
#[cfg(test)]
pub(crate) fn whole_provider() -> CryptoProvider {
    CryptoProvider {
        dtls_provider: &Provider { passes_keys: true },
        ..provider()
    }
}

/// The keys of a connection, once its handshake has agreed on some. It makes them only once: a connection that shakes hands
/// again is none of ours.
#[derive(Clone, Default)]
pub(crate) struct Keys(Arc<Inner>);

#[derive(Default)]
struct Inner {
    agreed: OnceLock<Agreed>,
    /// Whether str0m is to show where it sends to.
    wants_sign: AtomicBool,
}

struct Agreed {
    profile: Profile,
    exported: Vec<u8>,
    side: Side,
}

thread_local! {
    /// Of the instance made last on this thread: str0m makes it, and passes on neither the instance nor its keys.
    static LAST: Cell<Option<Keys>> = const { Cell::new(None) };
}

impl Keys {
    /// Those of the instance that this thread has made last.
    pub(crate) fn of_last() -> Self {
        LAST.take().unwrap_or_default()
    }

    /// What encrypts what we send with them, and decrypts what the client sends. `None` until there are keys.
    pub(crate) fn contexts(&self) -> Option<Contexts> {
        let Agreed {
            profile,
            exported,
            side,
        } = self.0.agreed.get()?;
        // The length was exported for the profile.
        let (sender, receiver) = hst_srtp::contexts(*profile, exported, *side).ok()?;
        Some(Contexts { sender, receiver })
    }

    /// Has str0m show where it sends to, which it only does by sending: a datagram that begins as media do.
    pub(crate) fn ask_way(&self) {
        self.0.wants_sign.store(true, Ordering::Relaxed);
    }

    /// Those of a server that has agreed on these.
    #[cfg(test)]
    pub(crate) fn of_server(profile: Profile, exported: Vec<u8>) -> Self {
        let side = Side::Server;
        let keys = Self::default();
        let agreed = Agreed {
            profile,
            exported,
            side,
        };
        assert!(keys.0.agreed.set(agreed).is_ok());
        keys
    }

    fn set(&self, material: &[u8], profile: SrtpProfile, is_active: bool) {
        let agreed = Agreed {
            profile: match profile {
                SrtpProfile::AEAD_AES_128_GCM => Profile::AeadAes128Gcm,
                SrtpProfile::AEAD_AES_256_GCM => Profile::AeadAes256Gcm,
                _ => Profile::Aes128CmSha1_80,
            },
            exported: material.to_vec(),
            side: if is_active { Side::Client } else { Side::Server },
        };
        // A second time is the same.
        let _ = self.0.agreed.set(agreed);
    }
}

/// No key is ever written anywhere.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keys").field(&self.0.agreed.get().is_some()).finish()
    }
}

/// What encrypts and decrypts with the keys of a connection.
#[derive(Debug)]
pub(crate) struct Contexts {
    pub(crate) sender: hst_srtp::Sender,
    pub(crate) receiver: hst_srtp::Receiver,
}

#[derive(Debug)]
struct Provider {
    /// Whether str0m learns the keys of media.
    passes_keys: bool,
}

struct Instance {
    dtls: Dtls,
    keys: Keys,
    passes_keys: bool,
    made_at: Instant,
}

/// How all shake hands who send datagrams of this size: that is all of them, so they share it.
fn config(mtu: Option<usize>) -> Result<Arc<Config>, CryptoError> {
    static FIRST: OnceLock<(Option<usize>, Arc<Config>)> = OnceLock::new();
    if let Some((_, config)) = FIRST.get().filter(|(of, _)| *of == mtu) {
        return Ok(config.clone());
    }
    // No cookie: the client's address is proved by its connectivity checks.
    let config = Config::builder().use_server_cookie(false);
    let config = config.flight_start_rto(FIRST_RESEND).flight_retries(RESENDS);
    let config = config.max_queue_rx(WAITING);
    let config = mtu.into_iter().fold(config, |config, mtu| config.mtu(mtu)).build();
    let config = Arc::new(config.map_err(|error| CryptoError::Other(error.to_string()))?);
    // Another thread may have been faster.
    let _ = FIRST.set((mtu, config.clone()));
    Ok(config)
}

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
        let config = config(mtu)?;
        let keys = Keys::default();
        LAST.set(Some(keys.clone()));
        Ok(Box::new(Instance {
            dtls: Dtls::new_12(config, certificate.clone(), now),
            keys,
            passes_keys: self.passes_keys,
            made_at: now,
        }))
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").finish_non_exhaustive()
    }
}

impl DtlsInstance for Instance {
    fn set_active(&mut self, is_active: bool) {
        self.dtls.set_active(is_active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.dtls.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        if !buf.is_empty() && self.keys.0.wants_sign.swap(false, Ordering::Relaxed) {
            buf[0] = SIGN;
            return DtlsOutput::Packet(&buf[..1]);
        }
        let is_active = self.dtls.is_active();
        let output = self.dtls.poll_output(buf);
        if let DtlsOutput::KeyingMaterial(material, profile) = &output {
            self.keys.set(material, *profile, is_active);
            if !self.passes_keys {
                // A time that has come: it asks at once for what is next.
                return DtlsOutput::Timeout(self.made_at);
            }
        }
        output
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
