//! From the pictures of a device to H.264 that a decoder shows.
#![cfg(feature = "h264")]

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use hst_devices::{DeviceError, H264Encoder, LiveVideo, PixelFormat, RawPicture, VideoOptions};
use hst_media::{Codec, Frame, MediaSource as _, SourceError};
use openh264::{decoder::Decoder, formats::YUVSource as _};

/// So many pictures a second that none is too early.
const OPTIONS: VideoOptions = VideoOptions {
    rate: 1_000_000,
    ..VideoOptions::CAMERA
};

/// A bright square that moves over a slope of gray, number `at`.
fn picture(at: u32) -> RawPicture {
    let is_square = |x: u32, y: u32| (at * 8..at * 8 + 64).contains(&x) && (100..164).contains(&y);
    let pixel = |x, y| {
        if is_square(x, y) {
            [240, 220, 40]
        } else {
            [(x / 4) as u8; 3]
        }
    };
    let pixels = (0..360).flat_map(|y| (0..640).flat_map(move |x| pixel(x, y)));
    RawPicture::new((640, 360), PixelFormat::Rgb, pixels.collect()).unwrap()
}

/// A camera in memory: gives what it is shown, and fails when it is shown nothing any more.
fn camera() -> (SyncSender<RawPicture>, LiveVideo) {
    let (show, shown): (_, Receiver<RawPicture>) = sync_channel(1);
    let encoder = H264Encoder::for_camera(OPTIONS).unwrap();
    let open = move || Ok(move || shown.recv().map_err(|_| DeviceError::Lost));
    (show, LiveVideo::start(OPTIONS, Box::new(encoder), open).unwrap())
}

async fn next(show: &SyncSender<RawPicture>, video: &mut LiveVideo, at: u32) -> Frame {
    show.send(picture(at)).unwrap();
    video.next().await.unwrap().unwrap()
}

#[tokio::test]
async fn what_a_camera_sees_is_what_a_decoder_shows() {
    let (show, mut video) = camera();
    assert_eq!(video.info().codec, Codec::H264);
    let mut decoder = Decoder::new().unwrap();
    for at in 0..30 {
        let frame = next(&show, &mut video, at).await;
        assert_eq!(frame.keyframe, at == 0);
        let shown = decoder.decode(&frame.data).unwrap().expect("each frame is a picture");
        assert_eq!(shown.dimensions(), (640, 360));
        let bright = |x: usize, y: usize| i32::from(shown.y()[y * shown.strides().0 + x]);
        // BT.601: the square is 219 bright; the slope goes from 16 to 153.
        assert!(
            (bright(at as usize * 8 + 32, 132) - 202).abs() < 12,
            "{}",
            bright(at as usize * 8 + 32, 132)
        );
        assert!((bright(2, 20) - 16).abs() < 8, "{}", bright(2, 20));
        assert!((bright(636, 340) - 153).abs() < 8, "{}", bright(636, 340));
    }
}

#[tokio::test]
async fn a_keyframe_comes_when_it_is_asked_for_and_carries_its_parameters() {
    let (show, mut video) = camera();
    for at in 0..5 {
        assert_eq!(next(&show, &mut video, at).await.keyframe, at == 0);
    }
    video.request_keyframe();
    let frame = next(&show, &mut video, 5).await;
    assert!(frame.keyframe);
    assert!(
        Decoder::new().unwrap().decode(&frame.data).unwrap().is_some(),
        "whoever comes now sees it"
    );
    assert!(!next(&show, &mut video, 6).await.keyframe);
}

#[tokio::test]
async fn a_camera_that_is_pulled_out_ends_its_video_with_a_reason() {
    let (show, mut video) = camera();
    next(&show, &mut video, 0).await;
    drop(show);
    let Err(SourceError::Device(cause)) = video.next().await else {
        panic!("it goes on");
    };
    assert_eq!(*cause.downcast::<DeviceError>().unwrap(), DeviceError::Lost);
    assert!(video.next().await.unwrap().is_none());
}

#[tokio::test]
async fn pictures_that_nobody_takes_are_left_out_and_what_comes_can_be_decoded() {
    let (show, mut video) = camera();
    (0..50).for_each(|at| show.send(picture(at)).unwrap());
    let mut decoder = Decoder::new().unwrap();
    let mut shown = 0;
    drop(show);
    while let Ok(Some(frame)) = video.next().await {
        shown += u32::from(decoder.decode(&frame.data).unwrap().is_some());
    }
    assert!((4..=6).contains(&shown), "{shown} of 50");
}

#[tokio::test]
async fn a_device_that_cannot_be_opened_says_why_at_once() {
    let encoder = H264Encoder::for_camera(OPTIONS).unwrap();
    let busy = LiveVideo::start(OPTIONS, Box::new(encoder), || {
        Err::<fn() -> Result<RawPicture, DeviceError>, _>(DeviceError::Busy)
    });
    assert_eq!(busy.unwrap_err(), DeviceError::Busy);
}
