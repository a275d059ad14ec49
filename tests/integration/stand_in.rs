//! Stand-ins on this machine: moto, LocalEmu and MiniStack for AWS, emulate for Slack, a cluster of Spark, and servers that
//! answer what a test tells them to.
//!
//! Nothing here listens or calls anywhere but on 127.0.0.1, and every server ends with the test that started it.

mod account;
mod attacker;
mod cast;
mod fake;
mod kept;
mod localemu;
mod lookup;
mod ministack;
mod moto;
mod node;
mod proxy;
mod python;
mod queue;
mod runtime_api;
mod script;
mod server;
pub(crate) mod slack;
pub(crate) mod spark;
mod tool;

pub(crate) use account::{REGIONS, answer};
pub(crate) use attacker::{Attack, Ground};
pub(crate) use cast::Cast;
pub(crate) use fake::{Fake, Request};
pub(crate) use localemu::{LocalEmu, OWNER};
pub(crate) use lookup::{Entry, LookupFake};
pub(crate) use ministack::{MINI_ACCOUNT, MiniStack};
pub(crate) use moto::{MOTO_ACCOUNT, Moto};
pub(crate) use proxy::{Fate, Proxy};
pub(crate) use queue::QueueFake;
pub(crate) use runtime_api::Function;
pub(crate) use server::{content, request, status, tried};
pub(crate) use tool::{boto, language, linter};
