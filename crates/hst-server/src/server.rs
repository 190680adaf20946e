use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use hst_auth::TokenVerifier;
use hst_cluster::{Bus, Directory, NodeId};
use hst_cluster_nats::Nats;
use hst_sfu_worker::{Config as MediaConfig, MediaPlane};
use hst_signal::SignalListener;
use hst_signal_quic::ResetKey;
use hst_store::{Developer, Store};

use crate::{
    ClusterConfig, Config, Connections, Origin, StartError, Tls,
    admission::Admission,
    apps::Apps,
    cluster_config::DEFAULT_LINK_RATE,
    fleet::Fleet,
    follow::Feed,
    gateways::Gateway,
    groups::Groups,
    handover::DRAIN,
    holdings::Holdings,
    hooks::Hooks,
    http::{self, Web},
    hub::Hub,
    life::{self, Life, Lifeline},
    links,
    media::Media,
    meter::Meter,
    network::{MediaNetwork, media_port, own_addresses},
    node::Node,
    outside::outside_addresses,
    placement::Placement,
    registry::Registry,
    relay::{RelayDoor, RelayPlan},
    sessions::Sessions,
    sockets::Sockets,
};

/// How long connections may take to end when the server does.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections for metrics at a time.
const METRICS_CONNECTIONS: usize = 16;

/// A server that is about to start.
#[derive(Debug)]
pub struct Server {
    config: Config,
    verifier: Option<Arc<dyn TokenVerifier>>,
    listeners: Vec<Box<dyn SignalListener>>,
    cluster: Option<Cluster>,
    has_sockets: bool,
    has_media: bool,
}

type Cluster = (Arc<dyn Directory>, Arc<dyn Bus>, NodeId);

/// A server at work. Dropping it ends everything at once; [`shutdown`](Self::shutdown) lets its sessions know.
#[derive(Debug)]
pub struct RunningServer {
    lifeline: Lifeline,
    hub: Arc<Hub>,
    node: Node,
    hooks: Arc<Hooks>,
    meter: Arc<Meter>,
    addresses: Addresses,
    pages: Vec<Origin>,
    new_developer: Option<Developer>,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Addresses {
    /// HTTP and WebSocket (TCP).
    pub http: Option<SocketAddr>,
    /// QUIC (UDP).
    pub quic: Option<SocketAddr>,
    /// Metrics (TCP).
    pub metrics: Option<SocketAddr>,
    /// The links that carry media between nodes (UDP).
    pub link: Option<SocketAddr>,
    /// The media threads (UDP and TCP).
    pub media: Vec<SocketAddr>,
    /// The relay (UDP); over TCP and TLS it is where HTTP is.
    pub turn: Option<SocketAddr>,
    /// The addresses that clients are told to find the media threads at.
    pub candidates: Vec<IpAddr>,
}

impl Server {
    /// Everything that the configuration says, and nothing more.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            verifier: None,
            listeners: Vec::new(),
            cluster: None,
            has_sockets: true,
            has_media: true,
        }
    }

    /// Serves whoever this listener accepts, too.
    #[must_use]
    pub fn listener(mut self, listener: impl SignalListener) -> Self {
        self.listeners.push(Box::new(listener));
        self
    }

    /// Leaves the judgement of tokens to this verifier in place of the keys of the configured Apps.
    #[must_use]
    pub fn verifier(mut self, verifier: Arc<dyn TokenVerifier>) -> Self {
        self.verifier = Some(verifier);
        self
    }

    /// Makes it a node of a cluster, with a name that no other node has: with media, a DNS name in lower case. Otherwise
    /// [`Config::cluster`] says whether it is one.
    #[must_use]
    pub fn cluster(mut self, directory: Arc<dyn Directory>, bus: Arc<dyn Bus>, node: NodeId) -> Self {
        self.cluster = Some((directory, bus, node));
        self
    }

    /// Opens neither HTTP nor QUIC: only the [listeners](Self::listener) that it was given lead to it.
    #[must_use]
    pub fn without_sockets(mut self) -> Self {
        self.has_sockets = false;
        self
    }

    /// Has no media threads: offers are refused, and all else works.
    #[must_use]
    pub fn without_media(mut self) -> Self {
        self.has_media = false;
        self
    }

    /// Starts it. Everything listens when this returns.
    ///
    /// # Errors
    /// See [`StartError`]. Nothing is left running then.
    pub async fn start(self) -> Result<RunningServer, StartError> {
        self.boxed_start().await
    }

    /// Boxed, so that this crate alone compiles what a server consists of: what is awaited is compiled by whoever awaits it.
    fn boxed_start(self) -> Pin<Box<dyn Future<Output = Result<RunningServer, StartError>> + Send>> {
        Box::pin(self.start_all())
    }

    async fn start_all(self) -> Result<RunningServer, StartError> {
        let Self {
            config,
            verifier,
            listeners,
            cluster,
            has_sockets,
            has_media,
        } = self;
        config.check(verifier.is_some())?;
        let own = own_addresses();
        let (lifeline, life) = life::begin();
        let mut addresses = Addresses::default();

        let store = match &config.data_dir {
            Some(folder) => Store::open(folder)?,
            None => Store::in_memory()?,
        };
        let sockets = if has_sockets {
            let resets = ResetKey::new(store.reset_key()?);
            Some(Sockets::open(&config, &own, &resets, &mut addresses).await?)
        } else {
            None
        };
        let media = if has_media {
            start_media(&config, &own, &life, &mut addresses).await?
        } else {
            Media::off(life.clone())
        };

        let pages = addresses
            .http
            .map(|http| pages(&config, http, &own))
            .unwrap_or_default();
        let store = Arc::new(store);
        let keeps_developers = config.data_dir.is_some() || config.dev;
        let apps = Arc::new(Apps::open(config.apps, store, verifier)?);
        let node = match (cluster, &config.cluster) {
            // Before others hear of it: a name that links cannot have.
            (Some((directory, bus, node)), _) => {
                if media.plane().is_some() {
                    links::parse(&node)?;
                }
                Node::join(directory, bus, node).await?
            }
            (None, Some(ClusterConfig { nats, node, .. })) => {
                links::parse(node)?;
                let nats = Arc::new(Nats::connect(nats.clone()).await?);
                Node::join(nats.clone(), nats, node.clone()).await?
            }
            (None, None) => Node::alone().await?,
        };
        let fixed = config.gateways.iter().map(|gateway| Gateway {
            origin: gateway.url.clone(),
            quic: None,
            weight: gateway.weight,
        });
        let holdings = Holdings::new(node.clone(), life.clone());
        holdings.follow().await?;
        let fleet = Fleet::new(&node, holdings, config.gateway_weight, fixed.collect());
        if let Some(plane) = media.plane().filter(|_| !node.is_alone).cloned() {
            let link = config.cluster.as_ref().and_then(|cluster| cluster.link);
            let link = link.unwrap_or((config.bind.ip(), 0).into());
            let rate = config.cluster.as_ref().map_or(DEFAULT_LINK_RATE, |it| it.link_rate);
            let (cascade, port) = links::open(link, rate, (&node, &fleet), plane).await?;
            let is_named = !link.ip().is_unspecified();
            let ip = Some(link.ip())
                .filter(|_| is_named)
                .or(addresses.candidates.first().copied());
            addresses.link = ip.map(|ip| (ip, port).into());
            if let Some(address) = addresses.link {
                let _ = fleet.link.set(address);
            }
            media.join_by(cascade);
        }
        let placement = Placement::new(node.clone(), fleet.clone());
        let meter = apps.meter.clone();
        life.spawn(meter.clone().run(life.clone()));
        let hooks = Hooks::new(config.webhook_guard, apps.clone());
        let sessions = Arc::new(Sessions::default());
        let registry = Registry::new(node.clone(), apps, sessions.clone(), life.clone());
        let feed = Feed::new(node.clone(), registry.clone(), hooks.clone());
        let groups = Groups::new(node.clone(), placement, media, feed, life.clone());
        let admission = Admission::new(config.connections);
        let hub = Hub::new(
            node.clone(),
            fleet,
            (registry.clone(), sessions),
            groups,
            hooks.clone(),
            admission,
            life.clone(),
        );
        life.spawn(hub.clone().close_sessions());
        hub.clone().listen_to_nodes().await?;
        // Before anybody is let in, and once others can tell what they register meanwhile.
        registry.follow().await?;
        let receiving = hub.clone();
        let receive = move |pipe, offered| receiving.clone().receive_session(pipe, offered);
        hub.groups.listen(receive).await?;
        hub.ring().await?;
        hub.join_fleet().await?;
        life.spawn(hub.clone().keep_up());
        for listener in listeners {
            life.spawn(hub.clone().listen(listener));
        }
        if let Some(Sockets {
            http,
            metrics,
            quic,
            quic_point,
            certificate,
        }) = sockets
        {
            life.spawn(hub.clone().listen(Box::new(quic)));
            let web = Web {
                hub: hub.clone(),
                public_url: config.public_url,
                quic: Some(quic_point),
                token_service: config.token_service,
                weight: config.gateway_weight,
                whip: Arc::default(),
            };
            let gateway = pages.iter().find(|page| !page.is_local()).or(pages.first()).cloned();
            if let (Some(bind), Some(origin)) = (config.turn, &gateway) {
                let plan = RelayPlan {
                    bind,
                    origin,
                    candidates: &addresses.candidates,
                    media: &addresses.media,
                };
                let (door, udp) = RelayDoor::open(plan, &own, &hub).await?;
                addresses.turn = Some(udp);
                let _ = hub.relay.set(door);
            }
            let gateway = gateway.map(|origin| web.gateway(origin));
            let tls = if config.tls == Tls::Off {
                None
            } else {
                Some(certificate.acceptor()?)
            };
            life.spawn(http::serve(
                http,
                tls,
                http::router(Arc::new(web)),
                hub.clone(),
                hub.admission.clone(),
            ));
            if let Some(metrics) = metrics {
                let router = http::metrics_router(hub.clone());
                // Places of its own: who watches a server wants to know above all when it is full.
                let admission = Admission::new(Connections {
                    most: METRICS_CONNECTIONS,
                    ..Connections::default()
                });
                life.spawn(http::serve(metrics, None, router, hub.clone(), admission));
            }
            if let Some(gateway) = gateway {
                hub.announce_gateway(&gateway).await?;
            }
        } else if let Some(origin) = config.public_url {
            let gateway = Gateway {
                origin,
                quic: None,
                weight: config.gateway_weight,
            };
            hub.announce_gateway(&gateway).await?;
        }
        // Last, because a secret that is made is to be shown.
        let new_developer = if keeps_developers {
            registry.developer_at_start().await?
        } else {
            None
        };
        Ok(RunningServer {
            lifeline,
            hub,
            node,
            hooks,
            meter,
            addresses,
            pages,
            new_developer,
        })
    }
}

async fn start_media(
    config: &Config,
    own: &[IpAddr],
    life: &Life,
    addresses: &mut Addresses,
) -> Result<Media, StartError> {
    let outside = match &config.stun_server {
        Some(server) => outside_addresses(server).await,
        None => Vec::new(),
    };
    let network = MediaNetwork::plan(config.bind.ip(), &config.node_ips, own).seen_at(&outside);
    let MediaNetwork { bind, advertise } = network;
    let workers = config.worker_count();
    let first_port = match config.bind.port() {
        0 => 0,
        port => media_port(port, workers).ok_or(StartError::PortTooHigh {
            port,
            workers: workers.get(),
        })?,
    };
    addresses.candidates.clone_from(&advertise);
    let (plane, events) = MediaPlane::start(MediaConfig {
        bind,
        first_port,
        workers,
        advertise,
        ..MediaConfig::default()
    })
    .map_err(|source: io::Error| StartError::Bind {
        what: "media, UDP and TCP",
        address: (bind, first_port).into(),
        source,
    })?;
    addresses.media = plane.local_addrs();
    Ok(Media::new(plane, events, life.clone()))
}

/// Where a person can open the demo page, best first.
fn pages(config: &Config, http: SocketAddr, own: &[IpAddr]) -> Vec<Origin> {
    if let Some(public_url) = &config.public_url {
        return vec![public_url.clone()];
    }
    let secure = config.tls != Tls::Off;
    if !http.ip().is_unspecified() {
        return vec![Origin::of_address(secure, http)];
    }
    let local = Origin::of_host(secure, &format!("localhost:{}", http.port())).expect("localhost is a host");
    let of_family = own.iter().filter(|ip| http.is_ipv6() || ip.is_ipv4());
    [local]
        .into_iter()
        .chain(of_family.map(|&ip| Origin::of_address(secure, (ip, http.port()).into())))
        .collect()
}

impl RunningServer {
    /// Where it listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The addresses of its demo page, which are also those of its Access service; empty without sockets.
    pub fn origins(&self) -> &[Origin] {
        &self.pages
    }

    /// The developer who was created at this start, because there was none: show the secret to whoever started the server,
    /// now and never again. He owns Apps, and his backends use the gateways.
    pub fn new_developer(&self) -> Option<&Developer> {
        self.new_developer.as_ref()
    }

    /// Ends the server: nobody is let in any more, and sessions go on at other nodes, where there are any. The others are told
    /// and have a few seconds to end, the Apps' backends are told of it, and then all is closed.
    ///
    /// Not cancel-safe: dropped half-way, everything ends at once.
    pub async fn shutdown(self) {
        self.boxed_shutdown().await;
    }

    /// Boxed for the reason for which the start is.
    fn boxed_shutdown(self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(self.shut_down_all())
    }

    async fn shut_down_all(self) {
        self.hub.drain(DRAIN).await;
        self.lifeline.end(PATIENCE).await;
        self.node.leave().await;
        self.meter.write_or_warn().await;
        self.hooks.shutdown().await;
    }
}
