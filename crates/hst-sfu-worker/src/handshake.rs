//! The handshake that agrees on the keys of media (DTLS-SRTP, RFC 5764), and says when a connection is over.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use dimpl::{Config, ConfigBuilder, Dtls, Output, SrtpProfile};
use hst_srtp::{Profile, Side};
use str0m::crypto::{self, dtls::DtlsCert};

use hello::Hello;

mod beneath;
mod hello;
mod numbered;
mod profile;
mod rsa;

/// How soon a part of the handshake that may be lost is sent again; each further time takes twice as long. After a second,
/// as RFC 6347 section 4.2.4.1 has it for whoever knows nothing of the path, one lost datagram is a second that a caller
/// waits. Browsers, which know the round trip from their connectivity checks, begin with 50 ms.
const FIRST_RESEND: Duration = Duration::from_millis(100);
/// How often it is sent again: the last time some 13 seconds after the first.
const RESENDS: usize = 7;
/// How many datagrams wait for one before them, each with some 6 KiB of what was read of it. A flight has six where it is cut
/// smallest, to 256 bytes each; of what does not fit, the sender sends again.
const WAITING: usize = 8;
/// How large our datagrams are, which fit any ordinary path.
const MTU: usize = 1200;
/// What is larger is no datagram of a handshake: each fits an ordinary path. Browsers read no larger ones either.
const LARGEST: usize = 2048;
/// The room for what the handshake has to say at a time: for a certificate, too, which is put together of what waits, so that any that
/// is whole fits. For a larger one dimpl has no answer but to panic.
const ROOM: usize = WAITING * LARGEST;

/// What ends a handshake that has failed (`handshake_failure`, RFC 5246 section 7.2): a fatal alert that can be read without keys,
/// with the number of a record that no other one has.
const FAILURE: [u8; 15] = [21, 0xfe, 0xfd, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 2, 2, 40];

/// A handshake and what follows.
pub(crate) struct Handshake {
    dtls: Dtls,
    /// What has come of the client's.
    hello: Hello,
    /// Of the certificate that the client must have, until he has shown it.
    expected: Option<Fingerprint>,
    contexts: Option<Contexts>,
    is_done: bool,
    wake_at: Option<Instant>,
}

/// The fingerprint of a certificate (RFC 8122 section 5), by SHA-256: what is older proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 32]);

/// What it has come to.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Once: when it is done, there are keys, and the client has the certificate that he should have.
    pub(crate) connected: Option<Contexts>,
    pub(crate) is_over: bool,
}

/// What encrypts what we send, and decrypts what the client sends.
#[derive(Debug)]
pub(crate) struct Contexts {
    pub(crate) sender: hst_srtp::Sender,
    pub(crate) receiver: hst_srtp::Receiver,
}

/// A handshake has failed, and cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HandshakeError {
    #[error(transparent)]
    Dtls(#[from] dimpl::Error),
    #[error("the client has another certificate than the offer says")]
    OtherCertificate,
    #[error("the client sends something of {0} bytes")]
    TooLarge(usize),
}

impl Handshake {
    /// One with this certificate of ours; `is_caller` says who begins.
    ///
    /// # Errors
    /// The cryptography refuses it.
    pub(crate) fn new(
        now: Instant,
        certificate: &DtlsCert,
        is_caller: bool,
        fingerprint: Fingerprint,
    ) -> Result<Self, HandshakeError> {
        let mut dtls = Dtls::new_12(config(is_caller)?, certificate.clone(), now);
        dtls.set_active(is_caller);
        dtls.handle_timeout(now)?;
        Ok(Self {
            dtls,
            hello: Hello::default(),
            expected: Some(fingerprint),
            contexts: None,
            is_done: false,
            wake_at: None,
        })
    }

    /// Whether we begin it.
    pub(crate) fn is_caller(&self) -> bool {
        self.dtls.is_active()
    }

    /// Begins, if that is ours to do: there is a path now.
    pub(crate) fn begin(&mut self, now: Instant, send: impl FnMut(&[u8])) -> Result<Progress, HandshakeError> {
        if !self.dtls.is_active() {
            return Ok(Progress::default());
        }
        self.receive(now, &[], send)
    }

    /// Takes a datagram of the client's; one that is too large is as one that has not come.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        datagram: &[u8],
        send: impl FnMut(&[u8]),
    ) -> Result<Progress, HandshakeError> {
        if datagram.len() > LARGEST {
            return Ok(Progress::default());
        }
        self.dtls.handle_timeout(now)?;
        if self.is_asked() {
            let datagram = beneath::inward(datagram, &mut self.hello);
            self.dtls.handle_packet(&datagram)?;
        } else {
            self.dtls.handle_packet(datagram)?;
        }
        self.proceed(send)
    }

    /// When to call [`tick`](Self::tick).
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        self.wake_at
    }

    /// Its time has come: what may be lost is sent again.
    pub(crate) fn tick(&mut self, now: Instant, send: impl FnMut(&[u8])) -> Result<Progress, HandshakeError> {
        self.dtls.handle_timeout(now)?;
        self.proceed(send)
    }

    /// Says that it has failed, if there are no keys yet, so that a client who shows a certificate that is refused need not wait for
    /// more: some do so for ever.
    pub(crate) fn give_up(&self, mut send: impl FnMut(&[u8])) {
        if !self.is_done {
            send(&FAILURE);
        }
    }

    /// Says goodbye, if there is anybody to say it to.
    pub(crate) fn close(&mut self, send: impl FnMut(&[u8])) {
        // However it goes, it is over.
        if self.dtls.close().is_ok() {
            let _ = self.proceed(send);
        }
    }

    /// Whether the client is asking for a connection, so that we say what it is like.
    fn is_asked(&self) -> bool {
        !self.is_done && !self.dtls.is_active()
    }

    fn proceed(&mut self, mut send: impl FnMut(&[u8])) -> Result<Progress, HandshakeError> {
        let (mut progress, mut room) = (Progress::default(), [0; ROOM]);
        loop {
            match self.dtls.poll_output(&mut room) {
                Output::Packet(datagram) => {
                    let mut datagram = match self.is_asked() {
                        true => beneath::outward(datagram),
                        false => datagram.to_vec(),
                    };
                    numbered::told(&mut datagram);
                    send(&datagram);
                }
                Output::PeerCert(certificate) => {
                    let shown = Fingerprint::of(certificate);
                    let expected = self.expected.take().filter(|expected| *expected == shown);
                    expected.ok_or(HandshakeError::OtherCertificate)?;
                }
                Output::KeyingMaterial(material, profile) => {
                    let side = if self.dtls.is_active() {
                        Side::Client
                    } else {
                        Side::Server
                    };
                    self.contexts = Contexts::new(profile_of(profile), &material, side);
                }
                Output::Connected => self.is_done = true,
                Output::CloseNotify => progress.is_over = true,
                Output::BufferTooSmall { needed } => return Err(HandshakeError::TooLarge(needed)),
                Output::Timeout(at) => {
                    self.wake_at = Some(at);
                    if self.is_done && self.expected.is_none() {
                        progress.connected = self.contexts.take();
                    }
                    return Ok(progress);
                }
                // Nobody has anything to say to us inside of it.
                _ => {}
            }
        }
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("dtls", &self.dtls)
            .finish_non_exhaustive()
    }
}

impl Fingerprint {
    fn of(certificate: &[u8]) -> Self {
        Self(crypto::from_feature_flags().sha256_provider.sha256(certificate))
    }

    /// One as offers write it, if it is by SHA-256.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (function, digits) = text.trim().split_once(' ')?;
        let byte = |digits| u8::from_str_radix(digits, 16).ok();
        let bytes: Option<Vec<u8>> = digits.split(':').map(byte).collect();
        let bytes = bytes?.try_into().ok()?;
        function.eq_ignore_ascii_case("sha-256").then_some(Self(bytes))
    }
}

impl Contexts {
    /// Those of a handshake that has exported this.
    pub(crate) fn new(profile: Profile, exported: &[u8], side: Side) -> Option<Self> {
        // The length was exported for the profile.
        let (sender, receiver) = hst_srtp::contexts(profile, exported, side).ok()?;
        Some(Self { sender, receiver })
    }
}

pub(crate) fn profile_of(agreed: SrtpProfile) -> Profile {
    match agreed {
        SrtpProfile::AEAD_AES_128_GCM => Profile::AeadAes128Gcm,
        SrtpProfile::AEAD_AES_256_GCM => Profile::AeadAes256Gcm,
        _ => Profile::Aes128CmSha1_80,
    }
}

/// How all shake hands who begin it, or all who do not.
fn config(is_caller: bool) -> Result<Arc<Config>, dimpl::Error> {
    static SHARED: [OnceLock<Arc<Config>>; 2] = [const { OnceLock::new() }; 2];
    let shared = &SHARED[usize::from(is_caller)];
    if let Some(config) = shared.get() {
        return Ok(config.clone());
    }
    let config = plain_config().with_crypto_provider(beneath::provider(is_caller));
    let config = Arc::new(config.build()?);
    // Another thread may have been faster.
    Ok(shared.get_or_init(|| config).clone())
}

/// The same with nothing of ours [beneath] it.
pub(crate) fn plain_config() -> ConfigBuilder {
    // No cookie: the client's address is proved by its connectivity checks.
    let config = Config::builder().use_server_cookie(false).mtu(MTU - rsa::MORE);
    let config = config.flight_start_rto(FIRST_RESEND).flight_retries(RESENDS);
    config.max_queue_rx(WAITING)
}

#[cfg(test)]
mod tests;
