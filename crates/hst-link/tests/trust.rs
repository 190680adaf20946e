//! Who may be at the other end.
#![allow(clippy::unwrap_used, reason = "the helpers are tests too")]

mod house;

use house::{ANYWHERE, AUTHORITY, Node, config, hello, identity, name, papers, raw, raw_server, turning_away};
use hst_link::{Authority, CloseCode, CloseReason, Closed, Config, ConnectError, Links};
use quinn::{Connection, ConnectionError, VarInt};

/// What a raw peer hears of its hello.
async fn greet(connection: &Connection, hello: &[u8]) -> (u32, String) {
    let (mut send, _recv) = connection.open_bi().await.unwrap();
    send.write_all(hello).await.unwrap();
    match connection.closed().await {
        ConnectionError::ApplicationClosed(close) => {
            let code = close.error_code.into_inner() as u32;
            (code, String::from_utf8(close.reason.to_vec()).unwrap())
        }
        error => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_peer_without_a_certificate_is_refused() {
    let mut node = Node::new("n1");
    let address = node.address();
    let error = turning_away(&mut node, async {
        // In TLS 1.3 the client is through before the server has judged it.
        match raw(None, address, "n1").await {
            Ok(connection) => connection.closed().await,
            Err(error) => error,
        }
    });
    let error = error.await.to_string();
    assert!(error.contains("peer sent no certificates"), "{error}");
}

#[tokio::test]
async fn a_peer_of_another_authority_is_refused_by_both_sides() {
    let mut node = Node::new("n1");
    let address = node.address();
    let other = Authority::generate().unwrap();
    let (stranger, mut arrivals) = Links::bind(ANYWHERE, identity(&other, "n2"), config()).unwrap();

    let n1 = name("n1");
    let error = turning_away(&mut node, stranger.connect(&n1, address))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ConnectError::Untrusted(why) if why.contains("UnknownIssuer")),
        "{error:?}"
    );
    assert!(!error.is_retryable());

    let (n2, address) = (name("n2"), stranger.local_addr().unwrap());
    let error = tokio::select! {
        link = arrivals.accept() => panic!("{link:?}"),
        link = node.links.connect(&n2, address) => link.unwrap_err(),
    };
    assert!(matches!(error, ConnectError::Untrusted(_)), "{error:?}");
}

#[tokio::test]
async fn a_node_hears_that_the_other_side_refuses_its_certificate() {
    let mut node = Node::new("n1");
    let address = node.address();
    // It believes the cluster, which does not believe it.
    let other = Authority::generate().unwrap();
    let papers = other.issue(&name("n2"), std::time::Duration::from_secs(60)).unwrap();
    let roots = [AUTHORITY.root().unwrap(), other.root().unwrap()].concat();
    let (certificate, key) = (papers.certificate.as_bytes(), papers.key.as_bytes());
    let identity = hst_link::Identity::from_pem(name("n2"), certificate, key, roots.as_bytes()).unwrap();
    let (stranger, _arrivals) = Links::bind(ANYWHERE, identity, config()).unwrap();

    let n1 = name("n1");
    let error = turning_away(&mut node, stranger.connect(&n1, address))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ConnectError::Rejected(why) if why.contains("UnknownIssuer")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_node_that_is_not_the_dialled_one_is_refused() {
    let mut node = Node::new("n1");
    let address = node.address();
    let (dialler, wanted) = (Node::new("n2"), name("n3"));
    let error = turning_away(&mut node, dialler.links.connect(&wanted, address))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ConnectError::Untrusted(why) if why.contains("not valid for name")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_name_that_the_certificate_is_not_for_is_refused() {
    let mut node = Node::new("n1");
    let address = node.address();
    let heard = turning_away(&mut node, async {
        let mallory = raw(Some(papers("mallory")), address, "n1").await.unwrap();
        let as_other = greet(&mallory, &hello("n2", 1..=1)).await;
        let twin = raw(Some(papers("n1")), address, "n1").await.unwrap();
        [as_other, greet(&twin, &hello("n1", 1..=1)).await]
    });
    let name = CloseCode::Name.number();
    let expected = ["n2", "n1"].map(|who| (name, format!("{who} is not expected here")));
    assert_eq!(heard.await, expected);
}

#[tokio::test]
async fn a_node_does_not_dial_itself() {
    let node = Node::new("n1");
    let error = node.links.connect(&node.name, node.address()).await.unwrap_err();
    assert_eq!(error, ConnectError::Itself);
}

#[tokio::test]
async fn versions_without_a_common_one_are_told_in_words() {
    let mut new = Node::with(
        "new",
        Config {
            versions: 3..=4,
            ..config()
        },
    );
    let old = Node::with(
        "old",
        Config {
            versions: 1..=2,
            ..config()
        },
    );
    let (name, address) = (new.name.clone(), new.address());
    let error = turning_away(&mut new, old.links.connect(&name, address))
        .await
        .unwrap_err();
    let text = "new speaks versions 3 to 4, old speaks versions 1 to 2";
    let reason = CloseReason::new(CloseCode::Version, text);
    assert_eq!(error, Closed::ByPeer(reason).into());
    assert_eq!(error.to_string(), format!("closed by the peer: {text} (code 3)"));
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_dialled_node_that_answers_with_another_name_is_closed() {
    let server = raw_server(papers("n2"));
    let node = Node::new("n1");
    let (n2, address) = (name("n2"), server.local_addr().unwrap());
    let (error, heard) = tokio::join!(node.links.connect(&n2, address), async {
        let connection = server.accept().await.unwrap().await.unwrap();
        let (mut send, _recv) = connection.accept_bi().await.unwrap();
        send.write_all(&hello("n3", 1..=1)).await.unwrap();
        connection.closed().await
    });
    let reason = CloseReason::new(CloseCode::Name, "n3 is not expected here");
    assert_eq!(error.unwrap_err(), Closed::Here(reason).into());
    assert!(matches!(heard, ConnectionError::ApplicationClosed(close) if close.error_code == VarInt::from_u32(4)));
}
