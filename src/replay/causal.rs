//! Order inside one second, which times do not tell: whoever made a credential or a principal comes before what it did.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::event::{Event, PrincipalKind};

/// Puts sorted events in an order in which nothing is used before it is made, where one second has both. Otherwise they
/// stay as they are.
pub(super) fn order(events: Vec<Event>) -> Vec<Event> {
    let mut ordered = Vec::with_capacity(events.len());
    let mut events = events.into_iter().peekable();
    while let Some(first) = events.next() {
        let time = first.time;
        let mut second = vec![first];
        while let Some(event) = events.next_if(|event| event.time == time) {
            second.push(event);
        }
        let makers =
            second.iter().filter(|event| event.facts.as_ref().is_some_and(|facts| facts.makes_caller())).count();
        if makers > 0 && second.len() > 1 { ordered.extend(by_makers(second)) } else { ordered.append(&mut second) }
    }
    ordered
}

/// Events of one second, each after its makers, else as they were. What makes itself in a circle comes last.
fn by_makers(events: Vec<Event>) -> Vec<Event> {
    let mut makers: HashMap<&str, usize> = HashMap::new();
    // Of two records of one call, each account's, the caller's own is the maker.
    for (place, event) in events.iter().enumerate().filter(|(_, event)| !is_copy(event)).chain(copies(&events)) {
        for made in event.facts.iter().flat_map(|facts| makes(facts)) {
            makers.entry(made).or_insert(place);
        }
    }
    let mut waits = vec![0_usize; events.len()];
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); events.len()];
    for (place, event) in events.iter().enumerate() {
        for maker in needs(event).filter_map(|needed| makers.get(needed)).filter(|maker| **maker != place) {
            waits[place] += 1;
            users[*maker].push(place);
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> =
        waits.iter().enumerate().filter(|(_, waits)| **waits == 0).map(|(place, _)| Reverse(place)).collect();
    let mut order = Vec::with_capacity(events.len());
    while let Some(Reverse(place)) = ready.pop() {
        order.push(place);
        for user in &users[place] {
            waits[*user] -= 1;
            if waits[*user] == 0 {
                ready.push(Reverse(*user));
            }
        }
    }
    let circle: Vec<usize> = (0..events.len()).filter(|place| waits[*place] > 0).collect();
    let mut events: Vec<Option<Event>> = events.into_iter().map(Some).collect();
    order.into_iter().chain(circle).filter_map(|place| events[place].take()).collect()
}

/// What an event makes: a credential, users and roles.
fn makes(facts: &crate::event::Facts) -> impl Iterator<Item = &str> {
    let minted = facts.minted.as_ref().and_then(|minted| minted.credential.as_deref());
    let principals = facts.created.iter().filter(|made| made.principal.is_some()).map(|made| made.arn.as_str());
    minted.into_iter().chain(principals)
}

/// What an event needs to be there: the credential of its caller, and whoever a credential is made for.
fn needs(event: &Event) -> impl Iterator<Item = &str> {
    let minted = event.facts.as_ref().and_then(|facts| facts.minted.as_ref());
    let shared = minted.filter(|_| is_copy(event)).and_then(|minted| minted.credential.as_deref());
    let made_for = minted.map(|minted| minted.arn.as_str());
    event.identity.credential.as_deref().into_iter().chain(made_for).chain(shared)
}

/// Whether another account may have a record of the call that says more about the caller.
fn is_copy(event: &Event) -> bool {
    event.identity.kind == PrincipalKind::Account
}

fn copies(events: &[Event]) -> impl Iterator<Item = (usize, &Event)> {
    events.iter().enumerate().filter(|(_, event)| is_copy(event))
}
