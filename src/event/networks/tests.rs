use proptest::prelude::*;

use super::hosting::is_hosting;
use super::ranges::Ranges;
use super::{Draft, Span};

#[test]
fn an_address_has_the_narrowest_network() {
    let mut draft = Draft::default();
    let mut add = |prefix: &str, asn, name: &str| draft.operator(Span::of_prefix(prefix).unwrap(), asn, name);
    add("198.51.100.0/24", 64_500, "EXAMPLE-NET");
    add("198.51.0.0/16", 64_501, "WIDE");
    add("198.51.100.128/25", 64_502, "Example Hosting Ltd");
    add("2001:db8::/32", 64_503, "SIX");
    draft.country(Span::of_prefix("198.51.100.0/24").unwrap(), "de");
    draft.country(Span::of_prefix("198.51.100.0/24").unwrap(), "None");
    let networks = draft.build();
    let asn = |address: &str| networks.owner(address).and_then(|owner| owner.asn);
    assert_eq!(asn("198.51.100.1"), Some(64_500));
    assert_eq!(asn("198.51.100.200"), Some(64_502));
    assert_eq!(asn("198.51.101.0"), Some(64_501));
    assert_eq!(asn("198.52.0.0"), None);
    assert_eq!(asn("::ffff:198.51.100.1"), Some(64_500));
    assert_eq!(asn("2001:db8:ffff::1"), Some(64_503));
    assert_eq!(asn("2001:db9::"), None);
    assert_eq!(asn("lambda.amazonaws.com"), None);
    let owner = networks.owner("198.51.100.200").unwrap();
    assert_eq!((owner.country.as_deref(), owner.hosting), (Some("DE"), true));
}

#[test]
fn a_table_is_known_by_its_answers() {
    let build = |rows: &[(&str, u32)]| {
        let mut draft = Draft::default();
        rows.iter().for_each(|(prefix, asn)| draft.operator(Span::of_prefix(prefix).unwrap(), *asn, "x"));
        draft.build().fingerprint().to_owned()
    };
    let one = build(&[("198.51.100.0/24", 1), ("203.0.113.0/24", 2)]);
    assert_eq!(one, build(&[("203.0.113.0/24", 2), ("198.51.100.0/25", 1), ("198.51.100.128/25", 1)]));
    assert_ne!(one, build(&[("203.0.113.0/24", 2), ("198.51.100.0/24", 2)]));
    assert_eq!(build(&[]), "");
}

#[test]
fn hosting_is_told_by_name() {
    for name in ["DIGITALOCEAN-ASN", "Hetzner Online GmbH", "OVH SAS", "M247 Europe SRL", "AS-CHOOPA", "Acme VPN Ltd"] {
        assert!(is_hosting(name), "{name}");
    }
    for name in ["", "AMAZON-02", "Deutsche Telekom AG", "COMCAST-7922", "Movhera", "University of Torino", "Cloherty"]
    {
        assert!(!is_hosting(name), "{name}");
    }
}

proptest! {
    #[test]
    fn ranges_answer_as_a_walk_over_all_rows_does(rows in prop::collection::vec((0_u32..64, 0_u32..24, 0_u32..4), 0..24)) {
        let rows: Vec<_> = rows.into_iter().map(|(first, length, value)| (first, first + length, value)).collect();
        let ranges = Ranges::of(rows.clone());
        for number in 0..100 {
            let holds = rows.iter().enumerate().filter(|(_, (first, last, _))| (*first..=*last).contains(&number));
            let best = holds.max_by_key(|(position, (first, last, _))| (*first, std::cmp::Reverse(*last), *position));
            prop_assert_eq!(ranges.find(number), best.map(|(_, (_, _, value))| *value), "{} of {:?}", number, rows);
        }
    }

    #[test]
    fn any_prefix_and_address_are_taken(text in "[0-9a-f:./]{0,24}", first in any::<u128>(), last in any::<u128>()) {
        _ = Span::of_prefix(&text);
        let mut draft = Draft::default();
        draft.operator(Span::six(first.min(last), first.max(last)), 7, "x");
        prop_assert!(draft.build().owner(&std::net::Ipv6Addr::from(first).to_string()).is_some());
    }
}
