//! Nodes of one cluster, and raw peers that can send what ours never would.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod thin;

use std::{
    net::{Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    sync::{Arc, LazyLock},
    time::Duration,
};

use hst_link::{ALPN, Arrivals, Authority, Config, Identity, Link, Links, NodeName, Papers};
use quinn::{
    ClientConfig, Connection, ConnectionError, Endpoint, ServerConfig,
    crypto::rustls::{QuicClientConfig, QuicServerConfig},
};
use rustls::{
    RootCertStore,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    version::TLS13,
};

pub(crate) const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// The version that everybody speaks who is not asked for another.
pub(crate) const VERSIONS: RangeInclusive<u16> = 1..=1;
const HOUR: Duration = Duration::from_secs(3600);

/// The cluster's.
pub(crate) static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::generate().expect("a key"));

pub(crate) struct Node {
    pub(crate) name: NodeName,
    pub(crate) links: Links,
    pub(crate) arrivals: Arrivals,
}

impl Node {
    pub(crate) fn new(name: &str) -> Self {
        Self::with(name, config())
    }

    pub(crate) fn with(name: &str, config: Config) -> Self {
        let identity = identity(&AUTHORITY, name);
        let (links, arrivals) = Links::bind(ANYWHERE, identity, config).expect("a port");
        Self {
            name: self::name(name),
            links,
            arrivals,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.links.local_addr().expect("an address")
    }
}

pub(crate) fn config() -> Config {
    Config {
        epoch: 7,
        versions: VERSIONS,
        share: 1_000_000_000,
    }
}

pub(crate) fn name(text: &str) -> NodeName {
    NodeName::parse(text).expect("a name")
}

pub(crate) fn identity(authority: &Authority, text: &str) -> Identity {
    let Papers { certificate, key, .. } = authority.issue(&name(text), HOUR).expect("papers");
    let root = authority.root().expect("a root");
    Identity::from_pem(name(text), certificate.as_bytes(), key.as_bytes(), root.as_bytes()).expect("it fits")
}

/// The two ends of a link that the first node has dialled at this address.
pub(crate) async fn link_over(dialler: &Node, answerer: &mut Node, address: SocketAddr) -> (Link, Link) {
    let dial = async { dialler.links.connect(&answerer.name, address).await.expect("connects") };
    let accept = async { answerer.arrivals.accept().await.expect("accepts") };
    tokio::join!(dial, accept)
}

pub(crate) async fn link(dialler: &Node, answerer: &mut Node) -> (Link, Link) {
    let address = answerer.address();
    link_over(dialler, answerer, address).await
}

/// The two ends of a link between two nodes of their own.
pub(crate) async fn pair() -> (Link, Link) {
    link(&Node::new("n1"), &mut Node::new("n2")).await
}

/// Accepts for as long as another future runs; nothing may come of it.
pub(crate) async fn turning_away<T>(node: &mut Node, other: impl Future<Output = T>) -> T {
    tokio::select! {
        link = node.arrivals.accept() => panic!("{link:?}"),
        other = other => other,
    }
}

/// QUIC with the cluster's roots, and with the papers of a node, or none.
pub(crate) async fn raw(papers: Option<Papers>, to: SocketAddr, dialled: &str) -> Result<Connection, ConnectionError> {
    let mut roots = RootCertStore::empty();
    let root = AUTHORITY.root().expect("a root");
    let root = CertificateDer::from_pem_slice(root.as_bytes()).expect("PEM");
    roots.add(root).expect("a certificate");
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .expect("TLS 1.3")
        .with_root_certificates(roots);
    let mut tls = match papers {
        Some(papers) => {
            let certificate = CertificateDer::from_pem_slice(papers.certificate.as_bytes()).expect("PEM");
            let key = PrivateKeyDer::from_pem_slice(papers.key.as_bytes()).expect("PEM");
            tls.with_client_auth_cert(vec![certificate], key).expect("they fit")
        }
        None => tls.with_no_client_auth(),
    };
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let crypto = QuicClientConfig::try_from(tls).expect("TLS 1.3");
    let endpoint = Endpoint::client(ANYWHERE).expect("a port");
    let config = ClientConfig::new(Arc::new(crypto));
    endpoint.connect_with(config, to, dialled).expect("an address").await
}

/// A server that asks nobody who he is.
pub(crate) fn raw_server(papers: Papers) -> Endpoint {
    let certificate = CertificateDer::from_pem_slice(papers.certificate.as_bytes()).expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(papers.key.as_bytes()).expect("PEM");
    let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("they fit");
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let crypto = QuicServerConfig::try_from(tls).expect("TLS 1.3");
    Endpoint::server(ServerConfig::with_crypto(Arc::new(crypto)), ANYWHERE).expect("a port")
}

pub(crate) fn papers(text: &str) -> Papers {
    AUTHORITY.issue(&name(text), HOUR).expect("papers")
}

/// A hello as it is sent.
pub(crate) fn hello(name: &str, versions: RangeInclusive<u16>) -> Vec<u8> {
    let mut frame = Vec::new();
    frame.extend(versions.start().to_be_bytes());
    frame.extend(versions.end().to_be_bytes());
    frame.extend(1_u64.to_be_bytes());
    frame.push(name.len() as u8);
    frame.extend(name.as_bytes());
    [&(frame.len() as u32).to_be_bytes()[..], &frame].concat()
}
