//! What the fuzz targets try in here; no part of the interface.

use crate::answer::Answer;

/// What an access service answers: there are addresses in it, or it was refused.
pub fn answer(data: &[u8]) {
    if let Some(Ok(points)) = Answer::parse(data).map(Answer::into_points) {
        assert!(!points.signal().is_empty());
        assert!(points.signal().iter().all(|url| url.contains("://")), "{points:?}");
        assert!(points.ice_servers().iter().all(|server| !server.urls.is_empty()));
    }
}
