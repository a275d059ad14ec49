//! A state in one DynamoDB table, for Lambda and for several machines.
//!
//! A key `a/b/c` is the item `pk = key/a`, `sk = /b/c`, and a key `a` the item `pk = key/a`, `sk = -`: what shares its
//! first part is listed by a query. A value above what an item holds lies in chunks (see `chunks`), which its item names.

mod chunks;
mod refusal;

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use super::{Calls, Item, Lock, Store, StoreError, check_key};
use crate::aws;

/// Attributes of one item.
type Attributes = HashMap<String, AttributeValue>;

/// The largest value in bytes that an item holds itself: DynamoDB takes 400 KB with names and keys.
const LARGEST: usize = 380_000;
/// A value may be replaced, and its chunks removed, between two calls of a reader.
const READ_TRIES: usize = 5;
/// What an item is given by a write of a small value.
const WHOLE: &str = "SET #value = :value ADD #version :one REMOVE #generation, #size";
const UNCHANGED: &str = "#version = :seen";
const ABSENT: &str = "attribute_not_exists(pk)";

/// A table.
pub(crate) struct DynamoDb {
    client: Client,
    table: String,
    region: String,
    calls: Calls,
}

impl DynamoDb {
    /// Reads the configuration of AWS from the environment; sends nothing.
    pub(crate) async fn open(table: &str, region: Option<String>) -> Self {
        let configuration = aws::patient(region).await;
        let region = configuration.region().map(ToString::to_string).unwrap_or_default();
        Self { client: Client::new(&configuration), table: table.to_owned(), region, calls: Calls::default() }
    }

    /// The same table once more, over the same connections.
    pub(crate) fn another(&self) -> Self {
        let (client, table, region) = (self.client.clone(), self.table.clone(), self.region.clone());
        Self { client, table, region, calls: Calls::default() }
    }

    fn place(&self) -> String {
        format!("DynamoDB table {} in {}", self.table, self.region)
    }

    fn refused(&self, why: String) -> StoreError {
        StoreError::Refused { place: self.place(), why }
    }

    /// Every attribute of an item, or those that are named.
    async fn attributes(&self, key: &str, only: Option<&str>) -> Result<Option<Attributes>, StoreError> {
        self.calls.read();
        let (pk, sk) = address(key);
        let get = self.client.get_item().table_name(&self.table).consistent_read(true);
        let get = get.key("pk", text(pk)).key("sk", text(sk)).set_projection_expression(only.map(str::to_owned));
        let output = get.send().await.map_err(|error| self.refusal(&format!("read {key:?}"), &error))?;
        Ok(output.item)
    }

    /// Writes a value into its item. `None`: the condition on the version did not hold. Otherwise what was there.
    async fn write(&self, key: &str, seen: Option<u64>, value: &[u8]) -> Result<Option<Attributes>, StoreError> {
        self.calls.wrote();
        let (pk, sk) = address(key);
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", text(pk))
            .key("sk", text(sk))
            .update_expression(WHOLE)
            .set_expression_attribute_names(Some(names(&["value", "version", "generation", "size"])))
            .expression_attribute_values(":value", AttributeValue::B(Blob::new(value)))
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::AllOld);
        match seen {
            None => {}
            Some(0) => update = update.condition_expression(ABSENT),
            Some(seen) => {
                update = update.condition_expression(UNCHANGED).expression_attribute_values(":seen", number(seen));
            }
        }
        match update.send().await {
            Ok(output) => Ok(Some(output.attributes.unwrap_or_default())),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(None),
            Err(error) => Err(self.refusal(&format!("write {key:?}"), &error)),
        }
    }

    /// Writes a value of any size; false where the condition did not hold.
    async fn save(&self, key: &str, seen: Option<u64>, value: &[u8]) -> Result<bool, StoreError> {
        check_key(&self.place(), key)?;
        if value.len() > LARGEST {
            return self.save_in_chunks(key, seen, value).await;
        }
        let Some(old) = self.write(key, seen, value).await? else { return Ok(false) };
        self.drop_chunks_of(key, &old).await?;
        Ok(true)
    }

    /// The value that an item holds or names. `None`: its chunks are gone, because somebody replaced it.
    async fn value(&self, key: &str, item: &Attributes) -> Result<Option<Vec<u8>>, StoreError> {
        match (item.get("value"), generation(item)) {
            (Some(AttributeValue::B(value)), None) => Ok(Some(value.as_ref().to_vec())),
            (None, Some(generation)) => {
                let value = self.chunks(key, generation).await?;
                Ok((read_number(item, "size") == Some(value.len() as u64)).then_some(value))
            }
            _ => Err(self.refused(format!("the item of {key:?} is none of stakeout's: no value"))),
        }
    }

    /// All items of keys with a prefix; by a query where the prefix has a slash, else by reading the whole table.
    async fn list(&self, prefix: &str, only: Option<&str>) -> Result<Vec<(String, Attributes)>, StoreError> {
        let mut found = Vec::new();
        match prefix.split_once('/') {
            Some((first, rest)) => {
                let items = self.query(&format!("key/{first}"), &format!("/{rest}"), only).await?;
                found.extend(items.into_iter().filter_map(|item| Some((key_of(&item)?, item))));
            }
            None => {
                let items = self.scan(&format!("key/{prefix}"), only).await?;
                found.extend(items.into_iter().filter_map(|item| Some((key_of(&item)?, item))));
            }
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(found)
    }

    /// Items of a partition whose sort key has a prefix, in order.
    async fn query(&self, pk: &str, sk: &str, only: Option<&str>) -> Result<Vec<Attributes>, StoreError> {
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            self.calls.read();
            let mut query = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .expression_attribute_values(":pk", text(pk))
                .set_projection_expression(only.map(str::to_owned))
                .set_exclusive_start_key(start);
            // The empty prefix is no value of an expression.
            query = if sk.is_empty() {
                query.key_condition_expression("pk = :pk")
            } else {
                let condition = "pk = :pk AND begins_with(sk, :sk)";
                query.key_condition_expression(condition).expression_attribute_values(":sk", text(sk))
            };
            let output = query.send().await.map_err(|error| self.refusal(&format!("list {pk:?}"), &error))?;
            items.extend(output.items.unwrap_or_default());
            start = output.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// Items whose partition key has a prefix, in no order.
    async fn scan(&self, pk: &str, only: Option<&str>) -> Result<Vec<Attributes>, StoreError> {
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            self.calls.read();
            let scan = self
                .client
                .scan()
                .table_name(&self.table)
                .consistent_read(true)
                .filter_expression("begins_with(pk, :pk)")
                .expression_attribute_values(":pk", text(pk))
                .set_projection_expression(only.map(str::to_owned))
                .set_exclusive_start_key(start);
            let output = scan.send().await.map_err(|error| self.refusal("read the whole table", &error))?;
            items.extend(output.items.unwrap_or_default());
            start = output.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                return Ok(items);
            }
        }
    }
}

impl Store for DynamoDb {
    async fn get(&self, key: &str) -> Result<Option<Item>, StoreError> {
        check_key(&self.place(), key)?;
        for _ in 0..READ_TRIES {
            let Some(item) = self.attributes(key, None).await? else { return Ok(None) };
            let Some(version) = read_number(&item, "version") else {
                return Err(self.refused(format!("the item of {key:?} is none of stakeout's: no version")));
            };
            if let Some(value) = self.value(key, &item).await? {
                return Ok(Some(Item { version, value }));
            }
        }
        Err(self.refused(format!("the chunks of {key:?} are not whole")))
    }

    async fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.save(key, None, value).await.map(drop)
    }

    async fn swap(&self, key: &str, seen: u64, value: &[u8]) -> Result<bool, StoreError> {
        self.save(key, Some(seen), value).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        check_key(&self.place(), key)?;
        self.calls.wrote();
        let (pk, sk) = address(key);
        let delete = self.client.delete_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk));
        let delete = delete.return_values(ReturnValue::AllOld).send().await;
        let old = delete.map_err(|error| self.refusal(&format!("delete {key:?}"), &error))?;
        self.drop_chunks_of(key, &old.attributes.unwrap_or_default()).await
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        Ok(self.list(prefix, Some("pk, sk")).await?.into_iter().map(|(key, _)| key).collect())
    }

    async fn range(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let mut found = Vec::new();
        for (key, item) in self.list(prefix, None).await? {
            // Gone or replaced since it was listed: asked for once more.
            let value = match self.value(&key, &item).await? {
                Some(value) => Some(value),
                None => self.get(&key).await?.map(|item| item.value),
            };
            found.extend(value.map(|value| (key, value)));
        }
        Ok(found)
    }

    async fn tidy(&self, prefix: &str) -> Result<(), StoreError> {
        self.drop_orphans(prefix).await
    }

    fn lock(&self) -> Result<Lock, StoreError> {
        Ok(Lock::Absent)
    }

    fn unlock(&self) {}

    fn calls(&self) -> (u64, u64) {
        self.calls.both()
    }
}

/// Partition and sort key of a key.
fn address(key: &str) -> (String, String) {
    match key.split_once('/') {
        Some((first, rest)) => (format!("key/{first}"), format!("/{rest}")),
        None => (format!("key/{key}"), "-".to_owned()),
    }
}

/// The key of an item; `None` where the item is not one of a key.
fn key_of(item: &Attributes) -> Option<String> {
    let first = read_text(item, "pk")?.strip_prefix("key/")?;
    match read_text(item, "sk")? {
        "-" => Some(first.to_owned()),
        rest => rest.starts_with('/').then(|| format!("{first}{rest}")),
    }
}

/// The chunks that an item names.
fn generation(item: &Attributes) -> Option<&str> {
    read_text(item, "generation")
}

fn read_text<'i>(item: &'i Attributes, name: &str) -> Option<&'i str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn read_number(item: &Attributes, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Placeholders for attribute names, several of which are reserved words of expressions.
fn names(names: &[&str]) -> HashMap<String, String> {
    names.iter().map(|name| (format!("#{name}"), (*name).to_owned())).collect()
}
