use std::fmt;

use bytes::Bytes;
use hst_media::Codec;

use super::Picture;
use crate::DeviceError;

/// Makes frames of pictures. With feature `h264` there is one, `H264Encoder`; one of your own brings another codec.
pub trait PictureEncoder: fmt::Debug + Send + 'static {
    /// What it makes.
    fn codec(&self) -> Codec;

    /// Encodes the next picture, as a keyframe if that is asked for, the first one always. `None` where it is left out so
    /// that the bits suffice for the others; a keyframe that is left out is asked for again with the next picture. A
    /// picture may have another size than the one before it.
    ///
    /// # Errors
    /// [`DeviceError::Unsupported`]: it cannot encode pictures of this kind, and will not later.
    fn encode(&mut self, picture: &Picture, keyframe: bool) -> Result<Option<Bytes>, DeviceError>;
}
