//! Hosts on one network, which this machine is on, too.

use std::process::id;

use crate::namespace::{Turn, ip, turn};

/// Some hosts, each with an address of its own and a cable to the same switch. Dropping it removes them.
///
/// The addresses are those of documentation (RFC 5737), so they are nobody's.
pub(crate) struct Lan {
    hosts: usize,
    _turn: Turn,
}

impl Lan {
    /// The address of this machine there.
    const HERE: &str = "198.51.100.1";

    /// Makes one, or says why this machine does not allow that.
    ///
    /// # Panics
    /// When it fails for any other reason.
    pub(crate) fn of(hosts: usize) -> Result<Self, String> {
        let lan = Self { hosts, _turn: turn() };
        let switch = switch();
        match ip(&format!("link add {switch} type bridge")) {
            Err(why) if why.contains("denied") || why.contains("not permitted") => return Err(why),
            made => made.unwrap(),
        }
        ip(&format!("addr add {}/24 dev {switch}", Self::HERE)).unwrap();
        ip(&format!("link set dev {switch} up")).unwrap();
        for host in 0..hosts {
            let (name, port) = (Self::name(host), port(host));
            for arguments in [
                format!("netns add {name}"),
                format!("link add {port} type veth peer name lan netns {name}"),
                format!("link set dev {port} master {switch}"),
                format!("-n {name} link set dev lo up"),
                format!("-n {name} addr add {}/24 dev lan", Self::address(host)),
                format!("-n {name} link set dev lan up"),
                format!("link set dev {port} up"),
            ] {
                ip(&arguments).unwrap();
            }
        }
        Ok(lan)
    }

    /// The namespace of a host.
    pub(crate) fn name(host: usize) -> String {
        format!("hst-{}-{host}", id())
    }

    /// Its address.
    pub(crate) fn address(host: usize) -> String {
        format!("198.51.100.{}", 10 + host)
    }

    /// Pulls a host's cable out of the switch.
    pub(crate) fn cut(&self, host: usize) {
        ip(&format!("link set dev {} down", port(host))).unwrap();
    }

    /// Puts it back.
    pub(crate) fn mend(&self, host: usize) {
        ip(&format!("link set dev {} up", port(host))).unwrap();
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        for host in 0..self.hosts {
            let _ = ip(&format!("link del {}", port(host)));
            let _ = ip(&format!("netns del {}", Self::name(host)));
        }
        let _ = ip(&format!("link del {}", switch()));
    }
}

fn switch() -> String {
    format!("hsts{}", id())
}

fn port(host: usize) -> String {
    format!("hstp{host}-{}", id())
}
