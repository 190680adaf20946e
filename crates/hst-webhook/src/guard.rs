use std::net::IpAddr;

use crate::{WebhookError, network::Network};

/// Where no endpoint on the public Internet can be, and much that is private can: the IANA registries of
/// special-purpose addresses (RFC 6890), multicast, and what is not allocated.
const NOT_PUBLIC: &[Network] = &[
    Network::v4([0, 0, 0, 0], 8),        // this network; 0.0.0.0 is the machine itself
    Network::v4([10, 0, 0, 0], 8),       // private
    Network::v4([100, 64, 0, 0], 10),    // carriers' NAT
    Network::v4([127, 0, 0, 0], 8),      // the machine itself
    Network::v4([168, 63, 129, 16], 32), // a public address that inside Azure is the host of the machine
    Network::v4([169, 254, 0, 0], 16),   // link-local, and the clouds' metadata
    Network::v4([172, 16, 0, 0], 12),    // private
    Network::v4([192, 0, 0, 0], 24),     // protocol assignments
    Network::v4([192, 0, 2, 0], 24),     // documentation
    Network::v4([192, 88, 99, 0], 24),   // relays of 6to4
    Network::v4([192, 168, 0, 0], 16),   // private
    Network::v4([198, 18, 0, 0], 15),    // benchmarks
    Network::v4([198, 51, 100, 0], 24),  // documentation
    Network::v4([203, 0, 113, 0], 24),   // documentation
    Network::v4([224, 0, 0, 0], 3),      // multicast, reserved, broadcast
    // Of IPv6 only 2000::/3 is public unicast. Before it are ::, ::1, IPv4 in disguise (::a.b.c.d, ::ffff:a.b.c.d),
    // the prefixes of NAT64 (64:ff9b::/96, 64:ff9b:1::/48) and the discard prefix 100::/64; after it unique local
    // (fc00::/7), link-local (fe80::/10), site-local (fec0::/10) and multicast addresses (ff00::/8).
    Network::v6([0, 0], 3),
    Network::v6([0x2001, 0], 23),     // protocol assignments, Teredo (2001::/32) among them
    Network::v6([0x2001, 0xdb8], 32), // documentation
    Network::v6([0x2002, 0], 16),     // 6to4: an IPv4 address follows
    Network::v6([0x3fff, 0], 20),     // documentation
    Network::v6([0x4000, 0], 2),
    Network::v6([0x8000, 0], 1),
];

/// Which addresses may be called: public unicast ones, and the networks that are allowed beyond that.
///
/// Every address of a host is judged after its name was resolved, so that no name leads into the platform's own
/// network. What is denied explicitly stays denied whatever is allowed.
#[derive(Debug, Clone, Default)]
pub struct AddressGuard {
    allowed: Vec<Network>,
    denied: Vec<Network>,
}

impl AddressGuard {
    /// Permits public unicast addresses and nothing else.
    pub fn public_only() -> Self {
        Self::default()
    }

    /// Permits a network that is not public, too, such as `10.20.0.0/16`: an installation's own hosts.
    ///
    /// IPv4 in disguise (`::ffff:10.20.0.1`) is not allowed thereby.
    ///
    /// # Errors
    /// [`WebhookError::NetworkMalformed`], [`WebhookError::NetworkHostBits`].
    pub fn allow(mut self, network: &str) -> Result<Self, WebhookError> {
        self.allowed.push(Network::parse(network)?);
        Ok(self)
    }

    /// Denies a network whatever is allowed, such as a part of an allowed one, or the platform's own public addresses.
    ///
    /// # Errors
    /// [`WebhookError::NetworkMalformed`], [`WebhookError::NetworkHostBits`].
    pub fn deny(mut self, network: &str) -> Result<Self, WebhookError> {
        self.denied.push(Network::parse(network)?);
        Ok(self)
    }

    /// Whether an endpoint at this address may be called.
    pub fn permits(&self, ip: IpAddr) -> bool {
        let within = |networks: &[Network], ip| networks.iter().any(|network| network.contains(ip));
        // The system sends what goes to ::ffff:a.b.c.d to a.b.c.d.
        if within(&self.denied, ip) || within(&self.denied, ip.to_canonical()) {
            return false;
        }
        within(&self.allowed, ip) || !within(NOT_PUBLIC, ip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WebhookUrl;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn u1_public_addresses_are_permitted() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.88.98.255",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "2000::1",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2001:db7:ffff::1",
            "2001:db9::1",
            "2606:4700:4700::1111",
            "2a00::1",
            "3ffe:ffff::1",
        ] {
            assert!(AddressGuard::public_only().permits(ip(text)), "{text}");
        }
    }

    /// First and last address of each network that must never be called by default.
    #[test]
    fn u1_special_addresses_are_denied() {
        for text in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.0",
            "127.255.255.255",
            "168.63.129.16",
            "169.254.0.0",
            "169.254.169.254",
            "169.254.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.0",
            "192.0.0.255",
            "192.0.2.0",
            "192.0.2.255",
            "192.88.99.0",
            "192.88.99.255",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.0",
            "198.51.100.255",
            "203.0.113.0",
            "203.0.113.255",
            "224.0.0.0",
            "239.255.255.255",
            "240.0.0.0",
            "255.255.255.254",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::8.8.8.8",
            "::ffff:0.0.0.0",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:255.255.255.255",
            "64:ff9b::",
            "64:ff9b::127.0.0.1",
            "64:ff9b::ffff:ffff",
            "64:ff9b:1::",
            "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
            "100::",
            "100::ffff:ffff:ffff:ffff",
            "1fff:ffff::",
            "2001::",
            "2001:0:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001:db8::",
            "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
            "2002::",
            "2002:7f00:1::",
            "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "3fff::",
            "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
            "4000::",
            "7fff::",
            "8000::",
            "fc00::",
            "fd00:ec2::254",
            "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "fe80::",
            "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "fec0::",
            "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "ff00::",
            "ff02::1",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ] {
            assert!(!AddressGuard::public_only().permits(ip(text)), "{text}");
        }
    }

    /// However the machine itself or a metadata service is written in a URL, it is found out or no URL.
    #[test]
    fn h4_no_way_of_writing_an_address_deceives_the_guard() {
        for host in [
            "0",
            "00",
            "0x0",
            "0.0.0.0",
            "0.0.0.0.",
            "127.1",
            "127.0.1",
            "127.0.0.1",
            "127.0.0.1.",
            "127.0.0.1:80",
            "127.255.255.254",
            "127.65535",
            "2130706433",
            "2130706433.",
            "017700000001",
            "0177.0.0.1",
            "0177.1",
            "0177.0.0.01",
            "00000177.0.0.1",
            "0x7f000001",
            "0X7F000001",
            "0x7f.0.0.1",
            "0x7F.0x0.0x0.0x1",
            "0x7f.1",
            "0x7f.0.1",
            "0x00000000007f000001",
            "%31%32%37.0.0.1",
            "127%2e0%2e0%2e1",
            "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
            "\u{2460}\u{2461}\u{2466}.0.0.1",
            "127\u{3002}0\u{3002}0\u{3002}1",
            "127\u{ff0e}0\u{ff0e}0\u{ff0e}1",
            "10.1",
            "012.0.0.1",
            "0xa.0.0.1",
            "167772161",
            "100.100.100.200",
            "169.254.169.254",
            "169.254.43518",
            "169.16689662",
            "2852039166",
            "0xa9fea9fe",
            "0xA9.0xFE.0xA9.0xFE",
            "0251.0376.0251.0376",
            "025177524776",
            "172.16.1",
            "192.168.1",
            "192.0.0.192",
            "3232235777",
            "0xc0a80101",
            "255.255.255.255",
            "4294967295",
            "0xffffffff",
            "4294967296",
            "256.0.0.1",
            "127.0.0.0.1",
            "127..1",
            "09.0.0.1",
            "[::]",
            "[::0]",
            "[0:0:0:0:0:0:0:0]",
            "[::1]",
            "[0000:0000:0000:0000:0000:0000:0000:0001]",
            "[::1%25lo]",
            "[::1%lo]",
            "[::127.0.0.1]",
            "[::7f00:1]",
            "[::ffff:127.0.0.1]",
            "[::FFFF:7F00:1]",
            "[0:0:0:0:0:ffff:169.254.169.254]",
            "[::ffff:0x7f.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b::169.254.169.254]",
            "[64:ff9b:1::1]",
            "[2001:0:7f00:1::]",
            "[2002:7f00:1::]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[fe80::1%25eth0]",
            "[fec0::1]",
            "[ff02::1]",
            "::1",
            "[::1",
            "[127.0.0.1]",
        ] {
            if let Ok(url) = WebhookUrl::parse(&format!("http://{host}/")) {
                let found = url.ip().unwrap_or_else(|| panic!("{host} is taken for a name"));
                assert!(!AddressGuard::public_only().permits(found), "{host} is {found}");
            }
        }
    }

    #[test]
    fn u1_what_is_denied_stays_denied_whatever_is_allowed() {
        let guard = AddressGuard::public_only();
        let guard = guard.deny("10.1.0.0/16").unwrap().deny("8.8.8.0/24").unwrap();
        let guard = guard.allow("10.0.0.0/8").unwrap().allow("8.0.0.0/8").unwrap();
        assert!(guard.permits(ip("10.2.0.1")) && guard.permits(ip("8.8.4.4")));
        assert!(!guard.permits(ip("10.1.0.1")) && !guard.permits(ip("8.8.8.8")));
        assert!(!guard.permits(ip("127.0.0.1")), "nobody allowed that");

        let guard = guard.allow("::/0").unwrap();
        assert!(guard.permits(ip("::1")));
        assert!(!guard.permits(ip("::ffff:10.1.0.1")), "the same host in disguise");
    }

    #[test]
    fn u1_allowing_a_network_does_not_allow_it_in_disguise() {
        let guard = AddressGuard::public_only().allow("127.0.0.0/8").unwrap();
        assert!(guard.permits(ip("127.0.0.1")));
        for text in [
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::127.0.0.1",
            "2002:7f00:1::",
            "::1",
        ] {
            assert!(!guard.permits(ip(text)), "{text}");
        }
    }
}
