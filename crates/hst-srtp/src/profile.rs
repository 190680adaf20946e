use crate::{counter::Counter, gcm::Gcm};

/// How packets are encrypted and authenticated, as the two sides agreed in their DTLS handshake (RFC 5764, section 4.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// `SRTP_AES128_CM_HMAC_SHA1_80`: what every WebRTC endpoint knows (RFC 3711, section 4).
    Aes128CmSha1_80,
    /// `SRTP_AEAD_AES_128_GCM` (RFC 7714).
    AeadAes128Gcm,
    /// `SRTP_AEAD_AES_256_GCM` (RFC 7714).
    AeadAes256Gcm,
}

/// Which side of the DTLS handshake this one was: it decides which of the exported keys are whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// It sent the first message.
    Client,
    /// It answered.
    Server,
}

impl Profile {
    /// How many bytes to export from the handshake, under the label `EXTRACTOR-dtls_srtp`.
    pub const fn exported_len(self) -> usize {
        2 * (self.key_len() + self.salt_len())
    }

    /// By how many bytes an RTP packet grows: its tag.
    pub const fn overhead(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 => Counter::TAG_LEN,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => Gcm::TAG_LEN,
        }
    }

    pub(crate) const fn key_len(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 | Self::AeadAes128Gcm => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    pub(crate) const fn salt_len(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 => Counter::SALT_LEN,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => Gcm::SALT_LEN,
        }
    }
}
