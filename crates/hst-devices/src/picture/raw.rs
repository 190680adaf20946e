use crate::DeviceError;

/// How a device arranges its pixels, in rows without gaps from the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PixelFormat {
    /// Red, green, blue, and a byte that does not count.
    Rgba,
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// Two pixels in four bytes: brightness, blueness of both, brightness, redness of both.
    Yuyv,
    /// All brightness; then blueness and redness of each two by two pixels.
    Nv12,
    /// Brightness alone.
    Gray,
}

impl PixelFormat {
    fn bytes(self, width: usize, height: usize) -> usize {
        match self {
            Self::Rgba => width * height * 4,
            Self::Rgb | Self::Bgr => width * height * 3,
            Self::Yuyv => width.next_multiple_of(2) * height * 2,
            Self::Nv12 => width * height + width.div_ceil(2) * height.div_ceil(2) * 2,
            Self::Gray => width * height,
        }
    }
}

/// A picture as a device gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawPicture {
    size: (usize, usize),
    format: PixelFormat,
    data: Vec<u8>,
}

impl RawPicture {
    /// A picture of that width and height.
    ///
    /// # Errors
    /// [`DeviceError::Unsupported`] if it has no pixels, more than 16,384 across or down, or not the bytes of them all.
    pub fn new(size: (u32, u32), format: PixelFormat, data: Vec<u8>) -> Result<Self, DeviceError> {
        let (width, height) = (size.0 as usize, size.1 as usize);
        let is_whole = (2..=16_384).contains(&width)
            && (2..=16_384).contains(&height)
            && data.len() >= format.bytes(width, height);
        if !is_whole {
            let reason = format!("{} bytes are no picture of {width} by {height} {format:?}", data.len());
            return Err(DeviceError::Unsupported { reason });
        }
        Ok(Self {
            size: (width, height),
            format,
            data,
        })
    }

    pub(crate) fn size(&self) -> (usize, usize) {
        self.size
    }

    pub(crate) fn format(&self) -> PixelFormat {
        self.format
    }

    pub(crate) fn data(&self) -> &[u8] {
        &self.data
    }
}
