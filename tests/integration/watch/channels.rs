//! Channels and what is printed do not wait for each other.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use super::desk::{Desk, only};
use super::incidents::{KEY, account};

/// A receiver that remembers what it got.
fn receiver() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let got: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&got);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut text = Vec::new();
            let mut buffer = [0; 65_536];
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                text.extend_from_slice(&buffer[..length]);
                let whole = String::from_utf8_lossy(&text);
                let length = whole
                    .lines()
                    .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
                let body = whole.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len());
                if length.is_some_and(|length| body >= length) {
                    break;
                }
            }
            seen.lock().unwrap().push(String::from_utf8_lossy(&text).into_owned());
            drop(stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
        }
    });
    (port, got)
}

#[test]
fn a_full_disk_behind_the_output_keeps_nobody_from_being_told() {
    let fake = account();
    let desk = Desk::at(fake.url(), KEY);
    let station = desk.station("full", "");
    let mut watch = station.command(&["watch", "--once", "--format", "ndjson"]);
    watch.stdout(OpenOptions::new().write(true).open("/dev/full").unwrap());
    let run = watch.output().unwrap();
    assert_eq!(run.status.code(), Some(2), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(station.keys().len(), 1);
    // What was not printed is printed by the next pass, and told to nobody again.
    let again = station.watch();
    assert_eq!((again.status, again.incidents().len()), (1, 1), "{again:?}");
    assert!(!again.findings().is_empty(), "{again:?}");
    assert_eq!(station.keys().len(), 1);
}

#[test]
fn a_channel_without_its_secret_gets_the_message_later() {
    let (port, got) = receiver();
    let fake = account();
    let desk = Desk::at(fake.url(), KEY);
    let settings = format!("[[notify.webhook]]\nurl = \"http://127.0.0.1:{port}/hook\"\nsecret = \"env:HOOK_SECRET\"");
    let station = desk.station("hook", &settings);
    let opened = station.watch();
    assert_eq!(opened.status, 1, "{opened:?}");
    assert!(opened.stderr.contains("HOOK_SECRET"), "{opened:?}");
    assert!(got.lock().unwrap().is_empty());
    // The first attempt is a minute ago at the earliest when it is tried again.
    thread::sleep(std::time::Duration::from_secs(61));
    let mut watch = station.command(&["watch", "--once", "--format", "ndjson"]);
    watch.env("HOOK_SECRET", "s3cr3t-of-the-hook");
    let run = crate::harness::finish(watch, b"");
    let got = got.lock().unwrap();
    assert_eq!(got.len(), 1, "{run:?}");
    assert!(got[0].to_ascii_lowercase().contains("stakeout-signature: t=") && !got[0].contains("s3cr3t"), "{got:?}");
    assert!(got[0].contains(only(&opened.incidents())["id"].as_str().unwrap()));
    station.verify();
}
