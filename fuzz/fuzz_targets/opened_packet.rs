#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hst_fuzz::run("opened_packet", data));
