//! The vectors of RFC 9605 (appendix C), for its header and the cipher suite that is in use.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod golden;

use golden::{Vectors, bytes};
use hst_e2ee::{Header, SframeKey};

#[test]
fn headers_have_the_bytes_of_the_rfc() {
    let vectors = Vectors::load();
    assert_eq!(vectors.headers.len(), 289);
    for vector in &vectors.headers {
        let header = Header {
            kid: vector.kid.parse().unwrap(),
            ctr: vector.ctr.parse().unwrap(),
        };
        let encoded = bytes(&vector.encoded);
        assert_eq!(header.encode(), encoded, "{header:?}");
        assert_eq!(Header::decode(&encoded), Ok((header, &[][..])));
    }
}

#[test]
fn frames_have_the_bytes_of_the_rfc() {
    let vector = Vectors::load().sframe;
    let (metadata, plain, sealed) = (bytes(&vector.metadata), bytes(&vector.pt), bytes(&vector.ct));
    let key = SframeKey::derive(vector.kid, &bytes(&vector.base_key));
    assert_eq!(key.seal(vector.ctr, &metadata, &plain).unwrap(), sealed);
    let (header, body) = Header::decode(&sealed).unwrap();
    assert_eq!((header.kid, header.ctr), (vector.kid, vector.ctr));
    assert_eq!(key.open(header.ctr, &metadata, body), Ok(plain));
}
