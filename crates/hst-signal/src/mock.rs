//! Mocks of the seam, made by `mockall`: the layer above is tested without any transport.

pub use crate::{
    connection::{MockSignalReceiver, MockSignalSender},
    transport::{MockSignalListener, MockSignalTransport},
};
