use std::{fmt, str::FromStr, sync::Arc};

use rustls::pki_types::{DnsName, ServerName};

use crate::InvalidName;

/// A node's name: a DNS name in lower case, for which its certificate was issued.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(Arc<str>);

impl NodeName {
    /// The only door. Upper case is refused and not lowered, so that a name is the same bytes wherever it is written.
    ///
    /// # Errors
    /// It is no DNS name in lower case.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let is_lower = !text.ends_with('.') && text.bytes().all(|byte| !byte.is_ascii_uppercase());
        match DnsName::try_from(text) {
            Ok(_) if is_lower => Ok(Self(text.into())),
            _ => Err(InvalidName),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn to_server_name(&self) -> ServerName<'static> {
        let name = DnsName::try_from(self.as_str()).expect("it was parsed");
        ServerName::DnsName(name.to_owned())
    }
}

impl FromStr for NodeName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_dns_name_in_lower_case() {
        for good in ["a", "node-1", "node_1", "n1.eu.example.org"] {
            assert_eq!(NodeName::parse(good).unwrap().as_str(), good);
        }
        let long = "a".repeat(64);
        for bad in [
            "",
            "A",
            "a b",
            "a.",
            ".a",
            "-a",
            "10.0.0.1",
            "*.example.org",
            "ä",
            "a\0",
            &long,
        ] {
            assert_eq!(NodeName::parse(bad), Err(InvalidName), "{bad:?}");
        }
    }
}
