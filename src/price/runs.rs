//! What runs, as far as its price needs to know.

use serde::{Deserialize, Serialize};

/// Several of one thing that costs by the hour.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Runs {
    pub what: What,
    pub count: u32,
    /// An upper bound that the request sets; how much of it runs is not in the call.
    pub potential: bool,
    /// Seconds after which it ends by itself, where the call says so.
    pub lasts: Option<u32>,
}

/// One thing that costs by the hour.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum What {
    /// A virtual machine of an EC2 type.
    Instance { class: String, spot: bool, windows: bool },
    /// A machine that a service manages: SageMaker's `ml.` types, and EMR's.
    Managed(String),
    /// A function with so many MB, run as often at once as it may.
    Function { memory: u32 },
    /// A Fargate task: 1,024 units are one vCPU; memory in MB.
    Task { cpu: u32, memory: u32 },
    /// Units of a rate of its own.
    Rate(String),
    /// What a definition of this name says; see `Facts::defined`.
    As(String),
}

impl What {
    /// So many of it, running until somebody ends it.
    pub(crate) fn times(self, count: u32) -> Runs {
        Runs { what: self, count, potential: false, lasts: None }
    }

    /// So many of it in a sentence, such as `8 p3.16xlarge`.
    pub(crate) fn counted(&self, count: u32) -> String {
        let ending = if count == 1 { "" } else { "s" };
        match self {
            Self::Instance { class, spot, .. } if *spot => format!("{count} {class} at spot prices"),
            Self::Instance { class, .. } | Self::Managed(class) => format!("{count} {class}"),
            Self::Function { memory } => format!("{count} function{ending} of {memory} MB"),
            Self::Task { cpu, memory } => {
                let (cpu, memory) = (f64::from(*cpu) / 1024.0, f64::from(*memory) / 1024.0);
                format!("{count} task{ending} of {cpu} vCPU and {memory} GB")
            }
            Self::Rate(rate) => format!("{count} unit{ending} of {}", rate.replace('-', " ")),
            Self::As(_) => format!("{count} of unknown size"),
        }
    }
}

impl Runs {
    /// Runs all the time, and not only when it is called: a call that makes a function does not say how often it runs.
    pub(crate) fn is_machine(&self) -> bool {
        !matches!(self.what, What::Function { .. })
    }

    /// The same as an upper bound.
    pub(crate) fn at_most(mut self) -> Self {
        self.potential = true;
        self
    }

    /// The same, ending by itself after so many seconds.
    pub(crate) fn lasting(mut self, seconds: Option<u64>) -> Self {
        self.lasts = seconds.and_then(|seconds| u32::try_from(seconds).ok());
        self
    }
}
