//! User agents, as families: `Boto3`, `Terraform`, `aws-cli`. An agent is the caller's own word, and a hint at best.

use super::Shape;

/// The console, however its many parts call themselves.
const CONSOLE: &str = "console";
/// Longest name of a family, in bytes.
const LONGEST: usize = 32;
/// What people hold in their hands, though scripts may too.
const OF_PEOPLE: [&str; 5] = [CONSOLE, "Mozilla", "aws-cli", "AWSPowerShell", "AWSToolkit"];

/// The family of the agent of a call: letters, digits and a few signs.
pub(crate) fn family(shape: &Shape) -> String {
    if shape.console {
        return CONSOLE.to_owned();
    }
    let agent = shape.user_agent.trim_start_matches('[').trim_end_matches(']');
    let mut products = agent.split_whitespace().map(|product| product.split('/').next().unwrap_or(product));
    let first = products.next().unwrap_or_default();
    // Partners of AWS come as `APN/1.0 HashiCorp/1.0 Terraform/1.9.8`.
    let name = if first == "APN" { products.nth(1).unwrap_or(first) } else { first };
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+');
    let name: String = name.chars().filter(plain).take(LONGEST).collect();
    if name.is_empty() { "unknown".to_owned() } else { name }
}

/// Whether people use it by hand.
pub(crate) fn is_of_people(family: &str) -> bool {
    OF_PEOPLE.contains(&family)
}

/// Whether it is the console.
pub(crate) fn is_console(family: &str) -> bool {
    family == CONSOLE
}
