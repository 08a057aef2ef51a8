//! What a list is asked for, and the page of rows that answers it.
//!
//! A page in the order of the keys starts at a key without touching the rows before it, so key-set paging costs the
//! same for every page. The first page of any other order looks at every row once and sorts no more of them than are
//! asked for; later pages share one order, which is kept until something changes.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use super::cell::Cell;
use super::columns::Column;
use super::filter::{self, Context, Filter, Settings};
use super::row::{Row, Table};
use super::source::{Scope, Source};
use crate::answer::Answer;
use crate::clock::DateStyle;
use crate::routes::Ask;
use crate::world::State;
use crate::world::policy::{DisplayFlags, WideRows};

/// What a list was asked for.
pub(super) struct Question {
    pub(super) columns: Vec<Column>,
    filter: Option<Filter>,
    order: Vec<(Column, bool)>,
    pub(super) top: usize,
    pub(super) skip: usize,
    pub(super) mode: Mode,
    pub(super) writing: Writing,
    /// Whether all rows are to be counted.
    count: bool,
    /// The kinds of rows that are wanted; all when there are none.
    entities: Vec<String>,
    /// Whether rows in the recycle bin are among the candidates.
    with_deleted: bool,
    application: String,
}

/// How names and values of slim rows are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writing {
    pub(super) json_safe: bool,
    /// Whether yes and no are icons.
    pub(super) icons: bool,
}

/// The shape of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Slim,
    Full,
}

/// Rows, and what is known of the others.
pub(super) struct Page<'a> {
    pub(super) rows: Vec<Row<'a>>,
    pub(super) more: bool,
    pub(super) count: Option<usize>,
}

/// What two questions have in common that differ in their page alone.
#[derive(Debug, PartialEq)]
struct Same {
    source: Source,
    style: DateStyle,
    columns: Vec<Column>,
    filter: Option<Filter>,
    order: Vec<(Column, bool)>,
    entities: Vec<String>,
    with_deleted: bool,
}

/// Most questions whose order is kept.
const KEPT: usize = 8;

/// The keys of all rows of the last few questions, in their order, as long as nothing changes.
///
/// SuperOffice keeps such a thing for a minute "if only the page changes" ("Best practices"). Here it makes reading a
/// large list page by page cost what its rows cost.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    revision: u64,
    kept: VecDeque<(Same, Arc<Vec<i64>>)>,
}

impl Pages {
    fn ids(&mut self, revision: u64, same: Same, make: impl FnOnce() -> Vec<i64>) -> Arc<Vec<i64>> {
        if self.revision != revision {
            self.kept.clear();
            self.revision = revision;
        }
        if let Some((_, ids)) = self.kept.iter().find(|(known, _)| *known == same) {
            return Arc::clone(ids);
        }
        let ids = Arc::new(make());
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((same, Arc::clone(&ids)));
        ids
    }
}

/// Parameters by name, in any case; empty ones are none.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Those of the address, and of the form if it is posted.
    pub(super) fn of(ask: Ask<'_>) -> Self {
        let posted = ask.call.method == http::Method::POST;
        Self(if posted { ask.call.fields() } else { ask.call.query.clone() })
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str()).filter(|value| !value.trim().is_empty())
    }

    fn is(&self, name: &str, wanted: &str) -> bool {
        self.get(name).is_some_and(|value| value.trim().eq_ignore_ascii_case(wanted))
    }

    /// The first column that is named anywhere.
    pub(super) fn first_column(&self) -> Option<&str> {
        let select = self.get("$select").map(|names| names.split(',').next().unwrap_or_default());
        let filter = self
            .get("$filter")
            .map(|text| text.split([' ', '(']).find(|word| !word.is_empty()).unwrap_or_default());
        select.or(filter).or_else(|| self.get("$orderby")).map(str::trim)
    }

    fn number(&self, name: &str) -> Result<Option<usize>, Answer> {
        let text = self.get(name).map(str::trim);
        text.map(|text| text.parse().map_err(|_| Answer::bad(&format!("{name} is not a number")))).transpose()
    }
}

impl Question {
    /// Reads the parameters. A column, filter or order that is not understood is answered with the switch's status.
    pub(super) fn read(
        state: &State,
        source: Source,
        asked: &Parameters,
        ask: Ask<'_>,
    ) -> Result<Self, Answer> {
        let refuse = |refusal: Answer| refusal.with_status(state.policy.bad_filter_status);
        let is_refused = |name: &str| {
            state.policy.refused_columns.iter().any(|refused| refused.eq_ignore_ascii_case(name))
        };
        let column = |name: &str| {
            Column::named(state, source.table, name)
                .filter(|_| !is_refused(name))
                .filter(|column| !column.is_words() || source.scope == Scope::Found)
                .ok_or_else(|| Answer::bad(&format!("There is no column '{name}'")))
        };
        let names = asked.get("$select").unwrap_or_else(|| source.table.default_columns());
        let columns = names
            .split(',')
            .map(|name| column(name.trim()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(refuse)?;
        let settings =
            Settings { policy: &state.policy, style: ask.style, caller: state.api_user(), now: state.now() };
        let filter = asked.get("$filter").map(|text| filter::parse(text, &column, &settings));
        let filter = filter.transpose().map_err(refuse)?;
        let order =
            asked.get("$orderby").map_or_else(|| Ok(Vec::new()), |text| read_order(text, &column, state));
        let order = order.map_err(refuse)?;
        let cap = state.policy.page_cap;
        let deletion =
            columns.iter().any(Column::is_deletion) || filter.as_ref().is_some_and(Filter::mentions_deletion);
        let dynamic = matches!(source.table, Table::Dynamic(_)) && state.policy.dynamic_shows_deleted;
        let counting = ["True", "AllPages", "Estimate"].iter().any(|word| asked.is("$inlineCount", word));
        let wide = asked.is("$mode", "wide") && state.policy.wide_rows == WideRows::Full;
        let entities = asked
            .get("$entities")
            .unwrap_or_default()
            .split(',')
            .map(|name| name.trim().to_ascii_lowercase());
        Ok(Self {
            columns,
            filter,
            order,
            top: asked.number("$top")?.unwrap_or(cap).min(cap),
            skip: asked.number("$skip")?.unwrap_or(0),
            mode: if asked.is("$mode", "full") || wide { Mode::Full } else { Mode::Slim },
            writing: Writing {
                json_safe: asked.is("$jsonSafe", "true"),
                icons: asked.is("$output", "display") && state.policy.display_flags == DisplayFlags::Icon,
            },
            count: counting && state.policy.inline_count,
            entities: entities.filter(|name| !name.is_empty() && name != "all").collect(),
            with_deleted: deletion || dynamic,
            application: ask.call.application.clone(),
        })
    }

    /// The rows of the page, and whether more follow.
    pub(super) fn page<'a>(&self, context: &Context<'a>, source: Source) -> Page<'a> {
        if self.skip > 0 && source.table.has_keys() {
            return self.later_page(context, source);
        }
        if self.order.is_empty() || self.by_key() {
            let mut matching = self.matching(context, source);
            if self.count {
                let all: Vec<_> = matching.collect();
                let count = all.len();
                let rows: Vec<_> = all.into_iter().skip(self.skip).take(self.top).collect();
                return Page { more: self.skip.saturating_add(rows.len()) < count, rows, count: Some(count) };
            }
            let rows: Vec<_> = matching.by_ref().skip(self.skip).take(self.top).collect();
            return Page { rows, more: matching.next().is_some(), count: None };
        }
        let end = self.skip.saturating_add(self.top);
        let mut all = self.keyed(context, source);
        let count = all.len();
        if end > 0 && end < count {
            all.select_nth_unstable_by(end - 1, |one, other| self.compare(one, other));
            all.truncate(end);
        }
        all.sort_unstable_by(|one, other| self.compare(one, other));
        let rows = all.into_iter().map(|(_, row)| row).take(end).skip(self.skip).collect();
        Page { rows, more: count > end, count: self.count.then_some(count) }
    }

    /// A page after the first one, from the order of all rows that is kept as long as nothing changes.
    fn later_page<'a>(&self, context: &Context<'a>, source: Source) -> Page<'a> {
        let state = context.state;
        let same = Same {
            source,
            style: context.style,
            columns: self.columns.clone(),
            filter: self.filter.clone(),
            order: self.order.clone(),
            entities: self.entities.clone(),
            with_deleted: self.with_deleted,
        };
        let ids = state.pages.borrow_mut().ids(state.revision, same, || {
            if self.order.is_empty() || self.by_key() {
                return self.matching(context, source).map(|row| row.key()).collect();
            }
            let mut all = self.keyed(context, source);
            all.sort_unstable_by(|one, other| self.compare(one, other));
            all.into_iter().map(|(_, row)| row.key()).collect()
        });
        let end = self.skip.saturating_add(self.top).min(ids.len());
        let wanted = ids.get(self.skip..end).unwrap_or_default();
        let rows = wanted.iter().filter_map(|id| source.table.find(state, *id)).collect();
        Page { rows, more: ids.len() > end, count: self.count.then_some(ids.len()) }
    }

    fn matching<'a: 'b, 'b>(
        &'b self,
        context: &'b Context<'a>,
        source: Source,
    ) -> impl Iterator<Item = Row<'a>> + 'b {
        let candidates = source.candidates(context.state, self.filter.as_ref(), &self.application);
        candidates.filter(move |row| self.wants(context, source, row))
    }

    /// The matching rows with what a sort compares.
    fn keyed<'a>(&self, context: &Context<'a>, source: Source) -> Vec<(Vec<Cell>, Row<'a>)> {
        let key = |row: Row<'a>| {
            let cells =
                self.order.iter().map(|(column, _)| column.cell(context.state, &row).sort_key()).collect();
            (cells, row)
        };
        self.matching(context, source).map(key).collect()
    }

    fn wants(&self, context: &Context<'_>, source: Source, row: &Row<'_>) -> bool {
        let there = match source.scope {
            Scope::Recycled => row.is_deleted() && self.may_see(context.state, row),
            Scope::Living | Scope::Found | Scope::Of(_) => self.with_deleted || !row.is_deleted(),
        };
        there
            && self.wants_entity(source, row)
            && !self.columns.iter().any(|column| column.drops(context.state, row))
            && self.filter.as_ref().is_none_or(|filter| filter.passes(context, row))
    }

    /// Without `forAllUsers` a recycle bin shows what the caller threw away.
    fn may_see(&self, state: &State, row: &Row<'_>) -> bool {
        let all = self.entities.is_empty() || self.entities.iter().any(|name| name == "forallusers");
        all || row.stamps().is_some_and(|stamps| stamps.updated_by == state.api_user())
    }

    fn wants_entity(&self, source: Source, row: &Row<'_>) -> bool {
        let free = self.entities.is_empty()
            || matches!(source.table, Table::Dynamic(_))
            || source.scope == Scope::Recycled;
        free || self.entities.iter().any(|name| name.eq_ignore_ascii_case(row.entity()) || name == "email")
    }

    fn by_key(&self) -> bool {
        matches!(self.order.as_slice(), [(column, false)] if column.is_key())
    }

    fn compare(&self, one: &(Vec<Cell>, Row<'_>), other: &(Vec<Cell>, Row<'_>)) -> Ordering {
        for ((_, descending), (one, other)) in self.order.iter().zip(one.0.iter().zip(&other.0)) {
            let order = one.compare(other);
            let order = if *descending { order.reverse() } else { order };
            if order != Ordering::Equal {
                return order;
            }
        }
        one.1.key().cmp(&other.1.key())
    }
}

fn read_order(
    text: &str,
    column: &dyn Fn(&str) -> Result<Column, Answer>,
    state: &State,
) -> Result<Vec<(Column, bool)>, Answer> {
    let mut order = Vec::new();
    for part in text.split(',') {
        let (name, direction) = part.trim().split_once(' ').unwrap_or((part.trim(), "asc"));
        let column = column(name)?;
        if state.policy.operators_by_type && !column.orders() {
            return Err(Answer::bad(&format!("Rows cannot be ordered by the column '{name}'")));
        }
        let descending = match direction.trim().to_ascii_lowercase().as_str() {
            "asc" | "" => false,
            "desc" => true,
            _ => return Err(Answer::bad(&format!("'{}' is no direction", direction.trim()))),
        };
        order.push((column, descending));
    }
    Ok(order)
}
