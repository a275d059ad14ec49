//! What of a tree of logs is wanted, as names tell before anything is read.

use std::collections::BTreeSet;

use super::delivery::{Delivery, Level, account_of, base_name, is_aside};
use super::object::Object;
use crate::event::{DAY, Seconds};

/// Which objects are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// Only these accounts; all where there are none.
    pub accounts: BTreeSet<String>,
    /// Delivered from this day on, in days since 1970.
    pub from: Option<i64>,
    /// Delivered by the end of this day.
    pub until: Option<i64>,
    /// A path without anything behind it is no mistake: somebody listed it, and it becomes an object whose reading says
    /// that it is gone. No such path is a pattern.
    pub keeps_gone: bool,
}

impl Wanted {
    /// Days of delivery for events between two times, of which the first needs history before it. Events are delivered a
    /// day late at most.
    pub(crate) fn between(start: Option<Seconds>, end: Option<Seconds>, history: Seconds) -> Self {
        let day = |at: Seconds| at.div_euclid(DAY);
        Self {
            accounts: BTreeSet::new(),
            keeps_gone: false,
            from: start.map(|start| day(start.saturating_sub(history))),
            until: end.map(|end| day(end) + 1),
        }
    }

    /// Whether an object is wanted, as far as its name and its folders tell. What tells nothing is.
    ///
    /// Digests, Insights and logs of other services in the delivery tree never are, by whatever way they are found.
    pub(crate) fn takes(&self, object: &Object) -> bool {
        let file = base_name(object.name());
        let delivery = Delivery::of_file(object.name());
        delivery.level != Level::Other
            && !is_aside(file)
            && self.takes_account(account_of(file))
            && self.takes_account(delivery.account)
            && self.overlaps(delivery.days)
            && self.overlaps(object.delivered_day().map(|day| (day, day)))
    }

    /// Whether anything in a folder can be wanted.
    pub(super) fn enters(&self, folder: &str) -> bool {
        let delivery = Delivery::of_folder(folder);
        delivery.level != Level::Other && self.takes_account(delivery.account) && self.overlaps(delivery.days)
    }

    fn takes_account(&self, account: Option<&str>) -> bool {
        self.accounts.is_empty() || account.is_none_or(|account| self.accounts.contains(account))
    }

    fn overlaps(&self, days: Option<(i64, i64)>) -> bool {
        let Some((first, last)) = days else { return true };
        self.from.is_none_or(|from| from <= last) && self.until.is_none_or(|until| first <= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_folders_tell_what_is_wanted() {
        let accounts = BTreeSet::from(["111122223333".to_owned()]);
        let wanted = Wanted { accounts, from: Some(19_600), until: Some(19_700), keeps_gone: false };
        let takes = |name: &str| wanted.takes(&Object::file(name.into(), 1));
        let tree = "t/AWSLogs/111122223333/CloudTrail/eu-west-1";
        let file = |day: &str| format!("111122223333_CloudTrail_eu-west-1_{day}T0005Z_a.json.gz");
        // 2023-08-31 is day 19,600, and 2023-12-09 is day 19,700.
        assert!(takes(&format!("{tree}/2023/09/01/{}", file("20230901"))));
        assert!(takes("anything.json"));
        assert!(takes(&format!("{tree}/2023/09/01/notes.json")));
        for other in [
            format!("{tree}/2023/08/30/{}", file("20230830")),
            format!("{tree}/2023/08/30/{}", file("20230901")),
            format!("{tree}/2023/12/10/notes.json"),
            file("20231210"),
            "t/AWSLogs/444455556666/CloudTrail/eu-west-1/2023/09/01/notes.json".to_owned(),
            "444455556666_CloudTrail_eu-west-1_20230901T0005Z_a.json.gz".to_owned(),
            "t/AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2023/09/01/a.json.gz".to_owned(),
        ] {
            assert!(!takes(&other), "{other}");
        }
        assert!(wanted.enters(&format!("{tree}/2023/")) && wanted.enters("t/AWSLogs/") && wanted.enters(""));
        for other in ["t/AWSLogs/444455556666/", "t/AWSLogs/111122223333/Config/", &format!("{tree}/2022/")] {
            assert!(!wanted.enters(other), "{other}");
        }
    }
}
