//! `hst join` against a server: one publishes files, the other records them.

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use hst_server::{DEV_APP_ID, DEV_APP_SECRET};
use hst_tests::house::{Door, House, media_file, within};
use serde_json::Value;
use tokio::process::Command;

/// A program, `hst` or `hst-server`, which the same build has put beside the tests.
pub(crate) fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.parent().unwrap().parent().unwrap().join(name);
    assert!(program.exists(), "build it first: cargo build --workspace");
    program
}

fn hst_join(house: &House, user: &str, duration: &str) -> Command {
    let mut command = Command::new(program("hst"));
    command
        .args(["join", "--access", &house.access_url(), "--app-id", DEV_APP_ID])
        .args(["--app-secret", DEV_APP_SECRET, "--user", user, "--group", "g"])
        .args(["--duration", duration, "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

fn summary(output: &Output) -> Value {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The one media of that type in a list of a summary.
fn carried(list: &Value, media_type: u64) -> &Value {
    let mut of_type = list.as_array().unwrap().iter().filter(|c| c["type"] == media_type);
    let found = of_type
        .next()
        .unwrap_or_else(|| panic!("no media of type {media_type} in {list}"));
    assert!(of_type.next().is_none(), "{list}");
    found
}

const AUDIO: u64 = 1;
const VIDEO: u64 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_publishes_files_and_another_records_them() {
    publish_and_record("film.ivf", "VP8", "vp8", "ivf", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_passphrase_records_what_the_server_cannot_read() {
    let passphrase = ["--passphrase", "correct horse battery staple"];
    publish_and_record("film.ivf", "VP8", "vp8", "ivf", &passphrase).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h264_is_recorded_as_mp4() {
    publish_and_record("film.h264", "H264", "h264", "mp4", &[]).await;
}

async fn publish_and_record(film: &str, codec: &str, format: &str, extension: &str, key: &[&str]) {
    let house = House::open(Door::Preset).await;
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = hst_join(&house, "recorder", "7s");
    recorder.arg("--record").arg(folder.path()).args(key);
    let mut bot = hst_join(&house, "bot", "5s");
    bot.args(key);
    for file in [film, "film.ogg"] {
        bot.arg("--publish").arg(media_file(file));
    }
    let (recorded, sent) = within("both", async { tokio::join!(recorder.output(), bot.output()) }).await;
    let (recorded, sent) = (summary(&recorded.unwrap()), summary(&sent.unwrap()));

    assert_eq!(sent["members"], serde_json::json!(["recorder"]));
    assert_eq!(recorded["members"], serde_json::json!(["bot"]));
    // Five seconds of 30 pictures and 50 packets of sound each, less what the start took.
    for (media_type, codec, frames) in [(VIDEO, codec, 90), (AUDIO, "opus", 150)] {
        for carried in [
            carried(&sent["sent"], media_type),
            carried(&recorded["received"], media_type),
        ] {
            assert_eq!(carried["codec"], codec, "{carried}");
            assert!(carried["frames"].as_u64() >= Some(frames), "{carried}");
            assert!(carried["packets"].as_u64() >= Some(frames), "{carried}");
            assert_eq!(carried["lost"], 0, "{carried}");
        }
    }
    for (media_type, format, extension, frames) in [(VIDEO, format, extension, 90), (AUDIO, "opus", "ogg", 150)] {
        let files = carried(&recorded["received"], media_type)["files"].as_array().unwrap();
        let [file] = &files[..] else {
            panic!("one file: {files:?}")
        };
        let file = Path::new(file.as_str().unwrap());
        assert_eq!(file.extension().unwrap(), extension);
        assert!(file.starts_with(folder.path()));
        is_playable(file, format, frames).await;
    }
}

/// Lets ffprobe decode the whole file. Without ffprobe nothing is looked at; `cargo xtask test` installs it.
async fn is_playable(file: &Path, format: &str, at_least: u64) {
    let mut probe = Command::new("ffprobe");
    probe
        .args(["-v", "error", "-count_frames", "-of", "json"])
        .args(["-show_entries", "stream=codec_name,nb_read_frames"])
        .arg(file);
    let Ok(output) = probe.output().await else {
        println!("there is no ffprobe: {} was not looked at", file.display());
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{}: {said}", file.display());
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let stream = &found["streams"][0];
    assert_eq!(stream["codec_name"], format, "{found}");
    let frames: u64 = stream["nb_read_frames"].as_str().unwrap().parse().unwrap();
    assert!(frames >= at_least, "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_is_refused_says_why_and_fails() {
    let house = House::open(Door::Preset).await;
    let mut command = Command::new(program("hst"));
    command.args(["join", "--access", &house.access_url(), "--app-id", DEV_APP_ID]);
    command.args(["--token", "001nonsense", "--user", "bot", "--group", "g", "--json"]);
    let output = within("the bot", command.output()).await.unwrap();
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("32"), "{said}");
}
