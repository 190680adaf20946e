//! `cargo xtask demo`: a server and a bot with a film, ready to be looked at.

use std::{
    io::{self, BufRead, BufReader, ErrorKind, Read},
    net::{SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, sync_channel},
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{Result, cargo, child::Guarded, system};

/// The App that `hst-server --dev` knows.
const APP: [&str; 4] = [
    "--app-id",
    "7a02a8217cd541f990152ea666ee24bf",
    "--app-secret",
    "42de63b19db7fda7",
];
/// The group that the bot is in.
const GROUP: &str = "demo";
/// What the bot shows and says, over and over.
const MEDIA: [&str; 2] = ["tests/media/film.ivf", "tests/media/film.ogg"];
/// More than a loaded machine takes to start the server.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How often we look whether a child has ended.
const GLANCE: Duration = Duration::from_millis(200);

/// What may be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Options {
    bind: SocketAddr,
    release: bool,
}

impl Options {
    /// Reads `[--bind ADDR:PORT] [--release]`.
    pub(crate) fn parse(args: &[&str]) -> Result<Self> {
        let mut options = Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 7880)),
            release: false,
        };
        let mut args = args.iter();
        while let Some(&arg) = args.next() {
            match (arg, arg.strip_prefix("--bind=")) {
                ("--release", _) => options.release = true,
                ("--bind", _) => options.bind = address(args.next().copied().unwrap_or_default())?,
                (_, Some(text)) => options.bind = address(text)?,
                (other, _) => return Err(format!("demo knows no `{other}`: see cargo xtask help").into()),
            }
        }
        Ok(options)
    }
}

fn address(text: &str) -> Result<SocketAddr> {
    text.parse()
        .map_err(|_| format!("--bind wants an address and port such as 127.0.0.1:7880, not `{text}`").into())
}

/// Builds and runs it until Ctrl-C.
pub(crate) fn run(root: &Path, options: Options) -> Result {
    system::ensure(system::TO_BUILD)?;
    check_ports(options.bind)?;
    let programs = build(root, options.release)?;

    let bind = options.bind.to_string();
    let mut arguments = vec!["--dev", "--json", "--bind", &bind];
    if !options.bind.ip().is_loopback() {
        arguments.push("--dev-open");
    }
    let mut server = Guarded::spawn(&words(&programs.join("hst-server"), &arguments))?;
    let log = server.stderr().map(print_through);
    let urls = server
        .stdout()
        .map(ready_urls)
        .and_then(|urls| wait_for(&urls))
        .unwrap_or_default();
    let Some(url) = urls.first() else {
        drop(server);
        log.map(thread::JoinHandle::join);
        return Err("the server did not become ready; what it said is above".into());
    };

    let mut bot = Guarded::spawn(&bot(&programs.join("hst"), root, url))?;
    let _progress = bot.stdout().map(discard);
    let _complaints = bot.stderr().map(print_through);
    println!("{}", invitation(&urls));
    loop {
        if server.ended()?.is_some() {
            return Err("the server has ended".into());
        }
        if bot.ended()?.is_some() {
            return Err("the bot has ended".into());
        }
        thread::sleep(GLANCE);
    }
}

/// Fails with advice when a port of the server is taken.
fn check_ports(bind: SocketAddr) -> Result {
    if bind.port() == 0 {
        return Ok(());
    }
    let http = TcpListener::bind(bind).map(drop);
    let quic = UdpSocket::bind(bind).map(drop);
    match http.and(quic) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(format!(
            "port {port} is taken, perhaps by another demo. Choose another with\n    \
             cargo xtask demo --bind {ip}:{other}\nor let the system choose with\n    \
             cargo xtask demo --bind {ip}:0",
            ip = bind.ip(),
            port = bind.port(),
            other = bind.port().wrapping_add(100),
        )
        .into()),
        // The server finds everything else out itself, and has the words for it.
        _ => Ok(()),
    }
}

/// Builds every program; answers the folder they are in.
fn build(root: &Path, release: bool) -> Result<PathBuf> {
    println!("Building everything. The first time takes minutes, and later ones seconds.");
    // The whole workspace, so that features unify as they do for the tests. Not this program: it is running.
    let mut args = vec!["build", "--workspace", "--bins", "--exclude", "xtask"];
    if release {
        args.push("--release");
    }
    cargo::run(root, &args)?;
    let profile = if release { "release" } else { "debug" };
    Ok(cargo::target_directory(root)?.join(profile))
}

fn bot(program: &Path, root: &Path, url: &str) -> Vec<String> {
    let mut bot = words(program, &["join", "--access", url, "--user", "bot", "--group", GROUP]);
    bot.extend(APP.map(str::to_owned));
    for file in MEDIA {
        bot.extend(words(Path::new("--publish"), &[&root.join(file).to_string_lossy()]));
    }
    bot
}

fn words(program: &Path, args: &[&str]) -> Vec<String> {
    let program = program.to_string_lossy().into_owned();
    [program]
        .into_iter()
        .chain(args.iter().map(|&arg| arg.to_owned()))
        .collect()
}

/// Picks out of what the server prints where it is, and prints the rest.
fn ready_urls(output: impl Read + Send + 'static) -> Receiver<Vec<String>> {
    // One answer is all that ever goes through.
    let (sender, receiver) = sync_channel(1);
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(io::Result::ok) {
            match parse_ready(&line) {
                Some(urls) => drop(sender.try_send(urls)),
                None => println!("{line}"),
            }
        }
    });
    receiver
}

/// The server's ready line is one of JSON: `{"ready":{"urls":["http://127.0.0.1:7880"], …}}`.
fn parse_ready(line: &str) -> Option<Vec<String>> {
    let json: Value = serde_json::from_str(line).ok()?;
    let urls = json["ready"]["urls"].as_array()?;
    urls.iter().map(|url| url.as_str().map(str::to_owned)).collect()
}

/// The URLs, unless the server ends or hesitates too long.
fn wait_for(urls: &Receiver<Vec<String>>) -> Option<Vec<String>> {
    urls.recv_timeout(READY_WITHIN).ok()
}

fn print_through(output: impl Read + Send + 'static) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(io::Result::ok) {
            eprintln!("{line}");
        }
    })
}

fn discard(mut output: impl Read + Send + 'static) -> thread::JoinHandle<io::Result<u64>> {
    thread::spawn(move || io::copy(&mut output, &mut io::sink()))
}

fn invitation(urls: &[String]) -> String {
    let pages: String = urls.iter().map(|url| format!("    {url}/?group={GROUP}\n")).collect();
    format!(
        "\n  Open this in a browser; a bot shows a film in group \"{GROUP}\":\n  \
         请用浏览器打开，机器人正在分组 “{GROUP}” 中播放影片：\n\n{pages}\n  \
         A second tab is a second person. Ctrl-C ends everything.\n  \
         再开一个标签页就多一位成员。按 Ctrl-C 结束。\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_chosen_by_bind() {
        assert_eq!(Options::parse(&[]).unwrap().bind.to_string(), "127.0.0.1:7880");
        for args in [&["--bind", "127.0.0.1:0"][..], &["--release", "--bind=127.0.0.1:0"]] {
            assert_eq!(Options::parse(args).unwrap().bind.port(), 0);
        }
        for args in [&["--bind"][..], &["--bind", "7880"], &["--bin"]] {
            assert!(Options::parse(args).is_err(), "{args:?}");
        }
    }

    #[test]
    fn a_taken_port_is_told_with_the_way_out() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let words = check_ports(taken.local_addr().unwrap()).unwrap_err().to_string();
        assert!(
            words.contains("is taken") && words.contains("--bind 127.0.0.1:0"),
            "{words}"
        );
        assert!(check_ports("127.0.0.1:0".parse().unwrap()).is_ok());
    }

    #[test]
    fn the_ready_line_is_the_one_with_the_urls() {
        let line = r#"{"ready":{"http":"127.0.0.1:7880","urls":["http://127.0.0.1:7880","http://10.0.0.5:7880"]}}"#;
        assert_eq!(
            parse_ready(line).unwrap(),
            ["http://127.0.0.1:7880", "http://10.0.0.5:7880"]
        );
        for line in [
            "ready http=127.0.0.1:7880",
            r#"{"urls":["http://127.0.0.1:7880"]}"#,
            r#"{"ready":{"urls":[7]}}"#,
        ] {
            assert_eq!(parse_ready(line), None, "{line}");
        }
    }

    #[test]
    fn a_server_that_ends_early_is_not_waited_for() {
        assert_eq!(wait_for(&ready_urls(&b"port is taken\n"[..])), None);
        let output = &b"hello\n{\"ready\":{\"urls\":[\"http://127.0.0.1:1\"]}}\nmore\n"[..];
        assert_eq!(wait_for(&ready_urls(output)).unwrap(), ["http://127.0.0.1:1"]);
    }
}
