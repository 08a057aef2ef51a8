//! Discovery instead of configuration: who we are, who is who, which fields there are.
//!
//! What is found is published to everybody who needs it, and kept, so that a restart can filter at the door before the
//! CRM has answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use connector_domain::drift::KnownFields;
use connector_domain::field::{Definition, Definitions, Target};
use connector_domain::ids::AssociateId;
use connector_domain::policy::{Associate, Policy};
use connector_domain::reason::Reason;
use connector_faults::{Bug, Point, planted, reach};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use crate::crm::{CrmError, Finding};
use crate::ports::Ports;
use crate::status::{Condition, Part};

const HELP_DRIFT: &str =
    "make the field in SuperOffice what it was, or say that it is right with `so-connector fields accept`";

/// Where what was found is kept.
const KEPT_AS: &str = "discovered";

/// How soon to read again what the database did not tell at a start.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// A start does not wait for longer than twice this.
const LAST_WAIT: Duration = Duration::from_secs(30);
/// How soon to read again what another process may find while it is not known who we are, and once it is.
const UNKNOWN_WAIT: Duration = Duration::from_millis(500);
const KNOWN_WAIT: Duration = Duration::from_secs(15);

/// Which field of the tenant each text goes to, by prog-id or label.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldMap(pub BTreeMap<Target, String>);

impl FieldMap {
    /// The configured name, or the label that the text has by itself.
    pub fn name(&self, target: Target) -> &str {
        self.0.get(&target).map_or(target.label(), String::as_str)
    }
}

/// What is known of the tenant, for everybody who needs it.
#[derive(Debug, Clone)]
pub struct Discovered {
    policy: watch::Sender<Arc<Policy>>,
    definitions: watch::Sender<Arc<Definitions>>,
    is_complete: watch::Sender<bool>,
    /// Whether what was held for a field has still to be let go.
    owes_release: watch::Sender<bool>,
    looking: Arc<Mutex<Looked>>,
}

/// What looking at the tenant came to; locked while somebody looks.
#[derive(Debug, Default)]
struct Looked {
    /// Doubts that were looked into, and nothing had changed.
    dispelled: BTreeSet<String>,
}

/// What of it is kept.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    own: Option<AssociateId>,
    associates: Vec<Associate>,
}

impl Discovered {
    /// Starts with what the configuration says.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy: watch::Sender::new(Arc::new(policy)),
            definitions: watch::Sender::default(),
            is_complete: watch::Sender::new(false),
            owes_release: watch::Sender::new(true),
            looking: Arc::default(),
        }
    }

    /// What the filter goes by.
    pub fn policy(&self) -> watch::Receiver<Arc<Policy>> {
        self.policy.subscribe()
    }

    /// The fields.
    pub fn definitions(&self) -> watch::Receiver<Arc<Definitions>> {
        self.definitions.subscribe()
    }

    /// The present policy.
    pub fn policy_now(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.borrow())
    }

    /// The present fields.
    pub fn definitions_now(&self) -> Arc<Definitions> {
        Arc::clone(&self.definitions.borrow())
    }

    /// Whether the CRM has told everything at least once.
    pub fn is_complete(&self) -> bool {
        *self.is_complete.borrow()
    }

    /// Whether what was held for a field could not be let go yet.
    pub(crate) fn owes_release(&self) -> bool {
        *self.owes_release.borrow()
    }

    /// A short name that is not told this time stays as it is known.
    fn know(&self, own: Option<AssociateId>, associates: Vec<Associate>) {
        self.policy.send_modify(|policy| {
            let mut next = Policy::clone(policy);
            next.own_associate = own.or(next.own_associate);
            let with_short_name = |mut associate: Associate| {
                if let (true, Some(known)) =
                    (associate.short_name.is_empty(), policy.short_name(associate.id))
                {
                    known.clone_into(&mut associate.short_name);
                }
                (associate.id, associate)
            };
            next.associates = associates.into_iter().map(with_short_name).collect();
            *policy = Arc::new(next);
        });
    }

    /// Whether a field is not what it was.
    pub fn has_drifted(&self) -> bool {
        self.definitions.borrow().0.values().any(|field| field.drift.is_some())
    }

    fn take(&self, own: Option<AssociateId>, associates: Vec<Associate>, definitions: Definitions) {
        self.know(own, associates);
        self.definitions.send_if_modified(|known| {
            let is_news = **known != definitions;
            if is_news {
                *known = Arc::new(definitions);
            }
            is_news
        });
        self.is_complete.send_replace(true);
    }
}

/// Takes up what an earlier run of the program found. To be called before the first delivery is taken in, or the echo
/// of a write from before the restart is not recognised.
pub async fn remember(ports: &Ports) {
    let mut wait = FIRST_WAIT;
    // While the database cannot be read nothing is taken in either.
    let value = loop {
        match ports.settings.get(&ports.tenant, KEPT_AS).await {
            Ok(value) => break value,
            Err(error) if error.is_passing() && wait < LAST_WAIT && !planted(Bug::EchoForgottenAtStart) => {
                tracing::warn!("what was discovered before cannot be read yet: {error}");
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
            Err(error) => {
                tracing::warn!("what was discovered before cannot be read: {error}");
                break None;
            }
        }
    };
    take_up(ports, value);
}

/// Takes up what the workers of other processes find, until told to stop: where none works here, from time to time; and
/// everywhere, soon, until it is known who we are. Until then no echo of ours is recognised at this door.
pub async fn follow(ports: Arc<Ports>, works_here: bool, stop: CancellationToken) {
    let (mut taken, mut is_silent) = (None, false);
    loop {
        let is_known = ports.discovered.policy_now().own_associate.is_some();
        if works_here && is_known {
            return stop.cancelled().await;
        }
        let wait = if is_known { KNOWN_WAIT } else { UNKNOWN_WAIT };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        match ports.settings.get(&ports.tenant, KEPT_AS).await {
            Ok(found) if found == taken => is_silent = false,
            Ok(found) => {
                is_silent = false;
                take_up(&ports, found.clone());
                taken = found;
            }
            Err(error) if is_silent => tracing::debug!("what was discovered cannot be read: {error}"),
            Err(error) => {
                is_silent = true;
                tracing::warn!("what was discovered cannot be read: {error}");
            }
        }
    }
}

fn take_up(ports: &Ports, found: Option<serde_json::Value>) {
    let Some(found) = found else { return };
    match serde_json::from_value::<Kept>(found) {
        Ok(kept) => ports.discovered.know(kept.own, kept.associates),
        Err(error) => tracing::warn!("what was discovered before cannot be read: {error}"),
    }
}

async fn setting(ports: &Ports, name: &str) -> Option<serde_json::Value> {
    ports.settings.get(&ports.tenant, name).await.unwrap_or_else(|error| {
        tracing::warn!("what was discovered before cannot be read: {error}");
        None
    })
}

async fn keep(ports: &Ports, name: &str, value: &impl Serialize) {
    let value = serde_json::to_value(value).unwrap_or_default();
    if let Err(error) = ports.settings.put(&ports.tenant, name, value, ports.clock.now()).await {
        tracing::warn!("what was discovered cannot be kept: {error}");
    }
}

/// Asks the CRM, publishes and keeps what it says, and lets go what was held for a field that is in order again.
///
/// # Errors
///
/// What was known before stays.
pub async fn discover(ports: &Ports) -> Result<(), CrmError> {
    let mut looked = ports.discovered.looking.lock().await;
    look(ports, &mut looked).await
}

/// Looks at the tenant again because of a doubt about fields as they were known. Says whether they are other ones.
///
/// Whoever doubts what somebody else has already looked at again does not ask the CRM, and a doubt that has been looked
/// into once is not looked into again while nothing changes.
///
/// # Errors
///
/// What was known before stays.
pub(crate) async fn look_again(
    ports: &Ports,
    known: &Arc<Definitions>,
    doubt: Option<&str>,
) -> Result<bool, CrmError> {
    let mut looked = ports.discovered.looking.lock().await;
    let is_news = |ports: &Ports| !Arc::ptr_eq(&ports.discovered.definitions_now(), known);
    if is_news(ports) {
        return Ok(true);
    }
    if doubt.is_some_and(|doubt| looked.dispelled.contains(doubt)) {
        return Ok(false);
    }
    look(ports, &mut looked).await?;
    if is_news(ports) {
        return Ok(true);
    }
    looked.dispelled.extend(doubt.map(str::to_owned));
    Ok(false)
}

async fn look(ports: &Ports, looked: &mut Looked) -> Result<(), CrmError> {
    let bound = KnownFields::read(setting(ports, KnownFields::KEPT_AS).await).bound;
    let found = ports.crm.discover(&ports.field_map, &bound).await?;
    reach(Point::Discovered);
    // Asking takes its time, and meanwhile somebody may have accepted a field.
    let mut bound = KnownFields::read(setting(ports, KnownFields::KEPT_AS).await).bound;
    let name = |target: Target| ports.field_map.name(target).to_owned();
    let definitions = bound.take(found.definitions, &found.retyped, name);
    let before = ports.discovered.definitions_now();
    let mut findings = found.findings;
    findings.extend(definitions.0.values().filter_map(drifted));
    ports.status.set(status(&definitions, found.associates.len(), &findings));
    ports.discovered.take(found.own, found.associates, definitions);
    let now = ports.discovered.definitions_now();
    if now != before {
        looked.dispelled.clear();
    }

    let policy = ports.discovered.policy_now();
    let associates = policy.associates.values().cloned().collect();
    keep(ports, KEPT_AS, &Kept { own: policy.own_associate, associates }).await;
    reach(Point::AssociatesKept);
    keep(ports, KnownFields::KEPT_AS, &KnownFields { bound, definitions: Definitions::clone(&now) }).await;
    reach(Point::FieldsKept);
    if is_mended(&before, &now) {
        ports.discovered.owes_release.send_replace(true);
    }
    // Owed until it worked: also from an earlier look, and from before the start.
    if ports.discovered.owes_release() && !planted(Bug::HeldForEver) {
        let held = [Reason::FieldChanged, Reason::NoField];
        let released = ports.queue.release(&ports.tenant, &held, ports.clock.now()).await;
        ports.discovered.owes_release.send_replace(released.is_err());
        match released {
            Ok(0) => {}
            Ok(count) => tracing::info!("{count} jobs that were held for a field go on"),
            Err(error) => tracing::warn!("what was held for a field cannot be let go yet: {error}"),
        }
        reach(Point::HeldReleased);
    }
    Ok(())
}

/// Whether something that was held may be written now: a field that is new, that drifts no more or less, or that
/// nobody waits for any more. What still has to wait is held again.
fn is_mended(before: &Definitions, now: &Definitions) -> bool {
    let is_new =
        |field: &Definition| before.get(field.target).is_none_or(|was| was.read_only && !field.read_only);
    let has_moved = |was: &Definition| {
        was.drift.is_some() && now.get(was.target).is_none_or(|field| field.drift != was.drift)
    };
    now.0.values().any(is_new) || before.0.values().any(has_moved)
}

fn drifted(field: &Definition) -> Option<Finding> {
    let drift = field.drift.as_ref()?;
    Some(Finding {
        words: format!("the field \"{}\" is not what it was: {drift}", field.label),
        help: HELP_DRIFT,
    })
}

fn status(definitions: &Definitions, users: usize, findings: &[Finding]) -> Part {
    let words = if findings.is_empty() {
        format!("{} fields and {users} users are known", definitions.0.len())
    } else {
        findings.iter().map(|finding| finding.words.as_str()).collect::<Vec<_>>().join("; ")
    };
    let condition = if definitions.0.is_empty() {
        Condition::Down
    } else if findings.is_empty() {
        Condition::Ok
    } else {
        Condition::Degraded
    };
    let helps: BTreeSet<&str> = findings.iter().map(|finding| finding.help).collect();
    let remedy = (!helps.is_empty()).then(|| helps.into_iter().collect::<Vec<_>>().join("; "));
    Part { name: "fields".into(), condition, words, remedy }
}

#[cfg(test)]
mod tests {
    use connector_domain::policy::{InScope, Scope};

    use super::*;

    fn found(associates: &[(i64, &str)]) -> Vec<Associate> {
        let associate = |&(id, short): &(i64, &str)| Associate {
            id: AssociateId(id),
            short_name: short.into(),
            full_name: format!("Associate {id}"),
        };
        associates.iter().map(associate).collect()
    }

    #[test]
    fn short_names_that_are_not_told_again_stay_known() {
        let discovered = Discovered::new(Policy { scope: Scope::parse("KARI, MADS"), ..Policy::default() });
        discovered.know(None, found(&[(7, "KARI"), (8, "OLA")]));
        discovered.know(None, found(&[(7, ""), (8, ""), (9, "")]));
        let policy = discovered.policy_now();
        let covered = [7, 8, 9].map(|id| policy.covers(AssociateId(id)));
        assert_eq!(covered, [InScope::Yes, InScope::No, InScope::Unclear]);
        assert_eq!(policy.short_name(AssociateId(7)), Some("KARI"));

        discovered.know(None, found(&[(7, "KNORD"), (9, "MADS")]));
        let policy = discovered.policy_now();
        let covered = [7, 8, 9].map(|id| policy.covers(AssociateId(id)));
        assert_eq!(covered, [InScope::No, InScope::Unclear, InScope::Yes]);
    }
}
