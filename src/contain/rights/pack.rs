//! Statements, packed into policies that AWS takes.

use super::statement::Statement;
use super::{MOST_OF_POLICY, Policy, document};

/// As many policies as statements need: the name alone where that is one, numbered from 1 otherwise.
pub(super) fn policies(name: &str, statements: Vec<Statement>) -> Vec<Policy> {
    let mut packs: Vec<Vec<Statement>> = Vec::new();
    for statement in statements.into_iter().flat_map(halved) {
        let fits = |pack: &&mut Vec<Statement>| size(pack.iter().chain([&statement])) <= MOST_OF_POLICY;
        match packs.iter_mut().find(fits) {
            Some(pack) => pack.push(statement),
            None => packs.push(vec![statement]),
        }
    }
    let alone = packs.len() == 1;
    let named = |(place, pack): (usize, Vec<Statement>)| Policy {
        name: if alone { name.to_owned() } else { format!("{name}-{}", place + 1) },
        document: document(&pack),
    };
    packs.into_iter().enumerate().map(named).collect()
}

fn size<'a>(pack: impl IntoIterator<Item = &'a Statement>) -> usize {
    document(pack).to_string().len()
}

/// A statement that is too large for a policy, as several with a part of its actions or resources each.
fn halved(statement: Statement) -> Vec<Statement> {
    if size([&statement]) <= MOST_OF_POLICY {
        return vec![statement];
    }
    let split = |texts: &std::collections::BTreeSet<String>| {
        let (even, odd): (Vec<_>, Vec<_>) = texts.iter().cloned().enumerate().partition(|(place, _)| place % 2 == 0);
        [even, odd].map(|half| half.into_iter().map(|(_, text)| text).collect())
    };
    let (first, second) = if statement.actions.len() > 1 {
        let [even, odd] = split(&statement.actions);
        (Statement { actions: even, ..statement.clone() }, Statement { actions: odd, ..statement.clone() })
    // Two denials of everything but a half each would deny everything.
    } else if statement.resources.len() > 1 && !statement.is_elsewhere {
        let [even, odd] = split(&statement.resources);
        (Statement { resources: even, ..statement.clone() }, Statement { resources: odd, ..statement.clone() })
    } else {
        return vec![statement];
    };
    let named = |part: Statement, letter: char| Statement { sid: format!("{}{letter}", statement.sid), ..part };
    [named(first, 'a'), named(second, 'b')].into_iter().flat_map(halved).collect()
}
