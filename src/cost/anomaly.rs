//! What AWS's own Cost Anomaly Detection says, as `GetAnomalies` answers.

use super::Day;
use crate::event::Seconds;

/// One root cause of one anomaly. An empty text means that AWS names none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Anomaly {
    /// `AnomalyId`.
    pub id: String,
    pub start: Day,
    /// The last day, as far as AWS knows; the first where it does not say.
    pub end: Day,
    /// When it was seen: the answer's own time of sight, else [`super::usually_seen`] of its first day.
    pub seen: Seconds,
    pub account: String,
    pub service: String,
    pub region: String,
    pub usage_type: String,
    /// In US dollars, of this root cause where AWS gives its contribution, else of the whole anomaly; an expectation that
    /// is missing is 0.
    pub actual: f64,
    pub expected: f64,
}
