//! Entries of `[[allow]]`: small, owned and short.

use super::{read, refusal};

/// An entry for a role, with some of its lines replaced or taken out and some added.
fn entry(without: &[&str], lines: &str) -> String {
    let all = [
        ("principal", "\"arn:aws:iam::111122223333:role/deploy\""),
        ("detector", "\"many-functions-created\""),
        ("region", "\"eu-west-1\""),
        ("owner", "\"ann\""),
        ("reason", "\"deploys\""),
        ("expires", "\"2026-12-31\""),
    ];
    let lines_of =
        all.iter().filter(|(key, _)| !without.contains(key)).map(|(key, value)| format!("{key} = {value}\n"));
    format!("[[allow]]\n{}{lines}\n", lines_of.collect::<String>())
}

#[test]
fn an_entry_of_the_allow_list_is_small_and_owned() {
    for (without, lines, expected) in [
        ("detector", "", "stakeout.toml:1:1: allow: missing field `detector`"),
        ("owner", "", "missing field `owner`"),
        ("expires", "", "missing field `expires`"),
        ("reason", "reason = \" \"", "allow.reason: \" \" is not a text that says something"),
        (
            "region",
            "",
            "stakeout.toml:2:1: allow.0.principal: this allows whatever it does; add at least one of network",
        ),
        ("region", "network = \"10.0.0.0/4\"", "allow.network: \"10.0.0.0/4\" is half of the internet"),
        ("region", "target = \"**\"", "allow.0.target: \"**\" is everything"),
        (
            "principal",
            "principal = \"arn:aws:iam::*:role/deploy\"",
            "allow.0.principal: arn:aws:iam::*:role/deploy is a pattern",
        ),
        (
            "principal",
            "principal = \"arn:aws:sts::111122223333:assumed-role/deploy/ci\"",
            "name its role, such as arn:aws:iam::111122223333:role/deploy",
        ),
        ("detector", "detector = \"many-*\"", "allow.0.detector: name one detector exactly"),
    ] {
        let refused = refusal(&entry(&[without], lines), &[]);
        assert!(refused.contains(expected), "{refused}");
    }
    for lines in ["network = \"203.0.113.7\"", "target = [\"a*\", \"b\"]", "change = \"CHG-1\""] {
        assert!(read(&entry(&["region"], lines), &[]).is_ok(), "{lines}");
    }
}

#[test]
fn an_entry_of_the_allow_list_ends_within_ninety_days() {
    // 2026-10-02T12:00:00Z, of which 2026-12-31 is the ninetieth day.
    let now = 1_790_942_400;
    let config = read(&entry(&[], ""), &[]).unwrap();
    config.check_allow(now).unwrap();
    let refused = format!("{:#}", config.check_allow(now - 86_400).unwrap_err());
    assert!(
        refused.starts_with("stakeout.toml:7:1: allow.0.expires: an entry holds for 90 days at most; 2026-12-30"),
        "{refused}"
    );
    let open = read(&entry(&["owner"], "owner = \"?\""), &[]).unwrap();
    let refused = format!("{:#}", open.check_owners().unwrap_err());
    assert!(
        refused.starts_with("stakeout.toml:7:1: allow.0.owner: \"?\" is what `stakeout tune` leaves open"),
        "{refused}"
    );
    config.check_owners().unwrap();
}
