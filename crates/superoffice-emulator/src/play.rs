//! The story, played: colleagues type companies and people into the CRM, and later on change some of them.
//!
//! Every step goes the way a change at the keyboard goes, so webhooks hear of it as they would of people.

use std::sync::Arc;
use std::time::Duration;

use crate::story::Company;
use crate::world::changes::Author;
use crate::world::{State, World};

/// How fast the story is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Everything at once.
    Burst,
    /// The companies appear over so many seconds, then somebody changes something now and then.
    Live {
        /// How long it takes until all companies are there.
        seconds: u64,
    },
}

impl World {
    /// Types one company of the story and its people into the CRM. One that is there already is left alone.
    pub(crate) fn enter(&self, company: &Company) {
        self.with(|state| {
            if state.contact_of_slug.contains_key(&company.slug) {
                return;
            }
            let now = state.now();
            let by = Author { associate: company.owner, ours: false };
            let contact = state.contact_from(company, now);
            let id = state.add_contact(contact.clone(), by);
            for person in &company.persons {
                let person = state.person_from(person, id, &contact, now);
                state.add_person(person, by);
            }
        });
    }

    /// Enters all companies.
    pub(crate) async fn enter_all(&self, pace: Pace) {
        let setup = self.with(|state| Arc::clone(&state.setup));
        let companies = &setup.story.companies;
        let count = u32::try_from(companies.len()).unwrap_or(u32::MAX).max(1);
        let wait = match pace {
            Pace::Burst => Duration::ZERO,
            Pace::Live { seconds } => Duration::from_secs(seconds) / count,
        };
        for (at, company) in companies.iter().enumerate() {
            self.enter(company);
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            } else if at % 64 == 0 {
                // Let others have the thread: tens of thousands of companies take a moment.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Goes on for ever: now and then somebody changes something.
    pub(crate) async fn live_on(&self) {
        let mut turn = 0;
        loop {
            let pause = self.with(|state| state.rng.u64(6_000..20_000));
            tokio::time::sleep(Duration::from_millis(pause)).await;
            self.with(|state| state.small_change(turn));
            turn += 1;
        }
    }
}

impl State {
    /// One believable change. The kinds take turns, the company is chosen by dice.
    pub(crate) fn small_change(&mut self, turn: u64) {
        let alive = self.contacts.values().filter(|contact| contact.stamps.deleted.is_none()).count();
        if alive == 0 {
            return;
        }
        let at = self.rng.usize(..alive);
        let chosen = self.contacts.values().filter(|contact| contact.stamps.deleted.is_none()).nth(at);
        let Some(mut contact) = chosen.cloned() else { return };
        let colleagues: Vec<i64> =
            self.associates.iter().filter(|a| !a.api_user && self.in_scope(a.id)).map(|a| a.id).collect();
        let by = self.rng.choice(&colleagues).copied().unwrap_or(contact.owner);
        let by = Author { associate: by, ours: false };
        match turn % 4 {
            0 => {
                let phone = format!("+49 30 555 01{:02}", self.rng.u8(0..100));
                contact.phones = vec![crate::world::contact::Element::new(&phone)];
                self.save_contact(contact, by);
            }
            1 => {
                let mut person = crate::world::person::Person::blank(
                    contact.id,
                    contact.country_id,
                    by.associate,
                    self.now(),
                );
                let (first, last, title) = NEW_PEOPLE[self.rng.usize(..NEW_PEOPLE.len())];
                (person.first_name, person.last_name, person.title) =
                    (first.into(), last.into(), title.into());
                self.add_person(person, by);
            }
            2 => {
                // Nobody watches the category.
                contact.category_id = contact.category_id % 4 + 1;
                self.save_contact(contact, by);
            }
            _ => {
                let renamed = contact.name.strip_suffix(" Gruppe").map(str::to_owned);
                contact.name = renamed.unwrap_or_else(|| format!("{} Gruppe", contact.name));
                self.save_contact(contact, by);
            }
        }
    }
}

const NEW_PEOPLE: [(&str, &str, &str); 6] = [
    ("Femke", "Osterroth", "Leiterin Einkauf"),
    ("Jannis", "Wiebrecht", "Produktionsleiter"),
    ("Malin", "Hollenstedt", "Head of Operations"),
    ("Arvid", "Brunkhorst", "IT-Leiter"),
    ("Carlotta", "Veithen", "Geschäftsführerin"),
    ("Ruben", "Stadelhof", "Facility Manager"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::seed::Setup;

    #[test]
    fn small_changes_are_believable_and_made_by_colleagues() {
        let (world, _errands) =
            World::new(Setup::new(crate::story::story(24, 1), 8081, &crate::Options::default()));
        let people = world.with(|state| state.persons.len());
        (0..40).for_each(|turn| world.with(|state| state.small_change(turn)));

        assert_eq!(world.with(|state| state.persons.len()), people + 10);
        let writes = world.writes();
        assert_eq!(writes.len(), 30);
        let owners = world.associates();
        for write in writes {
            let author = owners.iter().find(|associate| associate.id == write.by.associate).unwrap();
            assert!(!write.by.ours && !author.api_user);
            assert!(["Name", "Phones", "Category"].contains(&write.fields[0].name.as_str()), "{write:?}");
        }
    }
}
