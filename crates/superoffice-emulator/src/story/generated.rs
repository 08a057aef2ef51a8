//! Companies beyond the hand-written ones, made up from a seed: 80 of each 100 are ordinary and in scope, 15 belong
//! to an owner out of scope, 3 have no website, and the website of 2 is down. Names are drawn first; what a website
//! says is worked out when somebody reads it.

mod draft;
mod names;
mod patterns;
mod phrases;

use std::collections::BTreeSet;
use std::sync::Arc;

use fastrand::Rng;

pub(crate) use draft::Draft;

use super::countries::{LANDS, Land};
use super::site::{Source, Website};
use super::verticals::VERTICALS;
use super::{Company, Expected, Language, Person, people};
pub(crate) use patterns::patterns;

/// The first number of a made-up company in its country's register.
const FIRST_NUMBER: u32 = 20_000;

/// Makes up `count` companies. A longer list begins with the shorter one of the same seed.
pub(crate) fn companies(count: usize, seed: u64) -> Vec<Company> {
    let mut rng = Rng::with_seed(seed);
    let mut taken = BTreeSet::new();
    let mut fates: Vec<Fate> = Vec::new();
    let mut companies = Vec::with_capacity(count);
    for number in (FIRST_NUMBER..).take(count) {
        if fates.is_empty() {
            fates = shuffled_fates(&mut rng);
        }
        let fate = fates.pop().unwrap_or(Fate::Ordinary);
        companies.push(company(&mut rng, &mut taken, number, fate));
    }
    companies
}

/// How a made-up company's story ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Ordinary,
    OutOfScope,
    NoWebsite,
    Down,
}

/// A hundred fates in the promised shares.
fn shuffled_fates(rng: &mut Rng) -> Vec<Fate> {
    let shares = [(Fate::Ordinary, 80), (Fate::OutOfScope, 15), (Fate::NoWebsite, 3), (Fate::Down, 2)];
    let mut fates: Vec<Fate> =
        shares.into_iter().flat_map(|(fate, share)| std::iter::repeat_n(fate, share)).collect();
    rng.shuffle(&mut fates);
    fates
}

fn company(rng: &mut Rng, taken: &mut BTreeSet<String>, number: u32, fate: Fate) -> Company {
    let land = land(rng);
    let language = if land.speaks_german() && rng.u8(..20) > 0 { Language::De } else { Language::En };
    let vertical = rng.usize(..VERTICALS.len());
    let (name, slug) = unused_name(rng, taken, land, language, vertical);
    let (city, postal_code) = pick(rng, land.cities);
    let owners: &[i64] = if fate == Fate::OutOfScope { &people::OUT_OF_SCOPE } else { &people::IN_SCOPE };
    let owner = pick(rng, owners);
    let persons = persons(rng, language, land, &slug, fate);
    let seed = rng.u64(..);
    let draft = Draft {
        name: name.clone(),
        slug: slug.clone(),
        language,
        land,
        city,
        postal_code,
        vertical,
        number,
        seed,
    };
    let org_number = draft.register();
    let source = match fate {
        Fate::Ordinary | Fate::OutOfScope => Some(Source::Drafted(Arc::new(draft))),
        Fate::Down => Some(Source::Silent),
        Fate::NoWebsite => None,
    };
    Company {
        website: source.map(|source| Website {
            host: slug.clone(),
            down: fate == Fate::Down,
            robots: None,
            source,
        }),
        department: String::new(),
        org_number,
        country: land.country(),
        city: city.into(),
        expected: expected(fate, VERTICALS[vertical].0),
        language,
        owner,
        persons,
        name,
        slug,
    }
}

fn expected(fate: Fate, vertical: &str) -> Expected {
    match fate {
        Fate::Ordinary => Expected::completed(vertical),
        Fate::OutOfScope => Expected::skipped("OWNER_NOT_IN_SCOPE"),
        Fate::NoWebsite => Expected::skipped("NO_WEBSITE"),
        Fate::Down => Expected::skipped("NO_EVIDENCE"),
    }
}

/// Mostly Germany, then its neighbours, then the Nordics.
fn land(rng: &mut Rng) -> &'static Land {
    const SHARES: [u8; 7] = [45, 12, 13, 10, 10, 6, 4];
    let mut draw = rng.u8(..100);
    for (land, share) in LANDS.iter().zip(SHARES) {
        match draw.checked_sub(share) {
            Some(rest) => draw = rest,
            None => return land,
        }
    }
    &LANDS[0]
}

/// Draws until a name comes up whose slug nobody has.
fn unused_name(
    rng: &mut Rng,
    taken: &mut BTreeSet<String>,
    land: &Land,
    language: Language,
    vertical: usize,
) -> (String, String) {
    let form = pick(rng, land.forms);
    loop {
        let pattern = &patterns(language)[vertical];
        let template = &pattern.names[rng.usize(..pattern.names.len())];
        let name = template.replace("{root}", &names::root(rng, land));
        let slug = names::slug(&name);
        if taken.insert(slug.clone()) {
            // A town hall has no legal form.
            let has_form = VERTICALS[vertical].0 != "public_sector";
            return (if has_form { format!("{name} {form}") } else { name }, slug);
        }
    }
}

fn persons(rng: &mut Rng, language: Language, land: &Land, slug: &str, fate: Fate) -> Vec<Person> {
    if rng.bool() {
        return Vec::new();
    }
    let (first, last, is_woman) = names::person(rng, language, land);
    let (man, woman, position) = pick(rng, names::titles(language));
    let email = format!("{}.{}@{slug}.example", names::slug(first), names::slug(&last));
    vec![Person {
        first_name: first.into(),
        last_name: last,
        title: (if is_woman { woman } else { man }).into(),
        position: Some(position.into()),
        email: if fate == Fate::NoWebsite { String::new() } else { email },
    }]
}

/// One of `items`, each as likely as any other.
fn pick<T: Copy>(rng: &mut Rng, items: &[T]) -> T {
    items[rng.usize(..items.len())]
}
