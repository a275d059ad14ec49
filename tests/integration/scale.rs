//! Histories that outgrow one machine: parts, S3, Spark, Step Functions, and consumers side by side.

mod by_hand;
mod live;
mod organisation;
mod remote;
mod spark;
mod split;
mod stepfunctions;
mod stories;
