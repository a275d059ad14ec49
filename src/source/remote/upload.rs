//! A finished file to S3, where it appears as a whole or not at all.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use super::address::split;
use super::store::{Store, wait};
use crate::aws::{Refusal, Work, side_by_side};

const PUT: &str = "s3:PutObject";
/// What is larger goes in pieces of at least this size: S3 takes 5 GiB at once, and a line may be slow.
pub(super) const PIECE: u64 = 16 << 20;
/// S3 takes 10,000 pieces.
const MOST_PIECES: u64 = 9_000;
/// Pieces that are sent at the same time.
const ABREAST: usize = 4;

/// Writes a file to an address.
///
/// # Errors
/// A file that cannot be read, or what S3 refuses, with the address. Then there is no object, or the one that was.
pub(in crate::source) fn upload(file: &Path, address: &str) -> Result<()> {
    let (bucket, key) = split(address)
        .filter(|(_, key)| !key.is_empty() && !key.ends_with('/'))
        .context(format!("{address}: no object is named, as in s3://bucket/key"))?;
    let shown = || file.display().to_string();
    let file = File::open(file).with_context(shown)?;
    let length = file.metadata().with_context(shown)?.len();
    let sent = wait(async |store| send(store, &file, length, (bucket, key), PIECE).await);
    sent.and_then(|sent| sent).with_context(|| address.to_owned())
}

/// Sends a file as a whole or in pieces.
pub(super) async fn send(
    store: &Store,
    file: &File,
    length: u64,
    place: (&str, &str),
    piece: u64,
) -> Result<(), Refusal> {
    if length > piece {
        return pieces(store, file, length, place, piece.max(length.div_ceil(MOST_PIECES))).await;
    }
    let (bucket, key) = place;
    let bytes = body(file, 0, length)?;
    let put = store.ask(bucket, PUT, async |client: Client| {
        client.put_object().bucket(bucket).key(key).body(ByteStream::from(bytes.clone())).send().await
    });
    put.await.map(drop)
}

async fn pieces(
    store: &Store,
    file: &File,
    length: u64,
    (bucket, key): (&str, &str),
    piece: u64,
) -> Result<(), Refusal> {
    let begun = store
        .ask(bucket, PUT, async |client: Client| client.create_multipart_upload().bucket(bucket).key(key).send().await);
    let id = begun.await?.upload_id.unwrap_or_default();
    let work = (0..length.div_ceil(piece)).map(|number| -> Work<'_, _> {
        let id = id.as_str();
        Box::pin(async move {
            let (start, number) = (number * piece, i32::try_from(number + 1).unwrap_or(i32::MAX));
            let bytes = body(file, start, piece.min(length - start))?;
            let sent = store.ask(bucket, PUT, async |client: Client| {
                let part = client.upload_part().bucket(bucket).key(key).upload_id(id).part_number(number);
                part.body(ByteStream::from(bytes.clone())).send().await
            });
            let sent = sent.await?;
            let done = CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag);
            Ok(done.set_checksum_crc32(sent.checksum_crc32).build())
        })
    });
    let sent: Result<Vec<_>, Refusal> = side_by_side(ABREAST, work).await.into_iter().collect();
    let done = match sent {
        Ok(done) => {
            let all = CompletedMultipartUpload::builder().set_parts(Some(done)).build();
            let done = store.ask(bucket, PUT, async |client: Client| {
                let complete = client.complete_multipart_upload().bucket(bucket).key(key).upload_id(&id);
                complete.multipart_upload(all.clone()).send().await
            });
            done.await.map(drop)
        }
        Err(refusal) => Err(refusal),
    };
    if done.is_err() {
        // Pieces that nobody puts together are paid for until somebody removes them.
        let abort = store.ask(bucket, "s3:AbortMultipartUpload", async |client: Client| {
            client.abort_multipart_upload().bucket(bucket).key(key).upload_id(&id).send().await
        });
        drop(abort.await);
    }
    done
}

/// Some bytes of the file, which may be sent more than once.
fn body(file: &File, start: u64, length: u64) -> Result<Vec<u8>, Refusal> {
    let unreadable = |why: String| Refusal::Other { action: PUT, why: format!("the draft cannot be read: {why}") };
    let mut bytes = vec![0; usize::try_from(length).map_err(|error| unreadable(error.to_string()))?];
    file.read_exact_at(&mut bytes, start).map_err(|error| unreadable(error.to_string()))?;
    Ok(bytes)
}
