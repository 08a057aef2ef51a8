//! A delivery as SuperOffice would send it (docs.superoffice.com, "Webhook notification"), made by the test itself.

use serde_json::{Value, json};
use superoffice_emulator::Entity;

use super::{INSIDER, TENANT};

/// A delivery that can be changed before it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) body: Value,
}

impl Delivery {
    /// Somebody changed these columns of a record.
    pub(crate) fn changed(entity: Entity, record: i64, columns: &[&str]) -> Self {
        Self::new(&format!("{}.changed", entity.word()), record, columns)
    }

    /// Any event.
    pub(crate) fn new(event: &str, record: i64, columns: &[&str]) -> Self {
        let id = uuid::Uuid::new_v4().to_string();
        let entity = event.split('.').next().unwrap_or(event);
        let key = format!("{entity}_id");
        let mut changes = vec![key.as_str(), "updated_associate_id", "updated"];
        changes.extend(columns);
        let body = json!({
            "EventId": id, "Timestamp": "2026-05-04T11:59:58.0912039Z", "Changes": changes, "Event": event,
            "PrimaryKey": record, "Entity": entity, "ContextIdentifier": TENANT,
            "ChangedByAssociateId": INSIDER, "WebhookName": "SuperOffice Connector",
        });
        Self { id, body }
    }

    /// With another value, or one more.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.body[key] = value.into();
        self
    }

    /// The bytes to send.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.body).unwrap()
    }
}
