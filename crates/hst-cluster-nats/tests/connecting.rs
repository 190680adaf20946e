//! Who is let in, and what is said to whom who is not.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

mod support;

use std::path::{Path, PathBuf};

use hst_cluster::{Directory, Key};
use hst_cluster_nats::{Auth, ConnectError, Nats, Options, Tls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use support::Server;
use tempfile::TempDir;

async fn refused(options: Options) -> ConnectError {
    support::within(Nats::connect(options)).await.expect_err("is refused")
}

async fn works(options: Options) {
    let nats = support::within(Nats::connect(options)).await.unwrap();
    nats.create(&Key::parse("a").unwrap(), "x".into()).await.unwrap();
}

fn with(server: &Server, auth: Auth) -> Options {
    Options {
        auth,
        ..Options::new([server.url()])
    }
}

#[tokio::test]
async fn a_user_is_known_by_his_password() {
    let server = Server::with(&["--user", "ann", "--pass", "s3cret"]).await;
    let user = |password: &str| Auth::User {
        name: "ann".to_owned(),
        password: password.to_owned(),
    };
    works(with(&server, user("s3cret"))).await;
    assert!(matches!(
        refused(with(&server, user("guess"))).await,
        ConnectError::Unauthorized
    ));
    assert!(matches!(
        refused(with(&server, Auth::None)).await,
        ConnectError::Unauthorized
    ));
}

#[tokio::test]
async fn an_address_may_have_the_user_and_his_password() {
    let server = Server::with(&["--user", "ann", "--pass", "s3cret"]).await;
    let address = |password: &str| server.url().replace("nats://", &format!("nats://ann:{password}@"));
    works(Options::new([address("s3cret")])).await;
    let error = refused(Options::new([address("guess")])).await;
    assert!(matches!(error, ConnectError::Unauthorized));
}

#[tokio::test]
async fn a_token_opens_the_door() {
    let server = Server::with(&["--auth", "s3cret"]).await;
    works(with(&server, Auth::Token("s3cret".to_owned()))).await;
    let guess = Auth::Token("guess".to_owned());
    assert!(matches!(
        refused(with(&server, guess)).await,
        ConnectError::Unauthorized
    ));
}

#[tokio::test]
async fn a_file_of_credentials_is_a_user_too() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/credentials");
    let server = Server::with(&["-c", folder.join("server.conf").to_str().unwrap()]).await;
    works(with(&server, Auth::Credentials(folder.join("node.creds")))).await;
    assert!(matches!(
        refused(with(&server, Auth::None)).await,
        ConnectError::Unauthorized
    ));
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named() {
    let server = Server::start().await;
    let auth = Auth::Credentials("/nowhere/node.creds".into());
    let words = refused(with(&server, auth)).await.to_string();
    assert!(words.starts_with("cannot use the file /nowhere/node.creds"), "{words}");
}

#[tokio::test]
async fn a_server_without_jetstream_is_told_apart_from_none() {
    let server = Server::with(&["--no-jetstream"]).await;
    assert!(matches!(
        refused(Options::new([server.url()])).await,
        ConnectError::NoJetStream
    ));
    let mut server = Server::start().await;
    server.kill().await;
    assert!(matches!(
        refused(Options::new([server.url()])).await,
        ConnectError::Unreachable(_)
    ));
}

#[tokio::test]
async fn nodes_of_another_shape_or_name_do_not_share_a_bucket() {
    let server = Server::start().await;
    works(Options::new([server.url()])).await;
    works(Options {
        name: "other".to_owned(),
        ..Options::new([server.url()])
    })
    .await;
    let raw = async_nats::connect(server.url()).await.unwrap();
    let config =
        r#"{"name":"KV_third","subjects":["$KV.third.>"],"storage":"file","num_replicas":1,"max_msgs_per_subject":5}"#;
    raw.request("$JS.API.STREAM.CREATE.KV_third", config.into())
        .await
        .unwrap();
    let third = Options {
        name: "third".to_owned(),
        ..Options::new([server.url()])
    };
    let words = refused(third).await.to_string();
    assert!(
        words.starts_with("the stream KV_third stands there with another length of history"),
        "{words}"
    );
    let named = Options {
        name: "a.b".to_owned(),
        ..Options::new([server.url()])
    };
    assert!(matches!(refused(named).await, ConnectError::Name(_)));
}

#[tokio::test]
async fn an_old_server_is_not_trusted_with_replicas() {
    let server = Server::start().await;
    let three = Options {
        replicas: 3,
        ..Options::new([server.url()])
    };
    let words = refused(three).await.to_string();
    assert!(
        words.starts_with("3 replicas are not safe on a NATS server of version 2.9."),
        "{words}"
    );
}

#[tokio::test]
async fn both_ends_are_known_by_their_certificates() {
    let folder = TempDir::new().unwrap();
    let files = certificates(folder.path());
    let path = |path: &PathBuf| path.to_str().unwrap().to_owned();
    let server = Server::with(&[
        "--tlsverify",
        "--tlscert",
        &path(&files.certificate),
        "--tlskey",
        &path(&files.key),
        "--tlscacert",
        &path(&files.roots),
    ])
    .await;
    let address = format!("tls://localhost:{}", server.port());
    let ours = Options {
        tls: Tls {
            roots: Some(files.roots.clone()),
            identity: Some((files.certificate, files.key)),
        },
        ..Options::new([address])
    };
    works(ours.clone()).await;

    let mut unknown = ours.clone();
    unknown.tls.identity = None;
    assert!(matches!(refused(unknown).await, ConnectError::Unreachable(_)));
    let mut distrustful = ours.clone();
    distrustful.tls.roots = None;
    assert!(matches!(refused(distrustful).await, ConnectError::Unreachable(_)));
    let mut mistyped = ours;
    mistyped.tls.roots = Some("/nowhere/ca.pem".into());
    assert!(matches!(refused(mistyped).await, ConnectError::File { .. }));
}

struct Files {
    roots: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

/// One certificate for server and client, and that of who signs it.
fn certificates(folder: &Path) -> Files {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    Files {
        roots: write("roots.pem", issuer.pem()),
        certificate: write("certificate.pem", certificate.pem()),
        key: write("key.pem", key.serialize_pem()),
    }
}
