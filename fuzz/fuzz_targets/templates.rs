//! `cargo fuzz run templates`

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalbox_fuzz::templates(bytes));
