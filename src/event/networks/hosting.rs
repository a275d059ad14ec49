//! Whether the operator of a network rents out machines or hides people, by its name: a rule of thumb.
//!
//! Names of autonomous systems are what their holders chose. Amazon is left out: calls from inside of AWS are everyday.

/// Parts of names that say it by themselves, in small letters.
const PARTS: [&str; 10] = [
    "hosting",
    "hoster",
    "datacent",
    "data cent",
    "dedicated",
    "serverion",
    "colocat",
    "colocrossing",
    "cloud",
    "vserver",
];
/// Whole words that do.
const WORDS: [&str; 12] =
    ["vpn", "vps", "host", "hosts", "server", "servers", "colo", "tor", "proxy", "idc", "webhost", "seedbox"];
/// Companies whose names do not say it.
const COMPANIES: [&str; 56] = [
    "digitalocean",
    "ovh",
    "hetzner",
    "linode",
    "vultr",
    "choopa",
    "constant company",
    "contabo",
    "leaseweb",
    "m247",
    "datacamp",
    "cdn77",
    "scaleway",
    "online s.a.s",
    "hostinger",
    "hostwinds",
    "namecheap",
    "godaddy",
    "ionos",
    "aruba",
    "alibaba",
    "tencent",
    "huawei",
    "google",
    "microsoft",
    "oracle",
    "gcore",
    "g-core",
    "psychz",
    "quadranet",
    "frantech",
    "ponynet",
    "buyvm",
    "zenlayer",
    "selectel",
    "timeweb",
    "aeza",
    "stark industries",
    "proton ag",
    "mullvad",
    "31173 services",
    "packethub",
    "tefincom",
    "private layer",
    "privatelayer",
    "performive",
    "worldstream",
    "netcup",
    "kamatera",
    "upcloud",
    "interserver",
    "rackspace",
    "equinix",
    "packet host",
    "emerald onion",
    "applied privacy",
];
/// Companies that a word above describes and that are something else.
const NOT: [&str; 4] = ["amazon", "aws", "google fiber", "microsoft corporate"];

/// Whether a name is that of a hosting or VPN company.
pub(super) fn is_hosting(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    if name.is_empty() || NOT.iter().any(|not| name.starts_with(not)) {
        return false;
    }
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    PARTS.iter().any(|part| name.contains(part))
        || words.any(|word| WORDS.contains(&word))
        || COMPANIES.iter().any(|company| is_at_word(&name, company))
}

/// Whether a name has a part that begins where a word begins.
fn is_at_word(name: &str, part: &str) -> bool {
    name.match_indices(part).any(|(at, _)| {
        let before = name.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|before| before.is_ascii_alphanumeric())
    })
}
