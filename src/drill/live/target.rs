//! Where a live drill may play: on this machine, or in an account that is named as a sandbox twice.

use std::net::IpAddr;

use anyhow::{Context as _, Result, bail};
use reqwest::Url;

/// Variables that send clients elsewhere begin so.
const ENDPOINTS: &str = "AWS_ENDPOINT_URL";
/// Without these two the clients of a stand-in have no credentials.
const CREDENTIALS: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/// An address of AWS, or of what stands in for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// As every client gets it, without a slash at its end; none: AWS itself.
    pub endpoint: Option<String>,
    /// It is this machine.
    pub is_here: bool,
}

impl Target {
    /// The address that the command line names.
    ///
    /// # Errors
    /// What is no plain address, and one elsewhere that others could listen to.
    pub(crate) fn parse(endpoint: Option<&str>) -> Result<Self> {
        let Some(text) = endpoint else { return Ok(Self { endpoint: None, is_here: false }) };
        let url = Url::parse(text).with_context(|| format!("--endpoint {text:?} is no URL"))?;
        // What follows the address, or stands before the host, only makes it look like another one.
        let is_plain = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none();
        if !is_plain {
            bail!("--endpoint {text:?} is not a plain address such as http://127.0.0.1:4566");
        }
        let is_here = is_loopback(&url);
        if !is_here && url.scheme() != "https" {
            bail!("--endpoint {text:?} is not on this machine, and over http everybody on the way reads the new keys");
        }
        Ok(Self { endpoint: Some(url.as_str().trim_end_matches('/').to_owned()), is_here })
    }

    /// Checks the variables of the environment: none may send a client elsewhere, and a stand-in has its credentials from
    /// them.
    ///
    /// # Errors
    /// The variable that is in the way, or missing.
    pub(crate) fn check(&self, environment: impl Iterator<Item = (String, String)>) -> Result<()> {
        let mut missing = CREDENTIALS.to_vec();
        for (name, value) in environment.filter(|(_, value)| !value.is_empty()) {
            missing.retain(|wanted| *wanted != name);
            let is_service = name.strip_prefix(ENDPOINTS).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
            if is_service && !self.is_at(&value) {
                let here = self.endpoint.as_deref().unwrap_or("AWS itself");
                bail!("the variable {name} points elsewhere ({value:?}), and the drill goes to {here}; unset it");
            }
        }
        match missing.first() {
            Some(name) if self.is_here => bail!(
                "{name} is not set: a drill on this machine takes the credentials of the stand-in from the environment \
                 alone, so that no others are looked for"
            ),
            _ => Ok(()),
        }
    }

    /// Checks the files of profiles, by path and text: for AWS itself none may send a client elsewhere. Where an address is
    /// pinned, or the variable says that they do not count, they send nobody anywhere.
    ///
    /// # Errors
    /// The file that is in the way.
    pub(crate) fn check_profiles(&self, files: &[(String, String)], are_ignored: bool) -> Result<()> {
        if self.endpoint.is_some() || are_ignored {
            return Ok(());
        }
        let is_endpoint = |line: &str| line.split_once('=').is_some_and(|(key, _)| key.trim() == "endpoint_url");
        match files.iter().find(|(_, text)| text.lines().any(is_endpoint)) {
            Some((path, _)) => bail!(
                "{path} has an endpoint_url, and the drill goes to AWS itself; set AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"
            ),
            None => Ok(()),
        }
    }

    /// The account that the credentials must belong to; none on this machine, where it can be any.
    ///
    /// # Errors
    /// An account that the settings do not name, or that the command line does not confirm.
    pub(crate) fn account<'c>(&self, sandbox: &[&str], confirm: Option<&'c str>) -> Result<Option<&'c str>> {
        if self.is_here {
            return Ok(None);
        }
        let place = self.endpoint.as_deref().unwrap_or("AWS itself");
        let Some(account) = confirm else {
            bail!(
                "{place} is not on this machine: a live drill makes administrators and keys, so it goes there only \
                 where `[drill] sandbox` names the account and `--confirm` says its id again"
            );
        };
        if !sandbox.contains(&account) {
            bail!("account {account} is no sandbox: `[drill] sandbox` in the settings does not name it");
        }
        Ok(Some(account))
    }

    /// Whether another spelling is the same address.
    fn is_at(&self, other: &str) -> bool {
        Self::parse(Some(other)).is_ok_and(|other| other == *self)
    }
}

/// Whether an address is of this machine. A name is only ever `localhost`: any other is somebody's to resolve.
fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(more: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
        let known = [("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "y")];
        let all: Vec<_> = known.iter().chain(more).map(|(name, value)| (name.to_string(), value.to_string())).collect();
        all.into_iter()
    }

    #[test]
    fn this_machine_is_known_by_its_addresses_and_by_no_name_that_looks_like_it() {
        for here in [
            "http://127.0.0.1:4566",
            "http://127.0.0.1:4566/",
            "http://127.255.0.9",
            "https://[::1]:4566",
            "http://localhost:4566",
            "http://LOCALHOST",
            // Other spellings of an address of this machine, which are handed on as the address itself.
            "http://0x7f000001:4566",
            "http://127.1:4566",
        ] {
            assert!(Target::parse(Some(here)).unwrap().is_here, "{here}");
        }
        assert_eq!(Target::parse(Some("http://127.1:80/")).unwrap().endpoint.as_deref(), Some("http://127.0.0.1"));
        for elsewhere in [
            "https://127.0.0.1.example.com",
            "https://localhost.example.com",
            "https://localhost.",
            "https://ip6-localhost",
            "https://[::ffff:127.0.0.1]",
            "https://0.0.0.0",
            "https://128.0.0.1",
            "https://iam.amazonaws.com",
        ] {
            assert!(!Target::parse(Some(elsewhere)).unwrap().is_here, "{elsewhere}");
        }
        for wrong in [
            "",
            "127.0.0.1:4566",
            "localhost",
            "ftp://127.0.0.1",
            "http://127.0.0.1@example.com",
            "http://me:x@127.0.0.1",
            "http://127.0.0.1\\@example.com",
            "http://127.0.0.1/path",
            "http://example.com#127.0.0.1",
            "http://127.0.0.1?x",
            "http://10.0.0.5:4566",
            "http://example.com",
        ] {
            assert!(Target::parse(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_variable_that_points_elsewhere_is_in_the_way() {
        let here = Target::parse(Some("http://127.0.0.1:4566")).unwrap();
        here.check(environment(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:4566/"), ("AWS_ENDPOINT_URL_S3", "")]))
            .unwrap();
        for (name, value) in [
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:4567"),
            ("AWS_ENDPOINT_URL_IAM", "https://iam.amazonaws.com"),
            ("AWS_ENDPOINT_URL_LAMBDA", "no url"),
        ] {
            let why = here.check(environment(&[(name, value)])).unwrap_err().to_string();
            assert!(why.contains(name), "{why}");
        }
        assert!(here.check(std::iter::empty()).unwrap_err().to_string().contains("AWS_ACCESS_KEY_ID"));
        let aws = Target::parse(None).unwrap();
        aws.check(std::iter::empty()).unwrap();
        aws.check(environment(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")])).unwrap_err();
    }

    #[test]
    fn a_profile_that_points_elsewhere_is_in_the_way_of_aws() {
        let aws = Target::parse(None).unwrap();
        let files = |text: &str| [("/home/me/.aws/config".to_owned(), text.to_owned())];
        aws.check_profiles(&files("[default]\nregion = eu-west-1\n# endpoint_url = x\n"), false).unwrap();
        let services = "[services local]\niam =\n  endpoint_url = http://127.0.0.1:1\n";
        for text in ["[default]\nendpoint_url=http://127.0.0.1:1", services] {
            let why = aws.check_profiles(&files(text), false).unwrap_err().to_string();
            assert!(why.contains("/home/me/.aws/config") && why.contains("AWS_IGNORE"), "{why}");
            aws.check_profiles(&files(text), true).unwrap();
            Target::parse(Some("http://127.0.0.1:4566")).unwrap().check_profiles(&files(text), false).unwrap();
        }
    }

    #[test]
    fn an_account_elsewhere_is_named_and_confirmed() {
        let (account, other) = ("111122223333", "123456789012");
        for endpoint in [None, Some("https://sandbox.example.com")] {
            let target = Target::parse(endpoint).unwrap();
            assert_eq!(target.account(&[other, account], Some(account)).unwrap(), Some(account));
            assert!(target.account(&[account], None).unwrap_err().to_string().contains("--confirm"));
            assert!(target.account(&[account], Some(other)).unwrap_err().to_string().contains("no sandbox"));
            target.account(&[], Some(account)).unwrap_err();
        }
        let here = Target::parse(Some("http://127.0.0.1:4566")).unwrap();
        assert_eq!(here.account(&[], None).unwrap(), None);
    }
}
