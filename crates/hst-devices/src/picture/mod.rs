//! Pictures: what a camera sees or a screen shows becomes H.264.

#[cfg(feature = "camera")]
mod camera;
mod convert;
mod encoder;
mod filming;
mod h264;
mod live;
mod options;
mod raw;
#[cfg(feature = "screen")]
mod screen;
mod yuv;

#[cfg(feature = "camera")]
pub use camera::Camera;
#[cfg(feature = "screen")]
pub use screen::Screen;
pub use {
    encoder::PictureEncoder,
    h264::H264Encoder,
    live::LiveVideo,
    options::VideoOptions,
    raw::{PixelFormat, RawPicture},
    yuv::Picture,
};
