//! What AWS keeps for this program: settings and secrets, each read whole.

use aws_config::{Region, SdkConfig};
use aws_sdk_s3::primitives::ByteStream;

use super::{Refusal, patient, whereabouts};
use crate::model::chain;

/// The caller's parameters, secrets and objects.
pub(crate) struct Kept {
    config: SdkConfig,
}

impl Kept {
    /// With the usual credentials, in the region of the environment or of the profile.
    pub(crate) async fn connect() -> Self {
        Self { config: patient(None).await }
    }

    /// With a configuration of the caller's choice.
    pub(crate) fn with(config: SdkConfig) -> Self {
        Self { config }
    }

    /// A parameter of the Parameter Store, decrypted: by its name or its ARN, at a version or label where one is behind it.
    ///
    /// # Errors
    /// What AWS refuses.
    pub(crate) async fn parameter(&self, name: &str) -> Result<String, Refusal> {
        const RIGHT: &str = "ssm:GetParameter";
        let client = aws_sdk_ssm::Client::new(&self.near(name));
        let answer = client.get_parameter().name(name).with_decryption(true).send().await;
        let answer = answer.map_err(|error| Refusal::of(RIGHT, &error))?;
        let value = answer.parameter.and_then(|parameter| parameter.value);
        value.ok_or_else(|| Refusal::Other { action: RIGHT, why: "the answer holds no value".to_owned() })
    }

    /// The current version of a secret of Secrets Manager, by its name or its ARN.
    ///
    /// # Errors
    /// What AWS refuses, and a secret that is no text.
    pub(crate) async fn secret(&self, name: &str) -> Result<String, Refusal> {
        const RIGHT: &str = "secretsmanager:GetSecretValue";
        let client = aws_sdk_secretsmanager::Client::new(&self.near(name));
        let answer = client.get_secret_value().secret_id(name).send().await;
        let answer = answer.map_err(|error| Refusal::of(RIGHT, &error))?;
        let bytes = || String::from_utf8(answer.secret_binary?.into_inner()).ok();
        let value = answer.secret_string.or_else(bytes);
        value.ok_or_else(|| Refusal::Other { action: RIGHT, why: "it holds no text".to_owned() })
    }

    /// An object of S3, in whatever region its bucket is.
    ///
    /// # Errors
    /// What AWS refuses, and more than `most` bytes.
    pub(crate) async fn object(&self, bucket: &str, key: &str, most: usize) -> Result<Vec<u8>, Refusal> {
        const RIGHT: &str = "s3:GetObject";
        let asked = whereabouts::buckets(&self.config, None).get_object().bucket(bucket).key(key).send().await;
        let answer = match asked {
            Ok(answer) => answer,
            Err(error) => {
                let region = whereabouts::named(&error).filter(|region| Some(region) != self.config.region());
                let Some(region) = region else { return Err(Refusal::of(RIGHT, &error)) };
                let again = whereabouts::buckets(&self.config, Some(region)).get_object().bucket(bucket).key(key);
                again.send().await.map_err(|error| Refusal::of(RIGHT, &error))?
            }
        };
        let too_large = || Refusal::Other { action: RIGHT, why: format!("it has more than {most} bytes") };
        read(answer.body, most).await?.ok_or_else(too_large)
    }

    /// The configuration for a name: in the region of an ARN, else in the usual one.
    fn near(&self, name: &str) -> SdkConfig {
        match region(name) {
            Some(region) => self.config.to_builder().region(Region::new(region.to_owned())).build(),
            None => self.config.clone(),
        }
    }
}

/// The region in an ARN; none in a plain name.
fn region(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("arn:")?;
    rest.split(':').nth(2).filter(|region| !region.is_empty())
}

/// A body to its end; nothing where it is larger than it may be, whatever its length was said to be.
async fn read(mut body: ByteStream, most: usize) -> Result<Option<Vec<u8>>, Refusal> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.try_next().await.map_err(|error| Refusal::Passing(chain(&error)))? {
        if bytes.len() + chunk.len() > most {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_its_region_and_a_name_does_not() {
        assert_eq!(region("arn:aws:ssm:eu-west-3:111122223333:parameter/stakeout/token"), Some("eu-west-3"));
        for name in ["/stakeout/token", "stakeout", "arn:", "arn:aws:s3:::bucket", ""] {
            assert_eq!(region(name), None, "{name}");
        }
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_left() {
        let body = || ByteStream::from_static(b"12345");
        assert_eq!(read(body(), 5).await.unwrap().as_deref(), Some(&b"12345"[..]));
        assert_eq!(read(body(), 4).await.unwrap(), None);
    }
}
