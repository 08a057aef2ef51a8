//! What people do in the CRM: they make companies and persons, rename, move, edit our fields, and clear them.

use std::sync::Arc;
use std::time::Duration;

use connector_domain::field::{Target, Value};
use connector_domain::ids::{ContactId, PersonId, RecordRef};
use connector_faults::sometimes;

use crate::crm::{By, Contact, Crm, Human, OUT_OF_SCOPE, OWN, USERS};
use crate::explorer::name;
use crate::world::World;

const TEXTS: [Target; 3] = [Target::Summary, Target::OpenerPrimary, Target::OpenerSecondary];
const PERSON_TEXTS: [Target; 3] = [Target::Bridge, Target::SocialProof, Target::Subject];
const TITLES: [&str; 4] = ["Geschäftsführer", "Head of IT", "Einkauf", "Betriebsleiter"];

/// People, who make their changes one after the other.
pub struct People {
    world: Arc<World>,
    crm: Crm,
}

impl People {
    /// People of this CRM.
    pub fn new(world: Arc<World>, crm: Crm) -> Self {
        Self { world, crm }
    }

    /// What is there at the beginning, which the webhook tells as created.
    pub fn settle(&self) {
        let knobs = &self.world.knobs;
        for id in 1..=knobs.contacts {
            self.create(id);
        }
        for id in 1..=i64::from(knobs.poison).min(knobs.contacts - 1) {
            // The first company may be deadly, so poison begins with the second.
            self.world.state().poison.insert(RecordRef::contact(ContactId(id + 1)));
        }
        for id in 1..=knobs.persons {
            self.hire(id, 1 + id % knobs.contacts);
        }
    }

    fn create(&self, id: i64) {
        let website = (id % 5 != 0).then(|| format!("https://www.firma-{id}-0.example/"));
        let owner = USERS[usize::try_from(id % 4).unwrap_or(0)];
        let contact = Contact { name: name(id, 0), website, owner, deleted: false };
        let mut model = self.crm.model();
        model.contacts.insert(id, contact);
        let record = RecordRef::contact(ContactId(id));
        model.changed(&self.world, record, By::Someone(5), vec!["contact_id", "name", "associate_id"], true);
    }

    /// Makes edits for as long as things go wrong.
    pub async fn edit(&self) {
        let knobs = &self.world.knobs;
        let pause = u64::try_from(knobs.faulty_for.as_millis()).unwrap_or(0) / u64::from(knobs.edits.max(1));
        for edition in 1..=knobs.edits {
            tokio::time::sleep(Duration::from_millis(self.world.between(pause / 4, pause))).await;
            self.one(edition);
            if edition == knobs.edits / 2 {
                for more in 0..knobs.flurry {
                    self.on_one(edition * 100 + more);
                }
            }
        }
    }

    /// Makes companies while sweeps go on, each with a person, and soon changes them once more.
    pub async fn found(&self) {
        let knobs = &self.world.knobs;
        let newcomers = if knobs.sweeps { knobs.contacts % 4 } else { 0 };
        let pause = knobs.faulty_for / u32::try_from(newcomers + 1).unwrap_or(1);
        for nth in 1..=newcomers {
            tokio::time::sleep(pause).await;
            sometimes("company_founded");
            let id = knobs.contacts + nth;
            self.create(id);
            self.hire(knobs.persons + nth, id);
            // The pauses differ, so that some changes come before the first job has read it, and some behind it.
            for (seconds, edition) in [(1, 2), (5, 3), (20, 4)] {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                match (id + i64::from(edition)) % 3 {
                    0 => self.rename(id, edition, 6),
                    1 => self.move_website(id, edition, 6),
                    _ => self.noise(RecordRef::contact(ContactId(id)), 6),
                }
            }
        }
    }

    fn hire(&self, id: i64, contact: i64) {
        let title = TITLES[usize::try_from(id % 4).unwrap_or(0)].to_owned();
        let mut model = self.crm.model();
        model.persons.insert(id, Human { contact, title });
        let record = RecordRef::person(PersonId(id));
        model.changed(&self.world, record, By::Someone(5), vec!["person_id", "contact_id"], true);
    }

    /// Puts companies into the recycle bin, from the last on, each at some moment.
    pub async fn delete(&self) {
        let knobs = &self.world.knobs;
        let long = u64::try_from(knobs.faulty_for.as_millis()).unwrap_or(0);
        for nth in 0..i64::from(knobs.deletions).min(knobs.contacts - 1) {
            tokio::time::sleep(Duration::from_millis(self.world.between(0, long / 2))).await;
            sometimes("company_deleted");
            let id = knobs.contacts - nth;
            let mut model = self.crm.model();
            let Some(contact) = model.contacts.get_mut(&id) else { continue };
            contact.deleted = true;
            let record = RecordRef::contact(ContactId(id));
            let columns = vec!["contact_id", "updated", "updated_associate_id", "deleted"];
            model.changed(&self.world, record, By::Someone(6), columns, false);
        }
    }

    /// One edit of a flurry: all of them of one company.
    fn on_one(&self, edition: u32) {
        let id = 1 + i64::from(edition / 100) % self.world.knobs.contacts;
        self.rename(id, edition, 6);
    }

    /// Renames a company.
    pub fn rename(&self, id: i64, edition: u32, by: i64) {
        let mut model = self.crm.model();
        let Some(contact) = model.contacts.get_mut(&id) else { return };
        contact.name = name(id, edition);
        let record = RecordRef::contact(ContactId(id));
        let columns = vec!["contact_id", "updated", "updated_associate_id", "name"];
        model.changed(&self.world, record, By::Someone(by), columns, false);
    }

    /// One edit, of any kind.
    pub fn one(&self, edition: u32) {
        let world = &self.world;
        let id =
            i64::try_from(world.between(1, u64::try_from(world.knobs.contacts).unwrap_or(1))).unwrap_or(1);
        let record = RecordRef::contact(ContactId(id));
        let who = USERS[usize::try_from(world.between(0, 3)).unwrap_or(0)];
        let shared = world.knobs.shared_user && world.between(0, 2) == 0;
        match world.between(0, 11) {
            0..=2 => self.rename(id, edition, if shared { OWN.0 } else { who }),
            3 | 4 => self.move_website(id, edition, if shared { OWN.0 } else { who }),
            5 | 6 => {
                self.write_own_words(record, TEXTS[usize::try_from(edition % 3).unwrap_or(0)], edition, who);
            }
            7 => self.clear(record, TEXTS[usize::try_from(edition % 3).unwrap_or(0)], who),
            8 => self.choose_vertical(record, edition, who),
            9 => self.change_owner(id, who),
            // Where only some owners are in scope, they change more often.
            10 if world.knobs.scoped => self.change_owner(id, who),
            10 => self.noise(record, who),
            _ => self.person(edition, who),
        }
    }

    fn move_website(&self, id: i64, edition: u32, by: i64) {
        let mut model = self.crm.model();
        let Some(contact) = model.contacts.get_mut(&id) else { return };
        contact.website =
            (!edition.is_multiple_of(7)).then(|| format!("https://www.firma-{id}-{edition}.example/"));
        let record = RecordRef::contact(ContactId(id));
        model.changed(
            &self.world,
            record,
            By::Someone(by),
            vec!["contact_id", "updated", "urladdress"],
            false,
        );
    }

    fn write_own_words(&self, record: RecordRef, target: Target, edition: u32, by: i64) {
        let mut model = self.crm.model();
        model.put(record, target, Value::Text(format!("A person's own words, {edition}.")), by);
        model.changed(
            &self.world,
            record,
            By::Someone(by),
            vec!["contact_id", "updated", "userdef_id"],
            false,
        );
    }

    fn clear(&self, record: RecordRef, target: Target, by: i64) {
        let mut model = self.crm.model();
        model.put(record, target, Value::Empty, by);
        model.changed(
            &self.world,
            record,
            By::Someone(by),
            vec!["contact_id", "updated", "userdef_id"],
            false,
        );
    }

    fn choose_vertical(&self, record: RecordRef, edition: u32, by: i64) {
        let mut model = self.crm.model();
        let value = model.vertical(usize::try_from(edition).unwrap_or(0));
        model.put(record, Target::Vertical, value, by);
        model.changed(
            &self.world,
            record,
            By::Someone(by),
            vec!["contact_id", "updated", "userdef_id"],
            false,
        );
    }

    fn change_owner(&self, id: i64, owner: i64) {
        let mut model = self.crm.model();
        let Some(contact) = model.contacts.get_mut(&id) else { return };
        contact.owner = owner;
        let record = RecordRef::contact(ContactId(id));
        model.changed(
            &self.world,
            record,
            By::Someone(owner),
            vec!["contact_id", "updated", "associate_id"],
            false,
        );
        if !self.world.knobs.scoped || owner != OUT_OF_SCOPE {
            return;
        }
        // Whoever takes over a company tidies up its persons.
        let of_it = model.persons.iter_mut().find(|(_, human)| human.contact == id);
        let Some(person) = of_it.map(|(person, human)| {
            TITLES[usize::try_from(id % 4).unwrap_or(0)].clone_into(&mut human.title);
            RecordRef::person(PersonId(*person))
        }) else {
            return;
        };
        let columns = vec!["person_id", "updated", "title"];
        model.changed(&self.world, person, By::Someone(owner), columns, false);
    }

    /// A change that can alter nothing of ours; it is no reason to work.
    fn noise(&self, record: RecordRef, by: i64) {
        let mut model = self.crm.model();
        let (before, at) = (model.newest.get(&record).copied(), model.changed_at.get(&record).copied());
        model.changed(
            &self.world,
            record,
            By::Someone(by),
            vec!["contact_id", "updated", "category_idx"],
            false,
        );
        if let Some(before) = before {
            model.newest.insert(record, before);
            model.changed_at.extend(at.map(|at| (record, at)));
        }
    }

    fn person(&self, edition: u32, by: i64) {
        let persons = self.world.knobs.persons;
        if persons == 0 {
            return;
        }
        let id = 1 + i64::from(edition) % persons;
        let record = RecordRef::person(PersonId(id));
        let target = PERSON_TEXTS[usize::try_from(edition % 3).unwrap_or(0)];
        let column = if edition.is_multiple_of(2) {
            if let Some(human) = self.crm.model().persons.get_mut(&id) {
                TITLES[usize::try_from(edition % 4).unwrap_or(0)].clone_into(&mut human.title);
            }
            "title"
        } else {
            let words = Value::Text(format!("A person's own words, {edition}."));
            self.crm.model().put(record, target, words, by);
            "userdef_id"
        };
        let columns = vec!["person_id", "updated", column];
        self.crm.model().changed(&self.world, record, By::Someone(by), columns, false);
    }
}
