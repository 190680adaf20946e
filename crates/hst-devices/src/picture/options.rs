/// What video is to be made of a camera or a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoOptions {
    /// The most pixels across and down. A camera is set to what it has nearest to it; a larger picture is made smaller, in
    /// its own proportions.
    pub size: (u16, u16),
    /// The most pictures a second, at least 1.
    pub rate: u32,
    /// Bits a second.
    pub bitrate: u32,
}

impl VideoOptions {
    /// A face: 640 by 360, 30 pictures and a million bits a second.
    pub const CAMERA: Self = Self {
        size: (640, 360),
        rate: 30,
        bitrate: 1_000_000,
    };
    /// Text that can be read: 1920 by 1080, 10 pictures and 2.5 million bits a second.
    pub const SCREEN: Self = Self {
        size: (1920, 1080),
        rate: 10,
        bitrate: 2_500_000,
    };
}
