//! The memory transport keeps the contract, and its network knows its names.

use hst_signal::{
    ConnectError, Limits, NameTaken, SignalListener, SignalTransport,
    contract::{Door, LIMITS},
    memory::{self, MemoryNetwork},
    signal_contract,
};

async fn open() -> Door {
    let network = MemoryNetwork::new(LIMITS);
    let listener = network.bind("door").expect("a new network has no names");
    Door {
        transport: Box::new(network),
        listener: Box::new(listener),
        url: "memory://door".to_owned(),
    }
}

signal_contract!(open);

#[tokio::test]
async fn a_name_leads_to_its_listener_and_to_nobody_after_it() {
    let network = MemoryNetwork::default();
    let mut first = network.bind("first").unwrap();
    let _second = network.bind("second").unwrap();
    assert_eq!(network.bind("first").unwrap_err(), NameTaken("first".to_owned()));

    let mut client = network.clone().connect("memory://first").await.unwrap();
    let mut server = first.accept().await.unwrap();
    client.sender.send("hello".into()).await.unwrap();
    assert_eq!(server.receiver.recv().await.unwrap(), "hello");

    drop(first);
    for url in ["memory://first", "memory://third"] {
        let error = network.connect(url).await.unwrap_err();
        assert!(
            matches!(error, ConnectError::Unreachable(_)) && error.is_retryable(),
            "{error:?}"
        );
    }
    assert!(network.bind("first").is_ok(), "a dropped listener leaves its name free");
}

#[tokio::test]
async fn a_pair_is_a_connection_without_a_network() {
    let (mut one, mut other) = memory::pair(Limits::default());
    assert_eq!(one.peer, None);
    one.sender.send("ping".into()).await.unwrap();
    other.sender.send("pong".into()).await.unwrap();
    assert_eq!(other.receiver.recv().await.unwrap(), "ping");
    assert_eq!(one.receiver.recv().await.unwrap(), "pong");
}
