//! The dependency descriptors of such a stream, with the indications that browsers give for three sizes and three frame rates.

use super::Frame;

/// Ids go round at 64: so the last of them are small numbers.
const FIRST_TEMPLATE: u8 = 60;
/// What a frame is to a decode target.
const ABSENT: u32 = 0;
const DISCARDABLE: u32 = 1;
const SWITCH: u32 = 2;
const REQUIRED: u32 = 3;
const TARGETS: usize = 9;

/// The frames of a size: of a keyframe, and of the pictures behind it in turn. The third one is the first picture of a turn whose next
/// ones need what was before it.
const FRAMES: [(u8, bool, bool); 5] = [
    (0, true, true),
    (0, false, true),
    (0, false, false),
    (1, false, true),
    (2, false, true),
];

/// What a frame is to the target of up to these layers.
fn indication(spatial: u8, (temporal, is_key, is_clean): (u8, bool, bool), target: (u8, u8)) -> u32 {
    if target.0 < spatial || target.1 < temporal {
        return ABSENT;
    }
    if target.0 > spatial {
        return if is_key { SWITCH } else { REQUIRED };
    }
    match target.1 {
        0 => SWITCH,
        same if same == temporal => DISCARDABLE,
        2 if !is_clean => REQUIRED,
        _ => SWITCH,
    }
}

fn all_targets() -> impl Iterator<Item = (u8, u8)> {
    (0..3).flat_map(|spatial| (0..3).map(move |temporal| (spatial, temporal)))
}

fn bits(value: u32, width: usize) -> String {
    format!("{value:0width$b}")
}

/// It has as many bits wherever it stands.
fn structure() -> String {
    let frames = || (0..3).flat_map(|spatial| FRAMES.iter().map(move |frame| (spatial, *frame)));
    let mut structure = bits(FIRST_TEMPLATE.into(), 6) + &bits(TARGETS as u32 - 1, 5);
    for (at, (spatial, (temporal, ..))) in frames().enumerate() {
        structure += match frames().nth(at + 1) {
            None => "11",
            Some((next, _)) if next > spatial => "10",
            Some((_, (next, ..))) if next > temporal => "01",
            Some(_) => "00",
        };
    }
    for (spatial, frame) in frames() {
        structure.extend(all_targets().map(|target| bits(indication(spatial, frame, target), 2)));
    }
    // How far back the frames are that each needs, which nobody has to know here; no chains, no sizes.
    structure.extend(frames().map(|_| "0"));
    structure + "0000"
}

/// The descriptor of a packet: its first one tells the structure with a keyframe.
pub(super) fn descriptor(frame: &Frame, starts: bool, ends: bool) -> Vec<u8> {
    let kind = (frame.temporal, frame.since_key == 0, frame.is_clean());
    let place = FRAMES.iter().position(|it| *it == kind).expect("one of them") as u8;
    let template = (FIRST_TEMPLATE + FRAMES.len() as u8 * frame.spatial + place) % 64;
    let mut told = bits(starts.into(), 1) + &bits(ends.into(), 1) + &bits(template.into(), 6);
    told += &bits(frame.number.into(), 16);
    if starts && frame.spatial == 0 && frame.since_key == 0 {
        told = told + "10000" + &structure();
    }
    let byte = |bits: &[u8]| (0..8).fold(0, |byte, at| byte << 1 | bits.get(at).map_or(0, |bit| bit - b'0'));
    told.as_bytes().chunks(8).map(byte).collect()
}

/// The decode targets up to these layers, a bit for each.
pub(super) fn mask(spatial: u8, temporal: u8) -> u32 {
    let is_in = |(_, target): &(usize, (u8, u8))| target.0 <= spatial && target.1 <= temporal;
    all_targets()
        .enumerate()
        .filter(is_in)
        .fold(0, |mask, (at, _)| mask | 1 << at)
}

/// Which decode targets a receiver is told to be there.
pub(super) fn targets(told: &[u8]) -> u32 {
    let all: String = told.iter().map(|byte| bits((*byte).into(), 8)).collect();
    let (flags, rest) = all[24..].split_at(5);
    let skipped = match flags {
        "11000" => structure().len(),
        "01000" => 0,
        other => panic!("{other}"),
    };
    u32::from_str_radix(&rest[skipped..skipped + TARGETS], 2).expect("bits")
}
