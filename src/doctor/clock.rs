//! Whether this machine's clock is right: signatures of AWS and of Slack hold for five minutes.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_sts::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use jiff::fmt::rfc2822;

use super::{Check, Room};
use crate::event::Seconds;

/// From here on it is worth a remark, in seconds.
const ODD: Seconds = 60;
/// From here on signatures are about to be refused, in seconds.
const WRONG: Seconds = 240;

pub(super) async fn all(room: &Room<'_>) -> Vec<Check> {
    let Some(live) = room.live else { return Vec::new() };
    let header = Header::default();
    let config = aws_sdk_sts::config::Builder::from(&live.home()).interceptor(header.clone()).build();
    // Also a refusal has the time in it.
    drop(aws_sdk_sts::Client::from_conf(config).get_caller_identity().send().await);
    let here = (room.clock)();
    match header.time() {
        Some(there) => vec![check(here, there)],
        None => vec![Check::note("clock", "not known: the answer of AWS has no time in it")],
    }
}

/// Compares this machine's clock with AWS's.
fn check(here: Seconds, there: Seconds) -> Check {
    let ahead = here - there;
    let told = match ahead {
        -2..=2 => "it agrees with AWS's".to_owned(),
        3.. => format!("it is {ahead} s ahead of AWS's"),
        _ => format!("it is {} s behind AWS's", -ahead),
    };
    let mend = "timedatectl set-ntp true";
    match ahead.abs() {
        WRONG.. => Check::fails("clock", format!("{told}, and from 300 s on signatures are refused")).mend(mend),
        ODD.. => Check::note("clock", told).mend(mend),
        _ => Check::works("clock", told),
    }
}

/// Keeps the time of the last answer.
#[derive(Debug, Clone, Default)]
struct Header(Arc<Mutex<Option<String>>>);

impl Header {
    fn time(&self) -> Option<Seconds> {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        rfc2822::parse(&text).ok().map(|time| time.timestamp().as_second())
    }
}

impl Intercept for Header {
    fn name(&self) -> &'static str {
        "date"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").map(str::to_owned);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Found;

    #[test]
    fn a_clock_is_odd_before_it_is_wrong() {
        for (ahead, found, word) in [
            (0, Found::Works, "agrees"),
            (-2, Found::Works, "agrees"),
            (59, Found::Works, "59 s ahead"),
            (-60, Found::Note, "60 s behind"),
            (239, Found::Note, "239 s ahead"),
            (-240, Found::Fails, "240 s behind"),
            (100_000, Found::Fails, "ahead"),
        ] {
            let check = check(1_790_000_000 + ahead, 1_790_000_000);
            assert!(check.found == found && check.told.contains(word), "{ahead}: {}", check.line());
        }
    }

    #[test]
    fn the_time_of_an_answer_is_read() {
        let time = |text: &str| Header(Arc::new(Mutex::new(Some(text.to_owned())))).time();
        assert_eq!(time("Sun, 22 Nov 2026 18:00:00 GMT"), Some(1_795_370_400));
        assert_eq!(time("yesterday"), None);
        assert_eq!(Header::default().time(), None);
    }
}
