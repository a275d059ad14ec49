//! The code of a function: where AWS says that it lies for some minutes.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use sha2::{Digest as _, Sha256};

use crate::model::{chain, hex};

/// Bytes of the largest code that is read.
const MOST: usize = 300 * 1024 * 1024;
const CONNECT: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(300);

/// Downloads code. With an endpoint of its own for AWS, nothing is asked for beyond that host and this machine.
///
/// # Errors
/// Why it is not there, without the address, which is a secret for as long as it lasts.
pub(super) async fn download(location: &str, endpoint: Option<&str>) -> Result<Vec<u8>, String> {
    let url = Url::parse(location).map_err(|error| format!("its address cannot be read: {error}"))?;
    let host = url.host_str().unwrap_or_default();
    if !matches!(url.scheme(), "http" | "https") || host.is_empty() {
        return Err(format!("it lies at an address of {}", url.scheme()));
    }
    let endpoint = endpoint.and_then(|endpoint| Url::parse(endpoint).ok());
    if let Some(endpoint) = endpoint {
        let is_near = endpoint.host_str() == Some(host) || matches!(host, "127.0.0.1" | "localhost" | "[::1]");
        if !is_near {
            return Err(format!("it lies at {host}, which the endpoint does not reach"));
        }
    }
    let agent = concat!("stakeout/", env!("CARGO_PKG_VERSION"));
    let client = Client::builder().user_agent(agent).redirect(Policy::none()).connect_timeout(CONNECT).timeout(WHOLE);
    let failed = |error: reqwest::Error| format!("downloading it: {}", chain(&error.without_url()));
    let mut answer = client.build().map_err(failed)?.get(url).send().await.map_err(failed)?;
    if !answer.status().is_success() {
        return Err(format!("downloading it: HTTP status {}", answer.status().as_u16()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if bytes.len() + chunk.len() > MOST {
            return Err(format!("it has more than {} MB", MOST / 1024 / 1024));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Digits of base64.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A hash as AWS writes it, in hex as manifests have it; nothing where it is none of SHA-256 in base64.
pub(super) fn in_hex(hash: &str) -> Option<String> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in hash.trim_end_matches('=').bytes() {
        let value = DIGITS.iter().position(|known| *known == digit).and_then(|value| u32::try_from(value).ok())?;
        bits = (bits << 6 | value) & 0xFFFF;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xFF) as u8);
        }
    }
    (bytes.len() == 32).then(|| hex(&bytes))
}

/// The hash of code as AWS writes it: SHA-256 in base64.
pub(super) fn hash(code: &[u8]) -> String {
    let mut text = String::new();
    for bytes in Sha256::digest(code).chunks(3) {
        let byte = |place: usize| u32::from(bytes.get(place).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * place)) as usize & 63);
            text.push(if place > bytes.len() { '=' } else { digit.map_or('=', |digit| char::from(*digit)) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_same_in_base64_and_hex() {
        for code in [&b""[..], b"PK", &[0xFF; 1000]] {
            assert_eq!(in_hex(&hash(code)), Some(hex(&Sha256::digest(code))));
        }
        for odd in ["", "=", "deadbeef", "\u{e9}", &"A".repeat(45)] {
            assert_eq!(in_hex(odd), None, "{odd}");
        }
    }
}
