//! Who is at the keyboard.

use anyhow::{Result, bail};

use crate::model::approval::Person;
use crate::model::escape::terminal;
use crate::source::live::Live;

/// The user of the operating system. Whoever runs the program can set the name, and not the number.
pub(super) fn os_user() -> String {
    let name = user_name();
    #[cfg(unix)]
    let number = {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata("/proc/self").ok().map(|process| process.uid())
    };
    #[cfg(not(unix))]
    let number: Option<u32> = None;
    match (name, number) {
        (Some(name), Some(number)) => format!("{name} (uid {number})"),
        (None, Some(number)) => format!("uid {number}"),
        (name, None) => name.unwrap_or_else(|| "unknown".to_owned()),
    }
}

/// The name of the user, as it is set.
fn user_name() -> Option<String> {
    std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok()
}

/// Whoever runs this command, under a given name or that of the user.
///
/// # Errors
/// A name that would not look like what it is.
pub(super) async fn here(name: Option<&str>) -> Result<Person> {
    let name = name.map(str::to_owned).or_else(user_name).unwrap_or_else(os_user);
    called(&name, Live::caller().await)
}

/// Whoever runs this command, under a name, as AWS knows them.
///
/// # Errors
/// As [`here`].
pub(super) fn called(name: &str, caller: Option<String>) -> Result<Person> {
    if name.trim().is_empty() || terminal(name) != name {
        bail!("{name:?} is no name");
    }
    Ok(Person { name: name.to_owned(), os_user: os_user(), caller, slack: None })
}
