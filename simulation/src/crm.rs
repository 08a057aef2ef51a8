//! A compact CRM: companies and persons with fields, a log of every change, and people who make changes of their own.
//!
//! What stands here is the truth of the world; [`port`] is how the product reaches it, and what may go wrong on the way.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use connector_domain::account::{Account, Owner, Person};
use connector_domain::field::{Definition, Definitions, Fields, Kind, Target, Value};
use connector_domain::ids::{AssociateId, ContactId, Entity, PersonId, ProgId, RecordRef};
use connector_domain::patch::Patch;
use connector_domain::policy::Associate;
use connector_domain::profile::Language;
use connector_domain::sweep::Columns;
use connector_domain::vertical::Vertical;
use jiff::Timestamp;
use tokio::sync::Notify;

use crate::world::World;

mod lists;
pub mod port;

/// The user that the product's calls are made as.
pub const OWN: AssociateId = AssociateId(528);
/// The users there are beside it.
pub const USERS: [i64; 4] = [5, 6, 7, 8];

/// The one of them who is out of scope, when only some are in.
pub const OUT_OF_SCOPE: i64 = 8;

/// One company.
#[derive(Debug, Clone)]
pub struct Contact {
    /// Its name.
    pub name: String,
    /// Its web address.
    pub website: Option<String>,
    /// Its owner.
    pub owner: i64,
    /// Whether it is gone.
    pub deleted: bool,
}

/// One person.
#[derive(Debug, Clone)]
pub struct Human {
    /// The company.
    pub contact: i64,
    /// The job title.
    pub title: String,
}

/// Who put a value where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The product.
    Us,
    /// A person.
    Someone(i64),
}

/// A field of a record.
#[derive(Debug, Clone)]
pub struct Cell {
    /// What stands there.
    pub value: Value,
    /// Who put it there.
    pub by: By,
}

/// One change of a record, as the CRM's own log has it.
#[derive(Debug, Clone)]
pub struct Change {
    /// Its number.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// The record.
    pub record: RecordRef,
    /// Who made it.
    pub by: i64,
    /// The columns, as a webhook tells them.
    pub columns: Vec<&'static str>,
    /// Whether it made the record.
    pub created: bool,
    /// Whether the product made it.
    pub ours: bool,
}

/// All there is in the CRM.
pub struct Model {
    /// Companies.
    pub contacts: BTreeMap<i64, Contact>,
    /// Persons.
    pub persons: BTreeMap<i64, Human>,
    /// What stands in the fields.
    pub cells: BTreeMap<(RecordRef, Target), Cell>,
    /// Values that the product ever sent, by field.
    pub sent: BTreeMap<(RecordRef, Target), Vec<Value>>,
    /// Records whose fields a person ever touched.
    pub touched: BTreeSet<RecordRef>,
    /// Changes of which no webhook has told yet.
    pub untold: VecDeque<Change>,
    /// The newest change of each record that is worth work, by its number.
    pub newest: BTreeMap<RecordRef, u64>,
    /// How many writes of ours were done, by record.
    pub written: BTreeMap<RecordRef, u64>,
    /// When our last write to each record was done.
    pub written_at: BTreeMap<RecordRef, Timestamp>,
    /// When each record was changed last, as lists show it.
    stamps: BTreeMap<RecordRef, lists::Stamp>,
    /// When somebody else than us changed each record last, by its stamp.
    pub changed_at: BTreeMap<RecordRef, Timestamp>,
    /// What stood in each record after each of its changes, as lists show it.
    history: BTreeMap<RecordRef, Vec<(Timestamp, Columns)>>,
    /// Whether reading a record tells its version.
    pub versions: bool,
    /// What each process saw last of the companies: whether they were gone, and whose they were.
    judged: BTreeMap<(String, i64), Judged>,
    /// Whose read of a record is fresh enough to write from: spoilt by each request to write.
    looked: BTreeMap<(String, RecordRef), Look>,
    /// Until when each process was told to wait, and since when.
    told_to_wait: BTreeMap<String, (Timestamp, Timestamp)>,
    /// The companies' fields are locked for the time being.
    pub locked: bool,
    changes: u64,
    verticals: Vec<Vertical>,
    bell: Arc<Notify>,
}

/// What the last read of a record brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Readable,
    Garbage,
}

/// What a company was when it was read last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Judged {
    deleted: bool,
    owner: i64,
}

/// The CRM, shared by all who reach it.
#[derive(Clone)]
pub struct Crm {
    model: Arc<Mutex<Model>>,
    /// Rings when there is something to tell.
    pub bell: Arc<Notify>,
}

impl Crm {
    /// An empty one.
    pub fn new(verticals: Vec<Vertical>) -> Self {
        let bell = Arc::<Notify>::default();
        let model = Arc::new(Mutex::new(Model {
            bell: Arc::clone(&bell),
            contacts: BTreeMap::new(),
            persons: BTreeMap::new(),
            cells: BTreeMap::new(),
            sent: BTreeMap::new(),
            touched: BTreeSet::new(),
            untold: VecDeque::new(),
            newest: BTreeMap::new(),
            written: BTreeMap::new(),
            written_at: BTreeMap::new(),
            stamps: BTreeMap::new(),
            changed_at: BTreeMap::new(),
            history: BTreeMap::new(),
            versions: false,
            judged: BTreeMap::new(),
            looked: BTreeMap::new(),
            told_to_wait: BTreeMap::new(),
            locked: false,
            changes: 0,
            verticals,
        }));
        Self { model, bell }
    }

    /// The whole of it.
    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The item of the CRM's list that stands for a vertical.
fn item(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(0) + 1601
}

impl Model {
    /// The fields there are.
    pub fn definitions(&self) -> Definitions {
        let items = self.verticals.iter().enumerate();
        let items: BTreeMap<i64, String> = items
            .filter_map(|(index, vertical)| Some((item(index), vertical.labels.get(&Language::De)?.clone())))
            .collect();
        let field = |(index, target): (usize, &Target)| {
            let kind = match target {
                Target::Vertical => Kind::List { items: items.clone() },
                _ => Kind::Text { max: 199 },
            };
            let definition = Definition {
                target: *target,
                prog_id: ProgId(format!("SuperOffice:{index}")),
                label: target.label().into(),
                kind,
                read_only: self.locked && target.entity() == Entity::Contact,
                drift: None,
            };
            (*target, definition)
        };
        Definitions(Target::ALL.iter().enumerate().map(field).collect())
    }

    /// The item for a vertical's place in the list.
    pub fn vertical(&self, index: usize) -> Value {
        Value::Item(item(index % self.verticals.len().max(1)))
    }

    /// How many verticals there are.
    pub fn vertical_count(&self) -> usize {
        self.verticals.len()
    }

    /// The vertical at a place in the list.
    pub fn vertical_at(&self, index: usize) -> Option<&Vertical> {
        self.verticals.get(index)
    }

    /// Who is who.
    pub fn associates() -> Vec<Associate> {
        let one = |id: i64| Associate {
            id: AssociateId(id),
            short_name: format!("U{id}"),
            full_name: format!("User {id}"),
        };
        USERS.iter().copied().chain([OWN.0]).map(one).collect()
    }

    fn value(&self, record: RecordRef, target: Target) -> Value {
        self.cells.get(&(record, target)).map_or(Value::Empty, |cell| cell.value.clone())
    }

    /// The fields of a record, as they stand.
    pub fn fields(&self, record: RecordRef, definitions: &Definitions) -> Fields {
        let mut fields = Fields::default();
        for definition in definitions.of(record.entity) {
            let value = self.value(record, definition.target);
            fields.raw.insert(definition.target, raw(&value));
            fields.values.insert(definition.target, value);
        }
        fields.version = self.version(record).filter(|_| self.versions);
        fields
    }

    fn account(&self, id: i64, definitions: &Definitions) -> Option<Account> {
        let contact = self.contacts.get(&id)?;
        Some(Account {
            id: ContactId(id),
            name: contact.name.clone(),
            department: String::new(),
            org_number: String::new(),
            website: contact.website.clone(),
            email_domains: Vec::new(),
            country: Some("DE".into()),
            owner: Some(Owner { id: AssociateId(contact.owner), short_name: None, full_name: None }),
            deleted: contact.deleted,
            fields: self.fields(RecordRef::contact(ContactId(id)), definitions),
        })
    }

    fn person(&self, id: i64, definitions: &Definitions) -> Option<Person> {
        let human = self.persons.get(&id)?;
        Some(Person {
            id: PersonId(id),
            contact: Some(ContactId(human.contact)),
            title: human.title.clone(),
            position: String::new(),
            retired: false,
            consent_withdrawn: false,
            fields: self.fields(RecordRef::person(PersonId(id)), definitions),
        })
    }

    /// The account that a record belongs to.
    pub fn account_of(&self, record: RecordRef) -> i64 {
        match record.entity {
            Entity::Contact => record.id,
            Entity::Person => self.persons.get(&record.id).map_or(0, |human| human.contact),
        }
    }

    /// Notes a change, of which a webhook will tell.
    pub fn changed(
        &mut self,
        world: &World,
        record: RecordRef,
        by: By,
        columns: Vec<&'static str>,
        created: bool,
    ) -> u64 {
        self.changes += 1;
        let number = self.changes;
        let user = match by {
            By::Us => OWN.0,
            By::Someone(user) => user,
        };
        world.note(format!(
            "crm: {record} {} by {user}: {}",
            if created { "created" } else { "changed" },
            columns.join(",")
        ));
        let ours = by == By::Us;
        self.untold.push_back(Change { number, at: world.now(), record, by: user, columns, created, ours });
        self.bell.notify_one();
        self.stamp(record, world.now(), user);
        self.remember(record);
        if !ours {
            self.changed_at.insert(record, world.now());
            self.newest.insert(record, number);
        }
        number
    }

    /// A person puts a value into a field.
    pub fn put(&mut self, record: RecordRef, target: Target, value: Value, by: i64) {
        self.touched.insert(record);
        self.cells.insert((record, target), Cell { value, by: By::Someone(by) });
    }

    /// Does a write of ours, if what it is guarded by still stands. Says whether.
    fn apply(&mut self, world: &World, patch: &Patch, read: &Fields) -> bool {
        let record = patch.record;
        let guarded = patch.writes.iter().all(|write| {
            let expected = read.raw.get(&write.target).cloned().unwrap_or_else(|| raw(&write.before));
            expected == raw(&self.value(record, write.target))
        });
        if !guarded || !self.exists(record) {
            return false;
        }
        for write in &patch.writes {
            self.judge(world, record, write.target, &write.after);
        }
        for write in &patch.writes {
            let cell = Cell { value: write.after.clone(), by: By::Us };
            self.cells.insert((record, write.target), cell);
        }
        *self.written.entry(record).or_default() += 1;
        self.written_at.insert(record, world.now());
        let column = if record.entity == Entity::Contact { "contact_id" } else { "person_id" };
        self.changed(
            world,
            record,
            By::Us,
            vec![column, "updated", "updated_associate_id", "userdef_id"],
            false,
        );
        true
    }

    fn exists(&self, record: RecordRef) -> bool {
        match record.entity {
            Entity::Contact => self.contacts.get(&record.id).is_some_and(|contact| !contact.deleted),
            Entity::Person => self.persons.contains_key(&record.id),
        }
    }

    /// Whether a write of ours may do what it does to this field.
    fn judge(&self, world: &World, record: RecordRef, target: Target, after: &Value) {
        let Some(cell) = self.cells.get(&(record, target)) else { return };
        if cell.value.same_as(after) {
            world.violate("ONE", format!("{target} of {record} was written though it stood there"));
        }
        let is_ours = cell.value.is_empty()
            || cell.by == By::Us
            || self
                .sent
                .get(&(record, target))
                .is_some_and(|sent| sent.iter().any(|value| value.same_as(&cell.value)));
        if !is_ours {
            world.violate("HUMAN", format!("{target} of {record} was a person's own: {:?}", cell.value));
        }
    }
}

/// A value as the wire has it.
fn raw(value: &Value) -> String {
    match value {
        Value::Empty => String::new(),
        Value::Text(text) => text.clone(),
        Value::Item(0) => String::new(),
        Value::Item(id) => format!("[I:{id}]"),
    }
}
