//! A vault that is a bucket, in the account of the caller.

use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;

use crate::aws::Refusal;

/// The metadata that an object's hash is in.
const HASH: &str = "sha256";

/// The key of a file.
pub(super) fn key(prefix: &str, path: &str, name: &str) -> String {
    match prefix.trim_matches('/') {
        "" => format!("{path}/{name}"),
        prefix => format!("{prefix}/{path}/{name}"),
    }
}

/// Writes an object unless there is one. Whether the bucket has this content under this key then.
pub(super) async fn put(
    home: &SdkConfig,
    bucket: &str,
    key: &str,
    digest: &str,
    bytes: Vec<u8>,
) -> Result<bool, Refusal> {
    let put = client(home).put_object().bucket(bucket).key(key).metadata(HASH, digest).if_none_match("*");
    let put = put.server_side_encryption(ServerSideEncryption::Aes256).body(ByteStream::from(bytes));
    let Err(error) = put.send().await else {
        return Ok(true);
    };
    match error.code() {
        // The second is what two writers at the same moment get.
        Some("PreconditionFailed" | "ConditionalRequestConflict") => {
            Ok(hash(home, bucket, key).await?.as_deref() == Some(digest))
        }
        _ => Err(Refusal::of("s3:PutObject", &error)),
    }
}

/// The content of an object; nothing where there is none.
pub(super) async fn read(home: &SdkConfig, bucket: &str, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
    let answer = match client(home).get_object().bucket(bucket).key(key).send().await {
        Ok(answer) => answer,
        Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
        Err(error) => return Err(Refusal::of("s3:GetObject", &error)),
    };
    let body = answer.body.collect().await;
    let broken = |error| Refusal::Passing(format!("reading {key}: {error}"));
    Ok(Some(body.map_err(broken)?.into_bytes().to_vec()))
}

/// The hash in an object's metadata, empty where it has none; nothing where there is no object.
pub(super) async fn hash(home: &SdkConfig, bucket: &str, key: &str) -> Result<Option<String>, Refusal> {
    let answer = match client(home).head_object().bucket(bucket).key(key).send().await {
        Ok(answer) => answer,
        // An answer to HEAD has no body, so that a missing bucket looks the same: then writing fails.
        Err(SdkError::ServiceError(error)) if error.err().is_not_found() => return Ok(None),
        Err(error) => return Err(Refusal::of("s3:GetObject", &error)),
    };
    let known = answer.metadata().and_then(|metadata| metadata.get(HASH));
    Ok(Some(known.cloned().unwrap_or_default()))
}

/// Where an endpoint is set, bucket names are no part of the host.
fn client(home: &SdkConfig) -> Client {
    let configuration = aws_sdk_s3::config::Builder::from(home);
    Client::from_conf(configuration.force_path_style(home.endpoint_url().is_some()).build())
}
