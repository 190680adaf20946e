#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hst_fuzz::run("listener_frame", data));
