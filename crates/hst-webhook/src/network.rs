use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::WebhookError;

/// All addresses of one kind that begin with the same bits (RFC 4632, 3.1; RFC 4291, 2.3).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Network {
    first: IpAddr,
    prefix: u8,
}

impl Network {
    pub(crate) const fn v4(first: [u8; 4], prefix: u8) -> Self {
        let [a, b, c, d] = first;
        Self {
            first: IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            prefix,
        }
    }

    /// `first` is the beginning of the first address; all after it is zero.
    pub(crate) const fn v6(first: [u16; 2], prefix: u8) -> Self {
        let [a, b] = first;
        Self {
            first: IpAddr::V6(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0)),
            prefix,
        }
    }

    /// Strict, because a network that is read as a wider one opens a door: the prefix must be there, in one form, and
    /// nothing may follow it.
    pub(crate) fn parse(text: &str) -> Result<Self, WebhookError> {
        let malformed = || WebhookError::NetworkMalformed { text: text.to_owned() };
        let (first, prefix) = text.split_once('/').ok_or_else(malformed)?;
        let network = Self {
            first: first.parse().map_err(|_| malformed())?,
            prefix: prefix.parse().map_err(|_| malformed())?,
        };
        let longest = if network.first.is_ipv4() { 32 } else { 128 };
        if network.prefix > longest || network.prefix.to_string() != prefix {
            return Err(malformed());
        }
        if left_aligned(network.first)
            .checked_shl(network.prefix.into())
            .unwrap_or(0)
            != 0
        {
            return Err(WebhookError::NetworkHostBits { text: text.to_owned() });
        }
        Ok(network)
    }

    pub(crate) fn contains(&self, ip: IpAddr) -> bool {
        let difference = left_aligned(self.first) ^ left_aligned(ip);
        // Shifting out all bits, for a prefix of none, leaves nothing that could differ.
        let in_prefix = difference.checked_shr(128 - u32::from(self.prefix)).unwrap_or(0);
        self.first.is_ipv4() == ip.is_ipv4() && in_prefix == 0
    }
}

/// Either kind of address with its first bit as the highest.
fn left_aligned(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()) << 96,
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The address as the text of its bits: slow, and too simple to be wrong.
    fn digits(ip: IpAddr) -> String {
        match ip {
            IpAddr::V4(ip) => ip.octets().iter().map(|byte| format!("{byte:08b}")).collect(),
            IpAddr::V6(ip) => ip.octets().iter().map(|byte| format!("{byte:08b}")).collect(),
        }
    }

    fn naive(first: IpAddr, prefix: usize, ip: IpAddr) -> bool {
        first.is_ipv4() == ip.is_ipv4() && digits(first)[..prefix] == digits(ip)[..prefix]
    }

    /// `first` with all bits after the prefix taken away.
    fn network(first: IpAddr, prefix: u8) -> Network {
        let kept = left_aligned(first) & u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
        let first: IpAddr = match first {
            IpAddr::V4(_) => Ipv4Addr::from_bits((kept >> 96) as u32).into(),
            IpAddr::V6(_) => Ipv6Addr::from_bits(kept).into(),
        };
        Network::parse(&format!("{first}/{prefix}")).unwrap()
    }

    proptest! {
        #[test]
        fn u1_a_network_contains_what_a_naive_one_does(
            first: u128, prefix in 0..=128u8, flipped in 0..=128u32, noise: u128, first_is_v4: bool, ip_is_v4: bool
        ) {
            // Alike in the first bits, then one that differs, then noise: the border is where mistakes are.
            let after = u128::MAX.checked_shr(flipped).unwrap_or(0);
            let other = (first & !after) | (!first & (after ^ (after >> 1))) | (noise & (after >> 1));
            let ip = |bits: u128, v4: bool| match v4 {
                true => IpAddr::from(Ipv4Addr::from_bits((bits >> 96) as u32)),
                false => Ipv6Addr::from_bits(bits).into(),
            };
            let prefix = if first_is_v4 { prefix / 4 } else { prefix };
            let (first, ip) = (ip(first, first_is_v4), ip(other, ip_is_v4));
            prop_assert_eq!(
                network(first, prefix).contains(ip),
                naive(first, prefix.into(), ip),
                "{}/{} and {}", first, prefix, ip
            );
        }
    }

    #[test]
    fn u1_a_malformed_network_is_refused() {
        for text in [
            "",
            "/",
            "10.0.0.0",
            "::",
            "10.0.0.0/",
            "/8",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/08",
            "10.0.0.0/8 ",
            " 10.0.0.0/8",
            "10.0.0.0/8/8",
            "10.0.0/8",
            "10/8",
            "010.0.0.0/8",
            "0xa.0.0.0/8",
            "10.0.0.0/255.0.0.0",
            "[fd00::]/8",
            "fe80::%1/10",
            "example.com/8",
            "10.0.0.0/256",
        ] {
            let refused = WebhookError::NetworkMalformed { text: text.to_owned() };
            assert_eq!(Network::parse(text).err(), Some(refused), "{text:?}");
        }
    }

    #[test]
    fn u1_a_network_that_was_meant_otherwise_is_refused() {
        for text in ["10.0.0.1/8", "10.1.0.0/8", "127.0.0.1/0", "fd00::1/8", "fe80::/8"] {
            let refused = WebhookError::NetworkHostBits { text: text.to_owned() };
            assert_eq!(Network::parse(text).err(), Some(refused), "{text:?}");
        }
        for text in ["0.0.0.0/0", "10.0.0.1/32", "10.0.0.0/8", "::/0", "::1/128", "fe80::/10"] {
            assert!(Network::parse(text).is_ok(), "{text:?}");
        }
    }
}
