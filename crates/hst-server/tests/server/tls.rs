//! HTTPS and secure WebSockets.

use std::{path::PathBuf, time::Duration};

use crate::common::{Client, config};
use hst_server::{Config, RunningServer, Server, StartError, Tls};
use hst_signal::{CertificatePin, SignalTransport};
use hst_signal_ws::WsTransport;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

/// A folder of this test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Certificate and key of `localhost` in files, and the certificate's pin.
    fn certificate(&self) -> (Tls, CertificatePin) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (cert, key) = (self.0.join("cert.pem"), self.0.join("key.pem"));
        std::fs::write(&cert, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        (Tls::Files { cert, key }, CertificatePin::of(made.cert.der()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn start(tls: Tls) -> Result<RunningServer, StartError> {
    Server::new(Config { tls, ..config() }).without_media().start().await
}

#[tokio::test]
async fn a_session_runs_over_a_secure_web_socket_with_the_given_certificate() {
    let folder = Folder::new("session");
    let (tls, pin) = folder.certificate();
    let server = start(tls).await.unwrap();
    assert!(server.origins()[0].to_string().starts_with("https://"));
    let url = format!("wss://{}/v1/signal#sha256={pin}", server.addresses().http.unwrap());
    let mut ann = Client::new(WsTransport::default().connect(&url).await.unwrap())
        .logged_in("ann")
        .await;
    ann.join("g").await;
    drop(ann);
    server.shutdown().await;
}

#[tokio::test]
async fn files_that_hold_no_certificate_are_named() {
    let folder = Folder::new("broken");
    let (good, _) = folder.certificate();
    let Tls::Files { cert, key } = good else {
        unreachable!("made of files")
    };
    let empty = folder.0.join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let missing = folder.0.join("missing.pem");
    for (cert, key, named) in [
        (&empty, &key, &empty),
        (&cert, &empty, &empty),
        (&missing, &key, &missing),
        (&cert, &missing, &missing),
        (&key, &key, &key),
    ] {
        let error = start(Tls::Files {
            cert: cert.clone(),
            key: key.clone(),
        })
        .await
        .unwrap_err();
        assert!(
            matches!(&error, StartError::CertificateFile { path, .. } if path == named),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a2_who_does_not_complete_the_handshake_is_cut() {
    let server = start(Tls::SelfSigned).await.unwrap();
    let start = Instant::now();
    let mut slow = Vec::new();
    for said in [&b""[..], b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n"] {
        for _ in 0..75 {
            let mut stream = TcpStream::connect(server.addresses().http.unwrap()).await.unwrap();
            stream.write_all(said).await.unwrap();
            slow.push(stream);
        }
    }
    for mut stream in slow {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP"), "nothing is served in the clear");
    }
    assert!(start.elapsed() <= Duration::from_secs(6), "{:?}", start.elapsed());
}
