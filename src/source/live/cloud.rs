//! AWS itself, behind the small traits that the readers of feeds know.

mod bucket;
mod lookups;
mod queue;

use std::cell::RefCell;
use std::collections::BTreeMap;

use aws_config::{Region, SdkConfig};

pub(super) use lookups::RegionLookups;

/// Buckets and queues, with the caller's own credentials.
pub(super) struct Cloud {
    config: SdkConfig,
    /// Where a bucket or queue is that does not name its region.
    home: Region,
    /// Clients in the regions of the buckets.
    buckets: RefCell<BTreeMap<String, aws_sdk_s3::Client>>,
    /// Clients in the regions of the queues.
    queues: RefCell<BTreeMap<String, aws_sdk_sqs::Client>>,
}

impl Cloud {
    /// The caller's own.
    pub(super) fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// Where a bucket or queue is that does not name its region.
    pub(super) fn region(&self) -> Region {
        self.home.clone()
    }

    pub(super) fn new(config: SdkConfig, home: Region) -> Self {
        Self { config, home, buckets: RefCell::default(), queues: RefCell::default() }
    }
}
