use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::Deserialize;
use thiserror::Error;

/// Addresses that begin alike: `10.0.0.0/8`, or a single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Subnet {
    /// The bits behind the prefix are 0.
    first: IpAddr,
    prefix: u32,
}

/// A text that is no [`Subnet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an address like 192.0.2.1 or 2001:db8::1, or with the length of a prefix like 10.0.0.0/8, is wanted")]
pub struct InvalidSubnet;

impl Subnet {
    /// 127.0.0.0/8
    pub(crate) const LOOPBACK_V4: Self = Self {
        first: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)),
        prefix: 8,
    };
    /// ::1
    pub(crate) const LOOPBACK_V6: Self = Self {
        first: IpAddr::V6(Ipv6Addr::LOCALHOST),
        prefix: 128,
    };

    /// All addresses that have the first `prefix` bits of this one, or just this one if it has no more.
    pub(crate) fn around(address: IpAddr, prefix: u32) -> Self {
        let address = address.to_canonical();
        let (first, most) = match address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(32 - prefix.min(32)).unwrap_or(0);
                (Ipv4Addr::from_bits(v4.to_bits() & mask).into(), 32)
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(128 - prefix.min(128)).unwrap_or(0);
                (Ipv6Addr::from_bits(v6.to_bits() & mask).into(), 128)
            }
        };
        Self {
            first,
            prefix: prefix.min(most),
        }
    }

    /// Whether this address is one of them. An IPv4 address is the same when it is written as IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        let other = Self::around(address, self.prefix);
        other.first == self.first && other.first.is_ipv4() == self.first.is_ipv4()
    }
}

impl FromStr for Subnet {
    type Err = InvalidSubnet;

    fn from_str(text: &str) -> Result<Self, InvalidSubnet> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidSubnet)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(most), |digits| digits.parse().map_err(|_| InvalidSubnet))?;
        if prefix > most {
            return Err(InvalidSubnet);
        }
        Ok(Self::around(address, prefix))
    }
}

impl TryFrom<String> for Subnet {
    type Error = InvalidSubnet;

    fn try_from(text: String) -> Result<Self, InvalidSubnet> {
        text.parse()
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_in_the_subnets_that_it_begins_like() {
        for (text, address, is_in) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.1.2.3/8", "10.255.0.1", true),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "192.0.2.1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("127.0.0.0/8", "::ffff:127.0.0.1", true),
            ("::1", "::1", true),
        ] {
            assert_eq!(
                subnet(text).contains(address.parse().unwrap()),
                is_in,
                "{text} {address}"
            );
        }
        assert!(Subnet::LOOPBACK_V4.contains([127, 0, 0, 2].into()));
        assert!(Subnet::LOOPBACK_V6.contains(Ipv6Addr::LOCALHOST.into()));
    }

    #[test]
    fn what_is_no_subnet_is_refused() {
        assert_eq!(subnet("10.9.8.7/8").to_string(), "10.0.0.0/8");
        for text in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "here",
        ] {
            assert_eq!(text.parse::<Subnet>(), Err(InvalidSubnet), "{text}");
        }
    }
}
