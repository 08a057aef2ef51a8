//! Finds what no webhook told of, by reading the CRM.

use connector_store::StoreError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ports::Ports;

/// The name under which spans that are still to be swept are kept.
const ASKED: &str = "sweeps_asked";

/// A span of time in which changes may have been missed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// From when, in the CRM's time.
    pub from: Timestamp,
    /// Until when; `None` means until the sweep begins.
    pub until: Option<Timestamp>,
    /// Why, in words.
    pub why: String,
}

/// Asks for a sweep of a span, durably, and wakes whoever sweeps.
pub async fn ask(ports: &Ports, asked: Asked) -> Result<(), StoreError> {
    let mut all = waiting(ports).await?;
    if !all.contains(&asked) {
        all.push(asked);
        let value =
            serde_json::to_value(&all).map_err(|error| StoreError::Inconsistent(error.to_string()))?;
        ports.settings.put(&ports.tenant, ASKED, value, ports.clock.now()).await?;
    }
    ports.sweep_now.notify_one();
    Ok(())
}

/// The spans that are still to be swept.
pub async fn waiting(ports: &Ports) -> Result<Vec<Asked>, StoreError> {
    let kept = ports.settings.get(&ports.tenant, ASKED).await?;
    kept.map_or(Ok(Vec::new()), |kept| {
        serde_json::from_value(kept).map_err(|error| StoreError::Inconsistent(error.to_string()))
    })
}
