#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pwb_fuzz::http::run(bytes));
