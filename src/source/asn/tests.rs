use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::{BadLine, networks};
use crate::event::Networks;

/// Writes files and reads them as tables.
fn read(files: &[(&str, &[u8])]) -> anyhow::Result<(Networks, Vec<BadLine>)> {
    let folder = TempDir::new().unwrap();
    let name = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    files.iter().for_each(|(file, bytes)| std::fs::write(name(file), bytes).unwrap());
    networks(&files.iter().map(|(file, _)| name(file)).collect::<Vec<_>>())
}

/// Number, name, country and whether it is hosting.
fn told(networks: &Networks, address: &str) -> Option<(Option<u32>, String, Option<String>, bool)> {
    networks.owner(address).map(|owner| (owner.asn, owner.name.clone(), owner.country.clone(), owner.hosting))
}

const IPTOASN: &str = "198.51.100.0\t198.51.100.255\t64500\tDE\tEXAMPLE-NET Example AG\n\
    198.51.101.0\t198.51.101.255\t0\tNone\tNot routed\n\
    203.0.113.0\t203.0.113.255\t64501\tNL\tEXAMPLE-HOSTING\n\
    2001:db8::\t2001:db8:ffff:ffff:ffff:ffff:ffff:ffff\t64502\tUS\tSIX\n";

#[test]
fn iptoasn_is_read_plain_and_packed() {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(IPTOASN.as_bytes()).unwrap();
    let (plain, bad) = read(&[("a.tsv", IPTOASN.as_bytes())]).unwrap();
    let (again, _) = read(&[("a.tsv.gz", &packed.finish().unwrap())]).unwrap();
    assert_eq!(bad, []);
    assert_eq!(plain.fingerprint(), again.fingerprint());
    let example = (Some(64_500), "EXAMPLE-NET Example AG".to_owned(), Some("DE".to_owned()), false);
    assert_eq!(told(&plain, "198.51.100.7"), Some(example));
    assert_eq!(told(&plain, "198.51.101.7"), None);
    assert!(told(&plain, "203.0.113.66").unwrap().3);
    assert_eq!(told(&plain, "2001:db8::1").unwrap().0, Some(64_502));
}

#[test]
fn maxminds_csv_is_read_from_several_files() {
    let asn = "network,autonomous_system_number,autonomous_system_organization\n198.51.100.0/24,64500,\"Example, \"\"Net\"\" AG\"\n";
    let blocks = "network,geoname_id,registered_country_geoname_id,represented_country_geoname_id,is_anonymous_proxy,is_satellite_provider\n\
        198.51.100.0/24,2921044,2921044,,0,0\n203.0.113.0/24,,2750405,,0,0\n";
    let places = "geoname_id,locale_code,continent_code,continent_name,country_iso_code,country_name,is_in_european_union\n\
        2921044,en,EU,Europe,DE,Germany,1\n2750405,en,EU,Europe,NL,\"Netherlands\",1\n6255148,en,EU,Europe,,,0\n";
    let (all, bad) = read(&[("b", blocks.as_bytes()), ("a", asn.as_bytes()), ("p", places.as_bytes())]).unwrap();
    assert_eq!(bad, []);
    let example = (Some(64_500), "Example, \"Net\" AG".to_owned(), Some("DE".to_owned()), false);
    assert_eq!(told(&all, "198.51.100.7"), Some(example));
    assert_eq!(told(&all, "203.0.113.7"), Some((None, String::new(), Some("NL".to_owned()), false)));
    let alone = read(&[("b", blocks.as_bytes())]).unwrap_err().to_string();
    assert!(alone.contains("Locations"), "{alone}");
}

#[test]
fn bad_lines_are_named_and_the_rest_is_used() {
    let mut text =
        "198.51.100.0\t198.51.100.255\t64500\tDE\tEXAMPLE\nnonsense\n203.0.113.255\t203.0.113.0\t1\tDE\tX\n".to_owned();
    text.push_str(&"x\ty\n".repeat(10));
    text.push_str("203.0.113.0\t203.0.113.255\t-1\tDE\tX\n192.0.2.0\t192.0.2.255\t64502\tDE\tLAST\n");
    let (all, bad) = read(&[("a.tsv", text.as_bytes())]).unwrap();
    assert_eq!(told(&all, "192.0.2.1").unwrap().0, Some(64_502));
    let lines: Vec<_> = bad.iter().map(|bad| bad.line).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6, 0]);
    assert_eq!(bad[1].why, "its range ends before it begins");
    assert_eq!(bad[5].why, "8 more lines that cannot be used");
    for odd in [&b""[..], b"{}", b"a,b\n", b"network,geoname_id\n", b"198.51.100.0\t198.51.100.255", b"\x1f\x8b\x08"] {
        assert!(read(&[("a", odd)]).is_err(), "{odd:?}");
    }
}

/// A value of a map: its text, or its number in four bytes.
enum Value<'v> {
    Text(&'v str),
    Number(u32),
    Map(&'v [(&'v str, Self)]),
}

fn encoded(value: &Value<'_>) -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).unwrap();
        let mut bytes = if length < 29 { vec![2 << 5 | length] } else { vec![2 << 5 | 29, length - 29] };
        bytes.extend(text.as_bytes());
        bytes
    };
    match value {
        Value::Text(inner) => text(inner),
        Value::Number(number) => [&[6 << 5 | 4][..], &number.to_be_bytes()].concat(),
        Value::Map(members) => {
            let members = members.iter().map(|(key, value)| [text(key), encoded(value)].concat());
            let count = u8::try_from(members.len()).unwrap();
            std::iter::once(vec![7 << 5 | count]).chain(members).flatten().collect()
        }
    }
}

/// A database of IPv6 with records of 24 bits. `leaves` are addresses, lengths of prefixes and offsets of their data.
fn database(leaves: &[(u128, u32, usize)], data: &[u8]) -> Vec<u8> {
    const NONE: usize = usize::MAX;
    let mut nodes = vec![[NONE; 2]];
    for (address, length, offset) in leaves {
        let mut node = 0;
        for bit in 0..*length {
            let side = usize::try_from(address >> (127 - bit) & 1).unwrap();
            if bit + 1 == *length {
                nodes[node][side] = (1 << 40) + offset;
            } else if nodes[node][side] == NONE {
                nodes.push([NONE; 2]);
                nodes[node][side] = nodes.len() - 1;
                node = nodes.len() - 1;
            } else {
                node = nodes[node][side];
            }
        }
    }
    let count = nodes.len();
    let record = |value: usize| match value {
        NONE => count,
        leaf if leaf >= 1 << 40 => leaf - (1 << 40) + count + 16,
        node => node,
    };
    let mut bytes: Vec<u8> = nodes
        .iter()
        .flatten()
        .flat_map(|value| u32::try_from(record(*value)).unwrap().to_be_bytes()[1..].to_vec())
        .collect();
    bytes.extend([0; 16]);
    bytes.extend(data);
    bytes.extend(b"\xab\xcd\xefMaxMind.com");
    let metadata = [("node_count", count), ("record_size", 24), ("ip_version", 6)];
    let metadata = metadata.map(|(name, number)| (name, Value::Number(u32::try_from(number).unwrap())));
    bytes.extend(encoded(&Value::Map(&metadata)));
    bytes
}

#[test]
fn maxminds_database_is_read() {
    let country = [("iso_code", Value::Text("DE"))];
    let said = [
        ("autonomous_system_number", Value::Number(64_500)),
        ("autonomous_system_organization", Value::Text("Example Hosting AG")),
        ("country", Value::Map(&country)),
    ];
    let mut data = encoded(&Value::Map(&said));
    let pointer = data.len();
    // A pointer to what is at 0.
    data.extend([1 << 5, 0]);
    let four = u128::from(u32::from_be_bytes([198, 51, 100, 0]));
    let six = u128::from_be_bytes([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let bytes = database(&[(four, 96 + 24, 0), (six, 32, pointer)], &data);
    let (all, bad) = read(&[("a.mmdb", &bytes)]).unwrap();
    assert_eq!(bad, []);
    let example = (Some(64_500), "Example Hosting AG".to_owned(), Some("DE".to_owned()), true);
    assert_eq!(told(&all, "198.51.100.7"), Some(example.clone()));
    assert_eq!(told(&all, "2001:db8::1"), Some(example));
    assert_eq!(told(&all, "198.51.101.7"), None);
    // Whatever is wrong with one, it is an error and no panic.
    for at in 0..bytes.len() {
        let mut odd = bytes.clone();
        odd[at] ^= 0xff;
        _ = read(&[("a.mmdb", &odd)]);
    }
}
