//! How the tenant looks on its first day: users, fields and lists from the story, and the companies if asked for.
//!
//! Everything is derived from the setup, so that a reset gives the same world again.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::consent::{self, Consent};
use super::contact::{Address, Contact, Element};
use super::lists::{ListItem, Lists};
use super::person::Person;
use super::policy::Policy;
use super::tenant::Standing;
use super::udf::{Entity, FieldType, UdfField};
use super::{Associate, Group, State};
use crate::clock;
use crate::login::Access;
use crate::mishap::Mishaps;
use crate::story::{Company, Country, Story};

/// The story tenant's context identifier.
pub(crate) const CONTEXT: &str = "Cust10001";

/// The user-defined list of the field "Vertical".
const VERTICALS: i64 = 101;

/// What a world is made of. It never changes while the emulator runs.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) story: Story,
    pub(crate) seed: u64,
    pub(crate) populate: bool,
    /// `http://127.0.0.1:PORT`.
    pub(crate) origin: String,
    pub(crate) port: u16,
    pub(crate) token_life: Duration,
    pub(crate) retry_waits: [Duration; 2],
    pub(crate) crm_delay: Duration,
    pub(crate) fields: bool,
    by_slug: HashMap<String, usize>,
    by_country: HashMap<i64, usize>,
    by_host: HashMap<String, usize>,
    started: Timestamp,
}

impl Setup {
    pub(crate) fn new(story: Story, port: u16, options: &crate::Options) -> Self {
        let numbered = || story.companies.iter().enumerate();
        let by_slug = numbered().map(|(at, company)| (company.slug.clone(), at)).collect();
        let host = |(at, company): (usize, &Company)| {
            company.website.as_ref().map(|site| (site.host.to_ascii_lowercase(), at))
        };
        let by_host = numbered().rev().filter_map(host).collect();
        let by_country = numbered().rev().map(|(at, company)| (company.country.id, at)).collect();
        Self {
            by_slug,
            by_country,
            by_host,
            story,
            seed: options.seed,
            populate: options.populate,
            origin: format!("http://127.0.0.1:{port}"),
            port,
            token_life: options.token_life,
            retry_waits: options.retry_waits,
            crm_delay: options.crm_delay,
            fields: options.fields,
            started: clock::now(),
        }
    }

    pub(crate) fn company(&self, slug: &str) -> Option<&Company> {
        self.by_slug.get(slug).map(|&at| &self.story.companies[at])
    }

    /// What the story says of a country.
    pub(crate) fn country(&self, id: i64) -> Option<&Country> {
        self.by_country.get(&id).map(|&at| &self.story.companies[at].country)
    }

    /// The company whose website answers for the first label of a host name.
    pub(crate) fn company_at(&self, label: &str) -> Option<&Company> {
        self.by_host.get(&label.to_ascii_lowercase()).map(|&at| &self.story.companies[at])
    }

    /// The address of a website as somebody typed it into the CRM.
    pub(crate) fn website_url(&self, host: &str) -> String {
        format!("http://{host}.localhost:{}/", self.port)
    }
}

impl State {
    pub(crate) fn new(setup: &Arc<Setup>, generation: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(setup.seed);
        let access = Access::new(&mut rng, CONTEXT, setup);
        let story = &setup.story;
        let associate = |a: &crate::story::Associate| Associate {
            id: a.id,
            short_name: a.short_name.clone(),
            full_name: a.full_name.clone(),
            group_id: a.group_id,
            api_user: a.api_user,
        };
        let group = |g: &crate::story::Group| Group { id: g.id, name: g.name.clone(), in_scope: g.in_scope };
        let associates: Vec<Associate> = story.associates.iter().map(associate).collect();
        let mut state = Self {
            generation,
            ahead: SignedDuration::ZERO,
            revision: 0,
            pages: RefCell::default(),
            context: CONTEXT.to_owned(),
            policy: Policy::default(),
            rng,
            groups: story.groups.iter().map(group).collect(),
            lists: lists(story, &associates, setup.fields),
            associates,
            udf_layout: fields(setup.fields),
            udfs: fields(setup.fields),
            udf_version: 1,
            contacts: BTreeMap::new(),
            persons: BTreeMap::new(),
            persons_of: HashMap::new(),
            contact_of_slug: HashMap::new(),
            next_contact: 1,
            next_person: 1,
            webhooks: BTreeMap::new(),
            next_webhook: 1,
            writes: Vec::new(),
            deliveries: Vec::new(),
            outbox: Vec::new(),
            calls: BTreeMap::new(),
            record_calls: Vec::new(),
            website_hits: HashMap::new(),
            mishaps: Mishaps::default(),
            access,
            home: String::new(),
            standing: Standing::default(),
            setup: Arc::clone(setup),
        };
        if setup.populate {
            state.populate();
        }
        state
    }

    /// Puts the whole story into the CRM, as if it had been typed in over the last months. No webhook hears of it.
    fn populate(&mut self) {
        let setup = Arc::clone(&self.setup);
        let mut registered = setup.started - SignedDuration::from_hours(24 * 120);
        for company in &setup.story.companies {
            registered += SignedDuration::from_secs(97);
            let mut contact = self.contact_from(company, registered);
            contact.id = self.next_contact;
            contact.number2 = (10_000 + contact.id).to_string();
            self.next_contact += 1;
            for person in &company.persons {
                let mut person = self.person_from(person, contact.id, &contact, registered);
                person.id = self.next_person;
                self.next_person += 1;
                self.insert_person(person);
            }
            self.insert_contact(contact);
        }
    }

    /// A company of the story as its owner would type it in.
    pub(crate) fn contact_from(&self, company: &Company, at: Timestamp) -> Contact {
        let group = self.associate(company.owner).map_or(0, |owner| owner.group_id);
        let mut contact = Contact::blank(company.owner, group, company.country.id, at);
        contact.name.clone_from(&company.name);
        contact.department.clone_from(&company.department);
        contact.org_nr.clone_from(&company.org_number);
        contact.category_id = 1;
        contact.postal = Address { city: company.city.clone(), ..Address::default() };
        contact.street = contact.postal.clone();
        let url = company.website.as_ref().map(|site| self.setup.website_url(&site.host));
        contact.urls = url.iter().map(|url| Element::new(url)).collect();
        contact.slug = Some(company.slug.clone());
        contact
    }

    /// A person of the story as the owner of the company would type it in.
    pub(crate) fn person_from(
        &self,
        person: &crate::story::Person,
        contact_id: i64,
        contact: &Contact,
        at: Timestamp,
    ) -> Person {
        let mut typed = Person::blank(contact_id, contact.country_id, contact.owner, at);
        typed.first_name.clone_from(&person.first_name);
        typed.last_name.clone_from(&person.last_name);
        typed.title.clone_from(&person.title);
        let item =
            self.lists.items("perspos").iter().find(|item| Some(&item.name) == person.position.as_ref());
        typed.position_id = item.map_or(0, |item| item.id);
        if !person.email.is_empty() {
            typed.emails = vec![Element::new(&person.email)];
            typed.consents = Consent::first(&typed.last_name, contact.owner, at);
        }
        typed
    }
}

/// The user-defined fields of the story tenant: those for texts, when they are wanted, and some that people use for
/// themselves.
fn fields(for_texts: bool) -> Vec<UdfField> {
    let field = |owner, identity, label: &str, kind, text_length| UdfField {
        owner,
        identity,
        own_prog_id: String::new(),
        label: label.to_owned(),
        kind,
        text_length,
        list: (kind == FieldType::List).then_some(VERTICALS),
        read_only: false,
    };
    let own = ["Customer since", "Newsletter", "Score", "Nickname"];
    let mut all = vec![
        field(Entity::Contact, 1, "Vertical", FieldType::List, 0),
        field(Entity::Contact, 2, "Summary", FieldType::LongText, 199),
        field(Entity::Contact, 3, "Opener primary", FieldType::LongText, 199),
        field(Entity::Contact, 4, "Opener secondary", FieldType::LongText, 199),
        field(Entity::Contact, 5, "Customer since", FieldType::Date, 0),
        field(Entity::Contact, 6, "Newsletter", FieldType::Checkbox, 0),
        field(Entity::Contact, 7, "Score", FieldType::Number, 0),
        field(Entity::Person, 1, "Bridge", FieldType::LongText, 199),
        field(Entity::Person, 2, "Social proof", FieldType::LongText, 199),
        field(Entity::Person, 3, "Subject", FieldType::LongText, 120),
        field(Entity::Person, 4, "Nickname", FieldType::ShortText, 39),
    ];
    all.retain(|field| for_texts || own.contains(&field.label.as_str()));
    all
}

fn lists(story: &Story, associates: &[Associate], for_texts: bool) -> Lists {
    let mut lists = Lists::default();
    let numbered =
        |names: &[&str]| (1..).zip(names).map(|(id, name)| ListItem::new(id, name)).collect::<Vec<_>>();
    let extra = |a: &Associate| format!("person_id={}&contact_id=0", a.person_id());
    let user = |a: &Associate| ListItem {
        id: a.id,
        name: a.full_name.clone(),
        extra: extra(a),
        ..ListItem::new(0, "")
    };
    lists.set("associate", associates.iter().map(user).collect());
    lists.set("usergroup", story.groups.iter().map(|group| ListItem::new(group.id, &group.name)).collect());
    if for_texts {
        let verticals = story.vertical_items.iter().map(|item| ListItem::new(item.id, &item.name));
        lists.set(&format!("udlist{VERTICALS}"), verticals.collect());
        lists.name_own(VERTICALS, "Verticals", "");
    }
    lists.set("perspos", story.positions.iter().map(|item| ListItem::new(item.id, &item.name)).collect());
    lists.set(
        "category",
        several(&[
            ["", "Prospect", "Interessent"],
            ["", "Customer", "Kunde"],
            ["", "Partner", "Partner"],
            ["", "Supplier", "Lieferant"],
        ]),
    );
    lists.set(
        "business",
        several(&[
            ["", "Industry", "Industrie"],
            ["", "Trade", "Handel"],
            ["", "Services", "Dienstleistung"],
            ["", "Public sector", "Öffentliche Hand"],
        ]),
    );
    lists.set("consentpurpose", several(&consent::PURPOSES));
    lists.set("legalbase", several(&consent::LEGAL_BASES));
    lists.set("consentsource", several(&consent::SOURCES));
    lists.set("mrmrs", numbered(&["Herr", "Frau"]));
    lists.set("salutation", numbered(&["Dr.", "Prof."]));
    let mut countries = BTreeMap::from([
        (40, "Österreich"),
        (276, "Deutschland"),
        (578, "Norwegen"),
        (756, "Schweiz"),
        (826, "Vereinigtes Königreich"),
    ]);
    for company in &story.companies {
        countries.insert(company.country.id, &company.country.name);
    }
    lists.set("country", countries.into_iter().map(|(id, name)| ListItem::new(id, name)).collect());
    lists
}

/// Items of SuperOffice's own: key, English and German name. People here see the German one.
fn several(items: &[[&str; 3]]) -> Vec<ListItem> {
    let item = |(id, [key, english, german]): (i64, &[&str; 3])| ListItem {
        extra: (*key).to_owned(),
        stored: Some(crate::language::stored(&[("US", english), ("GE", german)])),
        ..ListItem::new(id, german)
    };
    (1..).zip(items).map(item).collect()
}
