//! Mocks of the seam, made by `mockall`: the layer above is tested without any cluster.

pub use crate::{
    bus::{MockBus, MockSubscription},
    directory::{MockDirectory, MockWatch},
};
