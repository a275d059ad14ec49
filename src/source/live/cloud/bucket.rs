//! Objects of S3, in whatever region their bucket is.

use aws_config::Region;
use aws_sdk_s3::Client;

use super::Cloud;
use crate::aws::{Refusal, whereabouts};
use crate::model::chain;
use crate::source::live::trail::{Bucket, Key, Listing, MOST_BYTES};

impl Cloud {
    /// A client in the bucket's region, which S3 tells whoever asks in another one.
    async fn bucket_client(&self, bucket: &str) -> Client {
        if let Some(client) = self.buckets.borrow().get(bucket) {
            return client.clone();
        }
        let home = whereabouts::buckets(&self.config, Some(self.home.clone()));
        let region = match home.head_bucket().bucket(bucket).send().await {
            // A store that names no region has its buckets where it was asked.
            Ok(answer) => {
                Some(answer.bucket_region().map_or_else(|| self.home.clone(), |name| Region::new(name.to_owned())))
            }
            Err(error) => whereabouts::named(&error),
        };
        // Nothing is known of a bucket after a failure on the way, so that it is asked for again.
        let Some(region) = region else {
            return home;
        };
        let client = if region == self.home { home } else { whereabouts::buckets(&self.config, Some(region)) };
        self.buckets.borrow_mut().insert(bucket.to_owned(), client.clone());
        client
    }
}

impl Bucket for Cloud {
    async fn list(&self, bucket: &str, prefix: &str, folders: bool, token: Option<&str>) -> Result<Listing, Refusal> {
        let request = self
            .bucket_client(bucket)
            .await
            .list_objects_v2()
            .bucket(bucket)
            .prefix(prefix)
            .set_delimiter(folders.then(|| "/".to_owned()))
            .set_continuation_token(token.map(str::to_owned));
        let answer = request.send().await.map_err(|error| Refusal::of("s3:ListBucket", &error))?;
        let key = |object: &aws_sdk_s3::types::Object| {
            Some(Key {
                key: object.key()?.to_owned(),
                modified: object.last_modified().map(|time| time.secs()),
                bytes: object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
            })
        };
        let folders = answer.common_prefixes().iter().filter_map(|folder| folder.prefix().map(str::to_owned));
        Ok(Listing {
            keys: answer.contents().iter().filter_map(key).collect(),
            folders: folders.collect(),
            next: answer.next_continuation_token().filter(|_| answer.is_truncated() == Some(true)).map(str::to_owned),
        })
    }

    async fn get(&self, bucket: &str, key: &str) -> Result<Vec<u8>, Refusal> {
        let request = self.bucket_client(bucket).await.get_object().bucket(bucket).key(key);
        let answer = request.send().await.map_err(|error| Refusal::of("s3:GetObject", &error))?;
        let length = answer.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or(0);
        if length > MOST_BYTES {
            let why = format!("it has {length} bytes, more than any log of CloudTrail");
            return Err(Refusal::Other { action: "s3:GetObject", why });
        }
        let bytes = answer.body.collect().await.map_err(|error| Refusal::Passing(chain(&error)))?;
        Ok(bytes.to_vec())
    }
}
