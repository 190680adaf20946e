use std::{
    env,
    io::{self, Write as _},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use hst_tests::browser::{Browser, Network, Page};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::namespace::Namespace;

/// How long the server may take to start.
const START: Duration = Duration::from_secs(30);

/// Gathers the addresses at which this browser can be reached.
const GATHER: &str = "
    const peer = new RTCPeerConnection();
    const addresses = [];
    const gathered = new Promise((done) => {
        peer.onicecandidate = ({ candidate }) => (candidate?.address ? addresses.push(candidate.address) : done());
    });
    peer.createDataChannel('any');
    await peer.setLocalDescription();
    await gathered;
    peer.close();
    return addresses";

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_works_in_an_ordinary_browser_which_has_no_loopback_candidate() {
    let host = match Namespace::make() {
        Ok(host) => host,
        Err(why) => {
            let _ = writeln!(
                io::stderr(),
                "SKIPPED: this test makes a network namespace, as root. {why}"
            );
            return;
        }
    };
    let (_server, url, media) = serve(&host).await;
    assert!(
        media.contains(Namespace::ADDRESS),
        "the machine's own address is offered: {media}"
    );
    let network = Network::Namespace {
        name: &host.name,
        address: Namespace::ADDRESS,
        from: Namespace::OUTSIDE,
    };
    let browser = Browser::start(network).await;
    let (ann, ben) = tokio::join!(browser.open(&url), browser.open(&url));
    assert_no_loopback(&ann).await;

    tokio::join!(ann.join_demo("Ann", "tea"), ben.join_demo("Ben", "tea"));
    tokio::join!(ann.see_and_hear("Ben"), ben.see_and_hear("Ann"));
    // Neither does it gather one now that it may use the devices.
    assert_no_loopback(&ann).await;
}

async fn assert_no_loopback(page: &Page) {
    let addresses = page.run(GATHER, Vec::new()).await;
    let addresses: Vec<_> = addresses.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(!addresses.is_empty(), "it gathers no address at all");
    let is_loopback = |address: &&str| address.starts_with("127.") || *address == "::1";
    assert!(
        !addresses.iter().any(is_loopback),
        "this is no ordinary browser: {addresses:?}"
    );
}

/// Starts the program itself on that host, and gives what it prints: the address of the page, and those of media.
pub(crate) async fn serve(host: &Namespace) -> (Child, String, String) {
    serve_with(host, &[]).await
}

/// The same with more options.
pub(crate) async fn serve_with(host: &Namespace, options: &[&str]) -> (Child, String, String) {
    let mut server = Command::new("ip")
        .args(["netns", "exec", &host.name])
        .arg(program())
        .arg("--dev")
        .args(options)
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let ready = async {
        let (mut url, mut media) = (String::new(), String::new());
        while let Some(line) = lines.next_line().await.unwrap() {
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["open", page] => url = page.to_owned(),
                ["media", ..] => media = line,
                ["ready", ..] => return (url, media),
                _ => {}
            }
        }
        panic!("the server ended before it was ready");
    };
    let (url, media) = timeout(START, ready).await.expect("the server starts in time");
    (server, url, media)
}

/// Where cargo puts the programs: a folder above the tests.
pub(crate) fn program() -> PathBuf {
    let folder = env::current_exe().unwrap();
    let program = folder.ancestors().nth(2).unwrap().join("hst-server");
    assert!(
        program.exists(),
        "{} is missing: cargo build -p hst-server",
        program.display()
    );
    program
}
