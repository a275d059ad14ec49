//! `LocalEmu`: real API calls become `CloudTrail` records, in LookupEvents, in a trail's bucket and on event buses.

use std::path::PathBuf;
use std::process::Command;

use super::python::{Recipe, interpreter};
use super::server::Server;

/// Its metadata say 3.10, its syntax 3.12.
pub(super) const RECIPE: Recipe = Recipe { name: "localemu", requirements: include_str!("localemu.txt"), minor: 12 };
/// Who owns the account of the stand-in: with permissions enforced, nobody else is allowed everything.
pub(crate) const OWNER: &str = "000000000000";

/// A `LocalEmu` server of its own for a test. It enforces permissions.
pub(crate) struct LocalEmu {
    server: Server,
    pub(super) python: PathBuf,
}

impl LocalEmu {
    /// Starts a server with more of its settings; none where the machine has no Python for it.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Option<Self> {
        let python = interpreter(&RECIPE)?;
        let server = Server::start("/_localemu/health", |port, folder| {
            let mut server = Command::new(&python);
            let main = "import sys; from localemu.cli.main import main; sys.argv[0] = 'localemu'; sys.exit(main())";
            server.args(["-c", main, "start", "--host", "127.0.0.1", "--port", &port.to_string()]);
            // The gateway that it prefers listens on every address, whatever it is told.
            server.env("GATEWAY_SERVER", "hypercorn").env("GATEWAY_LISTEN", format!("127.0.0.1:{port}"));
            server.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
            server.env("HOME", folder).env("TMPDIR", folder).env("IAM_ENFORCEMENT", "1").current_dir(folder);
            server.envs(settings.iter().copied());
            server
        });
        Some(Self { server, python })
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }
}
