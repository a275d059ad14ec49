//! LookupEvents of one account and region.

use aws_config::{Region, SdkConfig};
use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::config::Builder;
use aws_sdk_cloudtrail::primitives::DateTime;
use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};

use crate::aws::Refusal;
use crate::source::live::cursor::{Kind, Range};
use crate::source::live::lookup::{Found, Lookups, Page};

const ACTION: &str = "cloudtrail:LookupEvents";
/// Events on a page; AWS gives no more.
const PAGE: i32 = 50;

/// LookupEvents as AWS answers it.
pub(crate) struct RegionLookups(Client);

impl RegionLookups {
    pub(crate) fn new(config: &SdkConfig, region: &str) -> Self {
        Self(Client::from_conf(Builder::from(config).region(Region::new(region.to_owned())).build()))
    }
}

impl Lookups for RegionLookups {
    async fn page(&self, range: &Range) -> Result<Page, Refusal> {
        let mut request = self
            .0
            .lookup_events()
            .start_time(DateTime::from_secs(range.from))
            // The last second to its end.
            .end_time(DateTime::from_secs(range.until + 1))
            .max_results(PAGE)
            .set_next_token(range.token.clone());
        if range.kind == Kind::Writes {
            let attribute = LookupAttribute::builder()
                .attribute_key(LookupAttributeKey::ReadOnly)
                .attribute_value("false")
                .build()
                .map_err(|error| Refusal::Other { action: ACTION, why: error.to_string() })?;
            request = request.lookup_attributes(attribute);
        }
        let answer = request.send().await.map_err(|error| Refusal::of(ACTION, &error))?;
        let events = answer.events.unwrap_or_default().into_iter().map(|event| Found {
            id: event.event_id,
            time: event.event_time.map(|time| time.secs()),
            record: event.cloud_trail_event,
        });
        Ok(Page { events: events.collect(), next: answer.next_token.filter(|token| !token.is_empty()) })
    }
}
