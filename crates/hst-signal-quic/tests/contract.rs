//! The contract of every transport.

mod house;

use hst_signal::{
    contract::{Door, LIMITS},
    signal_contract,
};
use hst_signal_quic::QuicTransport;

async fn open() -> Door {
    let server = house::Server::bind(LIMITS);
    let url = server.pinned_url();
    Door {
        transport: Box::new(QuicTransport::new(LIMITS)),
        listener: Box::new(server.listener),
        url,
    }
}

signal_contract!(open);
