//! The tenant as plain data, behind one lock, with a handle that is cheap to clone.
//!
//! The lock is never held across an await. Whatever a change sets off (webhooks) is collected while the lock is
//! held and handed to the sender before it is released, so that deliveries start in the order of the changes.

pub(crate) mod accounts;
pub(crate) mod admin;
pub(crate) mod changes;
pub(crate) mod consent;
pub(crate) mod contact;
pub(crate) mod edit;
pub(crate) mod events;
pub(crate) mod lists;
pub(crate) mod person;
pub(crate) mod policy;
pub(crate) mod seed;
pub(crate) mod served;
pub(crate) mod tenant;
pub(crate) mod udf;
pub(crate) mod webhook;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};

use self::changes::Write;
use self::contact::Contact;
use self::lists::Lists;
use self::person::Person;
use self::policy::Policy;
use self::seed::Setup;
use self::served::RecordCall;
use self::tenant::Standing;
use self::udf::{Entity, UdfField};
use self::webhook::{Delivery, Webhook};
use crate::deliver::Parcel;
use crate::mishap::{Mishap, Mishaps};
use crate::routes::archive::Pages;
use crate::story::Expected;

/// A user of the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Associate {
    /// Its id.
    pub id: i64,
    /// Short name, such as `TJENS`.
    pub short_name: String,
    /// Full name.
    pub full_name: String,
    /// Its group.
    pub group_id: i64,
    /// Whether the connector signs in as this user.
    pub api_user: bool,
}

impl Associate {
    /// The person record behind the user. The emulator keeps the number only.
    pub(crate) fn person_id(&self) -> i64 {
        900_000 + self.id
    }

    /// First and last name.
    pub(crate) fn names(&self) -> (&str, &str) {
        self.full_name.split_once(' ').unwrap_or((&self.full_name, ""))
    }

    /// A plainly fictional address.
    pub(crate) fn email(&self) -> String {
        format!("{}@crm.example", self.short_name.to_ascii_lowercase())
    }
}

/// A group of associates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whether its associates' companies are to be enriched.
    pub in_scope: bool,
}

/// Which calls were served: method, route template and status.
pub(crate) type CallKey = (String, String, u16);

/// Everything that the tenant is, was asked and did.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) setup: Arc<Setup>,
    /// Grows with each reset, so that deliveries of an earlier world die quietly.
    pub(crate) generation: u64,
    /// How far the tenant's clock is ahead of the machine's.
    pub(crate) ahead: SignedDuration,
    /// Grows whenever something may have changed.
    pub(crate) revision: u64,
    /// The order of the rows of large lists that are read page by page.
    pub(crate) pages: RefCell<Pages>,
    pub(crate) context: String,
    pub(crate) policy: Policy,
    pub(crate) rng: fastrand::Rng,
    pub(crate) groups: Vec<Group>,
    pub(crate) associates: Vec<Associate>,
    /// The published fields: those that records have.
    pub(crate) udfs: Vec<UdfField>,
    /// The fields as an administrator sees them, published or not.
    pub(crate) udf_layout: Vec<UdfField>,
    /// Grows when fields are published; it renumbers the definitions.
    pub(crate) udf_version: i64,
    pub(crate) lists: Lists,
    pub(crate) contacts: BTreeMap<i64, Contact>,
    pub(crate) persons: BTreeMap<i64, Person>,
    pub(crate) persons_of: HashMap<i64, BTreeSet<i64>>,
    pub(crate) contact_of_slug: HashMap<String, i64>,
    pub(crate) next_contact: i64,
    pub(crate) next_person: i64,
    pub(crate) webhooks: BTreeMap<i64, Webhook>,
    pub(crate) next_webhook: i64,
    pub(crate) writes: Vec<Write>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) outbox: Vec<Parcel>,
    pub(crate) calls: BTreeMap<CallKey, u64>,
    pub(crate) record_calls: Vec<RecordCall>,
    pub(crate) website_hits: HashMap<String, u64>,
    pub(crate) mishaps: Mishaps,
    pub(crate) access: crate::login::Access,
    /// Where the API lives below the origin; changes when the tenant moves.
    pub(crate) home: String,
    /// Whether it can be used.
    pub(crate) standing: Standing,
}

impl State {
    /// The time by the tenant's clock, which stamps records and events. Sign-in goes by the machine's.
    pub(crate) fn now(&self) -> Timestamp {
        crate::clock::now() + self.ahead
    }

    pub(crate) fn short_name(&self, associate: i64) -> String {
        self.associate(associate).map_or_else(String::new, |found| found.short_name.clone())
    }

    pub(crate) fn associate(&self, id: i64) -> Option<&Associate> {
        self.associates.iter().find(|associate| associate.id == id)
    }

    /// The name of a list item as the API writes it; empty when there is none.
    pub(crate) fn item_name(&self, list: &str, id: i64) -> &str {
        let item = self.lists.items(list).iter().find(|item| item.id == id);
        item.map_or("", |item| item.written(self.policy.multi_language_lists))
    }

    pub(crate) fn api_user(&self) -> i64 {
        self.associates.iter().find(|associate| associate.api_user).map_or(0, |associate| associate.id)
    }

    pub(crate) fn in_scope(&self, owner: i64) -> bool {
        let group = self.associate(owner).map(|associate| associate.group_id);
        self.groups.iter().any(|known| Some(known.id) == group && known.in_scope)
    }

    pub(crate) fn udf_fields(&self, owner: Entity) -> impl Iterator<Item = &UdfField> {
        self.udfs.iter().filter(move |field| field.owner == owner)
    }

    /// A field by prog-id or label, in any case.
    pub(crate) fn udf_field(&self, owner: Entity, name: &str) -> Option<&UdfField> {
        self.udf_fields(owner).find(|field| {
            field.prog_id().eq_ignore_ascii_case(name) || field.label.eq_ignore_ascii_case(name)
        })
    }

    /// A field by prog-id alone, as the API's dictionaries know it.
    pub(crate) fn udf_by_prog_id(&self, owner: Entity, prog_id: &str) -> Option<&UdfField> {
        let any = self.policy.prog_ids_in_any_case;
        self.udf_fields(owner).find(|field| {
            let known = field.prog_id();
            known == prog_id || any && known.eq_ignore_ascii_case(prog_id)
        })
    }

    /// The people of a company that are not in the recycle bin.
    pub(crate) fn persons_at(&self, contact: i64) -> impl Iterator<Item = &Person> {
        self.persons_of
            .get(&contact)
            .into_iter()
            .flatten()
            .filter_map(|id| self.persons.get(id))
            .filter(|person| person.stamps.deleted.is_none())
    }

    /// All people of a company, in the recycle bin or not.
    pub(crate) fn all_persons_at(&self, contact: i64) -> impl Iterator<Item = &Person> {
        self.persons_of.get(&contact).into_iter().flatten().filter_map(|id| self.persons.get(id))
    }

    /// The webhooks that an application may see.
    pub(crate) fn webhooks_of(&self, application: &str) -> Vec<&Webhook> {
        let all = !self.policy.webhooks_by_application;
        self.webhooks.values().filter(|hook| all || hook.application == application).collect()
    }

    pub(crate) fn insert_contact(&mut self, contact: Contact) {
        if let Some(slug) = &contact.slug {
            self.contact_of_slug.insert(slug.clone(), contact.id);
        }
        self.contacts.insert(contact.id, contact);
    }

    pub(crate) fn insert_person(&mut self, person: Person) {
        self.remove_person(person.id);
        self.persons_of.entry(person.contact_id).or_default().insert(person.id);
        self.persons.insert(person.id, person);
    }

    pub(crate) fn remove_person(&mut self, id: i64) {
        if let Some(old) = self.persons.remove(&id)
            && let Some(ids) = self.persons_of.get_mut(&old.contact_id)
        {
            ids.remove(&id);
        }
    }

    /// A GUID from the seeded dice.
    pub(crate) fn guid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.rng.u128(..).to_be_bytes()).into_uuid().to_string()
    }

    /// Where the API lives, without `v1`.
    pub(crate) fn api_url(&self) -> String {
        format!("{}{}/{}/api", self.setup.origin, self.home, self.context)
    }

    pub(crate) fn expected(&self, contact: i64) -> Option<&Expected> {
        let slug = self.contacts.get(&contact)?.slug.as_deref()?;
        self.setup.company(slug).map(|company| &company.expected)
    }
}

/// A handle on the emulated tenant. Clones see the same tenant.
#[derive(Debug, Clone)]
pub struct World {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    parcels: mpsc::UnboundedSender<Parcel>,
    pending: watch::Sender<usize>,
}

impl World {
    pub(crate) fn new(setup: Setup) -> (Self, mpsc::UnboundedReceiver<Parcel>) {
        let (parcels, receiver) = mpsc::unbounded_channel();
        let state = Mutex::new(State::new(&Arc::new(setup), 0));
        let inner = Inner { state, parcels, pending: watch::Sender::new(0) };
        (Self { inner: Arc::new(inner) }, receiver)
    }

    /// Runs `act` under the lock, then hands over the deliveries that it set off.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        self.look(|state| {
            let result = act(state);
            state.revision += 1;
            result
        })
    }

    /// The same for what changes nothing that a list may show; lists that are read page by page stay in their order.
    pub(crate) fn look<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut state);
        for parcel in std::mem::take(&mut state.outbox) {
            self.inner.pending.send_modify(|count| *count += 1);
            if self.inner.parcels.send(parcel).is_err() {
                // Nobody delivers any more: the emulator has been stopped.
                self.errand_done();
            }
        }
        result
    }

    pub(crate) fn errand_done(&self) {
        self.inner.pending.send_modify(|count| *count = count.saturating_sub(1));
    }

    /// Whether no delivery is in flight or waiting for another attempt.
    pub fn deliveries_idle(&self) -> bool {
        *self.inner.pending.borrow() == 0
    }

    /// Waits until no delivery is in flight or waiting for another attempt.
    pub async fn settled(&self) {
        let mut pending = self.inner.pending.subscribe();
        // The sender lives in `self`, so the wait can only end by the count reaching zero.
        let _ = pending.wait_for(|count| *count == 0).await;
    }

    /// A company by id, also a deleted one that is still in the recycle bin.
    pub fn contact(&self, id: i64) -> Option<Contact> {
        self.with(|state| state.contacts.get(&id).cloned())
    }

    /// A person by id.
    pub fn person(&self, id: i64) -> Option<Person> {
        self.with(|state| state.persons.get(&id).cloned())
    }

    /// The ids of a company's people.
    pub fn persons_at(&self, contact: i64) -> Vec<i64> {
        self.with(|state| state.persons_at(contact).map(|person| person.id).collect())
    }

    /// Ids of all companies that are not deleted, in ascending order.
    pub fn contact_ids(&self) -> Vec<i64> {
        self.with(|state| {
            state.contacts.values().filter(|c| c.stamps.deleted.is_none()).map(|contact| contact.id).collect()
        })
    }

    /// The first company of this name.
    pub fn find_contact(&self, name: &str) -> Option<i64> {
        self.with(|state| {
            state.contacts.values().find(|contact| contact.name == name).map(|contact| contact.id)
        })
    }

    /// The contact that plays a company of the story.
    pub fn contact_of(&self, slug: &str) -> Option<i64> {
        self.with(|state| state.contact_of_slug.get(slug).copied())
    }

    /// How the story says that the enrichment of a company should end. `None` for companies outside the story.
    pub fn expected(&self, contact: i64) -> Option<Expected> {
        self.with(|state| state.expected(contact).cloned())
    }

    /// What a person would see in a user-defined field, by label or prog-id.
    pub fn udf(&self, entity: Entity, id: i64, name: &str) -> Option<String> {
        self.with(|state| {
            let field = state.udf_field(entity, name)?;
            let udfs = match entity {
                Entity::Contact => &state.contacts.get(&id)?.udfs,
                Entity::Person => &state.persons.get(&id)?.udfs,
            };
            let empty = field.empty();
            Some(field.shown(udfs.get(&field.identity).unwrap_or(&empty), &state.lists))
        })
    }

    /// The definitions of an entity's user-defined fields.
    pub fn udf_fields(&self, owner: Entity) -> Vec<UdfField> {
        self.with(|state| state.udf_fields(owner).cloned().collect())
    }

    /// All associates.
    pub fn associates(&self) -> Vec<Associate> {
        self.with(|state| state.associates.clone())
    }

    /// All registered webhooks.
    pub fn webhooks(&self) -> Vec<Webhook> {
        self.with(|state| state.webhooks.values().cloned().collect())
    }

    /// Every delivery so far, in the order in which the events were raised.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.with(|state| state.deliveries.clone())
    }

    /// Every saved change so far.
    pub fn writes(&self) -> Vec<Write> {
        self.with(|state| state.writes.clone())
    }

    /// How often a route was served with any status; `method` and `route` as `/_emulator/calls` shows them.
    pub fn calls(&self, method: &str, route: &str) -> u64 {
        self.with(|state| {
            let matching = state.calls.iter().filter(|((m, r, _), _)| m == method && r == route);
            matching.map(|(_, count)| count).sum()
        })
    }

    /// How often pages of a company's website were read.
    pub fn website_hits(&self, slug: &str) -> u64 {
        self.with(|state| state.website_hits.get(slug).copied().unwrap_or(0))
    }

    /// Lets something go wrong from now on.
    pub fn mishap(&self, mishap: Mishap) {
        self.with(|state| state.start(mishap));
    }

    /// Lets nothing go wrong any more; consent that was revoked is given again.
    pub fn clear_mishaps(&self) {
        self.with(State::clear_mishaps);
    }

    /// The switches as they stand.
    pub fn policy(&self) -> Policy {
        self.with(|state| state.policy.clone())
    }

    /// Changes switches.
    pub fn set_policy(&self, change: impl FnOnce(&mut Policy)) {
        self.with(|state| change(&mut state.policy));
    }

    /// Starts again as on the first day: same seed, same credentials, no webhooks, nothing changed yet.
    pub fn reset(&self) {
        self.with(|state| *state = State::new(&Arc::clone(&state.setup), state.generation + 1));
    }

    /// A secret-free moment of the tenant's clock, for callers that compare with stamps.
    pub fn now(&self) -> Timestamp {
        self.look(|state| state.now())
    }

    /// Moves the tenant's clock: what is changed from now on is stamped so much later, or earlier.
    pub fn move_clock(&self, by: SignedDuration) {
        self.with(|state| state.ahead += by);
    }
}
