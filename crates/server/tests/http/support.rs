//! A server on a real database with a clock that stands still, and a day's worth of plainly fictional events.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use connector_domain::clock::{Clock, FixedClock};
use connector_domain::event::{Changes, Event, EventKind};
use connector_domain::field::{Definition, Definitions, Kind, Target, Value};
use connector_domain::fingerprint::{Fingerprint, Stage};
use connector_domain::ids::{AssociateId, ContactId, EventId, JobId, PersonId, RecordRef, TenantId};
use connector_domain::job::Settlement;
use connector_domain::patch::{FieldWrite, Patch};
use connector_domain::policy::{Associate, Policy, Scope};
use connector_domain::profile::{Claim, Evidence, Language, Profile, VerticalClaim};
use connector_domain::reason::Reason;
use connector_domain::vertical::VerticalId;
use connector_server::{App, Badge, Canary, Gate, Part, PartState, Roles, router};
use connector_store::Store;
use connector_store::accounts::{Facts, KeptProfile};
use connector_store::inbox::{Accepted, Content, Delivery};
use connector_store::journal::{Resolution, Step, WriteState};
use connector_store::queue::Lease;
use connector_store::sqlite::{Options, SqliteStore};
use http::header::{HOST, HeaderValue};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tower::ServiceExt;

pub(crate) const TOKEN: &str = "let me in";
pub(crate) const SECRET: &str = "between us";

pub(crate) fn noon() -> Timestamp {
    "2026-05-04T12:00:00Z".parse().unwrap()
}

pub(crate) fn tenant() -> TenantId {
    "Cust12345".into()
}

/// A server without a socket.
pub(crate) struct House {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) health: watch::Sender<Arc<Vec<Part>>>,
    pub(crate) canary: Canary,
    policy: watch::Sender<Arc<Policy>>,
    definitions: watch::Sender<Arc<Definitions>>,
    _folder: tempfile::TempDir,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::at(Arc::new(FixedClock::at(noon())))
    }

    pub(crate) fn at(clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("store.db"), &Options::default()).unwrap();
        Self {
            store: Arc::new(store),
            clock,
            health: watch::Sender::new(Arc::new(healthy())),
            canary: Canary::default(),
            policy: watch::Sender::new(Arc::new(policy())),
            definitions: watch::Sender::new(Arc::new(definitions())),
            _folder: folder,
        }
    }

    /// With the day's events in it.
    pub(crate) async fn lived_in() -> Self {
        let house = Self::new();
        a_day(&*house.store, noon()).await;
        house
    }

    pub(crate) fn app(&self) -> App {
        App {
            tenant: tenant(),
            inbox: self.store.clone(),
            queue: self.store.clone(),
            accounts: self.store.clone(),
            journal: self.store.clone(),
            retention: self.store.clone(),
            settings: self.store.clone(),
            clock: self.clock.clone(),
            gate: Gate::new(&TOKEN.into(), Vec::new()),
            tenant_state: None,
            sweeps: None,
            policy: self.policy.subscribe(),
            definitions: self.definitions.subscribe(),
            health: self.health.subscribe(),
            canary: self.canary.clone(),
            instruments: Vec::new(),
            roles: Roles { receive: true, work: true, dashboard: true },
            badge: Badge::Development,
            crm_link: Some("https://crm.example/Cust12345/default.aspx?contact_id={}".into()),
            body_limit: 1 << 20,
            version: "0.1.0",
            bench: false,
        }
    }

    pub(crate) fn router(&self) -> Router {
        router(self.app())
    }

    pub(crate) async fn get(&self, address: &str) -> Answer {
        send(self.router(), Request::get(address).body(Body::empty()).unwrap()).await
    }
}

/// A response, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.body))
    }
}

/// Sends a request to the server, by the name of this machine unless it says another one.
pub(crate) async fn send(router: Router, mut request: Request<Body>) -> Answer {
    request.headers_mut().entry(HOST).or_insert(HeaderValue::from_static("localhost"));
    send_as_is(router, request).await
}

pub(crate) async fn send_as_is(router: Router, request: Request<Body>) -> Answer {
    let response: Response = router.oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: head.status, headers: head.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

pub(crate) fn part(name: &str, state: PartState, words: &str, remedy: Option<&str>) -> Part {
    Part { name: name.into(), state, words: words.into(), remedy: remedy.map(str::to_owned) }
}

fn healthy() -> Vec<Part> {
    vec![
        part("SuperOffice", PartState::Ok, "Answers in 80 ms; the token is good for 41 min.", None),
        part("Webhook", PartState::Ok, "Active; no error in a row.", None),
        part("Explorer", PartState::Ok, "Built in, without a model.", None),
        part("Database", PartState::Ok, "A commit takes 2 ms.", None),
    ]
}

pub(crate) fn policy() -> Policy {
    let associate = |id, short: &str, full: &str| {
        let id = AssociateId(id);
        (id, Associate { id, short_name: short.into(), full_name: full.into() })
    };
    Policy {
        own_associate: Some(AssociateId(528)),
        scope: Scope::parse("12, KARI"),
        associates: [
            associate(12, "MHOLM", "Mads Holm"),
            associate(15, "KARI", "Kari Nordmo"),
            associate(19, "JENSS", "Jens Sommer"),
        ]
        .into(),
        rest: SignedDuration::ZERO,
        ..Policy::default()
    }
}

pub(crate) fn definitions() -> Definitions {
    let items = [(1613, "Maschinen- und Anlagenbau".to_owned()), (1614, "Logistik".to_owned())];
    let definition = |(at, target): (usize, &Target)| {
        let kind = match target {
            Target::Vertical => Kind::List { items: items.clone().into() },
            _ => Kind::Text { max: 199 },
        };
        let definition = Definition {
            target: *target,
            prog_id: format!("SuperOffice:{}", at + 1).as_str().into(),
            label: target.label().into(),
            kind,
            read_only: false,
            drift: None,
        };
        (*target, definition)
    };
    Definitions(Target::ALL.iter().enumerate().map(definition).collect())
}

/// One of each thing that can happen, within the two hours before `now`.
pub(crate) async fn a_day(store: &dyn Store, now: Timestamp) {
    let minutes = |minutes: i64| now - SignedDuration::from_mins(minutes);
    let day = Day { store };

    let gone = day.created(23, minutes(110)).await;
    day.named(23, "Ulvsund Verft (nedlagt)", Some((19, "JENSS", "Jens Sommer")), None, true, minutes(110))
        .await;
    day.skipped(&gone, Reason::Deleted, "404 Not Found", minutes(109)).await;

    let silent = day.created(22, minutes(90)).await;
    day.named(22, "Steinbruch Ellerbek e.K.", Some((12, "MHOLM", "Mads Holm")), None, false, minutes(90))
        .await;
    day.skipped(&silent, Reason::NoWebsite, "the company has no web address", minutes(89)).await;

    let failed = day.created(21, minutes(60)).await;
    day.named(
        21,
        "Brandholt Logistik GmbH",
        Some((15, "KARI", "Kari Nordmo")),
        Some("www.brandholt.example"),
        false,
        minutes(60),
    )
    .await;
    let settlement = Settlement::Failed {
        error: "SuperOffice refused the write: 403 Forbidden on userdef_id".into(),
        remedy: "Give the role write access to the field, then retry.".into(),
        fingerprint: Fingerprint::of(
            Stage::WriteBack,
            "SuperOffice refused the write: 403 Forbidden on userdef_id",
        ),
    };
    day.settle(&failed, settlement, Vec::new(), minutes(58)).await;

    let held = day.created(20, minutes(40)).await;
    day.named(
        20,
        "Kirsebærlund Bygg AS",
        Some((12, "MHOLM", "Mads Holm")),
        Some("kirsebaerlund.example"),
        false,
        minutes(40),
    )
    .await;
    store.keep_profile(&tenant(), ContactId(20), kept("kirsebaerlund.example", minutes(39))).await.unwrap();
    let settlement =
        Settlement::Held { reason: Reason::DryRun, words: "would write 4 fields to contact 20".into() };
    day.settle(&held, settlement, Vec::new(), minutes(39)).await;

    day.noise(18, minutes(31)).await;
    let written = day.created(18, minutes(9)).await;
    day.named(
        18,
        "Falkenried Pumpen GmbH",
        Some((12, "MHOLM", "Mads Holm")),
        Some("https://www.falkenried-pumpen.example/"),
        false,
        minutes(9),
    )
    .await;
    day.wrote(&written, minutes(8)).await;
    day.person(31, 18, minutes(8)).await;
    day.echo(18, minutes(6)).await;

    let again = day.created(24, minutes(4)).await;
    day.named(
        24,
        "Nordlys Kjøling AS",
        Some((15, "KARI", "Kari Nordmo")),
        Some("nordlys-kjoling.example"),
        false,
        minutes(4),
    )
    .await;
    let settlement = Settlement::Again {
        at: now + SignedDuration::from_mins(2),
        error: "SuperOffice asks us to slow down (429)".into(),
        counts: true,
    };
    day.settle(&again, settlement, Vec::new(), minutes(3)).await;

    day.created(25, minutes(1)).await;
    day.event(90213, "contact.created", &[], Some(15), now - SignedDuration::from_secs(12)).await;
}

struct Day<'a> {
    store: &'a dyn Store,
}

impl Day<'_> {
    async fn event(&self, id: i64, name: &str, changes: &[&str], by: Option<i64>, at: Timestamp) -> Accepted {
        let event_id = EventId(format!("{name}-{id}-{}", at.as_second()));
        self.accept(event_id, name, RecordRef::contact(ContactId(id)), Some(ContactId(id)), changes, by, at)
            .await
    }

    #[expect(clippy::too_many_arguments, reason = "what a delivery says, in one line each")]
    async fn accept(
        &self,
        id: EventId,
        name: &str,
        record: RecordRef,
        account: Option<ContactId>,
        changes: &[&str],
        by: Option<i64>,
        at: Timestamp,
    ) -> Accepted {
        let (_, kind) = EventKind::parse(name);
        assert!(matches!(kind, EventKind::Created | EventKind::Changed));
        let event = Event {
            tenant: tenant(),
            id: id.clone(),
            name: name.into(),
            kind,
            record: Some(record),
            account,
            owner: None,
            changed_by: by.map(AssociateId),
            changes: Changes::of(changes),
            at: Some(at),
        };
        let body = format!("{{\"EventId\":\"{id}\"}}").into();
        let delivery =
            Delivery { tenant: tenant(), id, body, content: Content::Event(event), received_at: at };
        self.store.accept(delivery, Arc::new(policy())).await.unwrap()
    }

    /// A new company, already in the hands of a worker.
    async fn created(&self, id: i64, at: Timestamp) -> Lease {
        let columns = ["contact_id", "name", "urladdress"];
        let accepted = self.event(id, "contact.created", &columns, Some(15), at).await;
        assert!(matches!(accepted, Accepted::New(_)), "{accepted:?}");
        self.lease(at).await
    }

    async fn lease(&self, at: Timestamp) -> Lease {
        let ttl = SignedDuration::from_hours(24);
        self.store.lease("worker 3", 1, ttl, at).await.unwrap().pop().expect("the job is due")
    }

    /// A change of a column that nobody watches.
    async fn noise(&self, id: i64, at: Timestamp) {
        let accepted = self.event(id, "contact.changed", &["category_idx", "updated"], Some(12), at).await;
        assert_eq!(accepted, Accepted::Skipped(Reason::NothingWatched));
    }

    async fn named(
        &self,
        id: i64,
        name: &str,
        owner: Option<(i64, &str, &str)>,
        website: Option<&str>,
        deleted: bool,
        at: Timestamp,
    ) {
        let facts = Facts {
            name: Some(name.into()),
            owner_id: owner.map(|owner| owner.0),
            owner_short: owner.map(|owner| owner.1.into()),
            owner_full: owner.map(|owner| owner.2.into()),
            website: website.map(str::to_owned),
            deleted,
            nameless: false,
        };
        let window = SignedDuration::from_mins(5);
        self.store.learn(&tenant(), ContactId(id), facts, None, window, at).await.unwrap();
    }

    async fn skipped(&self, lease: &Lease, reason: Reason, words: &str, at: Timestamp) {
        self.settle(lease, Settlement::Skipped { reason, words: words.into() }, Vec::new(), at).await;
    }

    async fn settle(&self, lease: &Lease, settlement: Settlement, done: Vec<Resolution>, at: Timestamp) {
        let record = lease.job.record;
        let step = |seconds, stage: &str, words: String| Step {
            at: at - SignedDuration::from_millis(seconds),
            attempt: lease.job.attempts,
            stage: stage.into(),
            words,
        };
        let mut steps = vec![
            step(2_420, "filter", format!("{record} is worth a look")),
            step(1_900, "fetch", format!("read {record}, the name is known")),
        ];
        if let Settlement::Completed { words } = &settlement {
            steps.push(step(700, "explore", "read 3 pages in 1.2 s, 5 quotes".into()));
            steps.push(step(40, "write_back", words.clone()));
        }
        self.store.settle(lease, settlement, done, steps, at).await.unwrap();
    }

    async fn wrote(&self, lease: &Lease, at: Timestamp) {
        let profile = kept("falkenried-pumpen.example", at);
        let claims = &profile.profile;
        let text = |claim: &Option<Claim>| Value::Text(claim.as_ref().unwrap().text.clone());
        let old = Value::Text("Pumpenbau".into());
        let fields = [
            (Target::Vertical, Value::Empty, Value::Item(1613)),
            (Target::Summary, old, text(&claims.summary)),
            (Target::OpenerPrimary, Value::Empty, text(&claims.opener_primary)),
            (Target::OpenerSecondary, Value::Empty, text(&claims.opener_secondary)),
        ];
        self.store.keep_profile(&tenant(), ContactId(18), profile).await.unwrap();
        let done = self.write(lease, &fields, at).await;
        let words = "wrote 4 fields to contact 18".into();
        self.settle(lease, Settlement::Completed { words }, done, at).await;
    }

    async fn write(
        &self,
        lease: &Lease,
        fields: &[(Target, Value, Value)],
        at: Timestamp,
    ) -> Vec<Resolution> {
        let definitions = definitions();
        let writes = fields.iter().map(|(target, before, after)| FieldWrite {
            target: *target,
            prog_id: definitions.get(*target).unwrap().prog_id.clone(),
            before: before.clone(),
            after: after.clone(),
        });
        let patch = Patch { record: lease.job.record, writes: writes.collect() };
        let write = self.store.intend(lease, &patch, at).await.unwrap().expect("the lease holds");
        vec![Resolution { write, state: WriteState::Done, words: None, stands: None }]
    }

    async fn person(&self, id: i64, account: i64, at: Timestamp) {
        let (record, account) = (RecordRef::person(PersonId(id)), Some(ContactId(account)));
        let event_id = EventId(format!("person-{id}"));
        self.accept(event_id, "person.changed", record, account, &["title"], Some(12), at).await;
        let lease = self.lease(at).await;
        let bridge = "In der Instandhaltung zählt jede Stunde, in der die Pumpe nicht steht.";
        let fields = [
            (Target::Bridge, Value::Empty, Value::Text(bridge.into())),
            (Target::Subject, Value::Empty, Value::Text("Weniger Stillstand".into())),
        ];
        let done = self.write(&lease, &fields, at).await;
        self.settle(&lease, Settlement::Completed { words: "wrote 2 fields to person 31".into() }, done, at)
            .await;
    }

    /// Our own write comes back.
    async fn echo(&self, id: i64, at: Timestamp) {
        let accepted = self.event(id, "contact.changed", &["updated", "userdef_id"], Some(528), at).await;
        assert_eq!(accepted, Accepted::Skipped(Reason::OwnWrite));
    }
}

fn kept(host: &str, at: Timestamp) -> KeptProfile {
    let evidence = |id: &str, page: &str, quote: &str| Evidence {
        id: id.into(),
        url: format!("https://{host}/{page}"),
        kind: "paragraph".into(),
        quote: quote.into(),
    };
    let claim = |text: &str, cites: &[&str]| {
        Some(Claim { text: text.into(), cites: cites.iter().map(|id| (*id).into()).collect() })
    };
    let profile = Profile {
        vertical: Some(VerticalClaim {
            id: VerticalId("mechanical_engineering".into()),
            confidence: 0.86,
            cites: vec!["e1".into()],
        }),
        summary: claim(
            "Fertigt Pumpen für Chemie und Lebensmittel in Kiel, seit 1974, mit eigener Gießerei.",
            &["e1", "e2"],
        ),
        opener_primary: claim("Ihre eigene Gießerei in Kiel ist im Pumpenbau selten geworden.", &["e2"]),
        opener_secondary: claim("Pumpen, die seit 1974 in der Chemie laufen, sprechen für sich.", &["e1"]),
        evidence: vec![
            evidence("e1", "", "Seit 1974 fertigen wir Pumpen für die Chemie und die Lebensmittelindustrie."),
            evidence("e2", "werk", "Unsere Gießerei steht in Kiel, auf demselben Hof wie die Montage."),
        ],
        language: Language::De,
        engine: "offline@1".into(),
        taxonomy: "verticals@1".into(),
        explored_at: at,
        warnings: Vec::new(),
    };
    KeptProfile { profile, key: host.into(), at, persons_due: false }
}

/// The job of an account's latest work.
pub(crate) async fn latest_job(house: &House, account: i64) -> JobId {
    use connector_store::Queue as _;

    let filter =
        connector_store::queue::JobFilter { account: Some(ContactId(account)), ..Default::default() };
    let page = connector_store::page::PageRequest::default();
    house.store.jobs(&tenant(), &filter, &page).await.unwrap().items[0].id
}
