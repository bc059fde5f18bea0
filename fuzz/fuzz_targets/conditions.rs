//! `cargo fuzz run conditions`

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalbox_fuzz::conditions(bytes));
