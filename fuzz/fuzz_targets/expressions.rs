//! `cargo fuzz run expressions`

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalbox_fuzz::expressions(bytes));
