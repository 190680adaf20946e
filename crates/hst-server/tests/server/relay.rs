//! The relay at the server's ports: who may use it, by which ways, and how long.

use std::{net::SocketAddr, num::NonZeroUsize, sync::Arc, time::Duration};

use crate::common::{Client, config, login};
use hst_proto::{Command, IceServer, Reply};
use hst_server::{Config, DEV_APP_ID, RunningServer, Server, Tls};
use hst_signal::{CertificatePin, SignalTransport as _};
use hst_signal_ws::WsTransport;
use rtc_stun::{
    attributes::{ATTR_ERROR_CODE, ATTR_NONCE, ATTR_REALM, ATTR_REQUESTED_TRANSPORT, ATTR_USERNAME, AttrType},
    integrity::MessageIntegrity,
    message::{
        CLASS_ERROR_RESPONSE, CLASS_REQUEST, METHOD_ALLOCATE, METHOD_REFRESH, Message, MessageType, Method,
        Setter as _, TransactionId,
    },
};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs::default_provider, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket},
    time::{Instant, interval, timeout},
};
use tokio_rustls::TlsConnector;

/// Nothing here takes long; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// A way to the relay.
enum Way {
    Udp(UdpSocket),
    Stream(Box<dyn Stream>),
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Way {
    async fn udp(to: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(to).await.unwrap();
        Self::Udp(socket)
    }

    async fn tcp(to: SocketAddr) -> Self {
        Self::Stream(Box::new(TcpStream::connect(to).await.unwrap()))
    }

    /// Over TLS, offering the protocols that a client of TURN may offer, or none.
    async fn tls(to: SocketAddr, trusted: &RootCertStore, protocols: &[&[u8]]) -> Self {
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap();
        let mut config = config.with_root_certificates(trusted.clone()).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TcpStream::connect(to).await.unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        Self::Stream(Box::new(stream.unwrap()))
    }

    async fn ask(&mut self, message: &[u8]) -> Message {
        let answered = timeout(PATIENCE, async {
            let mut bytes = vec![0; 2048];
            match self {
                Self::Udp(socket) => {
                    socket.send(message).await.unwrap();
                    let len = socket.recv(&mut bytes).await.unwrap();
                    bytes.truncate(len);
                }
                Self::Stream(stream) => {
                    stream.write_all(message).await.unwrap();
                    stream.flush().await.unwrap();
                    stream.read_exact(&mut bytes[..20]).await.unwrap();
                    let len = 20 + usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
                    stream.read_exact(&mut bytes[20..len]).await.unwrap();
                    bytes.truncate(len);
                }
            }
            bytes
        });
        let mut message = Message::new();
        message.unmarshal_binary(&answered.await.expect("an answer")).unwrap();
        message
    }

    /// The code that a request with these credentials is answered with; 0 for success.
    async fn request(&mut self, who: &IceServer, method: Method, attributes: &[(AttrType, &[u8])]) -> u16 {
        let challenge = self.ask(&new(METHOD_ALLOCATE).raw).await;
        assert_eq!(code(&challenge), 401);
        let mut request = new(method);
        attributes.iter().for_each(|(kind, value)| request.add(*kind, value));
        request.add(ATTR_USERNAME, who.username.as_bytes());
        let realm = challenge.get(ATTR_REALM).unwrap();
        request.add(ATTR_REALM, &realm);
        request.add(ATTR_NONCE, &challenge.get(ATTR_NONCE).unwrap());
        let provider = rtc_stun::crypto::default_provider().unwrap();
        let integrity = MessageIntegrity::new_long_term_integrity_with_provider(
            who.username.clone(),
            String::from_utf8(realm).unwrap(),
            who.credential.clone(),
            provider.crypto(),
        );
        integrity.unwrap().add_to(&mut request).unwrap();
        code(&self.ask(&request.raw).await)
    }

    async fn allocate(&mut self, who: &IceServer) -> u16 {
        let transport: &[u8] = &[17, 0, 0, 0];
        self.request(who, METHOD_ALLOCATE, &[(ATTR_REQUESTED_TRANSPORT, transport)])
            .await
    }
}

fn new(method: Method) -> Message {
    let mut message = Message::new();
    let class = CLASS_REQUEST;
    message.set_type(MessageType { method, class });
    message.transaction_id = TransactionId::new();
    message.write_header();
    message
}

fn code(message: &Message) -> u16 {
    if message.typ.class != CLASS_ERROR_RESPONSE {
        return 0;
    }
    let value = message.get(ATTR_ERROR_CODE).unwrap();
    u16::from(value[2]) * 100 + u16::from(value[3])
}

/// A server with a relay, the certificates to trust it by, and its pin.
async fn server() -> (RunningServer, RootCertStore, CertificatePin, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut trusted = RootCertStore::empty();
    trusted.add(made.cert.der().clone()).unwrap();
    let config = Config {
        tls: Tls::Files { cert, key },
        turn: Some(([127, 0, 0, 1], 0).into()),
        workers: Some(NonZeroUsize::MIN),
        ..config()
    };
    let server = Server::new(config).start().await.unwrap();
    (server, trusted, CertificatePin::of(made.cert.der()), folder)
}

/// Somebody who has logged in, and what he was told of the relay.
async fn member(server: &RunningServer, pin: &CertificatePin, user: &str) -> (Client, IceServer) {
    let url = format!("wss://{}/v1/signal#sha256={pin}", server.addresses().http.unwrap());
    let mut client = Client::new(WsTransport::default().connect(&url).await.unwrap());
    let Ok(Reply::LoggedIn(logged_in)) = client.ask(Command::Login(login(user))).await else {
        panic!("not let in")
    };
    let [ice] = &logged_in.ice_servers[..] else {
        panic!("no relay")
    };
    (client, ice.clone())
}

#[tokio::test]
async fn u3_what_a_login_opens_at_the_relay_is_over_a_second_after_its_session() {
    let (server, trusted, pin, _folder) = server().await;
    let (http, udp) = (server.addresses().http.unwrap(), server.addresses().turn.unwrap());
    let (mut ann, of_ann) = member(&server, &pin, "ann").await;
    let (_ben, of_ben) = member(&server, &pin, "ben").await;
    let mut ways = vec![
        Way::udp(udp).await,
        Way::tcp(http).await,
        Way::tls(http, &trusted, &[]).await,
        Way::tls(http, &trusted, &[b"stun.turn"]).await,
    ];
    for way in &mut ways {
        assert_eq!(way.allocate(&of_ann).await, 0);
    }
    let mut way_of_ben = Way::udp(udp).await;
    let stolen = IceServer {
        username: of_ann.username.clone(),
        ..of_ben.clone()
    };
    assert_eq!(way_of_ben.allocate(&stolen).await, 401);
    assert_eq!(way_of_ben.allocate(&of_ben).await, 0);

    ann.ask(Command::Exit {}).await.unwrap();
    let mut ticks = interval(Duration::from_millis(100));
    let start = Instant::now();
    while ways[0].request(&of_ann, METHOD_REFRESH, &[]).await != 401 {
        assert!(
            start.elapsed() < PATIENCE,
            "the session is over and its credentials are not"
        );
        ticks.tick().await;
    }
    // Without its allocation a connection is closed.
    let Way::Stream(stream) = &mut ways[1] else {
        unreachable!("it is over TLS")
    };
    let closed = timeout(2 * PATIENCE, stream.read_to_end(&mut Vec::new())).await;
    assert!(closed.is_ok(), "it is still open");
    assert_eq!(
        way_of_ben.request(&of_ben, METHOD_REFRESH, &[]).await,
        0,
        "others go on"
    );
    server.shutdown().await;
}

#[tokio::test]
async fn without_tls_the_relay_is_at_the_port_of_http_over_tcp_and_pages_are_there_as_before() {
    let config = Config {
        turn: Some(([127, 0, 0, 1], 0).into()),
        ..config()
    };
    let server = Server::new(config).start().await.unwrap();
    let http = server.addresses().http.unwrap();
    let mut ann = Client::web_socket(&server).await;
    let Ok(Reply::LoggedIn(logged_in)) = ann.ask(Command::Login(login("ann"))).await else {
        panic!("not let in")
    };
    assert_eq!(Way::tcp(http).await.allocate(&logged_in.ice_servers[0]).await, 0);
    assert!(!format!("{logged_in:?}").contains(&logged_in.ice_servers[0].credential));
    let answer = crate::common::raw::raw(
        http,
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(answer.status, 200);
    server.shutdown().await;
}

#[tokio::test]
async fn u3_an_encoder_is_told_of_the_relay_by_links_that_open_it_as_long_as_its_stream_lasts() {
    let config = Config {
        turn: Some(([127, 0, 0, 1], 0).into()),
        ..config()
    };
    let server = Server::new(config).start().await.unwrap();
    let (http, udp) = (server.addresses().http.unwrap(), server.addresses().turn.unwrap());
    let ask = async |line: &str, body: &str| {
        let (token, length) = (crate::common::token(), body.len());
        let request = format!(
            "{line} HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        crate::common::raw::raw(http, &request).await
    };
    let created = ask(
        &format!("POST /whip/g?app={DEV_APP_ID}&as=obs"),
        &crate::common::offered_video(),
    )
    .await;
    assert_eq!(created.status, 201, "{created:?}");
    let links = created.head.lines().filter_map(|line| line.strip_prefix("link: "));
    let links: Vec<&str> = links.collect();
    let urls = [
        format!("turn:{udp}?transport=udp"),
        format!("turn:{http}?transport=tcp"),
    ];
    let link = |url: &String, rest: &str| format!("<{url}>; rel=\"ice-server\"; username=\"{rest}");
    let (_, rest) = links[0].split_once("username=\"").unwrap();
    assert_eq!(links, urls.each_ref().map(|url| link(url, rest)));
    let [username, _, credential, _, kind, ""] = rest.split('"').collect::<Vec<_>>()[..] else {
        panic!("{rest}")
    };
    assert_eq!(kind, "password");
    let told = IceServer {
        urls: urls.to_vec(),
        username: username.to_owned(),
        credential: credential.to_owned(),
    };
    let mut way = Way::udp(udp).await;
    assert_eq!(way.allocate(&told).await, 0);

    let path = created.header("location").unwrap();
    assert_eq!(ask(&format!("DELETE {path}"), "").await.status, 200);
    let mut ticks = interval(Duration::from_millis(100));
    let over = async {
        while way.request(&told, METHOD_REFRESH, &[]).await != 401 {
            ticks.tick().await;
        }
    };
    timeout(PATIENCE, over).await.expect("its stream is over");
    server.shutdown().await;
}

#[tokio::test]
async fn a_server_without_a_relay_names_none() {
    let server = crate::common::server().await;
    assert_eq!(server.addresses().turn, None);
    let mut ann = Client::web_socket(&server).await;
    let Ok(Reply::LoggedIn(logged_in)) = ann.ask(Command::Login(login("ann"))).await else {
        panic!("not let in")
    };
    assert_eq!(logged_in.ice_servers, []);
    server.shutdown().await;
}
