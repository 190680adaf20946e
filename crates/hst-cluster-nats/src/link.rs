use std::{sync::atomic::Ordering, time::Duration};

use async_nats::{
    Client, ConnectErrorKind, ConnectOptions, Event, HeaderMap, Request, RequestErrorKind, ServerAddr, Subscriber,
    connection::State,
};
use bytes::Bytes;
use hst_cluster::{RequestError, Unavailable};
use tokio::{sync::watch, time::timeout};

use crate::{Auth, ConnectError, Options, names::Names};

/// What one question to the servers, or one hand-over to the connection, may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
/// What the first connection may take, over all servers.
const CONNECT: Duration = Duration::from_secs(10);
/// Two pings without an answer, and the connection counts as lost, though nobody has closed it.
const PING: Duration = Duration::from_secs(2);
/// The pause before the first try to connect, and what it grows to.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// The connection of a node. It is made anew for as long as the node lives.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    client: Client,
    /// Counts whatever may have cost messages: lost connections, and readers that were too slow.
    losses: watch::Receiver<u64>,
    nobody: String,
}

impl Link {
    pub(crate) async fn open(options: &Options, names: &Names) -> Result<Self, ConnectError> {
        let servers = addresses(&options.servers)?;
        let (count, mut losses) = watch::channel(0);
        let settings = authorized(options, &servers)
            .await?
            .name(&options.name)
            .custom_inbox_prefix(names.inbox())
            .ping_interval(PING)
            .request_timeout(None)
            .reconnect_delay_callback(pause)
            .event_callback(move |event| {
                match event {
                    Event::Connected | Event::SlowConsumer(_) => count.send_modify(|losses| *losses += 1),
                    _ => {}
                }
                std::future::ready(())
            });
        let connected = timeout(CONNECT, settings.connect(servers)).await;
        let client = connected
            .map_err(|_| ConnectError::Unreachable("no answer in time".to_owned()))?
            .map_err(|error| match error.kind() {
                ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
                    ConnectError::Unauthorized
                }
                _ => ConnectError::Unreachable(error.to_string()),
            })?;
        // The first connection is no loss: it is heard of before anybody listens.
        losses.changed().await.ok();
        Ok(Self {
            client,
            losses,
            nobody: names.nobody(),
        })
    }

    /// Of the server that we are connected with.
    pub(crate) fn version(&self) -> String {
        self.client.server_info().version
    }

    /// How often it was connected: grows before the first message of a new connection comes.
    pub(crate) fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    /// Changes a moment after messages may have been lost.
    pub(crate) fn losses(&self) -> watch::Receiver<u64> {
        let mut losses = self.losses.clone();
        losses.mark_unchanged();
        losses
    }

    pub(crate) async fn publish(&self, subject: String, payload: Bytes) -> Result<(), Unavailable> {
        self.reach()?;
        match timeout(PATIENCE, self.client.publish(subject, payload)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a message was not sent");
                Err(Unavailable)
            }
            Err(_) => Err(Unavailable),
        }
    }

    pub(crate) async fn request(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
        patience: Duration,
    ) -> Result<Bytes, RequestError> {
        self.reach().map_err(|Unavailable| RequestError::Unavailable)?;
        let request = Request::new().headers(headers).payload(payload).timeout(None);
        match timeout(patience, self.client.send_request(subject, request)).await {
            Ok(Ok(answer)) => Ok(answer.payload),
            Ok(Err(error)) => Err(match error.kind() {
                RequestErrorKind::NoResponders => RequestError::NoResponders,
                RequestErrorKind::MaxPayloadExceeded | RequestErrorKind::InvalidSubject => {
                    tracing::warn!(%error, "a request was not sent");
                    RequestError::Unavailable
                }
                RequestErrorKind::TimedOut | RequestErrorKind::Other => RequestError::Timeout,
            }),
            Err(_) => Err(RequestError::Timeout),
        }
    }

    /// When it returns, the server that we are connected with knows of it.
    pub(crate) async fn subscribe(&self, filter: String) -> Result<Subscriber, Unavailable> {
        self.reach()?;
        let subscribing = timeout(PATIENCE, self.client.subscribe(filter)).await;
        let subscriber = subscribing.map_err(|_| Unavailable)?.map_err(|_| Unavailable)?;
        // The server reads one after the other: when it has said that nobody hears this, it has read what was before.
        let answer = self.request(self.nobody.clone(), HeaderMap::new(), Bytes::new(), PATIENCE);
        match answer.await {
            Err(RequestError::NoResponders) => Ok(subscriber),
            _ => Err(Unavailable),
        }
    }

    /// What is given to the connection while it is lost would be sent when it is back, long after anybody waits for it.
    fn reach(&self) -> Result<(), Unavailable> {
        match self.client.connection_state() {
            State::Connected => Ok(()),
            _ => Err(Unavailable),
        }
    }
}

fn addresses(servers: &[String]) -> Result<Vec<ServerAddr>, ConnectError> {
    if servers.is_empty() {
        return Err(ConnectError::Address(String::new()));
    }
    let parse = |server: &String| match server.parse::<ServerAddr>() {
        Ok(address) if matches!(address.scheme(), "nats" | "tls") => Ok(address),
        // Without what is before the host: that may be a password.
        _ => Err(ConnectError::Address(
            server.rsplit('@').next().unwrap_or_default().to_owned(),
        )),
    };
    servers.iter().map(parse).collect()
}

async fn authorized(options: &Options, servers: &[ServerAddr]) -> Result<ConnectOptions, ConnectError> {
    let mut settings = ConnectOptions::new();
    settings = match &options.auth {
        Auth::None => match servers
            .iter()
            .find_map(|server| Some((server.username()?, server.password()?)))
        {
            Some((name, password)) => settings.user_and_password(name.to_owned(), password.to_owned()),
            None => settings,
        },
        Auth::User { name, password } => settings.user_and_password(name.clone(), password.clone()),
        Auth::Token(token) => settings.token(token.clone()),
        Auth::Credentials(path) => settings
            .credentials_file(path)
            .await
            .map_err(|why| ConnectError::File {
                path: path.clone(),
                why,
            })?,
    };
    let tls = &options.tls;
    let identity = tls.identity.iter().flat_map(|(certificate, key)| [certificate, key]);
    for path in tls.roots.iter().chain(identity) {
        // So that a wrong path is named here, and not as a server that cannot be reached.
        tokio::fs::metadata(path).await.map_err(|why| ConnectError::File {
            path: path.clone(),
            why,
        })?;
    }
    if let Some(roots) = &tls.roots {
        settings = settings.add_root_certificates(roots.clone());
    }
    if let Some((certificate, key)) = &tls.identity {
        settings = settings.add_client_certificate(certificate.clone(), key.clone());
    }
    Ok(settings)
}

/// Doubles with each try, and half of it is chance, so that the nodes of a server that went away do not come all at once.
fn pause(attempt: usize) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    let longest = (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE);
    longest.mul_f64(rand::random_range(0.5..1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_no_two_nodes_keep_step() {
        for (attempt, longest) in [(0, 50), (1, 50), (2, 100), (7, 3200), (8, 4000), (usize::MAX, 4000)] {
            let longest = Duration::from_millis(longest);
            let pauses: Vec<Duration> = (0..100).map(|_| pause(attempt)).collect();
            assert!(pauses.iter().all(|pause| (longest / 2..longest).contains(pause)));
            let spread = pauses
                .iter()
                .max()
                .unwrap()
                .saturating_sub(*pauses.iter().min().unwrap());
            assert!(spread > longest / 4, "{attempt}: all within {spread:?}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_named_without_a_password() {
        let refused = |text: &str| addresses(&[text.to_owned()]).unwrap_err().to_string();
        assert!(refused("http://ann:s3cret@host:1").starts_with("`host:1` is no address"));
        assert!(matches!(addresses(&[]), Err(ConnectError::Address(_))));
        assert!(addresses(&["127.0.0.1:4222".to_owned(), "tls://host".to_owned()]).is_ok());
    }
}
