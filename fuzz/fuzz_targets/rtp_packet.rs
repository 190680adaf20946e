#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hst_fuzz::run("rtp_packet", data));
