//! A table on a stand-in, and what only DynamoDB can get wrong.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};

use super::{block_on, noise};
use crate::aws;
use crate::store::dynamodb::DynamoDb;
use crate::store::{Place, Store as _};

/// Where the stand-in listens, which is also where the SDK is told to go.
pub(super) fn url() -> Option<String> {
    let url = std::env::var("STAKEOUT_TEST_DYNAMODB").ok()?;
    assert!(url.starts_with("http://127.0.0.1:"), "a stand-in is on this machine");
    assert_eq!(std::env::var("AWS_ENDPOINT_URL").ok().as_ref(), Some(&url));
    Some(url)
}

/// A new table.
pub(super) async fn make(_url: &str) -> Place {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let name = format!("state-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let client = Client::new(&aws::patient(None).await);
    let mut create = client.create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest);
    for (attribute, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let string = AttributeDefinition::builder().attribute_name(attribute).attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder().attribute_name(attribute).key_type(kind);
        create = create.attribute_definitions(string.build().unwrap()).key_schema(key.build().unwrap());
    }
    create.send().await.unwrap();
    Place::Table { name, region: None }
}

#[test]
fn chunks_of_a_write_that_died_are_removed_and_never_named() {
    let Some(url) = url() else { return };
    block_on(async {
        let Place::Table { name, .. } = make(&url).await else { unreachable!() };
        let store = DynamoDb::open(&name, None).await;
        let (old, new) = (noise(900_000, 1), noise(900_000, 2));
        store.put("blob/a", &old).await.unwrap();
        store.put("else/b", &old).await.unwrap();
        let died = store.leave_chunks("blob/a", &new).await;
        let other = store.leave_chunks("blob/new", &new).await;
        assert_eq!(store.count_chunks("blob/").await, 9);
        assert_eq!(store.get("blob/a").await.unwrap().unwrap().value, old);
        store.tidy("blob/").await.unwrap();
        assert_eq!((store.count_chunks("blob/").await, store.count_chunks("else/").await), (3, 3));
        // A writer that slept meanwhile does not name what is gone.
        for (key, generation) in [("blob/a", died), ("blob/new", other)] {
            assert!(store.name_left(key, &generation).await.unwrap_err().to_string().contains("were removed"));
        }
        assert_eq!(store.get("blob/a").await.unwrap().unwrap().value, old);
        assert_eq!(store.keys("").await.unwrap(), ["blob/a", "else/b"]);
        store.put("blob/a", b"small").await.unwrap();
        store.delete("else/b").await.unwrap();
        assert_eq!((store.count_chunks("blob/").await, store.count_chunks("else/").await), (0, 0));
    });
}

#[test]
fn a_table_that_is_missing_is_named_with_the_command_that_makes_it() {
    let Some(_) = url() else { return };
    block_on(async {
        let store = DynamoDb::open("nowhere", Some("eu-west-1".to_owned())).await;
        for error in [
            store.get("k").await.map(drop).unwrap_err(),
            store.put("k", b"v").await.unwrap_err(),
            store.put("k", &noise(500_000, 1)).await.unwrap_err(),
            store.keys("").await.map(drop).unwrap_err(),
        ] {
            let text = error.to_string();
            assert!(text.contains("create-table --table-name nowhere --region eu-west-1"), "{text}");
        }
    });
}
