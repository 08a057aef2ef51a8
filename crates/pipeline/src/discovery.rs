//! Discovery instead of configuration: who we are, who is who, which fields there are.
//!
//! What is found is published to everybody who needs it, and kept, so that a restart can filter at the door before the
//! CRM has answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector_domain::field::{Definitions, Target};
use connector_domain::ids::AssociateId;
use connector_domain::policy::{Associate, Policy};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::crm::{CrmError, Found};
use crate::ports::Ports;
use crate::status::{Condition, Part};

/// Where what was found is kept.
const KEPT_AS: &str = "discovered";

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
}

#[derive(Serialize, Deserialize)]
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

    fn take(&self, found: Found) {
        self.know(found.own, found.associates);
        self.definitions.send_replace(Arc::new(found.definitions));
        self.is_complete.send_replace(true);
    }
}

/// Takes up what an earlier run of the program found. To be called before the first delivery is taken in, or the echo
/// of a write from before the restart is not recognised.
pub async fn remember(ports: &Ports) {
    match ports.settings.get(&ports.tenant, KEPT_AS).await {
        Ok(Some(value)) => match serde_json::from_value::<Kept>(value) {
            Ok(kept) => ports.discovered.know(kept.own, kept.associates),
            Err(error) => tracing::warn!("what was discovered before cannot be read: {error}"),
        },
        Ok(None) => {}
        Err(error) => tracing::warn!("what was discovered before cannot be read: {error}"),
    }
}

/// Asks the CRM, publishes and keeps what it says.
///
/// # Errors
///
/// What was known before stays.
pub async fn discover(ports: &Ports) -> Result<(), CrmError> {
    let found = ports.crm.discover(&ports.field_map).await?;
    let words = if found.findings.is_empty() {
        format!("{} fields and {} users are known", found.definitions.0.len(), found.associates.len())
    } else {
        found.findings.iter().map(|finding| finding.words.as_str()).collect::<Vec<_>>().join("; ")
    };
    let condition = if found.definitions.0.is_empty() {
        Condition::Down
    } else if found.findings.is_empty() {
        Condition::Ok
    } else {
        Condition::Degraded
    };
    let helps: BTreeSet<&str> = found.findings.iter().map(|finding| finding.help).collect();
    let remedy = (!helps.is_empty()).then(|| helps.into_iter().collect::<Vec<_>>().join("; "));
    ports.status.set(Part { name: "fields".into(), condition, words, remedy });
    ports.discovered.take(found);
    let policy = ports.discovered.policy_now();
    let kept = Kept { own: policy.own_associate, associates: policy.associates.values().cloned().collect() };
    let value = serde_json::to_value(kept).unwrap_or_default();
    if let Err(error) = ports.settings.put(&ports.tenant, KEPT_AS, value, ports.clock.now()).await {
        tracing::warn!("what was discovered cannot be kept: {error}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use connector_domain::policy::{InScope, Scope};

    use super::*;

    fn found(associates: &[(i64, &str)]) -> Found {
        let associate = |&(id, short): &(i64, &str)| Associate {
            id: AssociateId(id),
            short_name: short.into(),
            full_name: format!("Associate {id}"),
        };
        Found {
            own: None,
            associates: associates.iter().map(associate).collect(),
            definitions: Definitions::default(),
            findings: Vec::new(),
        }
    }

    #[test]
    fn short_names_that_are_not_told_again_stay_known() {
        let discovered = Discovered::new(Policy { scope: Scope::parse("KARI, MADS"), ..Policy::default() });
        discovered.take(found(&[(7, "KARI"), (8, "OLA")]));
        discovered.take(found(&[(7, ""), (8, ""), (9, "")]));
        let policy = discovered.policy_now();
        let covered = [7, 8, 9].map(|id| policy.covers(AssociateId(id)));
        assert_eq!(covered, [InScope::Yes, InScope::No, InScope::Unclear]);
        assert_eq!(policy.short_name(AssociateId(7)), Some("KARI"));

        discovered.take(found(&[(7, "KNORD"), (9, "MADS")]));
        let policy = discovered.policy_now();
        let covered = [7, 8, 9].map(|id| policy.covers(AssociateId(id)));
        assert_eq!(covered, [InScope::No, InScope::Unclear, InScope::Yes]);
    }
}
