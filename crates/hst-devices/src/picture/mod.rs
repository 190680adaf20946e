//! Pictures: what a camera sees or a screen shows becomes video.

#[cfg(feature = "camera")]
mod camera;
mod convert;
mod encoder;
mod filming;
#[cfg(feature = "h264")]
mod h264;
mod live;
mod options;
mod raw;
#[cfg(feature = "screen")]
mod screen;
mod yuv;

#[cfg(feature = "camera")]
pub use camera::Camera;
#[cfg(feature = "h264")]
pub use h264::H264Encoder;
#[cfg(feature = "screen")]
pub use screen::Screen;
pub use {
    encoder::PictureEncoder,
    live::LiveVideo,
    options::VideoOptions,
    raw::{PixelFormat, RawPicture},
    yuv::Picture,
};
