//! An HTTP server of one page, which can misbehave.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

#[derive(Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
    pub(crate) chunked: bool,
    pub(crate) endless: bool,
    pub(crate) hang_up: bool,
}

impl Reply {
    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self::status(200, body)
    }

    pub(crate) fn status(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            body: body.into(),
            ..Self::default()
        }
    }

    pub(crate) fn redirect(location: String) -> Self {
        Self {
            location: Some(location),
            ..Self::status(302, "")
        }
    }
}

pub(crate) struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, reply) = (asked.clone(), Arc::new(reply));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, reply) = (log.clone(), reply.clone());
                tokio::spawn(async move {
                    // A client that has enough goes away in the middle of an answer, and may.
                    let _ = serve(stream, &log, &*reply).await;
                });
            }
        });
        Self { address, asked, task }
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Every path and query, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    stream: TcpStream,
    log: &Mutex<Vec<String>>,
    reply: &(dyn Fn(&str) -> Reply + Sync),
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        if line == "\r\n" {
            break;
        }
        head.push(line);
    }
    let Some(target) = head[0].strip_prefix("GET ").and_then(|rest| rest.split_once(' ')) else {
        return Ok(());
    };
    log.lock().unwrap().push(target.0.to_owned());
    let Reply {
        status,
        location,
        body,
        chunked,
        endless,
        hang_up,
    } = reply(target.0);
    if hang_up {
        return Ok(());
    }
    let location = location
        .map(|location| format!("location: {location}\r\n"))
        .unwrap_or_default();
    let length = match chunked || endless {
        true => "transfer-encoding: chunked".to_owned(),
        false => format!("content-length: {}", body.len()),
    };
    let head = format!("HTTP/1.1 {status} x\r\n{location}{length}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    if !chunked && !endless {
        return stream.write_all(body.as_bytes()).await;
    }
    loop {
        for part in body.as_bytes().chunks(1000) {
            stream.write_all(format!("{:x}\r\n", part.len()).as_bytes()).await?;
            stream.write_all(part).await?;
            stream.write_all(b"\r\n").await?;
        }
        if !endless {
            return stream.write_all(b"0\r\n\r\n").await;
        }
    }
}
