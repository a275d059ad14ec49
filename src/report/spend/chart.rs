//! Amounts as bars.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One bar an amount, the largest at full height. Nothing spent is a blank, so that what is new stands out.
pub(super) fn sparkline(amounts: &[Decimal]) -> String {
    let amounts: Vec<f64> = amounts.iter().map(|amount| amount.to_f64().unwrap_or_default().max(0.0)).collect();
    let largest = amounts.iter().copied().fold(0.0, f64::max);
    let bar = |amount: f64| {
        if amount <= 0.0 {
            return ' ';
        }
        let step = (0..BARS.len() - 1).find(|step| amount / largest <= f64::from(*step as u32 + 1) / 8.0);
        step.and_then(|step| BARS.get(step)).copied().unwrap_or('█')
    };
    amounts.into_iter().map(bar).collect()
}
