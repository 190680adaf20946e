use thiserror::Error;

/// Why a text is not the address of an access service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidAccessUrl {
    /// Not a URL, nor a `host` or `host:port`.
    #[error("is no address: give it like https://rtc.example.com or 192.168.1.5:7880")]
    Malformed,
    /// A URL of another scheme.
    #[error("is not http or https")]
    Scheme,
    /// A user name, a query or a fragment, none of which an access service has.
    #[error("has a user name, a query or a fragment: leave it away")]
    Extra,
}
