use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use hst_id::AppId;
use thiserror::Error;

/// Why a configuration cannot be used. Nothing here ever shows a secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read: check its name and its rights.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The file says something that is not understood: correct this line.
    #[error("{}, line {line}: {reason}", path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Something is said of a cluster, and the server is in none.
    #[error("--node, --link, --nats-creds and --nats-replicas are of a cluster: give --nats, or [cluster] in the file")]
    NoCluster,
}

/// Why the server did not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// Nobody could log in: name an App, or start in development.
    #[error("there is no App: list one under [[apps]] in a file given by --config, or start with --dev")]
    NoApps,
    /// Everybody knows the secret of the development App.
    #[error(
        "{bind} is open to others, and the secret of the development App is public: bind to 127.0.0.1 or remove the App; --dev-open lets everybody in, if this is what you want"
    )]
    DevAppExposed {
        /// Where it was to listen.
        bind: SocketAddr,
    },
    /// An App's webhook cannot be called as it is written.
    #[error("the webhook of App {app} {source}")]
    Webhook {
        /// Whose.
        app: AppId,
        /// What is wrong with it.
        source: hst_webhook::WebhookError,
    },
    /// An App's webhook is at an address that is not called.
    #[error("the webhook of App {app} is at {ip}, which is not a public address: name its network in webhook_allow")]
    WebhookAddress {
        /// Whose.
        app: AppId,
        /// Where.
        ip: IpAddr,
    },
    /// The media threads have the ports behind that of HTTP, and there are not enough.
    #[error("port {port} leaves no ports for {workers} media threads behind it: take a lower one")]
    PortTooHigh {
        /// The port of HTTP.
        port: u16,
        /// How many media threads there are.
        workers: usize,
    },
    /// The address is in use or not this machine's.
    #[error("cannot listen at {address} ({what}): {source}")]
    Bind {
        /// For what.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// The system's words.
        source: io::Error,
    },
    /// A certificate or key file cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    CertificateFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::pki_types::pem::Error,
    },
    /// The certificate and its key do not fit each other, or cannot be used for TLS.
    #[error("the certificate cannot be used: {0}")]
    Certificate(#[from] rustls::Error),
    /// The certificate cannot be used for QUIC.
    #[error("no QUIC: {0}")]
    Quic(#[source] hst_signal_quic::BindError),
    /// The database cannot be used.
    #[error("the database cannot be used: {0}")]
    Store(#[from] hst_store::StoreError),
    /// The other nodes cannot be reached.
    #[error("no cluster: {0}")]
    Cluster(#[from] hst_cluster::Unavailable),
    /// Between this release and that of a node that is at work there is another one.
    #[error(
        "node {node} speaks {theirs} with other nodes, and this program {own}: neighbouring releases work side by side, so go by those between the two, one after the other"
    )]
    Versions {
        /// Which node.
        node: hst_cluster::NodeId,
        /// What it speaks.
        theirs: hst_cluster::Versions,
        /// What this program speaks.
        own: hst_cluster::Versions,
    },
    /// The NATS servers cannot be used.
    #[error("no cluster: {0}")]
    Nats(#[from] hst_cluster_nats::ConnectError),
    /// Media could not reach the node.
    #[error("`{0}` is no name for a node: take letters in lower case, digits and hyphens (--node)")]
    NodeName(hst_cluster::NodeId),
    /// There are no links to other nodes.
    #[error("no links to other nodes: {0}")]
    Link(String),
    /// No certificate could be made.
    #[error("cannot make a certificate: {0}")]
    SelfSigned(#[from] rcgen::Error),
}

impl StartError {
    /// Whether the same start may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Bind { source, .. } if source.kind() == io::ErrorKind::AddrInUse)
    }
}
