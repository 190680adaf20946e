//! What the fuzz targets try in here; no part of the interface.

use bytes::Bytes;

use crate::{NodeName, hello::Hello};

/// What another node says first: what is understood of it stands at its beginning, and has an answer.
pub fn hello(data: &[u8]) {
    let Some(hello) = Hello::decode(Bytes::copy_from_slice(data)) else {
        return;
    };
    assert!(data.starts_with(&hello.encode()), "{hello:?}");
    let own = Hello {
        name: NodeName::parse("own").expect("a name"),
        epoch: 1,
        versions: 2..=3,
    };
    match own.agree(&hello) {
        Ok(version) => assert!(hello.versions.contains(&version) && own.versions.contains(&version)),
        Err(reason) => assert!(!reason.text.is_empty()),
    }
}
