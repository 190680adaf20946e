use serde::Deserialize;

use crate::Subnet;

/// How many connections there may be, and of whom. What is above is refused.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Connections {
    /// In all.
    pub most: usize,
    /// Of one client address. Of IPv6, addresses that have the first 64 bits in common are one.
    pub per_address: usize,
    /// Of these, those that have not logged in. Plain HTTP never does.
    pub strangers_per_address: usize,
    /// Whose connections count only among all: this machine's own, unless said otherwise.
    pub uncounted: Vec<Subnet>,
    /// The proxies that are believed when they say for whom they connect.
    pub trusted_proxies: Vec<Subnet>,
    /// By which header they say it.
    pub proxy_header: ProxyHeader,
}

/// The header by which a proxy says for whom it connects. What a client itself says by the other one is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "closed by design: these are the two that there are"
)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`, which most write.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            most: 16_384,
            per_address: 2048,
            strangers_per_address: 256,
            uncounted: vec![Subnet::LOOPBACK_V4, Subnet::LOOPBACK_V6],
            trusted_proxies: Vec::new(),
            proxy_header: ProxyHeader::XForwardedFor,
        }
    }
}
