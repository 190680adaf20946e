/// A session's salt, from which the nonces of its packets are made.
#[derive(Clone, Copy)]
pub(crate) struct Salt(u128);

impl Salt {
    /// Takes the salt's bytes, 14 at most.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(0, |salt, byte| salt << 8 | u128::from(*byte)))
    }

    /// Mixes in what makes a packet unlike all others under the same key.
    ///
    /// RFC 3711, section 4.1.1, and RFC 7714, sections 8.1 and 9.1, say the same but for the salt's length and where in
    /// the block the sum is put.
    pub(crate) fn mix(self, ssrc: u32, index: u64) -> u128 {
        self.0 ^ u128::from(ssrc) << 48 ^ u128::from(index)
    }
}
