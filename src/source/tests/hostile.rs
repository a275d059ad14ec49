//! Bytes that are broken by accident or on purpose: no panic, no endless loop, no lost count.

use super::{gzip, read, three};

/// A small generator, so that every run sees the same bytes.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

#[test]
fn a_cut_at_any_byte_keeps_what_is_before_it() {
    let all = three();
    let joined = all.join(",");
    for (text, lead) in [
        (format!("{{\"Records\":[{joined}]}}"), 12),
        (format!("{{\"a\":\"b\",\"Records\":[{joined}]}}"), 20),
        (format!("[{joined}]"), 1),
        (all.join("\n"), 0),
    ] {
        for cut in 1..text.len() {
            let (records, outcome) = read(&text.as_bytes()[..cut]);
            let mut complete = 0;
            let mut end = lead;
            for record in &all {
                end += record.len();
                complete += usize::from(end <= cut);
                end += 1;
            }
            assert_eq!(records, all[..complete], "{cut} of {text}");
            assert!(outcome.malformed <= 1, "{cut} of {text}");
            if lead > 0 && complete > 0 {
                let ending = if complete == 1 { "" } else { "s" };
                let why = format!("truncated after {complete} record{ending}");
                assert_eq!(outcome.skipped.as_deref(), Some(why.as_str()), "{cut} of {text}");
            }
        }
    }
}

#[test]
fn a_packed_file_cut_at_any_byte_keeps_what_can_be_unpacked() {
    let text = format!("{{\"Records\":[{}]}}", three().join(","));
    let packed = gzip(text.as_bytes());
    for cut in 3..packed.len() {
        let (records, outcome) = read(&packed[..cut]);
        assert!(three().starts_with(&records), "{cut}");
        assert!(outcome.skipped.is_some(), "{cut}");
    }
}

#[test]
fn changed_bytes_and_noise_are_survived() {
    let all = three();
    let joined = all.join(",");
    let table = "eventname,eventtime,useridentity\nA,b,\"{type=x, y={z=[1, 2]}}\"\n".to_owned();
    let packed = gzip(joined.as_bytes());
    let seeds = [
        format!("{{\"Records\":[{joined}]}}").into_bytes(),
        all.join("\n").into_bytes(),
        format!("{{\"Events\":[{{\"CloudTrailEvent\":\"{}\"}}]}}", all[0].replace('\\', "\\\\").replace('"', "\\\""))
            .into_bytes(),
        table.into_bytes(),
        packed,
    ];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..400 {
        for seed in &seeds {
            let mut bytes = seed.clone();
            for _ in 0..=random.below(4) {
                let at = random.below(bytes.len());
                bytes[at] = match random.below(3) {
                    0 => b"{}[]\",:\\/\n"[random.below(10)],
                    1 => random.below(256) as u8,
                    _ => bytes[at] ^ (1 << random.below(8)),
                };
            }
            read(&bytes);
        }
        let noise: Vec<u8> =
            (0..random.below(300)).map(|_| b"{}[]\",:\\/\n1tfn eventVersionRecords"[random.below(34)]).collect();
        read(&noise);
    }
}

/// Each of these takes minutes or the whole stack where work is quadratic or recursion unbounded.
#[test]
fn hostile_text_takes_linear_time_and_bounded_stack() {
    let count = 100_000;
    let run = |text: String| {
        std::thread::Builder::new().stack_size(1 << 20).spawn(move || read(text.as_bytes()).1).unwrap().join().unwrap()
    };
    for unit in [
        "[",
        "{\"a\":",
        "{\"a\":[",
        "{\"Records\":[",
        "{\"eventVersion\":",
        "{\"eventVersion\"",
        "\"{",
        "{\"Events\":[",
        "/*",
        "\n{\"",
        "{\"a\":\"}}}}\",\"b\":[",
        "\\\"",
        "{\"events\":[\"",
        "{\"Records\":[{\"body\":\"",
        ",",
        "0",
        "eventVersion ",
        "{\"eventVersion\":\"1.0\"},",
    ] {
        let tail = unit.repeat(count / unit.len());
        run(tail.clone());
        run(format!("{{\"Records\":[{tail}"));
        run(format!("{{\"Records\":[{{\"eventVersion\":\"1.08\",\"a\":{tail}"));
        run(format!("[{},{tail}", three().join(",")));
    }
    let deep = format!("{{\"Records\":[{}{}]}}", "[".repeat(count), "]".repeat(count));
    run(deep);
    let nested = format!("[{}{}]", "{\"Records\":[".repeat(500), "]}".repeat(500));
    run(nested);
}

#[test]
fn strings_in_strings_end_at_some_depth() {
    let mut text = three()[0].clone();
    let mut given = Vec::new();
    for _ in 0..6 {
        text = format!("{{\"message\":{}}}", serde_json::to_string(&text).unwrap());
        let (records, outcome) = read(text.as_bytes());
        given.push((records.len(), outcome.malformed));
    }
    assert_eq!(given, [(1, 0), (1, 0), (1, 0), (1, 0), (0, 1), (0, 1)]);
}
