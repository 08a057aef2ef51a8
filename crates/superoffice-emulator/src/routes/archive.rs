//! Lists as rows: `GET Contact`, `GET Person`, `Archive/{provider}`, and the agent calls for the same.
//!
//! Slim rows carry what a person would see: associates and list items as text, ids as numbers, `PrimaryKey` as text;
//! `$mode=Full` carries both. Answers are JSON whatever `$format` says; sums and groups are not computed.

mod cell;
mod columns;
mod dynamic;
mod filter;
mod kind;
mod question;
mod restriction;
mod row;
mod source;

use serde_json::{Map, Value, json};

use self::cell::Cell;
use self::filter::Context;
pub(crate) use self::question::Pages;
use self::question::{Mode, Page, Parameters, Question};
use self::row::{Row, Table};
use self::source::{PROVIDERS, Scope, Source};
use super::Ask;
use crate::answer::Answer;
use crate::clock::DateStyle;
use crate::json;
use crate::world::State;
use crate::world::lists::ListItem;
use crate::world::policy::NextLink;

/// `GET Contact`
pub(super) fn contacts(state: &State, ask: Ask<'_>) -> Result<Answer, Answer> {
    rows(state, Source { table: Table::Contact, scope: Scope::Living }, ask)
}

/// `GET Person`, or the persons of one company.
pub(super) fn persons(state: &State, ask: Ask<'_>, contact: Option<i64>) -> Result<Answer, Answer> {
    let Some(contact) = contact else {
        return rows(state, Source { table: Table::Person, scope: Scope::Living }, ask);
    };
    if state.contacts.get(&contact).is_none_or(|found| found.stamps.deleted.is_some()) {
        return Err(Answer::not_found("Contact", contact));
    }
    rows(state, Source { table: Table::Person, scope: Scope::Of(contact) }, ask)
}

/// `Archive/{provider}`; the long form posts its parameters as a form.
pub(super) fn provider(state: &State, provider: &str, ask: Ask<'_>) -> Result<Answer, Answer> {
    if let Some(name) = provider.strip_suffix("$metadata") {
        return metadata(state, name);
    }
    if ask.call.param("$metadata").is_some() {
        return metadata(state, provider);
    }
    let asked = Parameters::of(ask);
    rows(state, Source::named(provider, asked.first_column())?, ask)
}

/// `GET Archive`: the names of the providers.
pub(super) fn names(state: &State) -> Answer {
    let value: Vec<Value> = PROVIDERS.iter().map(|name| json!({"name": name, "url": name})).collect();
    Answer::ok(
        &json!({"odata.metadata": format!("{}/v1/Archive/$metadata", state.api_url()), "value": value}),
    )
}

/// The same as an array, for the agent.
pub(super) fn provider_names() -> Value {
    PROVIDERS.iter().copied().map(Value::from).collect()
}

/// `Archive/{provider}/$metadata`: the columns by name.
pub(super) fn metadata(state: &State, provider: &str) -> Result<Answer, Answer> {
    let columns = available_columns(state, provider)?.into_iter();
    let named: Map<String, Value> = columns
        .map(|column| (json::get(&column, "Name").map(json::text).unwrap_or_default(), column))
        .collect();
    Ok(Answer::ok(&named.into()))
}

/// The columns of a provider as `ArchiveColumnInfo`.
pub(super) fn available_columns(state: &State, provider: &str) -> Result<Vec<Value>, Answer> {
    if provider.eq_ignore_ascii_case("dynamic") {
        // Its columns are those of the database.
        return Ok(Vec::new());
    }
    let source = Source::named(provider, None)?;
    Ok(columns::infos(state, source.table, source.scope == Scope::Found))
}

/// The kinds of rows of a provider, as list items.
pub(super) fn available_entities(provider: &str) -> Result<Vec<Value>, Answer> {
    let source = Source::named(provider, Some("contact.name"))?;
    let item = |(id, name): (i64, &&str)| ListItem::new(id, name).render(name, 1, false);
    Ok((1..).zip(source.entities()).map(item).collect())
}

/// `MDOList/contact_freetextsearch?query=`: the companies that a free text search finds, as list items.
pub(super) fn found(state: &State, query: &str) -> Vec<Value> {
    let words: Vec<String> = query.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let living = state.contacts.values().filter(|contact| contact.stamps.deleted.is_none());
    let found = living.filter(|contact| source::matches(contact, &words)).take(100);
    let item = |(rank, contact): (usize, &crate::world::contact::Contact)| {
        let name = super::contact::full_name(contact);
        ListItem { extra: contact.id.to_string(), ..ListItem::new(contact.id, &name) }
            .render("Contact", rank, false)
    };
    (1..).zip(found).map(item).collect()
}

/// `Agents/Archive/GetArchiveListByColumns`: the same question as a body, and rows with numeric keys. Pages count from 0.
pub(super) fn by_columns(state: &State, body: &Value, ask: Ask<'_>) -> Result<Answer, Answer> {
    let list = |name: &str| json::get(body, name).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value, name: &str| json::get(value, name).map(json::text).unwrap_or_default();
    let order = |order: &Value| format!("{} {}", text(order, "Name"), text(order, "Direction"));
    let join = |parts: Vec<String>| parts.join(",");
    let query = vec![
        ("$select".to_owned(), join(list("Columns").iter().map(json::text).collect())),
        ("$filter".to_owned(), restriction::filter(&list("Restriction"))),
        ("$orderby".to_owned(), join(list("SortOrder").iter().map(order).collect())),
        ("$entities".to_owned(), join(list("Entities").iter().map(json::text).collect())),
    ];
    items(state, body, query, ask)
}

/// `Agents/Archive/GetArchiveListByColumns2`: columns, order and filter as OData writes them.
pub(super) fn by_odata(state: &State, body: &Value, ask: Ask<'_>) -> Result<Answer, Answer> {
    let text = |name: &str| json::get(body, name).map(json::text).unwrap_or_default();
    let query = vec![
        ("$select".to_owned(), text("Columns")),
        ("$filter".to_owned(), text("Restrictions")),
        ("$orderby".to_owned(), text("SortOrder")),
        ("$entities".to_owned(), text("Entities")),
    ];
    items(state, body, query, ask)
}

/// Rows as the agents answer them.
fn items(
    state: &State,
    body: &Value,
    mut query: Vec<(String, String)>,
    ask: Ask<'_>,
) -> Result<Answer, Answer> {
    let number = |name: &str| json::get(body, name).and_then(json::int).unwrap_or(0).max(0);
    query.push(("$top".to_owned(), number("PageSize").to_string()));
    query.push(("$skip".to_owned(), number("Page").saturating_mul(number("PageSize")).to_string()));
    let mut asked = ask.call.clone();
    asked.method = http::Method::GET;
    asked.query = query;
    let ask = Ask { call: &asked, ..ask };
    let parameters = Parameters::of(ask);
    let provider = json::get(body, "ProviderName").map(json::text).unwrap_or_default();
    let source = Source::named(&provider, parameters.first_column())?;
    let question = Question::read(state, source, &parameters, ask)?;
    let context = Context { state, style: ask.style };
    let item = |row: &Row<'_>| {
        let cell = |column: &columns::Column| {
            let shown = column.cell(state, row).encoded(ask.style);
            (column.asked.clone(), json!({"DisplayValue": shown, "TooltipHint": "", "LinkHint": ""}))
        };
        let cells: Map<String, Value> = question.columns.iter().map(cell).collect();
        json!({"EntityName": row.entity(), "PrimaryKey": row.key(), "ColumnData": cells, "LinkHint": "", "StyleHint": "",
               "TableRight": null, "FieldProperties": {}})
    };
    Ok(Answer::ok(&question.page(&context, source).rows.iter().map(item).collect()))
}

fn rows(state: &State, source: Source, ask: Ask<'_>) -> Result<Answer, Answer> {
    let question = Question::read(state, source, &Parameters::of(ask), ask)?;
    let local = state.policy.list_dates_are_local;
    let style = if local { DateStyle::base(&state.policy) } else { ask.style };
    let context = Context { state, style };
    let Page { rows, more, count } = question.page(&context, source);
    let render = |row: &Row<'_>| match question.mode {
        Mode::Full => full(&context, &question, row),
        Mode::Slim => slim(&context, &question, row),
    };
    let value: Vec<Value> = rows.iter().map(render).collect();
    // Recorded answers have two slashes; those of the Dynamic archive have one.
    let slashes = if matches!(source.table, Table::Dynamic(_)) { "/" } else { "//" };
    let mut body = json!({"odata.metadata": format!("{}/v1/Archive{slashes}$metadata", state.api_url()), "value": value});
    if let Some(count) = count {
        body["odata.count"] = count.into();
    }
    match state.policy.next_link {
        NextLink::Absent => {}
        NextLink::Null => body["odata.nextLink"] = Value::Null,
        NextLink::Text => {
            body["odata.nextLink"] = if more { next_link(state, &question, ask) } else { Value::Null }
        }
    }
    let answer = Answer::ok(&body).with("dataserviceversion", "3.0".to_owned());
    Ok(answer.with("cache-control", "no-cache".to_owned()))
}

fn slim(context: &Context<'_>, question: &Question, row: &Row<'_>) -> Value {
    let mut object = Map::new();
    object.insert("PrimaryKey".to_owned(), row.key().to_string().into());
    object.insert("EntityName".to_owned(), row.entity().into());
    for column in &question.columns {
        let name = if question.writing.json_safe {
            column.asked.replace(['/', ':', '.'], "_")
        } else {
            column.asked.clone()
        };
        let value = match column.cell(context.state, row) {
            Cell::Flag(flag) if question.writing.icons => if flag { "yes" } else { "" }.into(),
            cell => cell.shown(context.style),
        };
        object.insert(name, value);
    }
    object.into()
}

fn full(context: &Context<'_>, question: &Question, row: &Row<'_>) -> Value {
    let mut cells = Map::new();
    for column in &question.columns {
        let cell = column.cell(context.state, row);
        cells.insert(
            column.asked.clone(),
            json!({"RawValue": cell.raw(context.style), "DisplayValue": json::text(&cell.shown(context.style)),
                   "LinkHint": "", "TooltipHint": ""}),
        );
    }
    json!({"PrimaryKey": row.key(), "EntityName": row.entity(), "StyleHint": "",
           "LinkHint": format!("nav={0}&{0}_id={1}", row.entity(), row.key()),
           "TableRight": {"Mask": 1, "Reason": ""}, "Column": cells})
}

/// The same question with `$skip` moved on.
fn next_link(state: &State, question: &Question, ask: Ask<'_>) -> Value {
    let mut link = url::form_urlencoded::Serializer::new(String::new());
    let posted = ask.call.method == http::Method::POST;
    let asked = if posted { ask.call.fields() } else { ask.call.query.clone() };
    for (name, value) in asked.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("$skip")) {
        link.append_pair(name, value);
    }
    link.append_pair("$skip", &(question.skip + question.top).to_string());
    let path = ask.call.path.to_ascii_lowercase();
    let below = path.find("/api/").map_or("", |at| &ask.call.path[at + "/api/".len()..]);
    format!("{}/{}?{}", state.api_url(), below.trim_end_matches('/'), link.finish()).into()
}
