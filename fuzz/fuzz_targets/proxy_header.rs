#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hst_fuzz::run("proxy_header", data));
