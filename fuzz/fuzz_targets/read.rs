//! Any bytes as a log file: no panic, and every record is accounted for.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| stakeout::fuzzing::replay_bytes(bytes));
