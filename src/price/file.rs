//! Prices that the user brings: `instance_type,usd_per_hour[,region]` or a JSON map.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::Prices;

/// Reads a price file. `name` is what errors call it.
///
/// # Errors
/// What is wrong, with the file and the line.
pub(super) fn read(text: &str, name: &str) -> Result<Prices> {
    let text = text.trim_start_matches('\u{feff}');
    let mut prices = Prices::default();
    if text.trim_start().starts_with('{') {
        let map: Value = serde_json::from_str(text).with_context(|| format!("{name}: no JSON"))?;
        read_map(&map, name, &mut prices)?;
    } else {
        for (number, line) in (1..).zip(text.lines()) {
            read_line(line, number, &mut prices).with_context(|| format!("{name}, line {number}"))?;
        }
    }
    ensure!(!prices.own.is_empty(), "{name}: holds no price");
    Ok(prices)
}

fn read_line(line: &str, number: usize, prices: &mut Prices) -> Result<()> {
    let line = line.trim();
    let is_header = number == 1 && line.starts_with("instance_type");
    if line.is_empty() || line.starts_with('#') || is_header {
        return Ok(());
    }
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let (class, price, region) = match fields.as_slice() {
        [class, price] => (*class, *price, ""),
        [class, price, region] => (*class, *price, *region),
        _ => bail!("expected instance_type,usd_per_hour[,region]"),
    };
    let price = price.parse::<f64>().ok().with_context(|| format!("{price:?} is no price"))?;
    enter(prices, class, region, price)
}

/// `{"m5.large": 0.096}`, or such a map for each region.
fn read_map(map: &Value, name: &str, prices: &mut Prices) -> Result<()> {
    for (key, value) in map.as_object().into_iter().flatten() {
        match value {
            Value::Object(classes) => {
                for (class, price) in classes {
                    let price = price.as_f64().with_context(|| format!("{name}: {key}, {class}: no price"))?;
                    enter(prices, class, key, price).with_context(|| format!("{name}: {key}"))?;
                }
            }
            price => {
                let price = price.as_f64().with_context(|| format!("{name}: {key}: no price"))?;
                enter(prices, key, "", price).with_context(|| name.to_owned())?;
            }
        }
    }
    Ok(())
}

fn enter(prices: &mut Prices, class: &str, region: &str, price: f64) -> Result<()> {
    ensure!(class.contains('.'), "{class:?} is no instance type such as m5.large");
    ensure!(price.is_finite() && price >= 0.0, "{class} has the price {price}");
    prices.own.insert((class.to_owned(), region.to_owned()), price);
    Ok(())
}
