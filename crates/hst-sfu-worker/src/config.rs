use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    num::NonZero,
    thread,
};

/// How a media plane is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to receive on. An unspecified address (`0.0.0.0`, `::`) means every interface.
    pub bind: IpAddr,
    /// The port of the first thread, for UDP and TCP; the next threads take the ports after it. 0 gives each a free port.
    pub first_port: u16,
    /// How many threads. Each room lives on one of them, until that is [`full`](Self::full).
    pub workers: NonZero<usize>,
    /// From which load on a thread is full, in thousandths of what it can do: whoever then comes to one of its rooms is
    /// served by a thread that has less to do, and each track is passed on to that once.
    pub full: usize,
    /// The addresses that are told to clients as candidates, with the thread's port. May only be empty if `bind` is
    /// one address, which is then told. An address that this machine does not have is understood as a
    /// one-to-one address translation (NAT) in front of it.
    pub advertise: Vec<IpAddr>,
}

impl Config {
    pub(crate) fn candidates(&self) -> io::Result<Vec<IpAddr>> {
        if !self.advertise.is_empty() {
            return Ok(self.advertise.clone());
        }
        if self.bind.is_unspecified() {
            let problem = "a media plane on every interface must be told which addresses to advertise";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        Ok(vec![self.bind])
    }
}

impl Default for Config {
    /// Loopback, free ports, a thread for each core.
    fn default() -> Self {
        Self {
            bind: Ipv4Addr::LOCALHOST.into(),
            first_port: 0,
            workers: thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
            full: 500,
            advertise: Vec::new(),
        }
    }
}
