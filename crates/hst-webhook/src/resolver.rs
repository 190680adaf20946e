use std::{
    fmt, io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    sync::Arc,
};

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::AddressGuard;

/// A question to the system holds a thread until it is answered, which can be long after its asker went away. When all
/// are waiting, further ones wait with them, within their time.
const LOOKUPS_AT_ONCE: usize = 64;

/// Finds the addresses of a host. It need not check them: whatever it answers goes through the
/// [`AddressGuard`].
#[async_trait]
pub trait Resolver: Send + Sync {
    /// All addresses of `host`, best first.
    ///
    /// Asked once for each connection. Cancel-safe.
    ///
    /// # Errors
    /// There are none now; the delivery is tried again later.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// Asks the operating system.
#[derive(Debug)]
pub struct SystemResolver {
    lookups: Arc<Semaphore>,
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self {
            lookups: Arc::new(Semaphore::new(LOOKUPS_AT_ONCE)),
        }
    }
}

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let lookups = self.lookups.clone();
        let permit = lookups.acquire_owned().await.expect("nobody closes this semaphore");
        let host = host.to_owned();
        let lookup = spawn_blocking(move || {
            // Held by the thread, not by who asked, so that abandoned questions count.
            let _permit = permit;
            Ok((host.as_str(), 0)
                .to_socket_addrs()?
                .map(|address| address.ip())
                .collect())
        });
        lookup.await?
    }
}

/// Lets the HTTP client see only addresses that may be called.
pub(crate) struct GuardedResolver {
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) guard: Arc<AddressGuard>,
}

/// Either a mistake of the endpoint's owner, or an attempt to reach what only the platform can reach.
#[derive(Debug, thiserror::Error)]
#[error("no address of this host may be called")]
pub(crate) struct Forbidden;

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (resolver, guard) = (self.resolver.clone(), self.guard.clone());
        Box::pin(async move {
            let mut addresses = resolver.resolve(name.as_str()).await?;
            addresses.retain(|&ip| guard.permits(ip));
            if addresses.is_empty() {
                return Err(Forbidden.into());
            }
            // The client puts the URL's port in the place of none.
            let addresses: Addrs = Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}

impl fmt::Debug for GuardedResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedResolver").finish_non_exhaustive()
    }
}
