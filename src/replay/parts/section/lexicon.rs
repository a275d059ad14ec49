//! What the sections of a batch share, with their texts as numbers: each text is looked up and sorted once, and not for each
//! section.

use ahash::AHashMap;

use crate::event::{Identity, Place, Shape};
use crate::replay::parts::fold::Batch;
use crate::replay::told::Tables;

/// How many texts each has; the last ones may be missing.
pub(super) const IDENTITY: usize = 11;
pub(super) const SHAPE: usize = 11;
pub(super) const PLACE: usize = 8;

/// A text that may be missing.
type Maybe<'v> = Option<&'v str>;

/// All texts of a batch in order.
pub(in crate::replay::parts) struct Lexicon<'b> {
    pub tables: &'b Tables,
    pub texts: Vec<&'b str>,
    /// Where each text is before they are sorted, and its place when they are.
    known: AHashMap<&'b str, u32>,
    ranks: Vec<u32>,
    /// The texts of what is in the tables: one more than the number of each, and nothing for one that is missing.
    pub identities: Vec<[u32; IDENTITY]>,
    pub shapes: Vec<[u32; SHAPE]>,
    pub places: Vec<[u32; PLACE]>,
}

impl<'b> Lexicon<'b> {
    /// Learns all texts.
    pub(in crate::replay::parts) fn of(batch: &'b Batch) -> Self {
        let tables = &batch.tables;
        let mut texts = Unsorted::default();
        let mut identities: Vec<_> = tables.identities.iter().map(|one| texts.all(of_identity(one))).collect();
        let mut shapes: Vec<_> = tables.shapes.iter().map(|one| texts.all(of_shape(one).map(Some))).collect();
        let mut places: Vec<_> = tables.places.iter().map(|one| texts.all(of_place(one))).collect();
        for section in &batch.sections {
            section.part.calls.iter().for_each(|call| _ = texts.number(call.model.word()));
            let fields = section.part.events.iter().flat_map(|event| &event.fields);
            fields.flat_map(|(field, value)| [field, value]).for_each(|text| _ = texts.number(text));
        }
        let Unsorted { known, all } = texts;
        let mut order: Vec<(&str, u32)> = all.into_iter().zip(0..).collect();
        order.sort_unstable();
        let mut ranks = vec![0; order.len()];
        for ((_, number), rank) in order.iter().zip(0..) {
            ranks.get_mut(*number as usize).into_iter().for_each(|known| *known = rank);
        }
        let of = |number: u32| number.checked_sub(1).and_then(|number| ranks.get(number as usize)).map_or(0, |n| n + 1);
        let numbers = identities.iter_mut().flatten().chain(shapes.iter_mut().flatten());
        numbers.chain(places.iter_mut().flatten()).for_each(|number| *number = of(*number));
        let texts = order.into_iter().map(|(text, _)| text).collect();
        Self { tables, texts, known, ranks, identities, shapes, places }
    }

    /// The number of a text of the batch.
    pub(super) fn number(&self, text: &str) -> u32 {
        let known = self.known.get(text).and_then(|number| self.ranks.get(*number as usize));
        known.copied().unwrap_or_default()
    }
}

/// Texts as they are found.
#[derive(Default)]
struct Unsorted<'b> {
    known: AHashMap<&'b str, u32>,
    all: Vec<&'b str>,
}

impl<'b> Unsorted<'b> {
    fn number(&mut self, text: &'b str) -> u32 {
        let next = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let number = *self.known.entry(text).or_insert(next);
        if number == next {
            self.all.push(text);
        }
        number
    }

    /// One more than their numbers, and nothing for those that are missing.
    fn all<const N: usize>(&mut self, texts: [Maybe<'b>; N]) -> [u32; N] {
        texts.map(|text| text.map_or(0, |text| self.number(text) + 1))
    }
}

fn of_identity(identity: &Identity) -> [Maybe<'_>; IDENTITY] {
    let Identity { raw_type, key, arn, name, account, credential, session_name, session, issued_to, .. } = identity;
    let [a, b, c, d, e] = [raw_type, key, arn, name, account].map(|text| Some(text.as_str()));
    let [f, g, h, i] = [credential, session_name, session, issued_to].map(|text| text.as_deref());
    [Some(identity.kind.as_str()), a, b, c, d, e, Some(identity.credential_kind.as_str()), f, g, h, i]
}

fn of_shape(shape: &Shape) -> [&str; SHAPE] {
    let Shape { source, raw_name, name, error_code, event_type, user_agent, .. } = shape;
    let kinds = [&shape.identity_type, &shape.principal_kind, &shape.credential_kind];
    let [a, b, c] = kinds.map(String::as_str);
    [source, raw_name, name, error_code, event_type, user_agent, a, b, c, &shape.refused, &shape.trail]
}

fn of_place(place: &Place) -> [Maybe<'_>; PLACE] {
    let Place { account, region, source_ip, network, object, role, owner } = place;
    let [a, b, c] = [account, region, source_ip].map(|text| Some(text.as_str()));
    let [d, e, f] = [network, object, role].map(|text| text.as_deref());
    let owner = owner.as_deref();
    [a, b, c, d, e, f, owner.map(|owner| owner.name.as_str()), owner.and_then(|owner| owner.country.as_deref())]
}
