//! Encoders and players that others have made, with a WebRTC of their own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use hst_rtc::GroupEvent;
use hst_tests::house::{Door, House, user, within};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, SignatureAlgorithm};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::whip::pass;

/// One of their programs, which speaks WHIP or WHEP: the scripts in `peers` say how it is talked to.
struct Peer {
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// aiortc, encrypting media with this profile (RFC 5764, section 4.1.2; RFC 7714, section 14.2).
    fn of_aiortc(house: &House, role: &str, name: &str, profile: &str) -> Self {
        Self::start(with_aiortc("aiortc_peer.py"), house, role, name, &[profile])
    }

    /// FFmpeg, with this certificate, and in this role of the handshake.
    fn of_ffmpeg(house: &House, name: &str, pem: &Path, dtls_role: &str) -> Self {
        let more = [pem.to_str().unwrap(), dtls_role];
        // aiortc decodes with FFmpeg's libraries, and brings all of them along.
        Self::start(with_aiortc("ffmpeg_peer.py"), house, "publish", name, &more)
    }

    /// GStreamer, with this certificate, or the one of RSA that it makes itself.
    fn of_gstreamer(house: &House, role: &str, name: &str, pem: Option<&Path>) -> Self {
        // That of the system, whose package manager has brought GStreamer.
        let mut python = Command::new("/usr/bin/python3");
        python.arg(script("gstreamer_peer.py"));
        let pem = pem.map_or("own", |pem| pem.to_str().unwrap());
        Self::start(python, house, role, name, &[pem])
    }

    fn start(mut command: Command, house: &House, role: &str, name: &str, more: &[&str]) -> Self {
        let door = if role == "publish" { "whip/g" } else { "whep/g?user=obs" };
        let url = format!("{}/{door}", house.access_url());
        // Of itself it may not use the loopback interface, which is all that there is for it here.
        command
            .args([role, &url, &pass(name, None)])
            .args(more)
            .arg("127.0.0.1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("it is there: `cargo xtask test` gets it");
        Self {
            stdin: child.stdin.take().unwrap(),
            stdout: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
        }
    }

    async fn says(&mut self) -> String {
        let line = within("a line", self.stdout.next_line()).await.unwrap();
        line.expect("it goes on: what it said of its end is above")
    }

    /// Waits until sound and picture flow.
    async fn flows(&mut self) {
        assert_eq!(self.says().await, "flowing");
    }

    /// Lets it delete its resource, and gives what it has counted.
    async fn ends(mut self) -> Value {
        drop(self.stdin);
        let line = within("its count", self.stdout.next_line()).await.unwrap();
        let said: Value = serde_json::from_str(&line.expect("it ends well")).unwrap();
        assert_eq!(said["deleted"], 200, "{said}");
        assert!(within("its end", self.child.wait()).await.unwrap().success());
        said["counted"].clone()
    }
}

/// Runs this script where aiortc is.
fn with_aiortc(name: &str) -> Command {
    let program = std::env::current_exe().unwrap();
    let target = program.ancestors().nth(3).unwrap();
    let mut python = Command::new(target.join("tools/aiortc/bin/python"));
    python.arg(script(name));
    python
}

/// A file with a key of this kind and its certificate, in this folder.
fn certificate_in(folder: &Path, kind: &'static SignatureAlgorithm) -> PathBuf {
    let key = KeyPair::generate_for(kind).unwrap();
    let params = CertificateParams::new(vec!["peer".to_owned()]).unwrap();
    let pem = folder.join("peer.pem");
    fs::write(&pem, key.serialize_pem() + &params.self_signed(&key).unwrap().pem()).unwrap();
    pem
}

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("e2e/peers").join(name)
}

/// How many of this kind it has counted.
fn count(of: &Value, kind: &str) -> u64 {
    of[kind].as_u64().unwrap_or_else(|| panic!("{kind}: {of}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn aiortc_publishes_by_whip_and_plays_by_whep_whatever_profile_it_encrypts_with() {
    let house = House::open(Door::WebSocket).await;
    let mut ann = house.member("ann", "g").await;
    let mut encoder = Peer::of_aiortc(&house, "publish", "obs", "SRTP_AES128_CM_SHA1_80");
    encoder.flows().await;
    let profiles = ["SRTP_AES128_CM_SHA1_80", "SRTP_AEAD_AES_128_GCM"];
    let mut players = profiles.map(|profile| Peer::of_aiortc(&house, "play", profile, profile));
    for player in &mut players {
        player.flows().await;
    }
    for player in players {
        let counted = player.ends().await;
        println!("a player counts {counted}");
        for (kind, enough) in [("audio", 50), ("video", 30)] {
            let [frames, packets] = ["frames", "packets"].map(|what| count(&counted[what], kind));
            assert!(frames >= enough && packets >= frames, "{counted}");
            assert_eq!(count(&counted["lost"], kind), 0, "{counted}");
        }
    }
    let sent = encoder.ends().await;
    println!("the encoder has sent {sent}");
    assert!(count(&sent, "audio") >= 50 && count(&sent, "video") >= 30, "{sent}");
    let left = async { while ann.event().await != GroupEvent::MemberLeft(user("obs")) {} };
    within("its departure", left).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gstreamer_publishes_by_whip_and_plays_by_whep_with_its_own_certificate_of_rsa_and_with_one_of_ecdsa() {
    let house = House::open(Door::WebSocket).await;
    let mut ann = house.member("ann", "g").await;
    let folder = tempfile::tempdir().unwrap();
    let pem = certificate_in(folder.path(), &PKCS_ECDSA_P256_SHA256);
    for pem in [None, Some(&*pem)] {
        let mut encoder = Peer::of_gstreamer(&house, "publish", "obs", pem);
        encoder.flows().await;
        let mut player = Peer::of_gstreamer(&house, "play", "tv", pem);
        player.flows().await;
        for (who, peer) in [("the player", player), ("the encoder", encoder)] {
            let counted = peer.ends().await;
            println!("{who} counts {counted}");
            assert!(
                count(&counted, "audio") >= 50 && count(&counted, "video") >= 30,
                "{counted}"
            );
        }
        let left = async { while ann.event().await != GroupEvent::MemberLeft(user("obs")) {} };
        within("its departure", left).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_publishes_by_whip_with_a_certificate_on_p256_whichever_side_begins_and_of_rsa_where_it_begins() {
    let house = House::open(Door::WebSocket).await;
    let mut ann = house.member("ann", "g").await;
    let folder = tempfile::tempdir().unwrap();
    for (dtls_role, kind) in [
        ("passive", &PKCS_ECDSA_P256_SHA256),
        ("active", &PKCS_ECDSA_P256_SHA256),
        ("active", &PKCS_RSA_SHA256),
    ] {
        let pem = certificate_in(folder.path(), kind);
        let mut encoder = Peer::of_ffmpeg(&house, "obs", &pem, dtls_role);
        encoder.flows().await;
        let mut player = Peer::of_aiortc(&house, "play", "tv", "SRTP_AES128_CM_SHA1_80");
        player.flows().await;
        let counted = player.ends().await;
        println!("{dtls_role}: the player counts {counted}");
        for (kind, strength) in [("audio", 8000), ("video", 180)] {
            assert_eq!(count(&counted["lost"], kind), 0, "{counted}");
            // What it has decoded is what was encoded.
            let off = count(&counted["strength"], kind).abs_diff(strength);
            assert!(off * 10 < strength, "{kind}: {counted}");
        }
        let sent = encoder.ends().await;
        println!("{dtls_role}: FFmpeg has sent {sent}");
        assert!(count(&sent, "audio") >= 50 && count(&sent, "video") >= 30, "{sent}");
        let left = async { while ann.event().await != GroupEvent::MemberLeft(user("obs")) {} };
        within("its departure", left).await;
    }
}
