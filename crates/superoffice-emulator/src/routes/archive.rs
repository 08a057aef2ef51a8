//! Lists as rows: `GET Contact`, `GET Person`, `Archive/{provider}`.
//!
//! Slim rows carry what a person would see: associates and list items as text, ids as numbers, `PrimaryKey` as text;
//! `$mode=Full` carries both. A page starts at a key without touching the rows before it, so key-set paging costs
//! the same for every page.

mod columns;
mod filter;

use std::cmp::Ordering;
use std::ops::Bound;

use serde_json::{Map, Value, json};

use self::columns::{Cell, Column, Row, Table};
use self::filter::{Context, Filter};
use super::Ask;
use crate::answer::Answer;
use crate::world::State;
use crate::world::policy::NextLink;

/// What a list was asked for.
struct Question {
    columns: Vec<Column>,
    filter: Option<Filter>,
    order: Vec<(Column, bool)>,
    top: usize,
    skip: usize,
    full: bool,
    json_safe: bool,
    /// Whether rows in the recycle bin are among the candidates.
    with_deleted: bool,
}

/// `GET Contact`
pub(super) fn contacts(state: &State, ask: Ask<'_>) -> Result<Answer, Answer> {
    rows(state, Table::Contact, ask, None)
}

/// `GET Person`, or the persons of one company.
pub(super) fn persons(state: &State, ask: Ask<'_>, contact: Option<i64>) -> Result<Answer, Answer> {
    if let Some(contact) = contact
        && state.contacts.get(&contact).is_none_or(|found| found.stamps.deleted.is_some())
    {
        return Err(Answer::not_found("Contact", contact));
    }
    rows(state, Table::Person, ask, contact)
}

/// `Archive/{provider}`; the long form posts its parameters as a form.
pub(super) fn provider(state: &State, provider: &str, ask: Ask<'_>) -> Result<Answer, Answer> {
    rows(state, table_of(provider)?, ask, None)
}

/// `Agents/Archive/GetArchiveListByColumns`: the same question as a body, and rows with numeric keys.
///
/// Restrictions are joined by "and"; pages count from 0.
pub(super) fn by_columns(state: &State, body: &Value, ask: Ask<'_>) -> Result<Answer, Answer> {
    let list =
        |name: &str| crate::json::get(body, name).and_then(Value::as_array).cloned().unwrap_or_default();
    let text =
        |value: &Value, name: &str| crate::json::get(value, name).map(crate::json::text).unwrap_or_default();
    let condition = |restriction: &Value| {
        let values =
            crate::json::get(restriction, "Values").and_then(Value::as_array).cloned().unwrap_or_default();
        let values: Vec<String> = values.iter().map(|value| quoted(&crate::json::text(value))).collect();
        let values = if values.len() == 1 { values.join("") } else { format!("({})", values.join(",")) };
        format!("{} {} {values}", text(restriction, "Name"), text(restriction, "Operator"))
    };
    let active = |restriction: &&Value| {
        crate::json::get(restriction, "IsActive").and_then(crate::json::flag) != Some(false)
    };
    let order = |order: &Value| format!("{} {}", text(order, "Name"), text(order, "Direction"));
    let join = |parts: Vec<String>, word: &str| parts.join(word);
    let number = |name: &str| crate::json::get(body, name).and_then(crate::json::int).unwrap_or(0).max(0);
    let query = vec![
        ("$select".to_owned(), join(list("Columns").iter().map(crate::json::text).collect(), ",")),
        (
            "$filter".to_owned(),
            join(list("Restriction").iter().filter(active).map(condition).collect(), " and "),
        ),
        ("$orderby".to_owned(), join(list("SortOrder").iter().map(order).collect(), ",")),
        ("$top".to_owned(), number("PageSize").to_string()),
        ("$skip".to_owned(), (number("Page") * number("PageSize")).to_string()),
    ];
    items(state, &text(body, "ProviderName"), query, ask)
}

/// `Agents/Archive/GetArchiveListByColumns2`: columns, order and filter as OData writes them.
pub(super) fn by_odata(state: &State, body: &Value, ask: Ask<'_>) -> Result<Answer, Answer> {
    let text = |name: &str| crate::json::get(body, name).map(crate::json::text).unwrap_or_default();
    let number = |name: &str| crate::json::get(body, name).and_then(crate::json::int).unwrap_or(0).max(0);
    let query = vec![
        ("$select".to_owned(), text("Columns")),
        ("$filter".to_owned(), text("Restrictions")),
        ("$orderby".to_owned(), text("SortOrder")),
        ("$top".to_owned(), number("PageSize").to_string()),
        ("$skip".to_owned(), (number("Page") * number("PageSize")).to_string()),
    ];
    items(state, &text("ProviderName"), query, ask)
}

/// Rows as the agents answer them.
fn items(
    state: &State,
    provider: &str,
    query: Vec<(String, String)>,
    ask: Ask<'_>,
) -> Result<Answer, Answer> {
    let mut asked = ask.call.clone();
    asked.method = http::Method::GET;
    asked.query = query;
    let table = table_of(provider)?;
    let question = Question::read(state, table, Ask { call: &asked, ..ask })?;
    let context = Context { state, style: ask.style };
    let item = |row: &Row<'_>| {
        let mut cells = Map::new();
        for column in &question.columns {
            let cell = column.cell(state, row);
            let shown = if let Cell::Int(number) = cell { format!("[I:{number}]") } else { cell.text() };
            cells.insert(
                column.asked.clone(),
                json!({"DisplayValue": shown, "TooltipHint": "", "LinkHint": ""}),
            );
        }
        json!({"EntityName": row.entity(), "PrimaryKey": row.key(), "ColumnData": cells, "LinkHint": "", "StyleHint": "",
               "TableRight": null, "FieldProperties": {}})
    };
    Ok(Answer::ok(&question.page(&context, table, None).0.iter().map(item).collect()))
}

/// A restriction's value as a filter has it; encoded numbers are unwrapped.
fn quoted(value: &str) -> String {
    let bare = value.strip_prefix("[I:").and_then(|rest| rest.strip_suffix(']')).unwrap_or(value);
    if bare.parse::<f64>().is_ok() {
        bare.to_owned()
    } else {
        format!("'{}'", bare.replace('\\', "\\\\").replace('\'', "\\'"))
    }
}

fn table_of(provider: &str) -> Result<Table, Answer> {
    match provider.to_ascii_lowercase().as_str() {
        "simplecontact" | "findcontact" | "contact" => Ok(Table::Contact),
        "person" | "findperson" | "contactperson" => Ok(Table::Person),
        "allusers" | "internalusers" => Ok(Table::User),
        _ => Err(Answer::bad(&format!("The emulator has no archive provider {provider}"))),
    }
}

fn rows(state: &State, table: Table, ask: Ask<'_>, contact: Option<i64>) -> Result<Answer, Answer> {
    let question = Question::read(state, table, ask)?;
    let context = Context { state, style: ask.style };
    let (page, more) = question.page(&context, table, contact);
    let render = |row: &Row<'_>| {
        if question.full { full(&context, &question, row) } else { slim(&context, &question, row) }
    };
    let value: Vec<Value> = page.iter().map(render).collect();
    let mut body =
        json!({"odata.metadata": format!("{}/v1/Archive//$metadata", state.api_url()), "value": value});
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

impl Question {
    fn read(state: &State, table: Table, ask: Ask<'_>) -> Result<Self, Answer> {
        let fields =
            if ask.call.method == http::Method::POST { ask.call.fields() } else { ask.call.query.clone() };
        let param = |name: &str| {
            let found = fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str()).filter(|value| !value.trim().is_empty())
        };
        let column = |name: &str| {
            Column::named(state, table, name)
                .ok_or_else(|| Answer::bad(&format!("There is no column '{name}'")))
        };
        let names = param("$select").unwrap_or_else(|| table.default_columns());
        let columns = names.split(',').map(|name| column(name.trim())).collect::<Result<Vec<_>, _>>()?;
        let filter = param("$filter").map(|text| filter::parse(text, &column, &state.policy));
        let filter = filter.transpose()?;
        let mut order = Vec::new();
        for part in param("$orderby").into_iter().flat_map(|text| text.split(',')) {
            let (name, direction) = part.trim().split_once(' ').unwrap_or((part.trim(), "asc"));
            order.push((column(name)?, direction.trim().eq_ignore_ascii_case("desc")));
        }
        let number = |name: &str| match param(name) {
            Some(text) => {
                text.trim().parse().map(Some).map_err(|_| Answer::bad(&format!("{name} is not a number")))
            }
            None => Ok(None),
        };
        let cap = state.policy.page_cap;
        let mentions_deleted =
            columns.iter().any(Column::is_deletion) || filter.as_ref().is_some_and(Filter::mentions_deletion);
        Ok(Self {
            columns,
            filter,
            order,
            top: number("$top")?.unwrap_or(cap).min(cap),
            skip: number("$skip")?.unwrap_or(0),
            json_safe: param("$jsonSafe").is_some_and(|safe| safe.eq_ignore_ascii_case("true")),
            full: param("$mode").is_some_and(|mode| mode.eq_ignore_ascii_case("full")),
            with_deleted: mentions_deleted,
        })
    }

    /// The rows of the page, and whether more follow.
    fn page<'a>(&self, context: &Context<'a>, table: Table, contact: Option<i64>) -> (Vec<Row<'a>>, bool) {
        let state = context.state;
        let after = self.filter.as_ref().and_then(Filter::lower_bound);
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let candidates: Box<dyn Iterator<Item = Row<'a>>> = match (table, contact) {
            (Table::Contact, _) => {
                Box::new(state.contacts.range((start, Bound::Unbounded)).map(|(_, c)| Row::Contact(c)))
            }
            (Table::Person, Some(contact)) => Box::new(state.persons_at(contact).map(Row::Person)),
            (Table::Person, None) => {
                Box::new(state.persons.range((start, Bound::Unbounded)).map(|(_, p)| Row::Person(p)))
            }
            (Table::User, _) => Box::new(state.associates.iter().map(Row::User)),
        };
        let passes = |row: &Row<'a>| {
            (self.with_deleted || !row.is_deleted())
                && self.filter.as_ref().is_none_or(|filter| filter.passes(context, row))
        };
        let mut matching = candidates.filter(passes);
        if self.order.is_empty() || self.by_key() {
            let page: Vec<_> = matching.by_ref().skip(self.skip).take(self.top).collect();
            let more = matching.next().is_some();
            return (page, more);
        }
        let mut all: Vec<Row<'a>> = matching.collect();
        all.sort_by(|one, other| self.compare(state, one, other));
        let more = all.len() > self.skip.saturating_add(self.top);
        (all.into_iter().skip(self.skip).take(self.top).collect(), more)
    }

    fn by_key(&self) -> bool {
        matches!(self.order.as_slice(), [(column, false)] if column.is_key())
    }

    fn compare(&self, state: &State, one: &Row<'_>, other: &Row<'_>) -> Ordering {
        for (column, descending) in &self.order {
            let order = column.cell(state, one).compare(&column.cell(state, other));
            let order = if *descending { order.reverse() } else { order };
            if order != Ordering::Equal {
                return order;
            }
        }
        one.key().cmp(&other.key())
    }
}

fn slim(context: &Context<'_>, question: &Question, row: &Row<'_>) -> Value {
    let mut object = Map::new();
    object.insert("PrimaryKey".to_owned(), row.key().to_string().into());
    object.insert("EntityName".to_owned(), row.entity().into());
    for column in &question.columns {
        let name =
            if question.json_safe { column.asked.replace(['/', ':'], "_") } else { column.asked.clone() };
        object.insert(name, column.cell(context.state, row).shown(context.style));
    }
    object.into()
}

fn full(context: &Context<'_>, question: &Question, row: &Row<'_>) -> Value {
    let mut cells = Map::new();
    for column in &question.columns {
        let cell = column.cell(context.state, row);
        cells.insert(
            column.asked.clone(),
            json!({"RawValue": cell.raw(context.style), "DisplayValue": crate::json::text(&cell.shown(context.style)),
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
    for (name, value) in ask.call.query.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("$skip")) {
        link.append_pair(name, value);
    }
    link.append_pair("$skip", &(question.skip + question.top).to_string());
    let path = ask.call.path.to_ascii_lowercase();
    let below = path.find("/api/").map_or("", |at| &ask.call.path[at + "/api/".len()..]);
    format!("{}/{}?{}", state.api_url(), below.trim_end_matches('/'), link.finish()).into()
}

impl Cell {
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(one), Self::Int(other)) => one.cmp(other),
            (Self::Moment(one), Self::Moment(other)) => one.cmp(other),
            (Self::Day(one), Self::Day(other)) => one.cmp(other),
            (Self::Flag(one), Self::Flag(other)) => one.cmp(other),
            (one, other) => one.text().to_lowercase().cmp(&other.text().to_lowercase()),
        }
    }
}
