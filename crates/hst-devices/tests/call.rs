//! A call between two machines whose microphones and speakers are in memory, through an engine.
#![cfg(feature = "audio")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as a test does")]

use std::{f32::consts::TAU, ops::ControlFlow, time::Duration};

use hst_devices::{DeviceError, Format, MemorySound, Microphone, SoundBackend as _, Speaker, Voice};
use hst_media::{
    Frame, FrameReader, FrameWriter, Kind, MediaEngine as _, MediaPeer, MediaSink as _, MediaSource as _, PeerConfig,
    PeerEvent, PeerEvents, SinkError, SourceError,
    memory::{Hub, Route},
};

/// What most devices do by themselves.
const STEREO: Format = Format {
    rate: 48_000,
    channels: 2,
};
/// What a headset does.
const NARROW: Format = Format {
    rate: 16_000,
    channels: 1,
};

/// 20 ms of a tone, `at` of them after its begin.
fn tone(hertz: f32, format: Format, at: usize) -> Vec<f32> {
    let samples = format.rate as usize / 50;
    (at * samples..(at + 1) * samples)
        .flat_map(|at| {
            let sample = 0.5 * (at as f32 * hertz / format.rate as f32 * TAU).sin();
            vec![sample; usize::from(format.channels)]
        })
        .collect()
}

/// How much of a sound is this tone: its amplitude (Goertzel).
fn share(sound: &[f32], hertz: f32, format: Format) -> f32 {
    let channels = usize::from(format.channels);
    let (mut re, mut im) = (0.0, 0.0);
    for (at, sample) in sound.iter().step_by(channels).enumerate() {
        let angle = f64::from(hertz) * at as f64 / f64::from(format.rate) * std::f64::consts::TAU;
        re += f64::from(*sample) * angle.cos();
        im += f64::from(*sample) * angle.sin();
    }
    (2.0 * re.hypot(im) / (sound.len() / channels) as f64) as f32
}

/// A line from one peer to another: where it begins, and what tells where it ends.
async fn line(hub: &Hub, microphone: &Microphone) -> (Box<dyn FrameWriter>, PeerEvents, [Box<dyn MediaPeer>; 2]) {
    let (mut alice, _) = hub.engine().open(PeerConfig::default()).await.unwrap();
    let (mut bob, events) = hub.engine().open(PeerConfig::default()).await.unwrap();
    let (_, writer) = alice.add_sender(microphone.info()).await.unwrap();
    bob.add_receiver(Kind::Audio).await.unwrap();
    for (peer, route) in [
        (&mut alice, Route::Send("a".into())),
        (&mut bob, Route::Receive("a".into())),
    ] {
        let offer = peer.offer().await.unwrap();
        let answer = hub.answer(
            &offer.sdp,
            offer.mids.iter().map(|(_, mid)| (mid.as_str(), route.clone())),
        );
        peer.answer(&answer.unwrap()).await.unwrap();
    }
    (writer, events, [alice, bob])
}

/// Where a line ends: it comes with its first packet.
async fn end(events: &mut PeerEvents) -> Box<dyn FrameReader> {
    loop {
        if let PeerEvent::Track { reader, .. } = events.next().await.unwrap() {
            return reader;
        }
    }
}

#[tokio::test]
async fn what_one_says_into_a_microphone_is_heard_from_the_others_speaker_whatever_the_devices_do() {
    for (hears, plays) in [(STEREO, STEREO), (NARROW, STEREO), (STEREO, NARROW)] {
        let (alice, bob) = (MemorySound::default(), MemorySound::default());
        let mut microphone = Microphone::of(&alice, None).unwrap();
        let speaker = Speaker::of(&bob, None).unwrap();
        let mut voice = speaker.voice();
        let (mut writer, mut events, _peers) = line(&Hub::new(), &microphone).await;
        let (mut reader, mut heard) = (None, Vec::new());
        for at in 0..100 {
            alice.say(hears, &tone(440.0, hears, at));
            // The first chunk of another rate is not quite a frame.
            if at > 0 || hears.rate == 48_000 {
                writer.write(microphone.next().await.unwrap().unwrap()).await.unwrap();
                if reader.is_none() {
                    reader = Some(end(&mut events).await);
                }
                let packet = reader.as_mut().unwrap().read().await.unwrap();
                assert_eq!(voice.write(packet).unwrap(), ControlFlow::Continue(()));
            }
            heard.extend(bob.listen(plays, plays.rate as usize / 50));
        }
        let settled = &heard[heard.len() / 2..];
        let (said, other) = (share(settled, 440.0, plays), share(settled, 1_000.0, plays));
        assert!(
            (0.4..0.6).contains(&said),
            "{hears:?} to {plays:?}: the tone came with {said}"
        );
        assert!(other < 0.02, "{hears:?} to {plays:?}: another tone came with {other}");
    }
}

/// The packets of a tone.
async fn packets(hertz: f32, count: usize) -> Vec<Frame> {
    let sound = MemorySound::default();
    let mut microphone = Microphone::of(&sound, None).unwrap();
    let mut packets = Vec::new();
    for at in 0..count {
        sound.say(STEREO, &tone(hertz, STEREO, at));
        packets.push(microphone.next().await.unwrap().unwrap());
    }
    packets
}

#[tokio::test]
async fn a_microphone_gives_packets_of_20_ms_whose_times_go_on_and_tells_how_loud_they_are() {
    for (at, packet) in packets(440.0, 50).await.iter().enumerate() {
        assert_eq!(packet.time, Duration::from_millis(20) * at as u32);
        assert_eq!(hst_media::opus_duration(&packet.data), Some(Duration::from_millis(20)));
        assert!(packet.keyframe);
        // A sine of half of the scale has an eighth of the power that can be.
        let level = packet.level.unwrap();
        assert!(level.is_voice && (8..=10).contains(&level.below_loudest), "{level:?}");
    }
}

#[tokio::test]
async fn each_voice_has_a_volume_and_who_leaves_is_not_heard_any_more() {
    let room = MemorySound::default();
    let speaker = Speaker::of(&room, None).unwrap();
    let tones = [400.0, 700.0, 1_300.0];
    let mut voices: Vec<Option<Voice>> = tones.iter().map(|_| Some(speaker.voice())).collect();
    voices[0].as_ref().unwrap().set_volume(0.25);
    voices[1].as_ref().unwrap().set_volume(0.0);
    let mut sounds = Vec::new();
    for hertz in tones {
        sounds.push(packets(hertz, 100).await);
    }
    let mut heard = Vec::new();
    for at in 0..100 {
        if at == 60 {
            voices[2] = None;
        }
        for (voice, packets) in voices.iter_mut().zip(&sounds) {
            if let Some(voice) = voice {
                assert!(voice.write(packets[at].clone()).unwrap().is_continue());
            }
        }
        heard.extend(room.listen(STEREO, 960));
    }
    let at = |from: usize, to: usize| &heard[from * 1_920..to * 1_920];
    let of = |sound: &[f32]| tones.map(|hertz| share(sound, hertz, STEREO));
    let [quarter, silent, full] = of(at(20, 60));
    assert!(
        (0.10..0.15).contains(&quarter) && silent < 0.01 && (0.4..0.6).contains(&full),
        "{:?}",
        of(at(20, 60))
    );
    let [quarter, _, gone] = of(at(70, 100));
    assert!((0.10..0.15).contains(&quarter) && gone < 0.01, "{:?}", of(at(70, 100)));
}

#[tokio::test]
async fn a_volume_that_is_no_number_silences_its_voice_and_spoils_no_other() {
    let packets = packets(440.0, 50).await;
    for volume in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
        let room = MemorySound::default();
        let speaker = Speaker::of(&room, None).unwrap();
        let mut voices = [speaker.voice(), speaker.voice()];
        voices[0].set_volume(volume);
        let mut heard = Vec::new();
        for packet in &packets {
            for voice in &mut voices {
                assert!(voice.write(packet.clone()).unwrap().is_continue());
            }
            heard.extend(room.listen(STEREO, 960));
        }
        let one = share(&heard[heard.len() / 2..], 440.0, STEREO);
        assert!(
            (0.4..0.6).contains(&one),
            "at a volume of {volume} the other came with {one}"
        );
    }
}

#[tokio::test]
async fn a_device_that_is_pulled_out_ends_its_source_and_its_sink_with_a_reason() {
    let room = MemorySound::default();
    let mut microphone = Microphone::of(&room, None).unwrap();
    let speaker = Speaker::of(&room, None).unwrap();
    let mut voice = speaker.voice();
    let packets = packets(440.0, 2).await;
    assert!(voice.write(packets[0].clone()).is_ok());
    assert_eq!(room.devices().len(), 2);

    room.unplug();
    let lost = |cause: Box<dyn std::error::Error + Send + Sync>| *cause.downcast::<DeviceError>().unwrap();
    let Err(SourceError::Device(cause)) = microphone.next().await else {
        panic!("it goes on");
    };
    assert_eq!(lost(cause), DeviceError::Lost);
    assert!(microphone.next().await.unwrap().is_none());
    let Err(SinkError::Device(cause)) = voice.write(packets[1].clone()) else {
        panic!("it goes on");
    };
    assert_eq!(lost(cause), DeviceError::Lost);
    assert_eq!(speaker.lost(), Some(&DeviceError::Lost));

    assert_eq!(Microphone::of(&room, None).unwrap_err(), DeviceError::NoDevice);
    assert!(room.devices().is_empty());
}

#[tokio::test]
async fn a_microphone_that_is_pulled_out_while_nobody_listens_gives_what_it_heard_and_then_the_reason() {
    let room = MemorySound::default();
    let mut microphone = Microphone::of(&room, None).unwrap();
    (0..100).for_each(|at| room.say(STEREO, &tone(440.0, STEREO, at)));
    room.unplug();
    for _ in 0..50 {
        assert!(microphone.next().await.unwrap().is_some());
    }
    assert!(matches!(microphone.next().await, Err(SourceError::Device(_))));
    assert!(microphone.next().await.unwrap().is_none());
}

#[tokio::test]
async fn who_waits_for_a_microphone_learns_at_once_that_it_is_pulled_out() {
    let room = MemorySound::default();
    let mut microphone = Microphone::of(&room, None).unwrap();
    let (next, ()) = tokio::join!(microphone.next(), async { room.unplug() });
    assert!(matches!(next, Err(SourceError::Device(_))));
}

#[tokio::test]
async fn a_device_belongs_to_one_at_a_time_and_is_free_again_afterwards() {
    let room = MemorySound::default();
    let microphone = Microphone::of(&room, Some("microphone")).unwrap();
    assert_eq!(Microphone::of(&room, None).unwrap_err(), DeviceError::Busy);
    assert!(DeviceError::Busy.is_retryable());
    drop(microphone);
    assert!(Microphone::of(&room, None).is_ok());
    assert_eq!(Speaker::of(&room, Some("another")).unwrap_err(), DeviceError::NoDevice);
}

#[tokio::test]
async fn nobody_who_takes_nothing_makes_a_device_wait_or_a_queue_grow() {
    let room = MemorySound::default();
    let mut microphone = Microphone::of(&room, None).unwrap();
    let speaker = Speaker::of(&room, None).unwrap();
    let mut voice = speaker.voice();
    let mut played = speaker.played();
    let packets = packets(440.0, 2).await;
    for at in 0..1_000 {
        room.say(STEREO, &tone(440.0, STEREO, at));
        assert!(voice.write(packets[0].clone()).unwrap().is_continue());
    }
    let mut taken = 0;
    while tokio::time::timeout(Duration::ZERO, microphone.next()).await.is_ok() {
        taken += 1;
    }
    assert_eq!(taken, 50, "half a second of the device's chunks, and no more");
    room.listen(STEREO, 480_000);
    assert_eq!(std::iter::from_fn(|| played.take()).count(), 50);
}
