//! Values above what one item holds.
//!
//! Chunks are written first, under a generation of their own, and then named by the item of the key: a reader of the old
//! value is not disturbed, and a write that dies halfway changes nothing. The first chunk of a generation is the first to be
//! removed, and the naming write demands that it is there: no item ever names what a sweep took away.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason, ConditionCheck, TransactWriteItem, Update};

use super::{ABSENT, Attributes, DynamoDb, LARGEST, UNCHANGED, address, generation, names, number, read_text, text};
use crate::journal::digest;
use crate::store::StoreError;

/// Digits of the number of a chunk.
const DIGITS: usize = 5;
/// Bytes of the name of a generation: a part of a hash, and of chance.
const NAME: usize = 32;
/// What an item is given by a write of chunks.
const NAMED: &str = "SET #generation = :generation, #size = :size ADD #version :one REMOVE #value";
/// Two transactions on one item at the same moment: the later waits.
const CONFLICT_TRIES: u32 = 6;

/// What became of a naming write.
enum Naming {
    Done,
    /// The condition on the version did not hold.
    Late,
    /// The first chunk is gone.
    Swept,
}

impl DynamoDb {
    /// Writes a large value; false where the condition on the version did not hold.
    pub(super) async fn save_in_chunks(&self, key: &str, seen: Option<u64>, value: &[u8]) -> Result<bool, StoreError> {
        let old = self.attributes(key, Some("generation")).await?.unwrap_or_default();
        let generation = self.put_chunks(key, value).await?;
        match self.name_chunks(key, seen, &generation, value.len()).await? {
            Naming::Done => self.drop_chunks_of(key, &old).await.map(|()| true),
            Naming::Late => self.drop_chunks(key, &generation).await.map(|()| false),
            Naming::Swept => Err(self.refused(format!("the chunks of {key:?} were removed while it was written"))),
        }
    }

    /// Writes chunks under a new generation, which nothing names yet.
    async fn put_chunks(&self, key: &str, value: &[u8]) -> Result<String, StoreError> {
        let hash: String = digest(&[value]).chars().take(NAME / 2).collect();
        let generation = format!("{hash}{:016x}", fastrand::u64(..));
        for (number, chunk) in value.chunks(LARGEST).enumerate() {
            self.put_chunk(key, &generation, number, chunk).await?;
        }
        Ok(generation)
    }

    async fn put_chunk(&self, key: &str, generation: &str, number: usize, chunk: &[u8]) -> Result<(), StoreError> {
        self.calls.wrote();
        let (pk, sk) = chunk_address(key, generation, number);
        let put = self.client.put_item().table_name(&self.table).item("pk", text(pk)).item("sk", text(sk));
        let put = put.item("value", AttributeValue::B(Blob::new(chunk))).send().await;
        put.map(drop).map_err(|error| self.refusal(&format!("write a chunk of {key:?}"), &error))
    }

    /// Lets the item of a key name a generation.
    async fn name_chunks(
        &self,
        key: &str,
        seen: Option<u64>,
        generation: &str,
        size: usize,
    ) -> Result<Naming, StoreError> {
        let malformed = |error: aws_sdk_dynamodb::error::BuildError| self.refused(error.to_string());
        let check = self.first_chunk_exists(key, generation).map_err(malformed)?;
        let update = self.naming(key, seen, generation, size).map_err(malformed)?;
        for attempt in 0.. {
            self.calls.wrote();
            let transaction = self
                .client
                .transact_write_items()
                .transact_items(TransactWriteItem::builder().condition_check(check.clone()).build())
                .transact_items(TransactWriteItem::builder().update(update.clone()).build());
            let error = match transaction.send().await {
                Ok(_) => return Ok(Naming::Done),
                Err(error) => error,
            };
            match canceled(&error) {
                Some([_, "ConditionalCheckFailed"]) => return Ok(Naming::Late),
                Some(["ConditionalCheckFailed", _]) => return Ok(Naming::Swept),
                Some(_) if attempt < CONFLICT_TRIES && is_conflict(&error) => {
                    tokio::time::sleep(Duration::from_millis(fastrand::u64(10..=50 << attempt))).await;
                }
                _ => return Err(self.refusal(&format!("write {key:?}"), &error)),
            }
        }
        Ok(Naming::Late)
    }

    fn first_chunk_exists(
        &self,
        key: &str,
        generation: &str,
    ) -> Result<ConditionCheck, aws_sdk_dynamodb::error::BuildError> {
        let (pk, sk) = chunk_address(key, generation, 0);
        let check = ConditionCheck::builder().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk));
        check.condition_expression("attribute_exists(pk)").build()
    }

    fn naming(
        &self,
        key: &str,
        seen: Option<u64>,
        generation: &str,
        size: usize,
    ) -> Result<Update, aws_sdk_dynamodb::error::BuildError> {
        let (pk, sk) = address(key);
        let update = Update::builder()
            .table_name(&self.table)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .update_expression(NAMED)
            .set_expression_attribute_names(Some(names(&["value", "version", "generation", "size"])))
            .expression_attribute_values(":generation", text(generation))
            .expression_attribute_values(":size", number(size as u64))
            .expression_attribute_values(":one", number(1));
        match seen {
            None => update.build(),
            Some(0) => update.condition_expression(ABSENT).build(),
            Some(seen) => {
                update.condition_expression(UNCHANGED).expression_attribute_values(":seen", number(seen)).build()
            }
        }
    }

    /// The chunks of a generation, one after the other.
    pub(super) async fn chunks(&self, key: &str, generation: &str) -> Result<Vec<u8>, StoreError> {
        let own = chunk_address(key, "", 0).1;
        let own = own.get(DIGITS..).unwrap_or_default();
        let mut value = Vec::new();
        for item in self.query(&partition(key), generation, None).await? {
            let (Some(sk), Some(AttributeValue::B(chunk))) = (read_text(&item, "sk"), item.get("value")) else {
                continue;
            };
            if sk.get(NAME + DIGITS..) == Some(own) {
                value.extend_from_slice(chunk.as_ref());
            }
        }
        Ok(value)
    }

    /// Removes the chunks that an item named before it was replaced or deleted.
    pub(super) async fn drop_chunks_of(&self, key: &str, old: &Attributes) -> Result<(), StoreError> {
        match generation(old) {
            Some(generation) => self.drop_chunks(key, generation).await,
            None => Ok(()),
        }
    }

    /// Removes a generation, its first chunk first.
    async fn drop_chunks(&self, key: &str, generation: &str) -> Result<(), StoreError> {
        let pk = partition(key);
        for item in self.query(&pk, generation, Some("sk")).await? {
            let Some(sk) = read_text(&item, "sk") else { continue };
            self.calls.wrote();
            let delete = self.client.delete_item().table_name(&self.table).key("pk", text(&pk)).key("sk", text(sk));
            let delete = delete.send().await;
            delete.map_err(|error| self.refusal(&format!("delete a chunk of {key:?}"), &error))?;
        }
        Ok(())
    }

    /// Removes generations below a prefix that no item names.
    pub(super) async fn drop_orphans(&self, prefix: &str) -> Result<(), StoreError> {
        let first = prefix.split('/').next().unwrap_or_default();
        let mut generations = BTreeMap::new();
        for item in self.query(&partition(prefix), "", Some("sk")).await? {
            let sk = read_text(&item, "sk").unwrap_or_default();
            let (Some(generation), Some(rest)) = (sk.get(..NAME), sk.get(NAME + DIGITS..)) else { continue };
            let key = if rest == "-" { first.to_owned() } else { format!("{first}{rest}") };
            if key.starts_with(prefix) {
                generations.insert(generation.to_owned(), key);
            }
        }
        for (orphan, key) in generations {
            let item = self.attributes(&key, Some("generation")).await?.unwrap_or_default();
            if generation(&item) != Some(orphan.as_str()) {
                self.drop_chunks(&key, &orphan).await?;
            }
        }
        Ok(())
    }
}

/// Where the chunks lie of keys with the same first part.
fn partition(key: &str) -> String {
    format!("chunk/{}", key.split('/').next().unwrap_or_default())
}

/// Partition and sort key of a chunk: generation, number, and the sort key of the item.
fn chunk_address(key: &str, generation: &str, number: usize) -> (String, String) {
    (partition(key), format!("{generation}{number:0DIGITS$}{}", address(key).1))
}

/// The codes for both parts of a transaction that was cancelled.
fn canceled<R>(error: &SdkError<TransactWriteItemsError, R>) -> Option<[&str; 2]> {
    let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() else {
        return None;
    };
    let mut codes =
        canceled.cancellation_reasons().iter().map(|reason| CancellationReason::code(reason).unwrap_or("None"));
    Some([codes.next()?, codes.next()?])
}

fn is_conflict<R>(error: &SdkError<TransactWriteItemsError, R>) -> bool {
    error.code() == Some("TransactionInProgressException")
        || canceled(error).is_some_and(|codes| codes.contains(&"TransactionConflict"))
}

/// What a test looks at, and a writer that dies or sleeps between its two steps.
#[cfg(test)]
impl DynamoDb {
    pub(in crate::store) async fn leave_chunks(&self, key: &str, value: &[u8]) -> String {
        self.put_chunks(key, value).await.unwrap()
    }

    pub(in crate::store) async fn name_left(&self, key: &str, generation: &str) -> Result<(), StoreError> {
        match self.name_chunks(key, None, generation, 1).await? {
            Naming::Swept => Err(self.refused("the chunks were removed".to_owned())),
            _ => Ok(()),
        }
    }

    pub(in crate::store) async fn count_chunks(&self, prefix: &str) -> usize {
        self.query(&partition(prefix), "", Some("sk")).await.unwrap().len()
    }
}
