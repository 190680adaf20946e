//! What others make of the files written here. Needs `ffprobe` and `ffmpeg`, so these tests run when asked:
//! `cargo test -p hst-media --test players -- --ignored`
// These are tests: a surprise ends them.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use hst_media::{Codec, MediaSink, MediaSource, open_sink, open_source};

/// Writes a sample by a sink; returns the file.
async fn written(name: &str, codec: Codec, finish: bool) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("players_{name}_{finish}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let mut source = open_source(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/media")
            .join(name),
    )
    .await
    .unwrap();
    let mut sink = Box::new(open_sink(folder, name, codec).unwrap());
    let path = sink.path().to_owned();
    while let Some(frame) = source.next().await.unwrap() {
        assert!(sink.write(frame).unwrap().is_continue());
    }
    if finish {
        sink.finish().unwrap();
    }
    path
}

fn run(program: &str, arguments: &[&str], file: &Path, rest: &[&str]) -> String {
    let output = Command::new(program)
        .args(["-v", "error"])
        .args(arguments)
        .arg(file)
        .args(rest)
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && complaints.is_empty(),
        "{program} of {}: {complaints}",
        file.display()
    );
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
#[ignore = "needs ffmpeg"]
async fn they_see_every_frame_for_its_time_and_decode_it() {
    for (name, codec, frames) in [
        ("film.ivf", Codec::Vp8, "240"),
        ("film.h264", Codec::H264, "240"),
        ("film.ogg", Codec::Opus, "400"),
    ] {
        let file = written(name, codec, true).await;
        let entries = [
            "-count_packets",
            "-show_entries",
            "stream=nb_read_packets:format=duration",
            "-of",
            "csv=p=0",
        ];
        let probed = run("ffprobe", &entries, &file, &[]);
        let (packets, duration) = probed.trim().split_once('\n').unwrap();
        assert_eq!(packets, frames, "{name}");
        let duration: f64 = duration.parse().unwrap();
        assert!((duration - 8.0).abs() < 0.05, "{name} lasts {duration}");
        run("ffmpeg", &["-i"], &file, &["-f", "null", "-"]);
    }
}

#[tokio::test]
#[ignore = "needs ffmpeg"]
async fn they_play_what_was_never_finished() {
    for (name, codec) in [
        ("film.ivf", Codec::Vp8),
        ("film.h264", Codec::H264),
        ("film.ogg", Codec::Opus),
    ] {
        let file = written(name, codec, false).await;
        run("ffmpeg", &["-i"], &file, &["-f", "null", "-"]);
    }
}
