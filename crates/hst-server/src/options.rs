use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroUsize,
    path::PathBuf,
};

use clap::Parser;
use hst_server::{
    ClusterConfig, Config, ConfigError, Origin, Subnet, Tls,
    cluster::NodeId,
    nats::{Auth, Options as Nats},
};

/// The platform in one program: access, sign-in, groups, media.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Options {
    /// Run for development: knows a public App and makes tokens, without any configuration
    #[arg(long)]
    dev: bool,
    /// With --dev, let other machines in, too: everybody knows the secret of the public App
    #[arg(long, requires = "dev")]
    dev_open: bool,
    /// Read this TOML file; what is also said here on the command line wins
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where HTTP and QUIC listen [default: 127.0.0.1:7880]; media has the ports behind it, UDP and TCP (below 1024: those behind
    /// 7880); port 0 picks free ones
    #[arg(long, value_name = "ADDR:PORT")]
    bind: Option<SocketAddr>,
    /// An address at which clients reach the media, in place of those found out; may be repeated
    #[arg(long = "node-ip", value_name = "IP")]
    node_ips: Vec<IpAddr>,
    /// Ask this STUN server at the start at which addresses the world sees this machine, and tell clients those, too
    #[arg(long, value_name = "HOST:PORT")]
    stun_server: Option<String>,
    /// Relay for clients that do not reach the media (TURN): for UDP here, for TCP and TLS at the port of HTTP [default: no]
    #[arg(long, value_name = "ADDR:PORT")]
    turn: Option<SocketAddr>,
    /// How many media threads [default: one a core]
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroUsize>,
    /// Where clients see the server, when it stands behind a proxy
    #[arg(long, value_name = "URL")]
    public_url: Option<Origin>,
    /// How many clients Access sends here, in proportion to the other gateways' weights [default: 100]; 0: as the last one
    #[arg(long, value_name = "N")]
    gateway_weight: Option<u32>,
    /// Keep Apps, bans and revocations in this folder [default: in memory, until the server ends]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Serve HTTPS with the certificate chain in this PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Serve HTTPS with a certificate made on the spot, for phones on the LAN
    #[arg(long, conflicts_with = "tls_cert")]
    tls_self_signed: bool,
    /// Where Prometheus finds GET /metrics [default: nowhere]
    #[arg(long, value_name = "ADDR:PORT")]
    metrics: Option<SocketAddr>,
    /// How many connections there may be in all [default: 16384]
    #[arg(long, value_name = "N")]
    max_connections: Option<usize>,
    /// How many there may be of one client address [default: 2048]
    #[arg(long, value_name = "N")]
    max_per_address: Option<usize>,
    /// How many of these may not have logged in yet [default: 256]
    #[arg(long, value_name = "N")]
    max_strangers_per_address: Option<usize>,
    /// A proxy, or a subnet of them, whose X-Forwarded-For is believed; may be repeated
    #[arg(long = "trusted-proxy", value_name = "SUBNET")]
    trusted_proxies: Vec<Subnet>,
    /// Be a node of the cluster on these NATS servers (nats:// or tls://); may be repeated, and one that answers is enough
    #[arg(long, value_name = "URL")]
    nats: Vec<String>,
    /// How the NATS servers know this node: a file with a JWT and a seed (.creds), where the URL has no user and password
    #[arg(long, value_name = "FILE")]
    nats_creds: Option<PathBuf>,
    /// How many NATS servers keep what nodes agree on [default: 1]; more than 1 needs NATS 2.12 or later
    #[arg(long, value_name = "N")]
    nats_replicas: Option<u8>,
    /// The name of this node, which no other has [default: the machine's]
    #[arg(long, value_name = "NAME", value_parser = NodeId::parse)]
    node: Option<NodeId>,
    /// Where media of other nodes come in, UDP [default: a free port]
    #[arg(long, value_name = "ADDR:PORT")]
    link: Option<SocketAddr>,
    /// When ready, print one line of JSON in place of text
    #[arg(long)]
    pub(crate) json: bool,
}

impl Options {
    /// The configuration: defaults, then the file, then the command line.
    pub(crate) fn into_config(self) -> Result<Config, ConfigError> {
        let mut config = if self.dev { Config::dev() } else { Config::default() };
        if let Some(path) = &self.config {
            config = config.with_file(path)?;
        }
        config.dev_open = self.dev_open;
        config.bind = self.bind.unwrap_or(config.bind);
        config.stun_server = self.stun_server.or(config.stun_server);
        config.turn = self.turn.or(config.turn);
        config.workers = self.workers.or(config.workers);
        config.public_url = self.public_url.or(config.public_url);
        config.gateway_weight = self.gateway_weight.unwrap_or(config.gateway_weight);
        config.data_dir = self.data_dir.or(config.data_dir);
        config.metrics = self.metrics.or(config.metrics);
        if !self.node_ips.is_empty() {
            config.node_ips = self.node_ips;
        }
        let connections = &mut config.connections;
        connections.most = self.max_connections.unwrap_or(connections.most);
        connections.per_address = self.max_per_address.unwrap_or(connections.per_address);
        connections.strangers_per_address = self
            .max_strangers_per_address
            .unwrap_or(connections.strangers_per_address);
        if !self.trusted_proxies.is_empty() {
            connections.trusted_proxies = self.trusted_proxies;
        }
        if let (Some(cert), Some(key)) = (self.tls_cert, self.tls_key) {
            config.tls = Tls::Files { cert, key };
        } else if self.tls_self_signed {
            config.tls = Tls::SelfSigned;
        }
        if !self.nats.is_empty() {
            let cluster = config
                .cluster
                .get_or_insert_with(|| ClusterConfig::new(Nats::new([""; 0])));
            cluster.nats.servers = self.nats;
        }
        let names_more =
            self.node.is_some() || self.link.is_some() || self.nats_creds.is_some() || self.nats_replicas.is_some();
        if names_more && config.cluster.is_none() {
            return Err(ConfigError::NoCluster);
        }
        if let Some(cluster) = &mut config.cluster {
            if let Some(file) = self.nats_creds {
                cluster.nats.auth = Auth::Credentials(file);
            }
            cluster.nats.replicas = self.nats_replicas.unwrap_or(cluster.nats.replicas);
            cluster.node = self.node.unwrap_or_else(|| cluster.node.clone());
            cluster.link = self.link.or(cluster.link);
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn config(arguments: &str) -> Result<Config, clap::Error> {
        let options = Options::try_parse_from(["hst-server"].into_iter().chain(arguments.split_whitespace()))?;
        Ok(options.into_config().unwrap())
    }

    #[test]
    fn the_options_fit_together() {
        Options::command().debug_assert();
        for arguments in [
            "--tls-cert a.pem",
            "--tls-key a.pem",
            "--dev-open",
            "--tls-cert a --tls-key b --tls-self-signed",
        ] {
            assert!(config(arguments).is_err(), "{arguments}");
        }
        for arguments in [
            "--bind 7880",
            "--node-ip here",
            "--workers 0",
            "--public-url rtc.example.org",
            "--gateway-weight heavy",
            "--max-connections many",
            "--trusted-proxy here",
            "--turn 3478",
            "--nats nats://localhost --node a.b",
            "--nats nats://localhost --link 7000",
            "--what",
        ] {
            assert!(config(arguments).is_err(), "{arguments}");
        }
    }

    #[test]
    fn dev_needs_nothing_else() {
        let config = config("--dev").unwrap();
        assert_eq!(config.bind.to_string(), "127.0.0.1:7880");
        assert_eq!(config.apps[0].id.as_str(), hst_server::DEV_APP_ID);
        assert!(config.token_service && config.dev && !config.dev_open);
    }

    #[test]
    fn what_is_said_is_kept() {
        let config =
            config("--dev --bind [::]:0 --node-ip 192.0.2.1 --node-ip ::1 --workers 3 --tls-self-signed --data-dir d --gateway-weight 0 --stun-server stun.example.org:3478 --turn [::]:3478")
                .unwrap();
        assert_eq!(config.gateway_weight, 0);
        assert_eq!(config.turn.map(|it| it.port()), Some(3478));
        assert_eq!(config.stun_server.as_deref(), Some("stun.example.org:3478"));
        assert_eq!(config.bind.to_string(), "[::]:0");
        assert_eq!(config.node_ips.len(), 2);
        assert_eq!(config.workers, NonZeroUsize::new(3));
        assert_eq!(config.tls, Tls::SelfSigned);
        assert_eq!(config.data_dir, Some(PathBuf::from("d")));
    }

    #[test]
    fn a_node_of_a_cluster_needs_its_servers_alone() {
        let cluster = config("--dev --nats nats://a:4222 --nats nats://b:4222")
            .unwrap()
            .cluster
            .unwrap();
        assert_eq!(cluster.nats.servers, ["nats://a:4222", "nats://b:4222"]);
        let more = "--dev --nats nats://a --node n1 --nats-creds f --nats-replicas 3 --link 127.0.0.1:0";
        let cluster = config(more).unwrap().cluster.unwrap();
        assert_eq!((cluster.node.as_str(), cluster.nats.replicas), ("n1", 3));
        assert!(matches!(cluster.nats.auth, Auth::Credentials(_)) && cluster.link.is_some());
    }

    #[test]
    fn what_concerns_a_cluster_is_refused_where_there_is_none_and_joins_what_the_file_says() {
        for alone in ["--node n1", "--link 127.0.0.1:0", "--nats-creds f", "--nats-replicas 3"] {
            let options = Options::try_parse_from(["hst-server", "--dev"].into_iter().chain(alone.split(' '))).unwrap();
            assert!(matches!(options.into_config(), Err(ConfigError::NoCluster)), "{alone}");
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.toml");
        std::fs::write(
            &file,
            "[cluster]\nnats = [\"nats://a\"]\nuser = \"u\"\npassword = \"p\"\n",
        )
        .unwrap();
        let cluster = config(&format!("--dev --config {} --node n7 --nats nats://b", file.display()))
            .unwrap()
            .cluster
            .unwrap();
        assert_eq!((cluster.node.as_str(), &*cluster.nats.servers[0]), ("n7", "nats://b"));
        assert!(matches!(cluster.nats.auth, Auth::User { .. }));
    }

    #[test]
    fn the_limits_of_connections_may_be_set() {
        let set = "--dev --max-connections 9 --max-per-address 8 --max-strangers-per-address 7 --trusted-proxy 10.0.0.0/8 --trusted-proxy ::1";
        let connections = config(set).unwrap().connections;
        assert_eq!(
            (
                connections.most,
                connections.per_address,
                connections.strangers_per_address
            ),
            (9, 8, 7)
        );
        let proxies: Vec<_> = connections.trusted_proxies.iter().map(Subnet::to_string).collect();
        assert_eq!(proxies, ["10.0.0.0/8", "::1/128"]);
    }
}
