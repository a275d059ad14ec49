//! Messages of SQS, in the region that a queue's URL names.

use aws_config::Region;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, MessageSystemAttributeName};

use super::Cloud;
use crate::aws::Refusal;
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
        let region = region(url).map_or_else(|| self.home.clone(), |region| Region::new(region.to_owned()));
        let client = Client::from_conf(Builder::from(&self.config).region(region).build());
        self.queues.borrow_mut().insert(url.to_owned(), client.clone());
        client
    }
}

/// The region in a URL such as `https://sqs.eu-west-1.amazonaws.com/111122223333/name`.
fn region(url: &str) -> Option<&str> {
    let host = url.split_once("://")?.1.split('/').next()?;
    let mut parts = host.strip_prefix("sqs.").or_else(|| host.strip_prefix("sqs-fips."))?.split('.');
    parts.next().filter(|region| region.matches('-').count() >= 2)
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

#[cfg(test)]
mod tests {
    #[test]
    fn a_queue_names_its_region() {
        let region = super::region;
        assert_eq!(region("https://sqs.eu-west-1.amazonaws.com/111122223333/events"), Some("eu-west-1"));
        assert_eq!(region("http://sqs.us-east-1.localhost:4566/000000000000/events"), Some("us-east-1"));
        assert_eq!(region("http://127.0.0.1:4566/000000000000/events"), None);
        assert_eq!(region("https://sqs.amazonaws.com/111122223333/events"), None);
    }
}
