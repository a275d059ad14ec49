//! `stakeout serve` in a process of its own.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::room::tell;

/// Patience with a machine that does other things too.
const START: Duration = Duration::from_secs(60);

/// It ends with the test.
pub(crate) struct Serve {
    process: Child,
    said: Arc<Mutex<String>>,
}

impl Serve {
    pub(super) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let said: Arc<Mutex<String>> = Arc::default();
        keep(process.stdout.take().unwrap(), &said);
        keep(process.stderr.take().unwrap(), &said);
        Self { process, said }
    }

    /// Everything that it wrote so far.
    pub(super) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// The port that it listens on, once it does.
    pub(super) fn port(&mut self) -> u16 {
        let begun = Instant::now();
        loop {
            let said = self.said();
            let line = said.lines().find_map(|line| line.split_once("listening on http://127.0.0.1:"));
            if let Some((_, rest)) = line {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                return digits.parse().unwrap_or_else(|error| panic!("{error}: {said}"));
            }
            assert!(self.process.try_wait().unwrap().is_none(), "it ended: {said}");
            assert!(begun.elapsed() < START, "it does not listen: {said}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Seconds of processor time so far.
    pub(super) fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        // Behind the name, which may have spaces in it: the state is the third field, times the 14th and the 15th.
        let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        ticks / 100.0
    }

    /// Asks it to end, as Ctrl-C does, and waits for that.
    pub(super) fn stop(mut self) -> String {
        drop(Command::new("kill").args(["-INT", &self.id().to_string()]).status());
        let status = self.ended();
        assert!(status.success(), "{status}: {}", self.said());
        self.said()
    }

    /// Waits until it ended by itself or by somebody else's hand.
    pub(super) fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < START, "it does not end: {}", self.said());
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        if thread::panicking() {
            let said = self.said();
            let from = said.char_indices().rev().nth(8_000).map_or(0, |(at, _)| at);
            tell(&format!("serve said: {}", &said[from..]));
        }
    }
}

fn keep(pipe: impl Read + Send + 'static, said: &Arc<Mutex<String>>) {
    let said = Arc::clone(said);
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            said.lock().unwrap().push_str(&(line + "\n"));
        }
    });
}
