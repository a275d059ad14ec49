//! Programs of others that tests ask: a linter of templates, a parser of state machines, and a Python that speaks with AWS.

use std::path::PathBuf;

use super::python::{Recipe, interpreter};
use super::{localemu, moto};

const LINTER: Recipe = Recipe { name: "cfn-lint", requirements: include_str!("cfn-lint.txt"), minor: 11 };

/// A Python with cfn-lint, and with python-hcl2, which reads Terraform's files; none where the machine cannot have it.
pub(crate) fn linter() -> Option<PathBuf> {
    interpreter(&LINTER)
}

/// A Python with boto3; none where the machine cannot have it.
pub(crate) fn boto() -> Option<PathBuf> {
    moto::boto()
}

/// A Python with a parser of the language of state machines; none where the machine cannot have it.
pub(crate) fn language() -> Option<PathBuf> {
    interpreter(&localemu::RECIPE)
}
