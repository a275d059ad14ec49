//! Messages of SQS, in the region that a queue's URL names.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, MessageSystemAttributeName};

use super::Cloud;
use crate::aws::{Refusal, whereabouts};
use crate::source::live::queue::{Message, Queue, Receipt};

/// SQS gives no more messages at once.
const TOGETHER: i32 = 10;
/// Seconds. A receive that waits asks all servers of a queue, one that does not may miss messages.
const WAIT: i32 = 1;

impl Cloud {
    fn queue_client(&self, url: &str) -> Client {
        if let Some(client) = self.queues.borrow().get(url) {
            return client.clone();
        }
        let region = whereabouts::of_queue(url).unwrap_or_else(|| self.home.clone());
        let client = Client::from_conf(Builder::from(&self.config).region(region).build());
        self.queues.borrow_mut().insert(url.to_owned(), client.clone());
        client
    }
}

impl Queue for Cloud {
    async fn receive(&self, url: &str) -> Result<Vec<Message>, Refusal> {
        let request = self
            .queue_client(url)
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(TOGETHER)
            .wait_time_seconds(WAIT)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        let answer = request.send().await.map_err(|error| Refusal::of("sqs:ReceiveMessage", &error))?;
        let message = |message: aws_sdk_sqs::types::Message| {
            let count =
                message.attributes().and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount));
            Some(Message {
                tries: count.and_then(|count| count.parse().ok()).unwrap_or(1),
                handle: message.receipt_handle?,
                id: message.message_id.unwrap_or_default(),
                body: message.body.unwrap_or_default(),
            })
        };
        Ok(answer.messages.unwrap_or_default().into_iter().filter_map(message).collect())
    }

    async fn delete(&self, url: &str, receipts: &[Receipt]) -> Result<Vec<String>, Refusal> {
        let action = "sqs:DeleteMessage";
        let mut request = self.queue_client(url).delete_message_batch().queue_url(url);
        for (place, receipt) in receipts.iter().enumerate() {
            let entry = DeleteMessageBatchRequestEntry::builder().id(place.to_string()).receipt_handle(&receipt.handle);
            let entry = entry.build().map_err(|error| Refusal::Other { action, why: error.to_string() })?;
            request = request.entries(entry);
        }
        let answer = request.send().await.map_err(|error| Refusal::of(action, &error))?;
        let failed =
            answer.failed().iter().map(|failed| format!("{}: {}", failed.code(), failed.message().unwrap_or_default()));
        Ok(failed.collect())
    }
}
