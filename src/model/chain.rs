//! Errors in words.

use std::error::Error;

/// An error and its causes, one after the other; a cause that was said already is not repeated.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let said = next.to_string();
        if !text.contains(&said) {
            text.push_str(&format!(": {said}"));
        }
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use anyhow::Context as _;

    #[test]
    fn causes_are_said_once() {
        let refused = io::Error::other("connection refused");
        let told = Err::<(), _>(refused).context("connecting: connection refused").context("asking AWS").unwrap_err();
        assert_eq!(super::chain(told.as_ref()), "asking AWS: connecting: connection refused");
    }
}
