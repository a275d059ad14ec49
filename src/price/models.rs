//! What calls of models cost: by family, at as many tokens as nobody knows but a call usually has.

use std::sync::LazyLock;

const MODELS: &str = include_str!("models.csv");
/// Tokens of a call, in and out each: the log does not have them.
const TOKENS: f64 = 1_000.0;
/// The tokens of the prices in the table.
const PER: f64 = 1_000_000.0;

/// Per family a word of its ids, and US dollars for a call. The last word is in every id.
static FAMILIES: LazyLock<Vec<(&str, f64)>> = LazyLock::new(|| {
    let family = |line: &'static str| {
        let mut fields = line.split(',');
        let (word, one, other) = (fields.next()?, fields.next()?, fields.next()?);
        Some((word, (one.parse::<f64>().ok()? + other.parse::<f64>().ok()?) * TOKENS / PER))
    };
    MODELS.lines().filter(|line| !line.starts_with('#')).filter_map(family).collect()
});

/// A family of models that cost the same: its place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Model(u8);

impl Model {
    /// The family of a model by its id or ARN; what names no family counts like Claude Sonnet.
    pub(crate) fn of(id: &str) -> Self {
        let place = FAMILIES.iter().position(|(word, _)| id.contains(word)).unwrap_or(FAMILIES.len() - 1);
        Self(u8::try_from(place).unwrap_or(u8::MAX))
    }

    /// The word by which [`Self::of`] finds it.
    pub(crate) fn word(self) -> &'static str {
        FAMILIES.get(usize::from(self.0)).map_or("", |(word, _)| word)
    }

    /// US dollars for one call.
    pub(crate) fn usd(self) -> f64 {
        FAMILIES.get(usize::from(self.0)).map_or(0.0, |(_, price)| *price)
    }
}

#[cfg(test)]
mod tests {
    use super::Model;

    #[test]
    fn ids_arns_and_profiles_have_the_price_of_their_family() {
        for (id, thousand_calls) in [
            ("anthropic.claude-3-5-sonnet-20241022-v2:0", 18.0),
            ("us.anthropic.claude-opus-4-20250514-v1:0", 90.0),
            ("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0", 4.8),
            ("meta.llama3-1-70b-instruct-v1:0", 1.44),
            ("amazon.nova-lite-v1:0", 0.3),
            ("amazon.titan-embed-text-v2:0", 0.1),
            ("arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2c3", 18.0),
            ("", 18.0),
            ("\u{e9}\u{0}", 18.0),
        ] {
            assert!((Model::of(id).usd() * 1_000.0 - thousand_calls).abs() < 1e-9, "{id}");
        }
    }
}
