//! Creates fields and list items, and publishes them. What an earlier run left half done is gone on with: a draft that
//! is there is not made twice.

use std::collections::BTreeSet;
use std::time::Duration;

use connector_domain::field::Target;
use connector_domain::profile::Language;
use connector_domain::vertical::Vertical;
use superoffice::api::list::ListEntity;
use superoffice::api::udef::{FieldType, Owner, UserDefinedFieldInfo};
use superoffice::{Client, Error, Publishing};

use super::owner_of;

/// The name of the list of verticals.
pub(super) const LIST: &str = "Verticals";
/// `ListTableId` of a list of the tenant's own (docs.superoffice.com, "User-defined fields").
const OWN_LIST: i64 = 136;
/// What our prog-ids begin with.
const OURS: &str = "SoConnector:";
/// How long publishing may take, in looks of a quarter of a second.
const LOOKS: u32 = 240;

/// What is missing.
pub(super) struct Work {
    pub(super) fields: Vec<NewField>,
    /// The list behind the field for the vertical, when it is there.
    pub(super) list: Option<i64>,
    /// Its name, when a new field takes a list that is there.
    pub(super) list_name: Option<String>,
    /// What that list lacks.
    pub(super) items: Vec<Vertical>,
    pub(super) verticals: Vec<Vertical>,
    pub(super) language: Language,
}

/// A field to be.
pub(super) struct NewField {
    pub(super) target: Target,
    pub(super) label: String,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            fields: Vec::new(),
            list: None,
            list_name: None,
            items: Vec::new(),
            verticals: Vec::new(),
            language: Language::En,
        }
    }
}

impl Work {
    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.items.is_empty()
    }

    /// Whether items are made, so that their language has to be known.
    pub(super) fn needs_language(&self) -> bool {
        self.new_items().next().is_some()
    }

    /// Whether a field is made that needs a list.
    pub(super) fn makes_list(&self) -> bool {
        self.fields.iter().any(|field| field.target == Target::Vertical)
    }

    /// The names of the items that are added.
    pub(super) fn new_items(&self) -> impl Iterator<Item = String> {
        let is_new = self.makes_list() && self.list.is_none();
        let verticals = if is_new { &self.verticals } else { &self.items };
        verticals.iter().map(|vertical| name(vertical, self.language))
    }

    /// Looks whether the list is there already, and what it lacks.
    pub(super) async fn meet_list(&mut self, client: &Client) -> Result<(), Error> {
        let lists = client.lists().await?;
        let is_it =
            |list: &&ListEntity| list.is_custom_list && !list.deleted && list.name.eq_ignore_ascii_case(LIST);
        let Some(list) = lists.iter().find(is_it) else { return Ok(()) };
        let there = client.list_items(&list.id.to_string()).await?;
        let there = there.into_iter().filter(|item| !item.deleted).map(|item| (item.id, item.name)).collect();
        self.items =
            self.verticals.iter().filter(|vertical| vertical.item(&there).is_none()).cloned().collect();
        self.list = Some(list.id);
        self.list_name = Some(list.name.clone());
        Ok(())
    }

    pub(super) fn owners(&self) -> Vec<Owner> {
        let all: BTreeSet<Owner> = self.fields.iter().map(|field| owner_of(field.target)).collect();
        all.into_iter().collect()
    }
}

fn name(vertical: &Vertical, language: Language) -> String {
    let label = vertical.crm_list_item.as_ref().or_else(|| vertical.labels.get(&language));
    label.cloned().unwrap_or_else(|| vertical.id.0.clone())
}

/// How many characters a new field holds. SuperOffice's long text has 199 at most.
pub(super) fn length(target: Target) -> i64 {
    match target {
        Target::Subject => 120,
        _ => 199,
    }
}

/// The name for programs that a new field gets.
pub(super) fn prog_id(target: Target) -> String {
    let place = Target::ALL.iter().position(|known| *known == target).unwrap_or_default();
    format!("{OURS}{}", place + 1)
}

pub(super) fn is_ours(prog_id: &str) -> bool {
    prog_id.starts_with(OURS)
}

/// Does it.
pub(super) async fn carry_out(client: &Client, work: &Work) -> Result<(), Error> {
    let list = match work.list {
        None if work.makes_list() => {
            Some(client.create_list(LIST, "Industries, for the connector").await?.id)
        }
        there => there,
    };
    if let Some(list) = list {
        fill(client, list, &work.new_items().collect::<Vec<_>>()).await?;
    }
    for owner in work.owners() {
        let layout = client.udef_layout(owner).await?;
        for field in work.fields.iter().filter(|field| owner_of(field.target) == owner) {
            if !layout.iter().any(|known| is_draft_of(known, field)) {
                create(client, owner, field, list).await?;
            }
        }
        publish(client, owner).await?;
    }
    // The fields are there without it, so a refusal must not undo the rest.
    if !work.fields.is_empty()
        && let Err(error) = client.rebuild_udef_deltas().await
    {
        tracing::error!("SuperOffice did not bring up to date what it derives from the fields: {error}");
    }
    Ok(())
}

fn is_draft_of(known: &UserDefinedFieldInfo, field: &NewField) -> bool {
    known.prog_id.eq_ignore_ascii_case(&prog_id(field.target))
        || known.field_label.eq_ignore_ascii_case(&field.label)
}

/// Adds the items that a list lacks.
async fn fill(client: &Client, list: i64, names: &[String]) -> Result<(), Error> {
    let id = list.to_string();
    let there = client.list_items(&id).await?;
    let has = |name: &str| {
        there.iter().any(|item| !item.deleted && item.name.to_lowercase() == name.to_lowercase())
    };
    for name in names.iter().filter(|name| !has(name)) {
        client.add_list_item(&id, name).await?;
    }
    Ok(())
}

async fn create(client: &Client, owner: Owner, field: &NewField, list: Option<i64>) -> Result<(), Error> {
    let is_list = field.target == Target::Vertical;
    let kind = if is_list { FieldType::List } else { FieldType::LongText };
    let made = client.create_udef_field(owner, &kind, |draft| {
        draft.field_label.clone_from(&field.label);
        draft.prog_id = prog_id(field.target);
        "Filled in by SuperOffice Connector".clone_into(&mut draft.tooltip);
        if is_list {
            draft.list_table_id = OWN_LIST;
            draft.ud_list_definition_id = list.unwrap_or_default();
        } else {
            draft.text_length = length(field.target);
        }
    });
    made.await.map(drop)
}

/// Publishes, and waits until it is done. Somebody else who publishes is let end first.
async fn publish(client: &Client, owner: Owner) -> Result<(), Error> {
    let mut asked = false;
    for _ in 0..LOOKS {
        if !asked {
            asked = client.publish_udef_fields(owner).await? == Publishing::Done;
        }
        if asked && !client.is_publishing_udef_fields(owner).await? {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Err(Error::Malformed("fields have been being published for a minute".to_owned()))
}
