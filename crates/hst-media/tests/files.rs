//! Reading the sample media, writing them again, and what happens with damaged files.
// These are tests: a surprise ends them.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use hst_media::{Codec, FileSource, Frame, MediaSink, MediaSource, SinkError, SourceError, open_sink, open_source};

const SAMPLES: [(&str, Codec, usize); 5] = [
    ("film.ivf", Codec::Vp8, 240),
    ("film.h264", Codec::H264, 240),
    ("film.ogg", Codec::Opus, 400),
    ("rings.ivf", Codec::Vp8, 240),
    ("tone.ogg", Codec::Opus, 400),
];

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/media")
        .join(name)
}

/// An empty folder of this test's own.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

async fn all(source: &mut FileSource) -> Result<Vec<Frame>, SourceError> {
    let mut frames = Vec::new();
    while let Some(frame) = source.next().await? {
        frames.push(frame);
    }
    Ok(frames)
}

async fn read(path: impl Into<PathBuf>) -> Result<Vec<Frame>, SourceError> {
    all(&mut open_source(path).await?).await
}

#[tokio::test]
async fn every_sample_is_eight_seconds_of_gapless_frames() {
    for (name, codec, count) in SAMPLES {
        let mut source = open_source(sample(name)).await.unwrap();
        assert_eq!(source.info().codec, codec, "{name}");
        let frames = all(&mut source).await.unwrap();
        assert_eq!(frames.len(), count, "{name}");
        assert!(frames[0].keyframe && frames[0].time.is_zero(), "{name}");
        for pair in frames.windows(2) {
            let end = pair[0].time + pair[0].duration;
            assert!(
                end.abs_diff(pair[1].time) < Duration::from_millis(1),
                "{name}: {end:?} then {:?}",
                pair[1].time
            );
        }
        let end = frames.last().map(|last| last.time + last.duration).unwrap();
        assert!(
            end.abs_diff(Duration::from_secs(8)) < Duration::from_millis(1),
            "{name} ends at {end:?}"
        );
        if codec != Codec::Opus {
            let keyframes: Vec<usize> = (0..count).filter(|&i| frames[i].keyframe).collect();
            assert_eq!(keyframes, (0..count).step_by(15).collect::<Vec<_>>(), "{name}");
        }
    }
}

#[tokio::test]
async fn a_source_tells_what_it_carries() {
    let info = |name| async move { open_source(sample(name)).await.unwrap().info() };
    assert_eq!(info("film.ivf").await.size, Some((640, 360)));
    assert_eq!(info("film.h264").await.size, Some((640, 360)));
    assert_eq!(info("rings.ivf").await.size, Some((320, 180)));
    assert_eq!(info("film.ogg").await.channels, Some(1));
}

#[tokio::test]
async fn a_rewound_source_begins_again() {
    let mut source = open_source(sample("film.ogg")).await.unwrap();
    let first = source.next().await.unwrap();
    let rest = all(&mut source).await.unwrap();
    assert_eq!(rest.len(), 399);
    assert_eq!(source.next().await.unwrap(), None);
    source.rewind().await.unwrap();
    assert_eq!(source.next().await.unwrap(), first);
}

#[tokio::test]
async fn what_a_sink_writes_a_source_reads() {
    let folder = folder("round_trip");
    for (name, codec, _) in SAMPLES {
        let mut frames = read(sample(name)).await.unwrap();
        let mut sink = Box::new(open_sink(&folder, name, codec).unwrap());
        let path = sink.path().to_owned();
        for frame in &frames {
            assert!(sink.write(frame.clone()).unwrap().is_continue());
        }
        sink.finish().unwrap();
        if codec == Codec::H264 {
            assert_eq!(mp4_samples(&fs::read(path).unwrap()), (240, 8 * 90_000));
            continue;
        }
        let mut written = read(path).await.unwrap();
        // A file's clock has its own resolution.
        for frame in frames.iter_mut().chain(&mut written) {
            frame.time = Duration::from_millis(frame.time.as_micros().div_ceil(1000) as u64);
            frame.duration = Duration::from_millis(frame.duration.as_micros().div_ceil(1000) as u64);
        }
        assert!(frames == written, "{name}");
    }
}

#[tokio::test]
async fn a_file_whose_program_ended_suddenly_can_be_read() {
    let folder = folder("sudden_end");
    for (name, codec, count) in SAMPLES {
        let frames = read(sample(name)).await.unwrap();
        let mut sink = open_sink(&folder, name, codec).unwrap();
        let path = sink.path().to_owned();
        for frame in frames {
            assert!(sink.write(frame).unwrap().is_continue());
        }
        drop(sink); // never finished
        let kept = match codec {
            Codec::H264 => mp4_samples(&fs::read(path).unwrap()).0,
            _ => read(path).await.unwrap().len(),
        };
        let second = count / 8;
        assert!((count - second..=count).contains(&kept), "{name}: {kept} of {count}");
    }
}

#[tokio::test]
async fn a_sink_begins_at_the_first_keyframe_and_at_time_zero() {
    let frames = read(sample("film.ivf")).await.unwrap();
    let mut sink = Box::new(open_sink(folder("keyframe"), "late", Codec::Vp8).unwrap());
    let path = sink.path().to_owned();
    for frame in &frames[7..60] {
        assert!(sink.write(frame.clone()).unwrap().is_continue());
    }
    sink.finish().unwrap();
    let written = read(path).await.unwrap();
    assert_eq!(written.len(), 60 - 15);
    assert!(written[0].keyframe && written[0].time.is_zero());
    assert_eq!(written[0].data, frames[15].data);
}

#[tokio::test]
async fn a_pause_stays_a_pause() {
    let mut frames = read(sample("tone.ogg")).await.unwrap();
    frames.drain(100..200);
    let mut sink = Box::new(open_sink(folder("pause"), "pause", Codec::Opus).unwrap());
    let path = sink.path().to_owned();
    for frame in frames {
        assert!(sink.write(frame).unwrap().is_continue());
    }
    sink.finish().unwrap();
    // The position of the last page is the end of the last packet.
    let bytes = fs::read(path).unwrap();
    let last = bytes.windows(4).rposition(|window| window == b"OggS").unwrap();
    assert_eq!(
        u64::from_le_bytes(bytes[last + 6..last + 14].try_into().unwrap()),
        8 * 48_000
    );
}

#[test]
fn any_name_is_a_name_and_no_file_is_overwritten() {
    let folder = folder("names");
    let path = |name: &str| open_sink(&folder, name, Codec::Opus).unwrap().path().to_owned();
    assert_eq!(path("../../etc/passwd"), folder.join("_.._etc_passwd.ogg"));
    assert_eq!(path("kq+/3Zz="), folder.join("kq__3Zz_.ogg"));
    assert_eq!(path(""), folder.join("media.ogg"));
    assert_eq!(path("bob"), folder.join("bob.ogg"));
    assert_eq!(path("bob"), folder.join("bob-2.ogg"));
    assert_eq!(path("bob"), folder.join("bob-3.ogg"));
    assert!(path(&"ü".repeat(300)).file_name().unwrap().len() < 128);
}

#[test]
fn a_sink_that_got_nothing_leaves_no_file() {
    let sink = Box::new(open_sink(folder("nothing"), "nothing", Codec::H264).unwrap());
    let path = sink.path().to_owned();
    sink.finish().unwrap();
    assert!(!path.exists());
}

#[test]
fn a_bad_frame_is_refused_and_the_next_one_taken() {
    for codec in [Codec::Opus, Codec::Vp8, Codec::H264] {
        let mut sink = open_sink(folder("bad_frames"), "bad", codec).unwrap();
        let frame = Frame {
            data: vec![0xff].into(),
            time: Duration::ZERO,
            duration: Duration::ZERO,
            keyframe: true,
            level: None,
        };
        for _ in 0..2 {
            assert!(matches!(sink.write(frame.clone()), Err(SinkError::BadFrame { codec: of, .. }) if of == codec));
        }
    }
}

#[tokio::test]
async fn what_is_no_medium_is_told_so() {
    let folder = folder("unknown");
    for (name, content) in [
        ("empty", &b""[..]),
        ("text.ivf", b"hello, world"),
        ("one", b"D"),
        ("av1", b"DKIF\0\0\x20\0AV01aaaaaaaaaaaaaaaaaaaa"),
    ] {
        fs::write(folder.join(name), content).unwrap();
        assert!(
            matches!(open_source(folder.join(name)).await, Err(SourceError::UnknownFormat)),
            "{name}"
        );
    }
    assert!(matches!(
        open_source(folder.join("nowhere")).await,
        Err(SourceError::Io(_))
    ));
}

#[tokio::test]
async fn a_cut_off_file_gives_its_whole_frames_and_then_an_error_or_the_end() {
    let folder = folder("cut");
    for (name, _, count) in &SAMPLES[..3] {
        let whole = fs::read(sample(name)).unwrap();
        for part in 0..60 {
            let path = folder.join(name);
            fs::write(&path, &whole[..whole.len() * part / 60]).unwrap();
            let Ok(mut source) = open_source(&path).await else {
                continue;
            };
            let mut frames = 0;
            let end = loop {
                match source.next().await {
                    Ok(Some(_)) => frames += 1,
                    Ok(None) => break None,
                    Err(error) => break Some(error),
                }
            };
            assert!(frames < *count, "{name}");
            assert!(
                matches!(end, None | Some(SourceError::Malformed { .. })),
                "{name}: {end:?}"
            );
            assert!(
                source.next().await.unwrap().is_none(),
                "after an error there is nothing"
            );
        }
    }
}

#[tokio::test]
async fn damage_is_never_a_panic() {
    let folder = folder("damage");
    let mut dice = 0x2545_f491_4f6c_dd1d_u64; // xorshift
    let mut roll = |below: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        (dice % below as u64) as usize
    };
    for (name, ..) in &SAMPLES[..3] {
        let whole = &fs::read(sample(name)).unwrap()[..20_000];
        for _ in 0..150 {
            let mut bytes = whole.to_vec();
            for _ in 0..1 + roll(20) {
                // Heads are short, so half of the damage goes there.
                let range = if roll(2) == 0 { 200 } else { bytes.len() };
                let at = roll(range);
                bytes[at] = roll(256) as u8;
            }
            let path = folder.join(name);
            fs::write(&path, bytes).unwrap();
            match read(&path).await {
                Ok(_) | Err(SourceError::Malformed { .. } | SourceError::UnknownFormat) => {}
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
}

#[tokio::test]
async fn a_claimed_length_is_not_believed() {
    let path = folder("claims").join("huge.ivf");
    let mut bytes = fs::read(sample("film.ivf")).unwrap()[..32].to_vec();
    bytes.extend(u32::MAX.to_le_bytes());
    bytes.extend([0; 20]);
    fs::write(&path, &bytes).unwrap();
    let error = open_source(&path).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the IVF file is damaged at byte 32: a picture's length is impossible"
    );
}

/// Walks a fragmented MP4 and counts its samples and their ticks; panics on anything that does not add up.
fn mp4_samples(file: &[u8]) -> (usize, u64) {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes[..4].try_into().unwrap());
    fn boxes(mut bytes: &[u8]) -> Vec<(String, &[u8])> {
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let len = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
            found.push((String::from_utf8(bytes[4..8].to_vec()).unwrap(), &bytes[8..len]));
            bytes = &bytes[len..];
        }
        found
    }
    let top = boxes(file);
    assert_eq!([&top[0].0, &top[1].0], ["ftyp", "moov"]);
    let (mut samples, mut ticks) = (0, 0);
    for pair in top[2..].chunks(2) {
        assert_eq!([&pair[0].0, &pair[1].0], ["moof", "mdat"]);
        let traf = boxes(boxes(pair[0].1)[1].1);
        assert_eq!(
            u64::from_be_bytes(traf[1].1[4..12].try_into().unwrap()),
            ticks,
            "fragments follow one another"
        );
        let trun = traf[2].1;
        assert_eq!(
            number(&trun[8..]) as usize,
            pair[0].1.len() + 16,
            "the data begins in its box"
        );
        let mut bytes = 0;
        for sample in trun[12..].chunks(12) {
            samples += 1;
            ticks += u64::from(number(sample));
            bytes += number(&sample[4..]) as usize;
        }
        assert_eq!(bytes, pair[1].1.len());
    }
    (samples, ticks)
}
