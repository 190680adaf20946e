use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    Codec,
    h264::{NAL_DELIMITER, NAL_FILLER, NAL_PPS, NAL_SPS, nal_type, nal_units},
};

/// The most bytes of payload in a packet: with RTP, extensions, SRTP and RTX around it, it stays below the 1200 bytes
/// that every path lets through.
const MAX_PAYLOAD: usize = 1140;

/// Cuts a frame into the payloads of its packets, in order; none if there is nothing in it to send.
/// `picture` numbers the pictures of the line.
pub(super) fn packetize(codec: Codec, data: &Bytes, picture: u16) -> Vec<Bytes> {
    match codec {
        Codec::Vp8 => vp8(data, picture),
        Codec::H264 => h264(data),
        _ if data.is_empty() => vec![],
        _ => vec![data.clone()],
    }
}

/// RFC 7741: a descriptor with a picture id of 15 bits before each piece.
fn vp8(data: &Bytes, picture: u16) -> Vec<Bytes> {
    const DESCRIPTOR: usize = 4;
    let [high, low] = picture.to_be_bytes();
    data.chunks(MAX_PAYLOAD - DESCRIPTOR)
        .enumerate()
        .map(|(index, piece)| {
            let mut payload = BytesMut::with_capacity(DESCRIPTOR + piece.len());
            let start = if index == 0 { 0x10 } else { 0 };
            payload.put_slice(&[0x80 | start, 0x80, 0x80 | high, low]);
            payload.put_slice(piece);
            payload.freeze()
        })
        .collect()
}

/// RFC 6184, packetization mode 1: small units alone, large ones in pieces (FU-A), and the parameter sets before a
/// picture together (STAP-A), as browsers do it and media servers look for it.
fn h264(data: &Bytes) -> Vec<Bytes> {
    let mut payloads = Vec::new();
    let mut parameters: Vec<&[u8]> = Vec::new();
    for nal in nal_units(data) {
        match nal_type(nal) {
            NAL_DELIMITER | NAL_FILLER => {}
            NAL_SPS | NAL_PPS if nal.len() <= MAX_PAYLOAD => parameters.push(nal),
            _ => {
                aggregate(&mut parameters, &mut payloads);
                if nal.len() <= MAX_PAYLOAD {
                    payloads.push(data.slice_ref(nal))
                } else {
                    fragment(nal, &mut payloads)
                }
            }
        }
    }
    aggregate(&mut parameters, &mut payloads);
    payloads
}

fn aggregate(nals: &mut Vec<&[u8]>, payloads: &mut Vec<Bytes>) {
    const STAP_A: u8 = 24;
    let together: usize = 1 + nals.iter().map(|nal| 2 + nal.len()).sum::<usize>();
    if nals.len() < 2 || together > MAX_PAYLOAD {
        payloads.extend(nals.drain(..).map(Bytes::copy_from_slice));
        return;
    }
    let mut payload = BytesMut::with_capacity(together);
    let importance = nals.iter().map(|nal| nal[0] & 0x60).max().unwrap_or(0);
    payload.put_u8(importance | STAP_A);
    for nal in nals.drain(..) {
        // No longer than MAX_PAYLOAD, so the length fits.
        payload.put_u16(nal.len() as u16);
        payload.put_slice(nal);
    }
    payloads.push(payload.freeze());
}

fn fragment(nal: &[u8], payloads: &mut Vec<Bytes>) {
    const FU_A: u8 = 28;
    const HEADERS: usize = 2;
    let (header, body) = (nal[0], &nal[1..]);
    let last = body.len().div_ceil(MAX_PAYLOAD - HEADERS) - 1;
    for (index, piece) in body.chunks(MAX_PAYLOAD - HEADERS).enumerate() {
        let start = if index == 0 { 0x80 } else { 0 };
        let end = if index == last { 0x40 } else { 0 };
        let mut payload = BytesMut::with_capacity(HEADERS + piece.len());
        payload.put_slice(&[header & 0xe0 | FU_A, start | end | header & 0x1f]);
        payload.put_slice(piece);
        payloads.push(payload.freeze());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(len: usize, first: u8) -> Vec<u8> {
        (0..len)
            .map(|i| if i == 0 { first } else { (i % 251) as u8 | 1 })
            .collect()
    }

    #[test]
    fn no_payload_is_longer_than_a_packet_allows() {
        let frame = Bytes::from([&[0, 0, 0, 1][..], &bytes(9000, 0x65)].concat());
        for codec in [Codec::Vp8, Codec::H264] {
            let payloads = packetize(codec, &frame, 7);
            assert!(payloads.len() >= 8, "{codec}");
            assert!(payloads.iter().all(|payload| payload.len() <= MAX_PAYLOAD), "{codec}");
        }
    }

    #[test]
    fn only_the_first_piece_of_a_vp8_picture_is_its_start() {
        let payloads = packetize(Codec::Vp8, &Bytes::from(bytes(3000, 0x10)), 0x1234);
        let descriptors: Vec<&[u8]> = payloads.iter().map(|payload| &payload[..4]).collect();
        assert_eq!(
            descriptors,
            [
                [0x90, 0x80, 0x92, 0x34],
                [0x80, 0x80, 0x92, 0x34],
                [0x80, 0x80, 0x92, 0x34]
            ]
        );
    }

    #[test]
    fn parameter_sets_travel_together_and_delimiters_not_at_all() {
        let unit = [
            &[0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1][..],
            &[0x67, 1, 2],
            &[0, 0, 1, 0x68, 3],
            &[0, 0, 1, 0x65, 4],
        ]
        .concat();
        let payloads = packetize(Codec::H264, &unit.into(), 0);
        assert_eq!(payloads, [&[0x78, 0, 3, 0x67, 1, 2, 0, 2, 0x68, 3][..], &[0x65, 4]]);
    }

    #[test]
    fn a_frame_with_nothing_in_it_makes_no_packet() {
        for codec in [Codec::Opus, Codec::Vp8, Codec::H264] {
            assert!(packetize(codec, &Bytes::new(), 0).is_empty(), "{codec}");
        }
        assert!(packetize(Codec::H264, &Bytes::from_static(&[1, 2, 3]), 0).is_empty());
    }
}
