//! What a packet of 1,100 bytes costs, in nanoseconds: encrypting it, and decrypting it, by each profile.
//!
//! `cargo run --release -p hst-srtp --example packet_costs`

#![allow(clippy::print_stdout, reason = "it prints its figures")]

use std::time::{Duration, Instant};

use hst_srtp::{Profile, Side, contexts};

const LEN: usize = 1_100;
const PACKETS: u64 = 2_000;
/// The fastest of several runs says what it costs; the others say what else the machine did.
const RUNS: usize = 200;

fn packet(index: u64) -> Vec<u8> {
    let mut packet = vec![0; LEN];
    packet[0] = 0x80;
    packet[2..4].copy_from_slice(&(index as u16).to_be_bytes());
    packet
}

fn main() {
    for profile in [Profile::Aes128CmSha1_80, Profile::AeadAes128Gcm, Profile::AeadAes256Gcm] {
        let exported = vec![7; profile.exported_len()];
        let (mut protect, mut unprotect) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..RUNS {
            let (sender, _) = contexts(profile, &exported, Side::Server).expect("enough of it");
            let (_, mut receiver) = contexts(profile, &exported, Side::Client).expect("enough of it");
            let mut packets: Vec<_> = (0..PACKETS).map(packet).collect();
            for buffer in &mut packets {
                buffer.reserve(sender.overhead());
            }
            let start = Instant::now();
            for (buffer, index) in packets.iter_mut().zip(0..) {
                sender.protect(index, buffer, 0, 12);
            }
            let sealed = Instant::now();
            for buffer in &mut packets {
                receiver.unprotect(buffer).expect("a genuine packet");
            }
            let each = |time: Duration| time.as_nanos() as f64 / packets.len() as f64;
            protect = protect.min(each(sealed - start));
            unprotect = unprotect.min(each(sealed.elapsed()));
        }
        println!("{profile:?}: protect {protect:.0} ns, unprotect {unprotect:.0} ns");
    }
}
