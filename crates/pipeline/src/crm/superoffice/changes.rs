//! Which records were changed, from SuperOffice's archives.
//!
//! A filter on `updatedDate` looks at the day alone, and in which time zone is not documented ("Restriction types"). So
//! two days more are asked for than are wanted, which covers every time zone and both readings of `after`. In which time
//! zone lists write dates is not documented either; where they name none, one record is read both ways, which tells. Nor is
//! it whether a record that nobody has changed yet has a date of the last change; so its date of creation counts as well.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ::superoffice::api::archive::DYNAMIC;
use ::superoffice::api::odata::Row as VendorRow;
use ::superoffice::api::udef::Owner as UdefOwner;
use ::superoffice::odata::{Column, Filter, Query};
use ::superoffice::{Client, Error};
use async_trait::async_trait;
use connector_domain::field::Definitions;
use connector_domain::ids::{AssociateId, ContactId, Entity, RecordRef};
use connector_domain::sweep::{Columns, Row, print_of};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::{SuperOffice, failed, to_the_second};
use crate::crm::{CrmError, Few, Listed, Lists, Newest, Unseen};

/// How many rows a page has; the vendor's advice ("Best practices").
const PAGE: u32 = 1_000;
/// A quarter of an hour, in seconds.
const QUARTER: i64 = 15 * 60;
/// No time zone is farther from UTC.
const FARTHEST: i64 = 14 * 60 * 60;
/// What was refused is asked for again after this.
const ASK_AGAIN: Duration = Duration::from_mins(10);
/// So many are few.
const FEW: u32 = 60;
/// So many records are read both ways until one tells how the clocks of lists and records differ: somebody may change or
/// delete the first ones between the two looks.
const COMPARED: u8 = 5;
/// So many records with a stamp in the future may lie before one without, in the days around now.
const AHEAD: u32 = 100;

/// The names that a kind of record's list has for what a sweep reads.
struct Names {
    provider: &'static str,
    key: &'static str,
    updated: &'static str,
    updated_by: &'static str,
    registered: &'static str,
    deleted: &'static str,
    /// Columns of the list, each with the name that events have for it.
    plain: &'static [(&'static str, &'static str)],
    /// The same for what is joined from other tables; a tenant may refuse them.
    joined: &'static [(&'static str, &'static str)],
    udf: UdefOwner,
    /// Number, stamp, date of creation and date of deletion in the dynamic archive.
    exact: [&'static str; 4],
}

const OWNER: &str = "contactAssociate/associateDbId";

const CONTACT: Names = Names {
    provider: "FindContact",
    key: "contactId",
    updated: "updatedDate",
    updated_by: "updatedBy",
    registered: "registeredDate",
    deleted: "deletedDate",
    plain: &[
        ("name", "name"),
        ("department", "department"),
        ("orgnr", "orgnr"),
        ("category", "category_idx"),
        ("business", "business_idx"),
        (OWNER, "associate_id"),
    ],
    joined: &[("url/URLAddress", "urladdress"), ("email/emailAddress", "email")],
    udf: UdefOwner::Contact,
    exact: ["contact.contact_id", "contact.updated", "contact.registered", "contact.deletedDate"],
};

const PERSON: Names = Names {
    provider: "Person",
    key: "personId",
    updated: "personUpdatedDate",
    updated_by: "personUpdatedBy",
    registered: "personRegisteredDate",
    deleted: "personDeletedDate",
    plain: &[
        ("title", "title"),
        ("position", "position_idx"),
        ("contactId", "contact_id"),
        ("retired", "retired"),
    ],
    joined: &[("email/emailAddress", "email")],
    udf: UdefOwner::Person,
    exact: ["person.person_id", "person.updated", "person.registered", "person.deletedDate"],
};

impl Names {
    /// Whether a column is the list's, rather than a user-defined field.
    fn names(&self, column: &Column) -> bool {
        column.as_str() == self.deleted || self.joined.iter().any(|(name, _)| *name == column.as_str())
    }

    /// The column that dates the last change of a row.
    fn dated(&self, row: &VendorRow) -> &'static str {
        if row.date(self.updated).is_some() { self.updated } else { self.registered }
    }

    /// What was changed or created since then, and two days before.
    fn since(&self, since: Timestamp) -> Filter {
        let day = day_before(since);
        Filter::after(self.updated, day).or(Filter::after(self.registered, day))
    }

    fn entity(&self) -> Entity {
        if self.udf == UdefOwner::Contact { Entity::Contact } else { Entity::Person }
    }
}

const fn names(entity: Entity) -> &'static Names {
    match entity {
        Entity::Contact => &CONTACT,
        Entity::Person => &PERSON,
    }
}

/// What is known of a tenant's lists.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    /// What it refuses of each list, and when it did.
    refused: Mutex<BTreeMap<Entity, Refused>>,
    /// Whether its dynamic archive cannot be relied on.
    inexact: AtomicBool,
    /// Whether it has shown that it can.
    exact: AtomicBool,
    /// How many seconds the dates in lists are ahead of those in records.
    ahead: AtomicI64,
    /// Whether that has been found out. Until it is, no date of a list means anything.
    compared: AtomicBool,
}

/// Columns of a list that a tenant refuses.
#[derive(Debug)]
struct Refused {
    columns: Vec<Column>,
    at: Instant,
}

#[async_trait]
impl Lists for SuperOffice {
    async fn newest(&self, entity: Entity, until: Timestamp) -> Result<Newest, CrmError> {
        let names = names(entity);
        let mut newest = Newest::default();
        for date in [names.updated, names.registered] {
            let columns = [names.key, names.updated, names.registered];
            let query = Query::select(columns).order_by(date).descending().top(COMPARED.into());
            newest.calls += 1;
            let page = self.client.archive(names.provider, &query).await.map_err(|error| failed(&error))?;
            let Some(row) = page.rows.first() else { continue };
            self.compare_clocks(names, &page.rows).await.map_err(|error| failed(&error))?;
            let mut at = stamp(row, date, self.learnt.ahead.load(Ordering::Relaxed));
            if let Some(ahead) = at.filter(|at| *at > until) {
                newest.ahead = newest.ahead.or(Some((row.primary_key, ahead)));
                // Something is there, however long ago it was changed.
                at = self.newest_until(names, date, until, &mut newest.calls).await?;
                at = at.or(Some(Timestamp::UNIX_EPOCH));
            }
            newest.at = newest.at.max(at);
        }
        Ok(newest)
    }

    async fn changed(
        &self,
        entity: Entity,
        since: Timestamp,
        after: i64,
        fields: &Definitions,
    ) -> Result<Vec<Listed>, CrmError> {
        page(self, entity, since, after, fields).await.map_err(|error| failed(&error))
    }

    fn unseen(&self) -> Vec<Unseen> {
        let refused = self.refused();
        let each = refused
            .iter()
            .flat_map(|(entity, refused)| refused.columns.iter().map(move |column| (*entity, column)));
        let unseen = each.map(|(entity, column)| Unseen {
            words: format!(
                "SuperOffice refuses {column} in its list of {entity}s, so changes of it are not seen there"
            ),
            is_own_field: !names(entity).names(column),
        });
        unseen.collect()
    }

    async fn few(&self, entity: Entity, since: Timestamp, fields: &Definitions) -> Result<Few, CrmError> {
        if self.learnt.inexact.load(Ordering::Relaxed) || self.learnt.ahead.load(Ordering::Relaxed) != 0 {
            return Ok(Few::default());
        }
        let names = names(entity);
        let mut calls = 0;
        match exactly(&self.client, names, since, &self.learnt, &mut calls).await {
            Ok(Some(ids)) => {
                let rows =
                    self.these(names, &ids, fields, &mut calls).await.map_err(|error| failed(&error))?;
                Ok(Few { rows: Some(rows), calls })
            }
            Ok(None) => Ok(Few { rows: None, calls }),
            // Its columns, and what it makes of times, are not documented for every tenant.
            Err(Error::Refused { .. } | Error::Forbidden(_) | Error::NotFound(_) | Error::Malformed(_)) => {
                self.learnt.inexact.store(true, Ordering::Relaxed);
                Ok(Few { rows: None, calls })
            }
            Err(error) => Err(failed(&error)),
        }
    }

    async fn last(&self, entity: Entity, since: Timestamp) -> Result<i64, CrmError> {
        let names = names(entity);
        let last = |columns: Vec<Column>| {
            let query = Query::select(columns).filter(names.since(since)).order_by(names.key);
            async move { self.client.archive(names.provider, &query.descending().top(1)).await }
        };
        let key = Column::from(names.key);
        let deleted = self.wanted(names, &Definitions::default()).into_iter();
        let deleted: Vec<Column> = deleted.filter(|column| column.as_str() == names.deleted).collect();
        let page = match last([vec![key.clone()], deleted.clone()].concat()).await {
            // What is in the recycle bin is not shown by this tenant.
            Err(error) if is_about_the_question(&error) && !deleted.is_empty() => last(vec![key]).await,
            page => page,
        };
        let page = page.map_err(|error| failed(&error))?;
        Ok(page.rows.first().map_or(0, |row| row.primary_key))
    }
}

impl SuperOffice {
    /// The last date in a column until then. Filters look at days, so it asks on both sides of that day.
    async fn newest_until(
        &self,
        names: &Names,
        date: &'static str,
        until: Timestamp,
        calls: &mut u64,
    ) -> Result<Option<Timestamp>, CrmError> {
        let today = TimeZone::UTC.to_datetime(until).date();
        let days = [today.checked_add(2.days()).unwrap_or(Date::MAX), day_before(until)];
        for day in days {
            let query = Query::select([names.key, date]).filter(Filter::before(date, day));
            let query = query.order_by(date).descending().top(AHEAD);
            *calls += 1;
            let page = self.client.archive(names.provider, &query).await.map_err(|error| failed(&error))?;
            let ahead = self.learnt.ahead.load(Ordering::Relaxed);
            let at = page.rows.iter().filter_map(|row| stamp(row, date, ahead)).find(|at| *at <= until);
            if at.is_some() {
                return Ok(at);
            }
        }
        Ok(None)
    }

    /// Finds out how far the dates in lists are ahead of those in records, where they do not say it themselves.
    async fn compare_clocks(&self, names: &Names, rows: &[VendorRow]) -> Result<(), Error> {
        let learnt = &self.learnt;
        let found_out = |ahead| {
            learnt.ahead.store(ahead, Ordering::Relaxed);
            learnt.compared.store(true, Ordering::Relaxed);
        };
        for row in rows.iter().take(COMPARED.into()) {
            if row.text(names.dated(row)).is_some_and(names_a_zone) {
                found_out(0);
                return Ok(());
            }
            if let Some(ahead) = self.ahead_of_record(names, row).await? {
                found_out(ahead);
                return Ok(());
            }
            // What was found out once holds.
            if learnt.compared.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
        if rows.is_empty() || learnt.compared.load(Ordering::Relaxed) {
            return Ok(());
        }
        let words = format!("it cannot be told yet which time zone the list of {}s is in", names.entity());
        Err(Error::Malformed(words))
    }

    /// How far a row is ahead of its record; `None` when the record was changed meanwhile, or is gone.
    async fn ahead_of_record(&self, names: &Names, row: &VendorRow) -> Result<Option<i64>, Error> {
        let dates = match names.entity() {
            Entity::Contact => {
                self.client.contact(row.primary_key).await.map(|it| it.updated_date.or(it.created_date))
            }
            Entity::Person => {
                self.client.person(row.primary_key).await.map(|it| it.updated_date.or(it.created_date))
            }
        };
        let in_record = match dates {
            Ok(date) => date,
            Err(Error::NotFound(_) | Error::Forbidden(_)) => None,
            Err(error) => return Err(error),
        };
        let (Some(in_list), Some(in_record)) = (row.date(names.dated(row)), in_record) else {
            return Ok(None);
        };
        let ahead = in_list.as_second() - in_record.as_second();
        // Time zones differ by quarters of an hour. Anything else is a change between the two looks.
        Ok(Some(ahead).filter(|ahead| ahead % QUARTER == 0 && ahead.abs() <= FARTHEST))
    }

    /// These records as the usual list shows them.
    async fn these(
        &self,
        names: &Names,
        ids: &[i64],
        fields: &Definitions,
        calls: &mut u64,
    ) -> Result<Vec<Listed>, Error> {
        let Some(filter) = Filter::is_in(names.key, ids) else { return Ok(Vec::new()) };
        *calls += 1;
        self.seeing(names, filter, fields).await
    }

    /// Rows with everything of them that the tenant shows. What it refuses is found out column by column, and asked for
    /// again after a while, since rights change.
    async fn seeing(
        &self,
        names: &Names,
        filter: Filter,
        fields: &Definitions,
    ) -> Result<Vec<Listed>, Error> {
        let wanted = self.wanted(names, fields);
        let refusal = match rows(self, names, filter.clone(), &wanted).await {
            Err(error @ Error::Refused { .. }) if is_about_the_question(&error) && !wanted.is_empty() => {
                error
            }
            rows => return rows,
        };
        let mut refused = Vec::new();
        for column in &wanted {
            let alone = Query::select([Column::from(names.key), column.clone()]).order_by(names.key).top(1);
            match self.client.archive(names.provider, &alone).await {
                Ok(_) => {}
                Err(error) if is_about_the_question(&error) => refused.push(column.clone()),
                Err(error) => return Err(error),
            }
        }
        // None of them alone: then it is all of them together, or something else.
        if refused.is_empty() {
            refused.clone_from(&wanted);
        }
        let left: Vec<Column> = wanted.iter().filter(|column| !refused.contains(column)).cloned().collect();
        let Ok(rows) = rows(self, names, filter, &left).await else { return Err(refusal) };
        let columns: Vec<&str> = refused.iter().map(Column::as_str).collect();
        tracing::warn!(
            "SuperOffice refuses {} in its list of {}s; changes of it are not seen there",
            columns.join(", "),
            names.entity()
        );
        self.refused().insert(names.entity(), Refused { columns: refused, at: Instant::now() });
        Ok(rows)
    }

    /// The columns that a tenant may refuse, without those that it lately did.
    fn wanted(&self, names: &Names, fields: &Definitions) -> Vec<Column> {
        let refused = {
            let mut all = self.refused();
            all.retain(|_, refused| refused.at.elapsed() < ASK_AGAIN);
            all.get(&names.entity()).map(|refused| refused.columns.clone()).unwrap_or_default()
        };
        // Asking for the date of deletion brings in what is in the recycle bin.
        std::iter::once(Column::from(names.deleted))
            .chain(names.joined.iter().map(|(column, _)| Column::from(*column)))
            .chain(udf_columns(names, fields))
            .filter(|column| !refused.contains(column))
            .collect()
    }

    fn refused(&self) -> MutexGuard<'_, BTreeMap<Entity, Refused>> {
        self.learnt.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether what was asked is refused, rather than that it was asked just now.
fn is_about_the_question(error: &Error) -> bool {
    matches!(error, Error::Refused { status, .. } if status.is_client_error())
}

/// The numbers of the records that were changed since then, by the dynamic archive; `None` when there are many.
///
/// What time zone its filter goes by is not documented, nor how many rows it gives. So a second look shows that nothing
/// is missing at the end, and once the archive has to find the record that was changed last by that record's own stamp, to
/// the second: whatever the gap is, no time zone passes that is not the one that we mean.
async fn exactly(
    client: &Client,
    names: &Names,
    since: Timestamp,
    learnt: &Learnt,
    calls: &mut u64,
) -> Result<Option<Vec<i64>>, Error> {
    let [key, updated, registered, deleted] = names.exact;
    let all = Query::select([key, updated, registered, deleted]);
    let saved_at = |row: &VendorRow| row.date(updated).or_else(|| row.date(registered)).map(to_the_second);
    let saved_since = |since: Timestamp| {
        let time = TimeZone::UTC.to_datetime(since);
        Filter::after_time(updated, time).or(Filter::after_time(registered, time))
    };
    let since_then = all.clone().filter(saved_since(since)).order_by(key);
    *calls += 1;
    let page = client.archive(DYNAMIC, &since_then.clone().top(FEW + 1)).await?;
    if page.rows.iter().any(|row| saved_at(row).is_some_and(|at| at < since)) {
        return Err(Error::Malformed("the dynamic archive tells of earlier changes as well".to_owned()));
    }
    let ids: Vec<i64> = page.rows.iter().map(|row| row.primary_key).collect();
    if ids.len() > FEW as usize {
        return Ok(None);
    }
    if !ids.is_empty() {
        *calls += 1;
        let end = client.archive(DYNAMIC, &since_then.descending().top(1)).await?;
        if end.rows.first().map(|row| row.primary_key) != ids.last().copied() {
            return Ok(None);
        }
    }
    if !learnt.exact.load(Ordering::Relaxed) {
        *calls += 1;
        let newest = client.archive(DYNAMIC, &all.clone().order_by(updated).descending().top(1)).await?;
        let newest = newest.rows.first().and_then(|row| Some((row.primary_key, saved_at(row)?)));
        let Some((newest, at)) = newest.filter(|(_, at)| *at >= since) else { return Ok(Some(ids)) };
        *calls += 1;
        let just_before = at.checked_sub(SignedDuration::from_secs(1)).unwrap_or(at);
        let query = all.filter(saved_since(just_before)).order_by(key).descending().top(FEW + 1);
        let last = client.archive(DYNAMIC, &query).await?;
        if last.rows.iter().any(|row| saved_at(row).is_some_and(|at| at < just_before)) {
            return Err(Error::Malformed("the dynamic archive tells of earlier changes as well".to_owned()));
        }
        if last.rows.iter().all(|row| row.primary_key != newest) {
            return Err(Error::Malformed("the dynamic archive leaves out the last change".to_owned()));
        }
        learnt.exact.store(true, Ordering::Relaxed);
    }
    Ok(Some(ids))
}

/// One page.
async fn page(
    crm: &SuperOffice,
    entity: Entity,
    since: Timestamp,
    after: i64,
    fields: &Definitions,
) -> Result<Vec<Listed>, Error> {
    let names = names(entity);
    let filter = names.since(since).and(Filter::gt(names.key, after));
    let listed = crm.seeing(names, filter, fields).await?;
    // A server that does not heed the filter would lead us in circles.
    if listed.iter().any(|listed| listed.row.record.id <= after) {
        return Err(Error::Malformed(format!("the rows after {after} do not come after it")));
    }
    Ok(listed)
}

/// Rows with the list's own columns, and with these.
async fn rows(
    crm: &SuperOffice,
    names: &Names,
    filter: Filter,
    besides: &[Column],
) -> Result<Vec<Listed>, Error> {
    let fixed = [names.key, names.updated, names.updated_by, names.registered];
    let mut select: Vec<Column> = fixed.map(Column::from).into();
    select.extend(names.plain.iter().map(|(column, _)| Column::from(*column)));
    select.extend(besides.iter().cloned());
    let mut seen = Vec::new();
    select.retain(|column| {
        let is_new = !seen.contains(column);
        seen.push(column.clone());
        is_new
    });
    let query = Query::select(select).filter(filter).order_by(names.key).top(PAGE);
    let page = crm.client.archive(names.provider, &query).await?;
    if !crm.learnt.compared.load(Ordering::Relaxed) {
        crm.compare_clocks(names, &page.rows).await?;
    }
    let ahead = crm.learnt.ahead.load(Ordering::Relaxed);
    Ok(page.rows.iter().map(|row| listed(names, row, besides, ahead)).collect())
}

fn udf_columns(names: &Names, fields: &Definitions) -> Vec<Column> {
    fields.of(names.entity()).filter_map(|field| Column::udf(names.udf, field.prog_id.as_str())).collect()
}

/// Days are told apart by their date, wherever midnight is.
fn day_before(since: Timestamp) -> Date {
    let day = TimeZone::UTC.to_datetime(since).date();
    day.checked_sub(2.days()).unwrap_or(Date::MIN)
}

/// A date of a row, as records have it.
fn stamp(row: &VendorRow, column: &str, ahead: i64) -> Option<Timestamp> {
    let at = to_the_second(row.date(column)?);
    at.checked_sub(SignedDuration::from_secs(ahead)).ok()
}

/// Whether a date says which time zone it is in.
fn names_a_zone(date: &str) -> bool {
    let time = date.split_once('T').map_or("", |(_, time)| time);
    time.ends_with(['Z', 'z']) || time.contains(['+', '-'])
}

fn listed(names: &Names, row: &VendorRow, besides: &[Column], ahead: i64) -> Listed {
    let id = row.primary_key;
    let is_contact = names.entity() == Entity::Contact;
    let record = RecordRef { entity: names.entity(), id };
    let account = if is_contact { Some(id) } else { row.integer("contactId").filter(|id| *id > 0) };
    let owner = row.integer(OWNER).filter(|id| is_contact && *id > 0);
    let mut columns = Columns::new();
    for (column, name) in names.plain.iter().chain(names.joined) {
        if let Some(value) = row.column(column) {
            columns.insert((*name).to_owned(), print_of(&value.to_string()));
        }
    }
    for column in besides.iter().filter(|column| !names.names(column)) {
        if let Some(value) = row.column(column.as_str()) {
            columns.insert(format!("userdef_id/{column}"), print_of(&value.to_string()));
        }
    }
    let row_at = |name: &str| stamp(row, name, ahead);
    Listed {
        row: Row {
            record,
            account: account.map(ContactId),
            owner: owner.map(AssociateId),
            registered_at: row_at(names.registered),
            updated_at: row_at(names.dated(row)),
            updated_by: None,
            deleted: row_at(names.deleted).is_some(),
            columns,
        },
        by: row.text(names.updated_by).unwrap_or_default().trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_names_its_zone_or_does_not() {
        let named = ["2026-05-04T12:00:00Z", "2026-05-04T12:00:00+02:00", "2026-05-04T12:00:00-0500"];
        assert!(named.into_iter().all(names_a_zone));
        assert!(!["2026-05-04T12:00:00", "2026-05-04", ""].into_iter().any(names_a_zone));
    }

    #[test]
    fn two_days_more_are_asked_for_than_are_wanted() {
        let day = |at: &str| day_before(at.parse().unwrap()).to_string();
        assert_eq!(day("2026-05-04T23:59:59Z"), "2026-05-02");
        assert_eq!(day("2026-05-05T00:00:00Z"), "2026-05-03");
    }
}
