//! A mock of the seam, made by `mockall`, for tests of the layer above.

pub use crate::discovery::MockAccessDiscovery;
