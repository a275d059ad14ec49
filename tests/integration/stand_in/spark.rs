//! Spark as it is: a standalone master and workers, each a process of its own on 127.0.0.1.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::kept::or_skipped;
use super::python::{Recipe, interpreter};
use super::server::{Server, content, request};

/// The engine comes with the package; it needs Java 17 besides.
const RECIPE: Recipe = Recipe { name: "spark", requirements: include_str!("spark.txt"), minor: 11 };
const JAVA: u32 = 17;
/// Patience with workers that start on a busy machine.
const START: Duration = Duration::from_secs(120);

/// The engine, installed.
pub(crate) struct Engine {
    python: PathBuf,
    home: PathBuf,
}

/// A cluster. It ends with the test.
pub(crate) struct Cluster {
    engine: Engine,
    master: Server,
    workers: Vec<Worker>,
}

/// A worker and the folder that its executors run in.
struct Worker {
    folder: PathBuf,
    server: Server,
}

impl Engine {
    /// The engine; none where the machine has no Python or Java for it.
    pub(crate) fn installed() -> Option<Self> {
        or_skipped("Java", java())?;
        let python = interpreter(&RECIPE)?;
        let home = Command::new(&python).args(["-c", "import pyspark; print(pyspark.__path__[0])"]).output().unwrap();
        Some(Self { python, home: PathBuf::from(String::from_utf8(home.stdout).unwrap().trim()) })
    }

    /// A script of Python, to be run in its own process alone.
    pub(crate) fn alone(&self, script: &Path) -> Command {
        self.submit(script, "local[2]")
    }

    fn submit(&self, script: &Path, master: &str) -> Command {
        let mut submit = Command::new(self.home.join("bin/spark-submit"));
        self.settle(&mut submit);
        submit.args(["--master", master, "--driver-memory", "512m", "--executor-memory", "512m"]);
        for setting in ["ui.enabled=false", "driver.host=127.0.0.1", "driver.bindAddress=127.0.0.1", "log.level=WARN"] {
            submit.args(["--conf", &format!("spark.{setting}")]);
        }
        submit.arg(script);
        submit
    }

    /// A process of a cluster.
    fn daemon(&self, class: &str, port: u16, folder: &Path) -> Command {
        let mut daemon = Command::new(self.home.join("bin/spark-class"));
        self.settle(&mut daemon);
        daemon.env("SPARK_DAEMON_MEMORY", "256m").env("SPARK_DAEMON_JAVA_OPTS", "-Dspark.master.rest.enabled=false");
        daemon.env("SPARK_LOCAL_DIRS", folder).current_dir(folder);
        daemon.arg(format!("org.apache.spark.deploy.{class}"));
        daemon.args(["--host", "127.0.0.1", "--port", "0", "--webui-port", &port.to_string()]);
        daemon
    }

    /// Nothing listens elsewhere than on this machine, and nothing is written into the repository.
    fn settle(&self, command: &mut Command) {
        let local = [("SPARK_LOCAL_IP", "127.0.0.1"), ("SPARK_LOCAL_HOSTNAME", "127.0.0.1")];
        command.env("SPARK_HOME", &self.home).envs(local).env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("PYSPARK_PYTHON", &self.python).env("PYSPARK_DRIVER_PYTHON", &self.python);
        command.env_remove("SPARK_CONF_DIR").env_remove("PYTHONPATH");
    }
}

impl Cluster {
    /// Starts a master and workers of one core each; none where the machine cannot have the engine.
    pub(crate) fn start(workers: usize) -> Option<Self> {
        let engine = Engine::installed()?;
        let master = Server::start("/json/", |port, folder| engine.daemon("master.Master", port, folder));
        let mut cluster = Self { engine, master, workers: Vec::new() };
        let url = cluster.url();
        for _ in 0..workers {
            let mut place = PathBuf::new();
            let server = Server::start("/json/", |port, folder| {
                folder.clone_into(&mut place);
                let mut worker = cluster.engine.daemon("worker.Worker", port, folder);
                worker.args(["--cores", "1", "--memory", "512m", "--work-dir"]).arg(folder).arg(&url);
                worker
            });
            cluster.workers.push(Worker { folder: place, server });
        }
        let begun = Instant::now();
        while cluster.told()["aliveworkers"] != workers {
            assert!(begun.elapsed() < START, "{}", cluster.told());
            thread::sleep(Duration::from_millis(100));
        }
        Some(cluster)
    }

    /// What the master says about itself.
    fn told(&self) -> Value {
        let answer = request(self.master.port, "GET", "/json/", &[], b"").unwrap_or_default();
        serde_json::from_str(content(&answer)).unwrap_or_default()
    }

    fn url(&self) -> String {
        self.told()["url"].as_str().unwrap().to_owned()
    }

    /// A script of Python, to be run by the workers.
    pub(crate) fn submit(&self, script: &Path) -> Command {
        self.engine.submit(script, &self.url())
    }

    /// A script of Python, to be run in its own process alone.
    pub(crate) fn alone(&self, script: &Path) -> Command {
        self.engine.alone(script)
    }

    /// Kills the worker in whose folder something runs, and what it has started, as when a machine is lost.
    pub(crate) fn lose(&mut self, place: &Path) {
        let lost = self.workers.iter().position(|worker| place.starts_with(&worker.folder));
        let lost = lost.unwrap_or_else(|| panic!("{} is of no worker", place.display()));
        drop(self.workers.swap_remove(lost).server);
    }
}

/// Whether there is a Java that the engine runs on.
fn java() -> Result<PathBuf, String> {
    let home = std::env::var_os("JAVA_HOME").map(|home| Path::new(&home).join("bin/java"));
    let java = home.unwrap_or_else(|| PathBuf::from("java"));
    let told = Command::new(&java).arg("-version").output().map_err(|error| format!("{}: {error}", java.display()))?;
    let told = String::from_utf8_lossy(&told.stderr).into_owned();

    let version: Option<u32> = told.split('"').nth(1).and_then(|version| version.split('.').next()?.parse().ok());
    match version {
        Some(version) if version >= JAVA => Ok(java),
        _ => Err(format!("Java {JAVA} or newer is needed: {}", told.lines().next().unwrap_or_default())),
    }
}
