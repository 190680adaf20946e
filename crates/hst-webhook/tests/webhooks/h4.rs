//! No URL of an App's owner leads to where only the platform can go.

use std::{
    env, io,
    net::IpAddr,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use hst_webhook::{AddressGuard, Counters, Endpoint, Resolver};

use crate::{
    builder, endpoint, send,
    server::{Body, Reply, Server},
    until, webhooks,
};

/// Answers the n-th question with the n-th answer, and the last one from then on.
struct Scripted {
    answers: Vec<Vec<IpAddr>>,
    asked: Arc<AtomicUsize>,
}

impl Scripted {
    fn new(answers: &[&[&str]]) -> (Self, Arc<AtomicUsize>) {
        let parse = |answer: &&[&str]| answer.iter().map(|ip| ip.parse().unwrap()).collect();
        let asked = Arc::<AtomicUsize>::default();
        let scripted = Self {
            answers: answers.iter().map(parse).collect(),
            asked: asked.clone(),
        };
        (scripted, asked)
    }
}

#[async_trait]
impl Resolver for Scripted {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        assert_eq!(host, "app.example.com");
        let n = self.asked.fetch_add(1, Relaxed);
        Ok(self.answers[n.min(self.answers.len() - 1)].clone())
    }
}

/// 127.0.0.2 plays the public Internet; 127.0.0.1 is the machine itself, as always.
fn internet() -> AddressGuard {
    AddressGuard::public_only().allow("127.0.0.2/32").unwrap()
}

/// The same port at both addresses.
async fn public_and_private(reply: impl Fn() -> Reply + Clone + Send + Sync + 'static) -> (Server, Server) {
    let public = Server::start_at("127.0.0.2:0".parse().unwrap(), {
        let reply = reply.clone();
        move |_, _| reply()
    })
    .await;
    let address = (IpAddr::from([127, 0, 0, 1]), public.address.port()).into();
    let private = Server::start_at(address, move |_, _| reply()).await;
    (public, private)
}

fn named(server: &Server) -> Endpoint {
    endpoint(&format!("http://app.example.com:{}/", server.address.port()))
}

#[tokio::test]
async fn h4_a_name_that_turns_to_the_machine_itself_is_not_followed() {
    let closing = || Reply::with(200, "connection: close");
    let (mut public, private) = public_and_private(closing).await;
    let (resolver, asked) = Scripted::new(&[&["127.0.0.2"], &["127.0.0.1"]]);
    let webhooks = builder(internet()).resolver(resolver).build();
    send(&webhooks, &named(&public), "a");
    assert_eq!(public.request().await.id(), "a");
    send(&webhooks, &named(&public), "b");
    until(&webhooks, |counters| counters.retried >= 3).await;
    webhooks.shutdown().await;
    assert!(asked.load(Relaxed) >= 4);
    let Counters { delivered, dropped, .. } = webhooks.counters();
    assert_eq!((delivered, dropped), (1, 1));
    assert_eq!((public.rest().len(), private.connections()), (0, 0));
}

#[tokio::test]
async fn h4_of_several_addresses_only_those_that_are_permitted_are_called() {
    let (mut public, private) = public_and_private(|| Reply::with(500, "connection: close")).await;
    let mixed: &[&str] = &["127.0.0.1", "::1", "127.0.0.2", "::ffff:127.0.0.1", "10.0.0.1"];
    let (resolver, asked) = Scripted::new(&[mixed]);
    let webhooks = builder(internet()).resolver(resolver).build();
    send(&webhooks, &named(&public), "a");
    for _ in 0..3 {
        public.request().await;
    }
    webhooks.shutdown().await;
    let requests = 3 + public.rest().len();
    assert_eq!(asked.load(Relaxed), requests, "asked once for each connection");
    assert_eq!(private.connections(), 0);
}

#[tokio::test]
async fn h4_a_host_that_is_an_address_is_judged_without_a_resolver() {
    let server = Server::start(|_, _| Reply::status(200)).await;
    let port = server.address.port();
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "127.1",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
        "[::]",
    ] {
        let webhooks = builder(AddressGuard::public_only()).build();
        send(&webhooks, &endpoint(&format!("http://{host}:{port}/")), "a");
        until(&webhooks, |counters| counters.retried >= 1).await;
        webhooks.shutdown().await;
        assert_eq!(webhooks.counters().dropped, 1, "{host}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn h4_the_systems_resolver_is_guarded_too() {
    let mut server = Server::start(|_, _| Reply::status(200)).await;
    let url = format!("http://localhost:{}/", server.address.port());
    let guarded = builder(AddressGuard::public_only()).build();
    send(&guarded, &endpoint(&url), "a");
    until(&guarded, |counters| counters.retried >= 1).await;
    guarded.shutdown().await;
    assert_eq!(server.connections(), 0);

    let webhooks = webhooks();
    send(&webhooks, &endpoint(&url), "b");
    assert_eq!(server.request().await.id(), "b");
}

#[tokio::test]
async fn h4_a_redirect_is_not_followed() {
    let inside = Server::start(|_, _| Reply::status(200)).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: http://{}/admin", inside.address);
        let mut outside = Server::start(move |n, _| match n {
            0 => Reply::with(status, &location),
            _ => Reply::status(200),
        })
        .await;
        let webhooks = webhooks();
        send(&webhooks, &endpoint(&outside.url()), "a");
        assert_eq!(outside.request().await.id(), "a");
        assert_eq!(outside.request().await.id(), "a", "it counts as a failure");
        webhooks.shutdown().await;
        assert_eq!(webhooks.counters().delivered, 1);
    }
    assert_eq!(inside.connections(), 0);
}

const CHILD: &str = "HST_WEBHOOK_TEST_CHILD";

/// The environment belongs to a whole process, so that this test runs itself in another one.
#[tokio::test]
async fn h4_a_proxy_of_the_environment_is_not_used() {
    if env::var_os(CHILD).is_some() {
        let mut server = Server::start(|_, _| Reply::status(200)).await;
        let webhooks = webhooks();
        send(&webhooks, &endpoint(&server.url()), "a");
        assert_eq!(server.request().await.id(), "a");
        return;
    }
    let proxy = Server::start(|_, _| Reply::body(200, Body::Never)).await;
    let address = format!("http://{}", proxy.address);
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "h4::h4_a_proxy_of_the_environment_is_not_used"]);
    for variable in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        child.env(variable, &address);
    }
    child.env(CHILD, "1").env_remove("no_proxy").env_remove("NO_PROXY");
    let output = tokio::task::spawn_blocking(move || child.output())
        .await
        .unwrap()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("1 passed"),
        "{output:?}"
    );
    assert_eq!(proxy.connections(), 0);
}
