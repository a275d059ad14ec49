//! What is in `deploy/`: the templates and modules, what they allow, what they make, the package and the units.

mod alarms;
mod history;
mod lint;
mod made;
mod package;
mod policy;
mod rights;
mod template;
mod terraform;
mod units;
