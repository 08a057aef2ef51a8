//! What companies are, in a world where that follows from the name and the address; and an explorer that is slow, fails
//! and is away at times.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use connector_domain::ids::{ContactId, RecordRef};
use connector_domain::profile::{
    Claim, Company, Evidence, Explored, Language, Nothing, Profile, Room, VerticalClaim,
};
use connector_domain::vertical::Vertical;
use connector_explorer::{ExploreError, Explorer};
use connector_faults::sometimes;
use jiff::{SignedDuration, Timestamp};

use crate::world::{Life, World};

/// The name of a company: its number, and how often it was renamed.
pub fn name(id: i64, edition: u32) -> String {
    format!("Firma {id} Nr {edition} GmbH")
}

/// The number of the company that has this name.
fn number(name: &str) -> i64 {
    name.split(' ').nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// What a company is, as it would be found out.
pub fn truth(name: &str, website: Option<&str>, verticals: &[Vertical]) -> Explored {
    let Some(website) = website else { return Explored::Nothing(Nothing::NoWebsite) };
    let sum =
        website.bytes().chain(name.bytes()).fold(17_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
    if sum % 11 == 0 {
        return Explored::Nothing(Nothing::NoEvidence("the website says nothing".into()));
    }
    let at = usize::try_from(sum % verticals.len().max(1) as u64).unwrap_or(0);
    let claim = |text: String| Some(Claim { text, cites: vec!["q1".into()] });
    Explored::Profile(Box::new(Profile {
        vertical: verticals.get(at).map(|vertical| VerticalClaim {
            id: vertical.id.clone(),
            confidence: 0.9,
            cites: vec!["q1".into()],
        }),
        summary: claim(format!("{name} builds thing {}.", sum % 9973)),
        opener_primary: claim(format!("Thing {} is rare.", sum % 9973)),
        opener_secondary: claim(format!("{website} says so.")),
        evidence: vec![Evidence {
            id: "q1".into(),
            url: website.to_owned(),
            kind: "page".into(),
            quote: "We build things.".into(),
        }],
        language: Language::De,
        engine: "simulated@1".into(),
        taxonomy: "simulated".into(),
        explored_at: Timestamp::UNIX_EPOCH,
        warnings: Vec::new(),
    }))
}

/// One process's explorer.
pub struct Reader {
    world: Arc<World>,
    life: Arc<Life>,
    verticals: Arc<Vec<Vertical>>,
}

impl Reader {
    /// The explorer of this process.
    pub fn new(world: Arc<World>, life: Arc<Life>, verticals: Arc<Vec<Vertical>>) -> Self {
        Self { world, life, verticals }
    }
}

fn transient(cause: &str, retry_after: Option<i64>) -> ExploreError {
    ExploreError::Transient { cause: cause.into(), retry_after: retry_after.map(SignedDuration::from_secs) }
}

#[async_trait]
impl Explorer for Reader {
    fn engine(&self) -> String {
        "simulated@1".into()
    }

    async fn explore(&self, company: &Company, _: Room, _: Timestamp) -> Result<Explored, ExploreError> {
        let world = &self.world;
        let number = number(&company.name);
        let record = RecordRef::contact(ContactId(number));
        self.life.may_die(world).await;
        if !world.is_healed() {
            world.latency(world.knobs.explorer_latency).await;
        }
        tokio::time::sleep(Duration::from_millis(world.knobs.explorer_least)).await;
        self.life.may_die(world).await;
        if world.state().poison.contains(&record) {
            sometimes("poison");
            world.note(format!("explorer: {record} is poison"));
            return if number % 2 == 0 {
                Err(ExploreError::Refused { cause: "it is poison".into() })
            } else {
                Err(transient("it is poison", None))
            };
        }
        if world.is_out("explorer").is_some() {
            sometimes("explorer_outage");
            return Err(transient("the model is away", Some(30)));
        }
        if world.own_fault(record, world.knobs.explorer_errors) {
            sometimes("explorer_error");
            world.note(format!("explorer: error for {record}"));
            return Err(transient("the site does not answer", None));
        }
        if world.own_fault(record, world.knobs.explorer_panics) {
            sometimes("panic_in_an_attempt");
            world.note(format!("explorer: panics over {record}"));
            std::panic::panic_any(crate::MeantPanic);
        }
        Ok(truth(&company.name, company.website.as_deref(), &self.verticals))
    }
}
