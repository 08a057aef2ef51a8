//! A made-up company's website before anybody has read it: the draws that decide it. Turning them into a site takes
//! microseconds and gives the same site each time.

use fastrand::Rng;

use super::patterns::{Pattern, patterns};
use super::phrases::Phrases;
use super::{names, pick};
use crate::story::Language;
use crate::story::countries::Land;
use crate::story::layout::Layout;
use crate::story::legal;
use crate::story::site::{Address, Facts, Site, SitePage};
use crate::story::verticals::VERTICALS;

/// What decides a made-up website.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) language: Language,
    pub(super) land: &'static Land,
    pub(super) city: &'static str,
    pub(super) postal_code: &'static str,
    /// The place in the list of verticals.
    pub(super) vertical: usize,
    pub(super) number: u32,
    pub(super) seed: u64,
}

impl Draft {
    /// Writes the site.
    pub(crate) fn site(&self) -> Site {
        let mut rng = Rng::with_seed(self.seed);
        let pattern = &patterns(self.language)[self.vertical];
        let slots = self.slots(&mut rng, pattern);
        let mut order: Vec<&String> = pattern.patterns.iter().collect();
        rng.shuffle(&mut order);
        let say = |template: &str| self.spell(&fill(template, &slots));
        let phrases = Phrases::of(self.language);

        let (lead, rest) = order[0].split_once(". ").unwrap_or((order[0], ""));
        let products: Vec<String> =
            ["{p1}", "{p2}", "{p3}", "{p4}"].map(|slot| capitalised(&say(slot))).into();
        let home = SitePage {
            path: "/".into(),
            nav: phrases.home.into(),
            heading: say(&pattern.claim),
            lead: format!("{}.", say(lead)),
            body: format!(
                "{}\n\n## {}\n\n- {}\n\n{}\n\n## {}\n\n{}\n\n{}",
                say(rest),
                pick(&mut rng, phrases.offers),
                products.join("\n- "),
                say(order[1]),
                phrases.customers_heading,
                say(pick(&mut rng, phrases.customers)),
                say(phrases.invitation)
            ),
            in_footer: false,
        };
        let about = SitePage {
            path: phrases.about_path.into(),
            nav: phrases.about.into(),
            heading: say(phrases.about_heading),
            lead: String::new(),
            body: format!(
                "{}\n\n{}\n\n## {}\n\n{}",
                say(pick(&mut rng, phrases.histories)),
                say(order[2]),
                phrases.people_heading,
                say(pick(&mut rng, phrases.people))
            ),
            in_footer: false,
        };
        let facts = self.facts(&mut rng);
        let imprint = legal::imprint(&facts);
        Site {
            facts,
            layout: pick(&mut rng, &[Layout::Modern, Layout::Table, Layout::Blog]),
            claim: say(&pattern.claim),
            description: home.lead.clone(),
            news: Vec::new(),
            pages: vec![home, about, imprint],
        }
    }

    fn facts(&self, rng: &mut Rng) -> Facts {
        let phrases = Phrases::of(self.language);
        let (first, last, is_woman) = names::person(rng, self.language, self.land);
        let roles = if self.is_public() { phrases.mayors } else { phrases.managers };
        let role = if is_woman { roles.1 } else { roles.0 };
        let street = self.spell(pick(rng, phrases.streets));
        let number = rng.u32(1..140);
        Facts {
            name: self.name.clone(),
            slug: self.slug.clone(),
            language: self.language,
            land: self.land,
            city: self.city.into(),
            address: Address {
                street: if self.language == Language::De {
                    format!("{street} {number}")
                } else {
                    format!("{number} {street}")
                },
                postal_code: self.postal_code.into(),
                represented_by: format!("{role}: {first} {last}"),
                registry: self.registry(),
                phone: format!("{} 000 {:03} {:02}", self.land.dial, rng.u32(100..1_000), number % 100),
                hours: String::new(),
            },
            register: self.register(),
            vat: self.land.vat(self.number),
        }
    }

    fn is_public(&self) -> bool {
        VERTICALS[self.vertical].0 == "public_sector"
    }

    /// Who keeps the number that [`Draft::register`] gives.
    fn registry(&self) -> String {
        match (self.language, self.land.iso2) {
            (Language::De, _) if self.is_public() => "Kommunalaufsicht".into(),
            (Language::En, _) if self.is_public() => "Municipal supervision".into(),
            (Language::De, "DE") => format!("Amtsgericht {}", self.city),
            (Language::De, "AT") => format!("Landesgericht {}", self.city),
            (Language::De, _) => "Handelsregisteramt".into(),
            (Language::En, _) => "Register of companies".into(),
        }
    }

    /// The register number; a town hall has a number of another kind.
    pub(super) fn register(&self) -> String {
        match self.language {
            Language::De if self.is_public() => format!("Behördennummer 99-{}", self.number),
            Language::En if self.is_public() => format!("99-{}", self.number),
            Language::De | Language::En => self.land.register(self.number),
        }
    }

    fn slots(&self, rng: &mut Rng, pattern: &Pattern) -> Vec<(&'static str, String)> {
        let mut products: Vec<&String> = pattern.products.iter().collect();
        rng.shuffle(&mut products);
        let mut customers: Vec<&String> = pattern.customers.iter().collect();
        rng.shuffle(&mut customers);
        vec![
            ("name", self.name.clone()),
            ("city", self.city.into()),
            ("p1", products[0].clone()),
            ("p2", products[1].clone()),
            ("p3", products[2].clone()),
            ("p4", products[3].clone()),
            ("c1", customers[0].clone()),
            ("c2", customers[1].clone()),
            ("c3", customers[2].clone()),
            ("small", rng.u32(4..13).to_string()),
            ("tens", rng.u32(22..99).to_string()),
            ("hundreds", rng.u32(120..980).to_string()),
            ("employees", rng.u32(24..420).to_string()),
            ("percent", rng.u32(58..96).to_string()),
            ("year", rng.u32(1948..2013).to_string()),
            ("thousands", self.grouped(rng.u32(24..580) * 100)),
            ("area", self.grouped(rng.u32(15..240) * 100)),
            ("lot", self.grouped(rng.u32(4..100) * 50)),
        ]
    }

    /// A number with the separator that the country writes.
    fn grouped(&self, number: u32) -> String {
        let separator = match (self.language, self.land.iso2) {
            (Language::De, "CH") => "\u{a0}",
            (Language::De, _) => ".",
            (Language::En, _) => ",",
        };
        match (number / 1_000, number % 1_000) {
            (0, low) => low.to_string(),
            (high, low) => format!("{high}{separator}{low:03}"),
        }
    }

    /// Swiss companies write no sharp s.
    fn spell(&self, text: &str) -> String {
        if self.land.iso2 == "CH" { text.replace('ß', "ss") } else { text.into() }
    }
}

fn fill(template: &str, slots: &[(&'static str, String)]) -> String {
    let mut out = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (slot, tail) = after.split_once('}').expect("each slot of a pattern is closed");
        let (_, value) =
            slots.iter().find(|(name, _)| *name == slot).expect("each slot of a pattern is known");
        out.push_str(before);
        // A sentence may begin with a product.
        if out.is_empty() || out.ends_with(". ") {
            out.push_str(&capitalised(value));
        } else {
            out.push_str(value);
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}
