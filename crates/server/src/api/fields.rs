//! `/api/v1/fields`: where in the CRM each text goes, and what changed about those fields.

use axum::Json;
use axum::extract::{RawQuery, State};
use connector_domain::drift::KnownFields;
use connector_domain::field::{Definition, Kind, Target};
use connector_domain::ids::Entity;
use serde::Serialize;

use super::Answer;
use crate::app::Web;
use crate::problem::Problem;
use crate::query::{self, Query};

/// A field that a text goes to.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are a contract")]
pub(crate) struct Field {
    field: &'static str,
    entity: Entity,
    prog_id: String,
    label: String,
    /// Characters that fit; `null` for a list.
    length: Option<usize>,
    /// Items of the list behind it; `null` for a text.
    items: Option<usize>,
    read_only: bool,
    /// What changed about it since it was first written to.
    drift: Option<String>,
}

impl From<&Definition> for Field {
    fn from(field: &Definition) -> Self {
        let (length, items) = match &field.kind {
            Kind::Text { max } => (Some(*max), None),
            Kind::List { items } => (None, Some(items.len())),
        };
        Self {
            field: field.target.key(),
            entity: field.target.entity(),
            prog_id: field.prog_id.to_string(),
            label: field.label.clone(),
            length,
            items,
            read_only: field.read_only,
            drift: field.drift.as_ref().map(ToString::to_string),
        }
    }
}

/// All fields.
#[derive(Debug, Serialize)]
pub(crate) struct Fields {
    items: Vec<Field>,
}

/// `GET /api/v1/fields`
pub(crate) async fn list(State(web): State<Web>, RawQuery(query): RawQuery) -> Answer<Fields> {
    Query::read(query.as_deref(), &[])?;
    let known = known(&web).await?;
    Ok(Json(Fields { items: known.definitions.0.values().map(Field::from).collect() }))
}

/// What was accepted.
#[derive(Debug, Serialize)]
pub(crate) struct Accepted {
    accepted: Vec<&'static str>,
}

/// `POST /api/v1/fields/accept?field=summary,vertical`: without `field`, all that changed.
///
/// The worker looks at the tenant within half a minute, binds the fields as they are then, and what was held for them
/// goes on.
pub(crate) async fn accept(State(web): State<Web>, RawQuery(query): RawQuery) -> Answer<Accepted> {
    let query = Query::read(query.as_deref(), &["field"])?;
    let words = query.get("field").unwrap_or_default().split(',').map(str::trim);
    let named = words.filter(|word| !word.is_empty()).map(target).collect::<Result<Vec<_>, _>>()?;
    let mut known = known(&web).await?;
    let accepted = known.accept(&named);
    if !accepted.is_empty() {
        let value = serde_json::to_value(&known).unwrap_or_default();
        web.app.settings.put(&web.app.tenant, KnownFields::KEPT_AS, value, web.now()).await?;
    }
    Ok(Json(Accepted { accepted: accepted.into_iter().map(Target::key).collect() }))
}

async fn known(web: &Web) -> Result<KnownFields, Problem> {
    Ok(KnownFields::read(web.app.settings.get(&web.app.tenant, KnownFields::KEPT_AS).await?))
}

fn target(word: &str) -> Result<Target, Problem> {
    Target::parse(word).ok_or_else(|| {
        let known: Vec<_> = Target::ALL.iter().map(|target| target.key()).collect();
        query::bad("field", format!("There is no field `{word}`. Known are {}.", known.join(", ")))
    })
}
