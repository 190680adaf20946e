use std::{
    fmt,
    fs::File,
    io::{ErrorKind, Seek},
    time::Duration,
};

use ogg::{OggReadError, Packet, PacketReader, PacketWriteEndInfo, PacketWriter};

use super::{
    sink::WriteFrames,
    source::{Input, ReadFrames},
};
use crate::{Codec, Frame, SinkError, SourceError, TrackInfo, opus_duration};

/// Reads Opus from Ogg (RFC 7845), however many packets a page has.
pub(super) struct OggReader {
    packets: PacketReader<Box<dyn Input>>,
    info: TrackInfo,
    stream: u32,
    time: Duration,
}

impl OggReader {
    pub(super) fn new(input: Box<dyn Input>) -> Result<Self, SourceError> {
        let mut packets = PacketReader::new(input);
        loop {
            let head = read_packet(&mut packets)?.ok_or(SourceError::UnknownFormat)?;
            if !head.first_in_stream() {
                return Err(SourceError::UnknownFormat); // every stream has begun, and none is Opus
            }
            if let [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', _, channels, ..] = head.data[..] {
                let mut info = TrackInfo::new(Codec::Opus);
                info.channels = Some(channels);
                return Ok(Self {
                    packets,
                    info,
                    stream: head.stream_serial(),
                    time: Duration::ZERO,
                });
            }
        }
    }
}

impl ReadFrames for OggReader {
    fn info(&self) -> TrackInfo {
        self.info
    }

    fn next(&mut self) -> Result<Option<Frame>, SourceError> {
        while let Some(packet) = read_packet(&mut self.packets)? {
            if packet.stream_serial() != self.stream || packet.data.starts_with(b"OpusTags") {
                continue;
            }
            let Some(duration) = opus_duration(&packet.data) else {
                let at = position(&mut self.packets);
                return Err(SourceError::Malformed {
                    format: "Ogg",
                    at,
                    what: "a packet is no Opus",
                });
            };
            let time = self.time;
            self.time += duration;
            return Ok(Some(Frame {
                data: packet.data.into(),
                time,
                duration,
                keyframe: true,
                level: None,
            }));
        }
        Ok(None)
    }
}

impl fmt::Debug for OggReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OggReader")
            .field("info", &self.info)
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

fn read_packet(packets: &mut PacketReader<Box<dyn Input>>) -> Result<Option<Packet>, SourceError> {
    packets
        .read_packet()
        .map_err(|error| ogg_error(error, position(packets)))
}

/// How far the file has been read.
fn position(packets: &mut PacketReader<Box<dyn Input>>) -> u64 {
    packets.get_mut().stream_position().unwrap_or(0)
}

fn ogg_error(error: OggReadError, at: u64) -> SourceError {
    let what = match error {
        OggReadError::ReadError(error) if error.kind() != ErrorKind::UnexpectedEof => return error.into(),
        OggReadError::ReadError(_) => "a page is cut off",
        OggReadError::HashMismatch(..) => "a page's checksum is wrong",
        OggReadError::NoCapturePatternFound => "a page does not begin where it should",
        _ => "a page breaks the rules",
    };
    SourceError::Malformed {
        format: "Ogg",
        at,
        what,
    }
}

/// Packets on a page: half a second of sound, which is what a sudden end of the program loses.
const PACKETS_A_PAGE: u32 = 25;
/// What a decoder skips at the beginning, as the common encoder makes it; in samples.
const PRE_SKIP: u16 = 312;

/// Writes Opus into Ogg.
pub(super) struct OggWriter {
    pages: PacketWriter<'static, File>,
    /// The latest packet with its end, held back because the last one of a file is marked.
    held: Option<(Vec<u8>, u64)>,
    on_page: u32,
}

impl OggWriter {
    /// One stream a file, so its number says nothing.
    const STREAM: u32 = 1;

    pub(super) fn new(file: File) -> Self {
        Self {
            pages: PacketWriter::new(file),
            held: None,
            on_page: 0,
        }
    }

    fn put(&mut self, packet: Vec<u8>, info: PacketWriteEndInfo, end: u64) -> Result<(), SinkError> {
        Ok(self.pages.write_packet(packet, Self::STREAM, info, end)?)
    }

    /// RFC 7845 section 5; two channels, because a decoder makes two of one.
    fn headers(&mut self) -> Result<(), SinkError> {
        let mut head = b"OpusHead\x01\x02".to_vec();
        head.extend(PRE_SKIP.to_le_bytes());
        head.extend(48_000u32.to_le_bytes());
        head.extend([0; 3]);
        self.put(head, PacketWriteEndInfo::EndPage, 0)?;
        let vendor = b"hst-media";
        let mut tags = b"OpusTags".to_vec();
        tags.extend((vendor.len() as u32).to_le_bytes());
        tags.extend(vendor);
        tags.extend(0u32.to_le_bytes());
        self.put(tags, PacketWriteEndInfo::EndPage, 0)
    }
}

impl WriteFrames for OggWriter {
    fn write(&mut self, frame: &Frame) -> Result<(), SinkError> {
        let bad = SinkError::BadFrame {
            codec: Codec::Opus,
            what: "its first byte is impossible",
        };
        let duration = opus_duration(&frame.data).ok_or(bad)?;
        match self.held.take() {
            None => self.headers()?,
            Some((packet, end)) => {
                self.on_page = (self.on_page + 1) % PACKETS_A_PAGE;
                let full = self.on_page == 0;
                let info = if full {
                    PacketWriteEndInfo::EndPage
                } else {
                    PacketWriteEndInfo::NormalPacket
                };
                self.put(packet, info, end)?;
            }
        }
        let samples = (frame.time + duration).as_nanos() * 48_000 / 1_000_000_000;
        // What is skipped counts as well (RFC 7845 section 4.3).
        self.held = Some((frame.data.to_vec(), samples as u64));
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        match self.held.take() {
            Some((packet, end)) => self.put(packet, PacketWriteEndInfo::EndStream, end),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for OggWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OggWriter")
            .field("on_page", &self.on_page)
            .finish_non_exhaustive()
    }
}
