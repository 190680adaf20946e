//! Opus as it suits calls.

use bytes::Bytes;
use opus::{Application, Bitrate, Channels};

use super::{FRAME, RATE};

/// Bits a second of a voice; full band, and clear.
const BITRATE: i32 = 32_000;
/// How many packets in a hundred the encoder expects to be lost: each then carries a coarse copy of the one before.
const EXPECTED_LOSS: i32 = 10;
/// The most bytes of one packet (RFC 6716 section 3.2.1).
const MAX_PACKET: usize = 1275;
/// The most samples of each channel in one packet: 120 ms.
const MAX_SAMPLES: usize = 5760;

/// Makes packets of 20 ms of one channel.
#[derive(Debug)]
pub(crate) struct Encoder {
    opus: opus::Encoder,
}

impl Encoder {
    pub(crate) fn new() -> Self {
        let mut opus = opus::Encoder::new(RATE, Channels::Mono, Application::Voip).expect("Opus has this format");
        let settings = [
            opus.set_bitrate(Bitrate::Bits(BITRATE)),
            opus.set_inband_fec(true),
            opus.set_packet_loss_perc(EXPECTED_LOSS),
            // A silent member still sends: a gap is a loss, and nothing else.
            opus.set_dtx(false),
        ];
        settings
            .into_iter()
            .collect::<Result<(), _>>()
            .expect("Opus has these settings");
        Self { opus }
    }

    /// The packet of a frame.
    pub(crate) fn encode(&mut self, frame: &[f32; FRAME]) -> Bytes {
        let packet = self.opus.encode_vec_float(frame, MAX_PACKET);
        packet.expect("20 ms can always be encoded").into()
    }
}

/// Makes two interleaved channels of the packets of one sender; of what one channel was, both are made.
#[derive(Debug)]
pub(crate) struct Decoder {
    opus: opus::Decoder,
}

impl Decoder {
    pub(crate) fn new() -> Self {
        let opus = opus::Decoder::new(RATE, Channels::Stereo).expect("Opus has this format");
        Self { opus }
    }

    /// The sound of a packet; of one that is damaged, 20 ms that go on as it sounded before.
    pub(crate) fn decode(&mut self, packet: &[u8]) -> Vec<f32> {
        match self.run(packet, MAX_SAMPLES, false) {
            Some(sound) if !packet.is_empty() => sound,
            _ => self.conceal(None),
        }
    }

    /// 20 ms in the place of a packet that is lost: by the copy in the `next` packet where there is one, or else going on
    /// as it sounded before, ever quieter.
    pub(crate) fn conceal(&mut self, next: Option<&[u8]>) -> Vec<f32> {
        let copy = next.filter(|packet| !packet.is_empty());
        let sound = copy.and_then(|packet| self.run(packet, FRAME, true));
        sound
            .or_else(|| self.run(&[], FRAME, false))
            .unwrap_or_else(|| vec![0.0; 2 * FRAME])
    }

    fn run(&mut self, packet: &[u8], room: usize, copy: bool) -> Option<Vec<f32>> {
        let mut sound = vec![0.0; 2 * room];
        let samples = self.opus.decode_float(packet, &mut sound, copy).ok()?;
        sound.truncate(2 * samples);
        Some(sound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::signal::{Dice, decibels, voice};

    fn packets() -> Vec<Bytes> {
        let mut encoder = Encoder::new();
        let frames = voice(RATE, 96_000);
        let (frames, _) = frames.as_chunks::<FRAME>();
        frames.iter().map(|frame| encoder.encode(frame)).collect()
    }

    /// How far below the sound without losses the difference to it lies, with every packet lost where `is_lost`.
    fn difference(packets: &[Bytes], conceal: bool, copies: bool, is_lost: impl Fn(usize) -> bool) -> f32 {
        let (mut whole, mut holed) = (Decoder::new(), Decoder::new());
        let (mut ideal, mut difference) = (Vec::new(), Vec::new());
        for (at, packet) in packets.iter().enumerate() {
            let sound = whole.decode(packet);
            let heard = match (is_lost(at), conceal) {
                (false, _) => holed.decode(packet),
                (true, false) => vec![0.0; 2 * FRAME],
                (true, true) => holed.conceal(packets.get(at + 1).filter(|_| copies).map(|next| &next[..])),
            };
            difference.extend(sound.iter().zip(&heard).map(|(a, b)| a - b));
            ideal.extend(sound);
        }
        decibels(&difference) - decibels(&ideal)
    }

    #[test]
    fn a_packet_carries_20_ms_in_the_bits_it_may_have() {
        let packets = packets();
        assert_eq!(packets.len(), 100);
        assert!(
            packets
                .iter()
                .all(|packet| hst_media::opus_duration(packet).unwrap().as_millis() == 20)
        );
        let bits = packets.iter().map(Bytes::len).sum::<usize>() * 8 / 2;
        assert!((10_000..40_000).contains(&bits), "{bits} b/s");
    }

    #[test]
    fn a_loss_is_concealed() {
        let packets = packets();
        let mut dice = Dice::new(7);
        let lost: Vec<bool> = packets.iter().map(|_| dice.unit() < 0.1).collect();
        let silent = difference(&packets, false, false, |at| lost[at]);
        let concealed = difference(&packets, true, false, |at| lost[at]);
        println!("10 % lost: with silence {silent:.1} dB, concealed {concealed:.1} dB");
        assert!(
            concealed < silent - 3.0,
            "silence {silent} dB, concealed {concealed} dB"
        );
    }

    #[test]
    fn the_beginning_of_a_syllable_is_lost_and_comes_back_from_the_copy_in_the_packet_behind_it() {
        let packets = packets();
        // A syllable begins every 12,000 samples: nothing that came before tells how it sounds.
        let is_lost = |at: usize| at > 5 && at * FRAME % 12_000 < FRAME;
        let concealed = difference(&packets, true, false, is_lost);
        let copied = difference(&packets, true, true, is_lost);
        println!("beginnings lost: concealed {concealed:.1} dB, with copies {copied:.1} dB");
        assert!(
            copied < concealed - 3.0,
            "concealed {concealed} dB, with copies {copied} dB"
        );
    }

    #[test]
    fn what_is_no_opus_sounds_like_a_loss_and_breaks_nothing() {
        let (mut decoder, mut dice) = (Decoder::new(), Dice::new(1));
        for length in 0..200 {
            let junk: Vec<u8> = (0..length).map(|_| (dice.unit() * 256.0) as u8).collect();
            assert!((1..=2 * MAX_SAMPLES).contains(&decoder.decode(&junk).len()));
            assert_eq!(decoder.conceal(Some(&junk)).len(), 2 * FRAME);
        }
        assert_eq!(decoder.decode(&packets()[0]).len(), 2 * FRAME);
    }
}
