use std::{fs::File, io::Write, time::Duration};

use super::{sink::WriteFrames, sps::Sps};
use crate::{
    Codec, Frame, SinkError,
    h264::{NAL_DELIMITER, NAL_PPS, NAL_SPS, nal_type, nal_units},
};

/// Ticks a second, the same as those of RTP.
const TICKS: u32 = 90_000;
/// A fragment is written when it is this long, or before a keyframe.
const MAX_FRAGMENT: Duration = Duration::from_secs(1);
const TRACK: u32 = 1;

/// Writes H.264 into fragmented MP4 (ISO/IEC 14496-12 and -15): a head, then fragments of at most a second that each
/// stand for themselves, so that the file is whole at any time.
#[derive(Debug)]
pub(super) struct Mp4Writer {
    file: File,
    fragments: u32,
    /// The latest picture; how long it lasts is known when the next one comes.
    held: Option<(u64, Sample)>,
    /// The fragment under construction, and when it begins.
    begin: u64,
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Sample {
    data: Vec<u8>,
    duration: u32,
    keyframe: bool,
}

impl Mp4Writer {
    pub(super) fn new(file: File) -> Self {
        Self {
            file,
            fragments: 0,
            held: None,
            begin: 0,
            samples: Vec::new(),
        }
    }

    /// Puts the held picture into the fragment; it lasts until `until`.
    fn release(&mut self, until: u64) {
        if let Some((time, mut sample)) = self.held.take() {
            if self.samples.is_empty() {
                self.begin = time;
            }
            sample.duration = u32::try_from(until.saturating_sub(time)).unwrap_or(u32::MAX);
            self.samples.push(sample);
        }
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        if self.samples.is_empty() {
            return Ok(());
        }
        self.fragments += 1;
        let mut fragment = moof(self.fragments, self.begin, &self.samples);
        atom(&mut fragment, b"mdat", |mdat| {
            self.samples.iter().for_each(|sample| mdat.extend(&sample.data))
        });
        self.samples.clear();
        Ok(self.file.write_all(&fragment)?)
    }
}

impl WriteFrames for Mp4Writer {
    fn write(&mut self, frame: &Frame) -> Result<(), SinkError> {
        let time = ticks(frame.time);
        if self.held.is_none() {
            self.file.write_all(&head(frame)?)?;
        }
        self.release(time);
        let full = time.saturating_sub(self.begin) >= ticks(MAX_FRAGMENT);
        if frame.keyframe || full {
            self.flush()?;
        }
        let mut data = Vec::with_capacity(frame.data.len() + 16);
        for nal in nal_units(&frame.data).filter(|nal| nal_type(nal) != NAL_DELIMITER) {
            data.extend((nal.len() as u32).to_be_bytes());
            data.extend(nal);
        }
        let duration = ticks(frame.duration) as u32;
        self.held = Some((
            time,
            Sample {
                data,
                duration,
                keyframe: frame.keyframe,
            },
        ));
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        if let Some((time, sample)) = &self.held {
            self.release(time + u64::from(sample.duration));
        }
        self.flush()
    }
}

fn ticks(time: Duration) -> u64 {
    ((time.as_nanos() * u128::from(TICKS) + 500_000_000) / 1_000_000_000) as u64
}

/// Appends a box: its length, its kind and what `content` writes.
fn atom(out: &mut Vec<u8>, kind: &[u8; 4], content: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    out.extend([0; 4]);
    out.extend(kind);
    content(out);
    let len = (out.len() - begin) as u32;
    out[begin..begin + 4].copy_from_slice(&len.to_be_bytes());
}

/// A box whose content begins with a version and flags.
fn full(out: &mut Vec<u8>, kind: &[u8; 4], version_and_flags: u32, content: impl FnOnce(&mut Vec<u8>)) {
    atom(out, kind, |out| {
        put(out, &[version_and_flags]);
        content(out);
    });
}

fn put(out: &mut Vec<u8>, numbers: &[u32]) {
    numbers.iter().for_each(|number| out.extend(number.to_be_bytes()));
}

/// The identity matrix of `mvhd` and `tkhd`.
const MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// What comes before the first fragment, from the parameter sets of the first keyframe.
fn head(frame: &Frame) -> Result<Vec<u8>, SinkError> {
    let bad = |what| SinkError::BadFrame {
        codec: Codec::H264,
        what,
    };
    let find = |kind| nal_units(&frame.data).find(move |nal| nal_type(nal) == kind);
    let (Some(sps), Some(pps)) = (find(NAL_SPS), find(NAL_PPS)) else {
        return Err(bad("the first keyframe has no parameter sets"));
    };
    let size = Sps::parse(sps).ok_or_else(|| bad("the sequence parameter set is damaged"))?;
    let lengths = (u16::try_from(sps.len()), u16::try_from(pps.len()));
    let (Ok(sps_len), Ok(pps_len)) = lengths else {
        return Err(bad("a parameter set is too long"));
    };
    let (width, height) = (u32::from(size.width), u32::from(size.height));

    let mut out = Vec::new();
    atom(&mut out, b"ftyp", |out| out.extend(b"isom\0\0\x02\0isomiso6avc1mp41"));
    atom(&mut out, b"moov", |out| {
        full(out, b"mvhd", 0, |out| {
            put(out, &[0, 0, TICKS, 0, 0x1_0000, 0x0100_0000, 0, 0]);
            put(out, &MATRIX);
            put(out, &[0; 6]);
            put(out, &[TRACK + 1]);
        });
        atom(out, b"trak", |out| {
            full(out, b"tkhd", 3, |out| {
                put(out, &[0, 0, TRACK, 0, 0, 0, 0, 0, 0]);
                put(out, &MATRIX);
                put(out, &[width << 16, height << 16]);
            });
            atom(out, b"mdia", |out| {
                full(out, b"mdhd", 0, |out| put(out, &[0, 0, TICKS, 0, 0x55c4_0000]));
                full(out, b"hdlr", 0, |out| {
                    out.extend(b"\0\0\0\0vide\0\0\0\0\0\0\0\0\0\0\0\0video\0")
                });
                atom(out, b"minf", |out| {
                    full(out, b"vmhd", 1, |out| put(out, &[0, 0]));
                    atom(out, b"dinf", |out| {
                        full(out, b"dref", 0, |out| {
                            put(out, &[1]);
                            full(out, b"url ", 1, |_| {});
                        });
                    });
                    atom(out, b"stbl", |out| {
                        full(out, b"stsd", 0, |out| {
                            put(out, &[1]);
                            atom(out, b"avc1", |out| {
                                put(out, &[0, 1, 0, 0, 0, 0, width << 16 | height, 0x48_0000, 0x48_0000, 0]);
                                out.extend([0, 1]);
                                out.extend([0; 32]);
                                out.extend([0, 24, 0xff, 0xff]);
                                atom(out, b"avcC", |out| {
                                    out.extend([1, sps[1], sps[2], sps[3], 0xff, 0xe1]);
                                    out.extend(sps_len.to_be_bytes());
                                    out.extend(sps);
                                    out.push(1);
                                    out.extend(pps_len.to_be_bytes());
                                    out.extend(pps);
                                });
                            });
                        });
                        // The samples are all in the fragments.
                        for kind in [b"stts", b"stsc", b"stco"] {
                            full(out, kind, 0, |out| put(out, &[0]));
                        }
                        full(out, b"stsz", 0, |out| put(out, &[0, 0]));
                    });
                });
            });
        });
        atom(out, b"mvex", |out| {
            full(out, b"trex", 0, |out| put(out, &[TRACK, 1, 0, 0, 0]))
        });
    });
    Ok(out)
}

fn moof(number: u32, begin: u64, samples: &[Sample]) -> Vec<u8> {
    const BASE_IS_MOOF: u32 = 0x2_0000;
    /// The data's offset, and each sample's duration, size and flags.
    const CONTENTS: u32 = 0x701;
    const SYNC: u32 = 0x0200_0000;
    const NOT_SYNC: u32 = 0x0101_0000;
    let mut out = Vec::new();
    let mut offset_at = 0;
    atom(&mut out, b"moof", |out| {
        full(out, b"mfhd", 0, |out| put(out, &[number]));
        atom(out, b"traf", |out| {
            full(out, b"tfhd", BASE_IS_MOOF, |out| put(out, &[TRACK]));
            full(out, b"tfdt", 0x0100_0000, |out| out.extend(begin.to_be_bytes()));
            full(out, b"trun", CONTENTS, |out| {
                put(out, &[samples.len() as u32]);
                offset_at = out.len();
                put(out, &[0]);
                for sample in samples {
                    let flags = if sample.keyframe { SYNC } else { NOT_SYNC };
                    put(out, &[sample.duration, sample.data.len() as u32, flags]);
                }
            });
        });
    });
    // The data begins after this box and the header of the next.
    let offset = out.len() as u32 + 8;
    out[offset_at..offset_at + 4].copy_from_slice(&offset.to_be_bytes());
    out
}
