//! The contract of every transport, plain and encrypted.

mod house;

mod plain {
    use hst_signal::{
        contract::{Door, LIMITS},
        signal_contract,
    };
    use hst_signal_ws::WsTransport;

    async fn open() -> Door {
        let (listener, address) = crate::house::listen(LIMITS).await;
        let url = format!("ws://{address}/v1/signal");
        Door {
            transport: Box::new(WsTransport::new(LIMITS)),
            listener: Box::new(listener),
            url,
        }
    }

    signal_contract!(open);
}

mod encrypted_and_upgraded_elsewhere {
    use hst_signal::{
        contract::{Door, LIMITS},
        signal_contract,
    };
    use hst_signal_ws::WsTransport;

    async fn open() -> Door {
        let server = crate::house::TlsServer::bind(LIMITS).await;
        let url = server.pinned_url();
        Door {
            transport: Box::new(WsTransport::new(LIMITS)),
            listener: Box::new(server),
            url,
        }
    }

    signal_contract!(open);
}
