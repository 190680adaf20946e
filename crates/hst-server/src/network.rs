use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroUsize,
};

use crate::config::DEFAULT_PORT;

/// Browsers take no media from lower ports, but for two of them.
const LOWEST_MEDIA_PORT: u16 = 1024;

/// Where the media threads listen, and where clients are told to look for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MediaNetwork {
    pub(crate) bind: IpAddr,
    pub(crate) advertise: Vec<IpAddr>,
}

/// The addresses of this machine that others may use: neither loopback nor link-local. Empty without a network.
pub(crate) fn own_addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let usable = interfaces.iter().filter(|i| !i.is_loopback() && !i.is_link_local());
    usable.map(if_addrs::Interface::ip).collect()
}

/// The first port of the media threads: behind that of HTTP, or behind the default one where browsers would not go; if there are
/// enough.
pub(crate) fn media_port(port: u16, workers: NonZeroUsize) -> Option<u16> {
    let port = if port < LOWEST_MEDIA_PORT { DEFAULT_PORT } else { port };
    port.checked_add(workers.get().try_into().ok()?)?;
    port.checked_add(1)
}

impl MediaNetwork {
    /// The same, reached at these addresses of a translation in front of it, too: as far as it listens where they lead.
    pub(crate) fn seen_at(mut self, outside: &[IpAddr]) -> Self {
        for &ip in outside {
            let leads_here = !self.bind.is_loopback() && (ip.is_ipv4() || self.bind.is_ipv6());
            if leads_here && !self.advertise.contains(&ip) {
                self.advertise.push(ip);
            }
        }
        self
    }

    /// Decides from the address of HTTP, the addresses that were asked for, and those of this machine.
    ///
    /// A browser gathers no loopback candidate, so that of a server on loopback it could use none: such a server
    /// offers the machine's own addresses as well. Media is open only to whoever the signalling let in.
    pub(crate) fn plan(bind: IpAddr, node_ips: &[IpAddr], own: &[IpAddr]) -> Self {
        let advertise = if !node_ips.is_empty() {
            node_ips.to_vec()
        } else if bind.is_unspecified() || bind.is_loopback() {
            let mut all: Vec<_> = own
                .iter()
                .copied()
                .filter(|ip| ip.is_ipv4() || bind.is_ipv6())
                .collect();
            if bind.is_ipv4() || bind.is_unspecified() {
                all.push(Ipv4Addr::LOCALHOST.into());
            }
            if bind.is_ipv6() {
                all.push(Ipv6Addr::LOCALHOST.into());
            }
            all
        } else {
            vec![bind]
        };
        let bind = match advertise[..] {
            // One address of this machine is all there is to listen at.
            [only] if only == bind => only,
            _ if advertise.iter().all(IpAddr::is_ipv4) => Ipv4Addr::UNSPECIFIED.into(),
            _ => Ipv6Addr::UNSPECIFIED.into(),
        };
        Self { bind, advertise }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_is_at_ports_that_browsers_go_to() {
        let first = |port| media_port(port, NonZeroUsize::new(2).unwrap());
        let ports = [1, 443, 1023, 1024, 7880, 65_533, 65_534].map(first);
        let expected = [7881, 7881, 7881, 1025, 7881, 65_534].map(Some);
        assert_eq!(ports[..6], expected);
        assert_eq!(ports[6], None);
    }

    fn plan(bind: &str, node_ips: &[&str], own: &[&str]) -> (String, Vec<String>) {
        let parse = |texts: &[&str]| texts.iter().map(|t| t.parse().unwrap()).collect::<Vec<IpAddr>>();
        let plan = MediaNetwork::plan(bind.parse().unwrap(), &parse(node_ips), &parse(own));
        (
            plan.bind.to_string(),
            plan.advertise.iter().map(IpAddr::to_string).collect(),
        )
    }

    fn expect(bind: &str, advertise: &[&str]) -> (String, Vec<String>) {
        (bind.to_owned(), advertise.iter().map(|&s| s.to_owned()).collect())
    }

    #[test]
    fn a_server_on_loopback_offers_the_machines_addresses_too() {
        let own = ["192.0.2.7", "2001:db8::7"];
        assert_eq!(
            plan("127.0.0.1", &[], &own),
            expect("0.0.0.0", &["192.0.2.7", "127.0.0.1"])
        );
        assert_eq!(
            plan("::1", &[], &own),
            expect("::", &["192.0.2.7", "2001:db8::7", "::1"])
        );
        assert_eq!(plan("127.0.0.1", &[], &[]), expect("127.0.0.1", &["127.0.0.1"]));
    }

    #[test]
    fn a_server_at_one_address_offers_that_one() {
        assert_eq!(
            plan("192.0.2.7", &[], &["192.0.2.7", "192.0.2.8"]),
            expect("192.0.2.7", &["192.0.2.7"])
        );
        let own = ["192.0.2.7", "2001:db8::7"];
        assert_eq!(
            plan("0.0.0.0", &[], &own),
            expect("0.0.0.0", &["192.0.2.7", "127.0.0.1"])
        );
        assert_eq!(
            plan("::", &[], &own),
            expect("::", &["192.0.2.7", "2001:db8::7", "127.0.0.1", "::1"])
        );
    }

    #[test]
    fn who_names_the_addresses_gets_those_alone() {
        assert_eq!(
            plan("127.0.0.1", &["203.0.113.9"], &["192.0.2.7"]),
            expect("0.0.0.0", &["203.0.113.9"])
        );
        assert_eq!(
            plan("192.0.2.7", &["192.0.2.7"], &[]),
            expect("192.0.2.7", &["192.0.2.7"])
        );
    }

    #[test]
    fn the_outside_address_is_told_beside_the_own_where_it_leads_to_us() {
        let seen = |bind: &str, own: &[&str], outside: &[&str]| {
            let parse = |texts: &[&str]| texts.iter().map(|t| t.parse().unwrap()).collect::<Vec<IpAddr>>();
            let plan = MediaNetwork::plan(bind.parse().unwrap(), &[], &parse(own)).seen_at(&parse(outside));
            (
                plan.bind.to_string(),
                plan.advertise.iter().map(IpAddr::to_string).collect::<Vec<_>>(),
            )
        };
        let both = ["203.0.113.9", "2001:db8::9"];
        assert_eq!(
            seen("0.0.0.0", &["10.0.0.5"], &both),
            expect("0.0.0.0", &["10.0.0.5", "127.0.0.1", "203.0.113.9"])
        );
        assert_eq!(
            seen("::", &["10.0.0.5", "2001:db8::9"], &both),
            expect("::", &["10.0.0.5", "2001:db8::9", "127.0.0.1", "::1", "203.0.113.9"])
        );
        assert_eq!(
            seen("10.0.0.5", &["10.0.0.5"], &both),
            expect("10.0.0.5", &["10.0.0.5", "203.0.113.9"])
        );
        assert_eq!(seen("127.0.0.1", &[], &both), expect("127.0.0.1", &["127.0.0.1"]));
    }
}
