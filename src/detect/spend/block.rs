//! The blocks of cost detectors. Amounts are in the currency of the bill: the thresholds are meant for US dollars.

use serde::Deserialize;

use crate::cost::service::Class;

/// How a cost detector judges. A file has exactly one of these blocks.
#[derive(Debug, Clone)]
pub(crate) enum Block {
    FirstSpend(FirstSpend),
    Spread(Spread),
    Spike(Spike),
    QuietDay(QuietDay),
    Step(Step),
    Week(Week),
    Record(Record),
    Drift(Drift),
    Anomaly(Anomaly),
}

/// What amounts are summed over before they are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Of {
    /// Each usage type of a service in a region.
    UsageType,
    /// Each service in each region.
    Service,
    /// The whole account.
    Account,
}

/// A threshold: the higher of an amount and a share of what the account usually spends a day.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Above {
    pub usd: f64,
    #[serde(default)]
    pub share: f64,
}

impl Above {
    /// In money, for an account that usually spends so much a day.
    pub(crate) fn of(self, daily: f64) -> f64 {
        self.usd.max(self.share * daily)
    }
}

/// Thresholds by class of service; a class without one is never looked at.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ByClass {
    pub burn: Option<Above>,
    pub flow: Option<Above>,
    pub other: Option<Above>,
}

impl ByClass {
    pub(crate) fn get(&self, class: Class) -> Option<Above> {
        match class {
            Class::Burn => self.burn,
            Class::Flow => self.flow,
            Class::Other => self.other,
        }
    }
}

/// Whether a region was in use before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Where {
    Used,
    Unused,
    Anywhere,
}

/// Money for something that had none.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FirstSpend {
    pub of: Of,
    pub region: Where,
    pub above: ByClass,
    /// Lower thresholds for what began with a jump: what people adopt grows over a week.
    #[serde(default)]
    pub sudden: Option<Sudden>,
    /// Lower thresholds where a region has nothing but computing and its disks: a real deployment brings more along.
    #[serde(default)]
    pub bare: Option<Bare>,
    /// A region that had cents, and has a multiple of them.
    #[serde(default)]
    pub wakes: Option<Wakes>,
    /// With too little history to say what is new: fires above this amount, where the history did not begin with it.
    #[serde(default)]
    pub young: Option<f64>,
}

/// See [`FirstSpend::sudden`].
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sudden {
    /// Days since the first money.
    pub days: usize,
    pub above: ByClass,
}

/// See [`FirstSpend::bare`].
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bare {
    /// The share of computing and disks in the region from which on it is bare.
    pub mix: f64,
    pub usd: f64,
}

/// See [`FirstSpend::wakes`].
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wakes {
    pub usd: f64,
    pub times: f64,
}

/// Several regions at once.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spread {
    pub region: Where,
    /// Services in regions that must come together.
    pub least: usize,
    /// Regions that they must be in.
    #[serde(default)]
    pub least_regions: usize,
    /// Each above this.
    pub usd: f64,
    /// All together above this.
    #[serde(default)]
    pub sum_usd: f64,
    /// First spent on no longer ago than this many days.
    #[serde(default)]
    pub within_days: Option<usize>,
}

/// A day far above what the same series had in eight weeks.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spike {
    pub of: Of,
    #[serde(default)]
    pub class: Option<Class>,
    pub above: Above,
    /// Times the median absolute deviation, scaled to a standard deviation.
    pub deviations: f64,
    /// Times the second largest surprise of six weeks.
    pub surprises: f64,
    /// Times the usual level.
    pub level: f64,
    /// Times the second largest day of eight weeks.
    pub second_day: f64,
    /// The other way to fire: many times the largest day.
    pub explosion: Explosion,
    /// Only where this share of all excess is in one series: a copy or a launch lifts several.
    #[serde(default)]
    pub alone: Option<Alone>,
}

/// See [`Spike::explosion`].
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Explosion {
    pub times: f64,
    pub above: Above,
}

/// See [`Spike::alone`].
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alone {
    pub share: f64,
    /// Or above so many of the account's usual days.
    pub days: f64,
    /// Or all excess together is: a flood that lifts several is large.
    pub together_days: f64,
}

/// Work on a day of the week that is always quiet.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuietDay {
    pub class: Class,
    /// The weekday is quiet when its largest day of eight weeks is below this share of the median day.
    pub below: f64,
    /// Times the largest such day.
    pub times: f64,
    pub above: Above,
}

/// Three days with the same excess.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    #[serde(default)]
    pub class: Option<Class>,
    pub above: Above,
    pub deviations: f64,
    /// Times the largest surprise over three days of six weeks.
    pub surprises: f64,
    pub level: f64,
    /// The least of the three days has this share of their mean.
    pub even: f64,
    /// The mean of the three days against the largest day of eight weeks.
    pub largest_day: f64,
    /// The same for a series that mostly rests: its median is below `rests` of its largest day.
    pub largest_day_after_rest: f64,
    pub rests: f64,
}

/// A week above every week of two months, which nothing else in the account shares.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Week {
    pub class: Class,
    /// How much the week must be above the median of the three before; the share is of one usual day.
    pub above: Above,
    /// Times the most that seven days in a row cost before.
    pub times: f64,
    /// Of everything that rose in the account, this share is in one series.
    pub alone: f64,
    /// The least of the seven days has this share of their mean.
    pub even: f64,
}

/// More than ever in two months.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub above: Above,
    /// Times the largest day.
    pub times: f64,
}

/// Week after week a little more.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Drift {
    /// Rises in a row.
    pub weeks: usize,
    /// The least and the most that one of them may be, as a ratio.
    pub least: f64,
    pub most: f64,
    /// How much more the last week must be than the first; the share is of seven usual days.
    pub above: Above,
}

/// What AWS's own Cost Anomaly Detection says.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Anomaly {
    /// Its excess over all of its days.
    pub usd: f64,
}
