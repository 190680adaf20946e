//! An endpoint that writes down what it gets, and can misbehave.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant, UNIX_EPOCH},
};

use hst_webhook::{TOLERANCE, VerifyError, WebhookHeaders, WebhookSecret, verify};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};

use crate::DEADLINE;

/// More requests than any test makes; a further one would wait.
const MAX_REQUESTS: usize = 4096;

#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Method and path.
    pub(crate) line: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
    pub(crate) at: Instant,
}

impl Request {
    pub(crate) fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    pub(crate) fn timestamp(&self) -> u64 {
        self.headers["webhook-timestamp"].parse().unwrap()
    }

    /// What a receiver says whose clock shows what the sender's did.
    pub(crate) fn verify(&self, secret: &WebhookSecret) -> Result<(), VerifyError> {
        let headers = WebhookHeaders {
            id: self.id(),
            timestamp: &self.headers["webhook-timestamp"],
            signature: &self.headers["webhook-signature"],
        };
        let now = UNIX_EPOCH + Duration::from_secs(self.timestamp());
        verify(secret, &headers, &self.body, now, TOLERANCE)
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Lines of the head, each with its end.
    pub(crate) headers: String,
    pub(crate) body: Body,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Body {
    #[default]
    None,
    /// So many bytes.
    Long(usize),
    /// The answer never comes.
    Never,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    pub(crate) fn with(status: u16, header: &str) -> Self {
        Self {
            headers: format!("{header}\r\n"),
            ..Self::status(status)
        }
    }

    pub(crate) fn body(status: u16, body: Body) -> Self {
        Self {
            body,
            ..Self::status(status)
        }
    }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: mpsc::Receiver<Request>,
    connections: Arc<AtomicUsize>,
    written: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

type Answer = Arc<dyn Fn(usize, &Request) -> Reply + Send + Sync>;

impl Server {
    /// `reply` gets the number of the request, from zero on, and the request.
    pub(crate) async fn start(reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), reply).await
    }

    pub(crate) async fn start_at(
        address: SocketAddr,
        reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (log, requests) = mpsc::channel(MAX_REQUESTS);
        let (connections, written) = (Arc::default(), Arc::default());
        let connection = Connection {
            reply: Arc::new(reply),
            numbers: Arc::default(),
            written: Arc::clone(&written),
            log,
        };
        let counter: Arc<AtomicUsize> = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Relaxed);
                let connection = connection.clone();
                tokio::spawn(async move {
                    // A client that has enough goes away in the middle of an answer, and may.
                    let _ = connection.serve(stream).await;
                });
            }
        });
        Self {
            address,
            requests,
            connections,
            written,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook?key=1", self.address)
    }

    /// The next request.
    pub(crate) async fn request(&mut self) -> Request {
        let request = timeout(DEADLINE, self.requests.recv()).await;
        request.expect("a request in time").expect("the server lives")
    }

    /// What has come and was not looked at yet.
    pub(crate) fn rest(&mut self) -> Vec<Request> {
        std::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }

    /// How many connections were opened so far.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Relaxed)
    }

    /// How many bytes of bodies the system has taken.
    pub(crate) fn written(&self) -> usize {
        self.written.load(Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Connection {
    reply: Answer,
    numbers: Arc<AtomicUsize>,
    written: Arc<AtomicUsize>,
    log: mpsc::Sender<Request>,
}

impl Connection {
    async fn serve(self, stream: TcpStream) -> std::io::Result<()> {
        // Head and body are written apart.
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        while let Some(request) = read(&mut stream).await? {
            let reply = (self.reply)(self.numbers.fetch_add(1, Relaxed), &request);
            // The test may be over.
            let _ = self.log.send(request).await;
            self.write(&mut stream, reply).await?;
        }
        Ok(())
    }

    async fn write(&self, stream: &mut BufReader<TcpStream>, reply: Reply) -> std::io::Result<()> {
        let Reply { status, headers, body } = reply;
        let length = match body {
            Body::None => 0,
            Body::Long(length) => length,
            Body::Never => return std::future::pending().await,
        };
        let head = format!("HTTP/1.1 {status} x\r\n{headers}content-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        let mut left = length;
        while left > 0 {
            let written = stream.write(&[b' '; 65_536][..left.min(65_536)]).await?;
            self.written.fetch_add(written, Relaxed);
            left -= written;
        }
        Ok(())
    }
}

/// `None` if the peer has closed.
async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => head.push(line.to_owned()),
        }
    }
    let line = head[0].trim_end_matches(" HTTP/1.1").to_owned();
    let headers: HashMap<String, String> = head[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(Request {
        line,
        headers,
        body,
        at: Instant::now(),
    }))
}
