use std::{
    io::Write as _,
    process::{Command, Stdio, id},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// One test at a time has hosts: their addresses are the same, and they need the machine for themselves.
pub(crate) type Turn = MutexGuard<'static, ()>;

static TURN: Mutex<()> = Mutex::new(());

pub(crate) fn turn() -> Turn {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A host of its own: with loopback, one address, and a cable to this machine. Dropping it removes it.
///
/// The addresses are those of documentation (RFC 5737), so they are nobody's.
pub(crate) struct Namespace {
    pub(crate) name: String,
    _turn: Turn,
}

impl Namespace {
    /// Its address.
    pub(crate) const ADDRESS: &str = "203.0.113.97";
    /// The address of this machine at the other end of the cable.
    pub(crate) const OUTSIDE: &str = "203.0.113.98";

    /// Makes one, or says why this machine does not allow that.
    ///
    /// # Panics
    /// When it fails for any other reason.
    pub(crate) fn make() -> Result<Self, String> {
        let turn = turn();
        let name = format!("hst-{}", id());
        match ip(&format!("netns add {name}")) {
            Err(why) if why.contains("denied") || why.contains("not permitted") => return Err(why),
            made => made.unwrap(),
        }
        let host = Self { name, _turn: turn };
        let (inside, outside) = (format!("hsti{}", id()), format!("hsto{}", id()));
        let name = &host.name;
        for arguments in [
            format!("link add {outside} type veth peer name {inside} netns {name}"),
            format!("-n {name} link set dev lo up"),
            format!("-n {name} addr add {}/30 dev {inside}", Self::ADDRESS),
            // An IPv6 address of its own would come up seconds later, and a browser drops what it loads at that moment.
            format!("-n {name} link set dev {inside} addrgenmode none"),
            format!("-n {name} link set dev {inside} up"),
            format!("addr add {}/30 dev {outside}", Self::OUTSIDE),
            format!("link set dev {outside} up"),
        ] {
            ip(&arguments).unwrap();
        }
        Ok(host)
    }

    /// From now on its packets are lost by these rules alone, as `nft` reads them.
    ///
    /// # Panics
    /// When they are no rules, and when there is no `nft`.
    pub(crate) fn lose(&self, rules: &str) {
        let rules = format!("flush ruleset\n{rules}\n");
        let mut nft = Command::new("ip")
            .args(["netns", "exec", &self.name, "nft", "-f", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        nft.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
        assert!(nft.wait().unwrap().success(), "apt-get install nftables");
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The cable goes with it, but some time later.
        let _ = ip(&format!("link del hsto{}", id()));
        let _ = ip(&format!("netns del {}", self.name));
    }
}

/// Runs the command `ip`.
pub(crate) fn ip(arguments: &str) -> Result<(), String> {
    let output = Command::new("ip").args(arguments.split(' ')).output();
    let output = output.map_err(|error| format!("the command `ip` does not start: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "ip {arguments}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    ))
}
