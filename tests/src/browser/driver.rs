use std::{
    fs::File,
    io::Write as _,
    process::{Command as Blocking, Stdio},
    time::Duration,
};

use fantoccini::{Client, ClientBuilder, wd::Capabilities};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::browser::Page;

/// How long chromedriver and Chromium may take to start, on a machine that is busy.
const START: Duration = Duration::from_secs(60);
/// How often it is started before it is given up.
const ATTEMPTS: usize = 5;
/// Says that chromedriver is ready; the port follows.
const READY: &str = "successfully on port ";

/// How every Chromium of the tests is started.
const FLAGS: [&str; 8] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--use-fake-ui-for-media-stream",
    "--lang=en-US",
    "--enable-logging=stderr",
];
/// Sound may play at once, as on a page where the user is at home.
const SOUND_AT_ONCE: &str = "--autoplay-policy=no-user-gesture-required";
/// Sound may play once the user has touched the page, as on every other one.
const SOUND_ON_GESTURE: &str = "--autoplay-policy=document-user-activation-required";
/// The fake camera gives 20 frames a second when it is not told.
const CAMERA: &str = "--use-fake-device-for-media-stream=fps=30";
/// Chromium takes part in a call over 127.0.0.1 only when it is told to.
const LOOPBACK: &str = "--allow-loopback-in-peer-connection";
/// What chromedriver says to Chromium so that pages in the background are not slowed down.
const WAKEFUL: [&str; 3] = [
    "disable-background-timer-throttling",
    "disable-backgrounding-occluded-windows",
    "disable-renderer-backgrounding",
];
/// Chromium lets the timers of a page that was hidden for so long, 5 min when it is not told, come once a minute.
const SLEEPY: &str = "--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/3";

/// No test has a certificate that a browser knows.
const TRUSTING: &str = "--ignore-certificate-errors";

/// Chromium protects the pictures that it sends only when it is told to.
const PROTECTING: &str = "--force-fieldtrials=WebRTC-FlexFEC-03-Advertised/Enabled/WebRTC-FlexFEC-03/Enabled/";

/// Where a browser runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "for the tests of this house only")]
pub enum Network<'a> {
    /// On this machine, and it may use 127.0.0.1 for media.
    Loopback,
    /// In a network namespace, as it comes: without a flag that touches its network.
    Namespace {
        /// The name of the namespace.
        name: &'a str,
        /// The address at which the namespace is reached from here.
        address: &'a str,
        /// The address from which it is reached.
        from: &'a str,
    },
}

/// A chromedriver and the browsers that it has started, each one with a profile of its own.
///
/// A test that measures has the only one, whatever runs the tests: pictures are encoded and decoded in software. Others have
/// theirs at the same time, as many as the runner lets run. Dropping it ends all the browsers; when the test has failed, it first
/// prints what the pages said on their consoles.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    url: String,
    is_ordinary: bool,
    folder: TempDir,
    kind: Turn,
    turn: Option<File>,
}

/// Beside whom a test may have browsers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Alone,
    BesideOthers,
}

impl Browser {
    /// Starts a driver when it is this test's turn, and no other's.
    pub async fn start(network: Network<'_>) -> Self {
        Self::start_in(network, Turn::Alone).await
    }

    /// The same beside others that started like this: for a test that holds neither times nor rates against a limit, and so bears
    /// a machine that is busy.
    pub async fn start_beside_others(network: Network<'_>) -> Self {
        Self::start_in(network, Turn::BesideOthers).await
    }

    async fn start_in(network: Network<'_>, kind: Turn) -> Self {
        let turn = turn(kind).await;
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let host = match network {
            Network::Loopback => "127.0.0.1",
            Network::Namespace { address, .. } => address,
        };
        // It takes a port that is free for IPv4, and ends when somebody has it for IPv6.
        let mut attempts = 0;
        let (driver, port) = loop {
            attempts += 1;
            match driver(network, &folder).await {
                Some(started) => break started,
                None if attempts < ATTEMPTS => {}
                None => panic!("chromedriver ends before it is ready, {ATTEMPTS} times"),
            }
        };
        Self {
            driver,
            url: format!("http://{host}:{port}"),
            is_ordinary: network != Network::Loopback,
            folder,
            kind,
            turn: Some(turn),
        }
    }

    /// Lets other tests have their turn until something has happened for which this one only waits, and then waits for
    /// its own.
    pub async fn stand_aside<T>(&mut self, until: impl Future<Output = T>) -> T {
        self.turn = None;
        let outcome = until.await;
        self.turn = Some(turn(self.kind).await);
        outcome
    }

    /// Starts one more browser and opens an address in it.
    pub async fn open(&self, url: &str) -> Page {
        self.open_with(url, json!({}), &[SOUND_AT_ONCE]).await
    }

    /// The same, but sound plays only after the user has touched the page.
    pub async fn open_untouched(&self, url: &str) -> Page {
        self.open_with(url, json!({}), &[SOUND_ON_GESTURE]).await
    }

    /// The same in a browser that slows hidden pages down as it does everywhere but in tests, and much sooner.
    pub async fn open_sleepy(&self, url: &str) -> Page {
        self.open_with(url, json!({ "excludeSwitches": WAKEFUL }), &[SOUND_AT_ONCE, SLEEPY])
            .await
    }

    /// The same in a browser that takes and sends pictures with forward error correction (FlexFEC).
    pub async fn open_protecting(&self, url: &str) -> Page {
        self.open_with(url, json!({}), &[SOUND_AT_ONCE, PROTECTING]).await
    }

    /// The same in a browser that takes any certificate.
    pub async fn open_trusting(&self, url: &str) -> Page {
        self.open_with(url, json!({}), &[SOUND_AT_ONCE, TRUSTING]).await
    }

    /// The same on a small phone: 360×740, and fingers in place of a mouse.
    pub async fn open_on_a_phone(&self, url: &str) -> Page {
        let screen = json!({ "width": 360, "height": 740, "pixelRatio": 2.0, "touch": true, "mobile": true });
        self.open_with(
            url,
            json!({ "mobileEmulation": { "deviceMetrics": screen } }),
            &[SOUND_AT_ONCE],
        )
        .await
    }

    async fn open_with(&self, url: &str, mut options: Value, flags: &[&str]) -> Page {
        let profile = tempfile::tempdir_in(&self.folder)
            .expect("a folder takes another")
            .keep();
        let mut args = FLAGS.map(str::to_owned).to_vec();
        args.push(CAMERA.to_owned());
        args.push(format!("--user-data-dir={}", profile.display()));
        if !self.is_ordinary {
            args.push(LOOPBACK.to_owned());
        }
        args.extend(flags.iter().map(|&flag| flag.to_owned()));
        options["args"] = json!(args);
        let capabilities = Capabilities::from_iter([("goog:chromeOptions".to_owned(), options)]);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let client: Client = timeout(START, builder.connect(&self.url))
            .await
            .expect("Chromium starts in time")
            .expect("Chromium starts");
        client.goto(url).await.expect("the page loads");
        let page = Page::new(client);
        // Whatever is typed or clicked before the first paint is dropped: nobody can have meant it.
        page.wait_until("performance.getEntriesByType('paint').length > 0")
            .await;
        page
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium is in the group of its driver, which would leave it behind.
        if let Some(group) = self.driver.id() {
            let kill = format!("kill -s KILL -- -{group}");
            let _ = Blocking::new("sh").args(["-c", &kill]).status();
        }
        if std::thread::panicking() {
            let log = std::fs::read(self.folder.path().join("log")).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            let mut stderr = std::io::stderr().lock();
            for line in log.lines().filter(|line| line.contains("CONSOLE")) {
                let _ = writeln!(stderr, "{line}");
            }
        }
    }
}

/// Waits for a lock on a file beside the test binaries: the tests may run in several processes.
async fn turn(kind: Turn) -> File {
    let path = std::env::current_exe()
        .expect("a test is a program")
        .with_file_name("browser.lock");
    let lock = move || {
        let file = File::create(path)?;
        match kind {
            Turn::Alone => file.lock()?,
            Turn::BesideOthers => file.lock_shared()?,
        }
        Ok::<_, std::io::Error>(file)
    };
    let locked = tokio::task::spawn_blocking(lock).await.expect("locking does not panic");
    locked.expect("the folder of the test binaries takes a lock")
}

/// A chromedriver and its port; `None` when it has ended before it was ready.
async fn driver(network: Network<'_>, folder: &TempDir) -> Option<(Child, u16)> {
    let log = File::create(folder.path().join("log")).expect("a new folder takes a file");
    let mut command = match network {
        Network::Loopback => Command::new("chromedriver"),
        Network::Namespace { name, from, .. } => {
            let mut command = Command::new("ip");
            command.args(["netns", "exec", name, "chromedriver"]);
            command.arg(format!("--allowed-ips={from}"));
            command
        }
    };
    let mut driver = command
        .args(["--port=0", "--enable-chrome-logs", "--log-level=SEVERE"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .expect("chromedriver starts: apt-get install chromium chromium-driver");
    let stdout = driver.stdout.take().expect("it is piped");
    let port = timeout(START, port(stdout))
        .await
        .expect("chromedriver starts in time")?;
    Some((driver, port))
}

/// Reads the port out of what chromedriver says.
async fn port(stdout: impl tokio::io::AsyncRead + Unpin) -> Option<u16> {
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await.expect("chromedriver can be read") {
        if let Some((_, port)) = line.split_once(READY) {
            return Some(port.trim_end_matches('.').parse().expect("a port is a number"));
        }
    }
    None
}
