//! From something that happened to the webhooks that hear of it: who subscribed, and the exact body each one gets.
//!
//! Sending is left to `deliver.rs`; here the body is fixed, byte for byte, so that retries repeat it.

use serde_json::{Map, Value, json};

use super::State;
use super::contact::Contact;
use super::person::Person;
use super::udf::Entity;
use super::webhook::{HookState, Webhook};
use crate::clock::{self, DateStyle};
use crate::deliver::{Errand, Parcel};
use crate::mishap::Kind;

/// Something that happened to a record.
#[derive(Debug, Clone)]
pub(crate) struct Occurrence {
    /// Event name as webhooks subscribe to it.
    pub(crate) subscription: String,
    /// Event name in the body; differs from the subscription for webhook state events only.
    pub(crate) event: String,
    /// Missing for webhook state events.
    pub(crate) entity: Option<String>,
    pub(crate) primary_key: i64,
    pub(crate) by: i64,
    pub(crate) changes: Vec<String>,
    pub(crate) values: Option<Map<String, Value>>,
    pub(crate) field_values: Option<Map<String, Value>>,
}

impl Occurrence {
    fn of(entity: Entity, verb: &str, id: i64, by: i64) -> Self {
        let event = format!("{}.{verb}", entity.word());
        Self {
            subscription: event.clone(),
            event,
            entity: Some(entity.word().to_owned()),
            primary_key: id,
            by,
            changes: Vec::new(),
            values: None,
            field_values: None,
        }
    }

    pub(crate) fn created(
        entity: Entity,
        id: i64,
        by: i64,
        columns: &[&str],
        values: Map<String, Value>,
    ) -> Self {
        let changes = columns.iter().map(|&column| column.to_owned()).collect();
        Self { changes, field_values: Some(values), ..Self::of(entity, "created", id, by) }
    }

    pub(crate) fn changed(
        entity: Entity,
        id: i64,
        by: i64,
        changes: Vec<String>,
        values: Map<String, Value>,
    ) -> Self {
        Self { changes, field_values: Some(values), ..Self::of(entity, "changed", id, by) }
    }

    pub(crate) fn soft_deleted(entity: Entity, id: i64, by: i64, values: Map<String, Value>) -> Self {
        let key = format!("{}_id", entity.word());
        let changes = [&key, "updated_associate_id", "updated", "deleted"].map(str::to_owned).to_vec();
        Self { changes, field_values: Some(values), ..Self::of(entity, "softdeleted", id, by) }
    }

    pub(crate) fn deleted(entity: Entity, id: i64, by: i64, values: Map<String, Value>) -> Self {
        Self { values: Some(values), ..Self::of(entity, "deleted", id, by) }
    }

    /// A person agreed to something, or does not any more.
    pub(crate) fn consent(id: i64, by: i64, given: bool) -> Self {
        Self::of(Entity::Person, if given { "consented" } else { "unconsented" }, id, by)
    }

    /// An event without data, such as one that a client signals.
    pub(crate) fn signalled(event: &str, id: i64, by: i64, data: Option<Map<String, Value>>) -> Self {
        let entity = event.split('.').next().unwrap_or(event).to_owned();
        Self {
            subscription: event.to_owned(),
            event: event.to_owned(),
            entity: Some(entity),
            primary_key: id,
            by,
            changes: Vec::new(),
            values: None,
            field_values: data,
        }
    }

    /// `webhook7.errors`: a webhook's own state changed. The body calls it `webhook.errors`, without entity.
    pub(crate) fn of_webhook(hook: &Webhook, verb: &str) -> Self {
        let values = json!({"events": hook.events.join(","), "state": hook.state.number(),
                            "registered_associate_id": hook.registered_by, "updated_associate_id": hook.updated_by});
        Self {
            subscription: format!("webhook{}.{verb}", hook.id),
            event: format!("webhook.{verb}"),
            entity: None,
            primary_key: hook.id,
            by: 0,
            changes: Vec::new(),
            values: None,
            field_values: values.as_object().cloned(),
        }
    }
}

/// The body of a delivery, in the order of the documentation's samples.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    event_id: &'a str,
    timestamp: String,
    changes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<&'a Map<String, Value>>,
    event: &'a str,
    primary_key: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity: Option<&'a str>,
    context_identifier: &'a str,
    changed_by_associate_id: i64,
    webhook_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field_values: Option<&'a Map<String, Value>>,
    #[serde(rename = "Properties", skip_serializing_if = "Option::is_none")]
    nested: Option<&'a Map<String, Value>>,
    /// Where `Properties` go is not documented beyond "into the body"; a switch decides.
    #[serde(flatten)]
    properties: Option<&'a Map<String, Value>>,
}

impl State {
    /// Hands an occurrence to every active webhook that subscribed to it.
    pub(crate) fn raise(&mut self, occurrence: &Occurrence) {
        let hooks: Vec<i64> =
            self.webhooks.values().filter(|hook| hook.hears(occurrence)).map(|h| h.id).collect();
        for id in hooks {
            let event_id = self.guid();
            let body = self.body(occurrence, id, &event_id);
            self.send(id, occurrence, &event_id, body);
        }
    }

    /// The body of one event for one webhook.
    fn body(&self, occurrence: &Occurrence, hook: i64, event_id: &str) -> Vec<u8> {
        let none = Map::new();
        let hook = self.webhooks.get(&hook);
        let (name, properties) = hook.map_or(("", &none), |hook| (hook.name.as_str(), &hook.properties));
        self.body_named(occurrence, name, properties, event_id)
    }

    /// The body of one event for a webhook that may not be saved yet.
    pub(crate) fn body_named(
        &self,
        occurrence: &Occurrence,
        name: &str,
        properties: &Map<String, Value>,
        event_id: &str,
    ) -> Vec<u8> {
        let nested = self.policy.webhook_properties_nested;
        let body = Body {
            event_id,
            timestamp: clock::webhook_time(self.now()),
            changes: &occurrence.changes,
            values: occurrence.values.as_ref(),
            event: &occurrence.event,
            primary_key: occurrence.primary_key,
            entity: occurrence.entity.as_deref(),
            context_identifier: &self.context,
            changed_by_associate_id: occurrence.by,
            webhook_name: name,
            field_values: occurrence.field_values.as_ref(),
            nested: Some(properties).filter(|properties| nested && !properties.is_empty()),
            properties: Some(properties).filter(|_| !nested),
        };
        serde_json::to_vec(&body).expect("a body of texts and numbers can always be written")
    }

    fn send(&mut self, hook: i64, occurrence: &Occurrence, event_id: &str, body: Vec<u8>) {
        let delivery = self.record_delivery(hook, occurrence, event_id);
        if self.mishaps.strikes(Kind::DropWebhooks, &mut self.rng) {
            self.deliveries[delivery].drop_it();
            return;
        }
        let late =
            if self.mishaps.strikes(Kind::ReorderWebhooks, &mut self.rng) { self.rng.u64(0..300) } else { 0 };
        let errand = Errand {
            generation: self.generation,
            delivery,
            hook,
            event: occurrence.subscription.clone(),
            event_id: event_id.to_owned(),
            body: body.into(),
            late: std::time::Duration::from_millis(late),
        };
        if self.mishaps.strikes(Kind::DuplicateWebhooks, &mut self.rng) {
            let twin = self.record_delivery(hook, occurrence, event_id);
            self.outbox.push(Parcel::Errand(Errand { delivery: twin, ..errand.clone() }));
        }
        self.outbox.push(Parcel::Errand(errand));
    }

    /// `FieldValues` of a company: keys and encodings of the vendor's reference.
    pub(crate) fn contact_values(&self, contact: &Contact) -> Map<String, Value> {
        let stamps = &contact.stamps;
        object(json!({
            "activeInterests": 0, "associate_id": contact.owner, "business_idx": contact.business_id,
            "category_idx": contact.category_id, "country_id": contact.country_id,
            "deleted": i32::from(stamps.deleted.is_some()), "DeletedDate": self.zoneless(stamps.deleted),
            "registered": self.zoneless(Some(stamps.registered)), "registered_associate_id": stamps.registered_by,
            "source": 0, "updated": self.with_offset(stamps.touched()), "userdef2_id": contact.id + 40_000,
            "userdef_id": contact.id + 20_000,
        }))
    }

    /// `FieldValues` of a person.
    pub(crate) fn person_values(&self, person: &Person) -> Map<String, Value> {
        let stamps = &person.stamps;
        let contact = self.contacts.get(&person.contact_id);
        object(json!({
            "activeInterests": 0, "associate_id": contact.map_or(0, |c| c.owner),
            "business_idx": contact.map_or(0, |c| c.business_id), "category_idx": contact.map_or(0, |c| c.category_id),
            "contact_id": person.contact_id, "country_id": person.country_id,
            "DeletedDate": self.zoneless(stamps.deleted), "group_id": contact.map_or(0, |c| c.group_id),
            "person_id": person.id, "position_idx": person.position_id,
            "registered": self.zoneless(Some(stamps.registered)), "registered_associate_id": stamps.registered_by,
            "retired": i32::from(person.retired), "source": 0, "updated": self.with_offset(stamps.touched()),
            "updated_associate_id": stamps.updated_by, "userdef2_id": person.id + 80_000,
            "userdef_id": person.id + 60_000,
        }))
    }

    fn zoneless(&self, moment: Option<jiff::Timestamp>) -> String {
        DateStyle::base(&self.policy).write_opt(moment)
    }

    fn with_offset(&self, moment: jiff::Timestamp) -> String {
        let base = DateStyle::base(&self.policy);
        let ticks = moment.subsec_nanosecond() / 100;
        format!("{}.{ticks:07}{}", base.write(moment), base.offset_text(moment))
    }
}

impl Webhook {
    fn hears(&self, occurrence: &Occurrence) -> bool {
        self.state == HookState::Active
            && self.events.iter().any(|event| event.eq_ignore_ascii_case(&occurrence.subscription))
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
