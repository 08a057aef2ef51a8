//! Which records were changed, from SuperOffice's archives.
//!
//! A filter on `updatedDate` looks at the day alone, and in which time zone is not documented ("Restriction types"). So
//! two days more are asked for than are wanted, which covers every time zone and both readings of `after`.

use std::sync::atomic::{AtomicBool, Ordering};

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
use jiff::{Timestamp, ToSpan};

use super::{SuperOffice, failed, to_the_second};
use crate::crm::{CrmError, Listed, Lists};

/// How many rows a page has; the vendor's advice ("Best practices").
const PAGE: u32 = 1_000;

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
};

const fn names(entity: Entity) -> &'static Names {
    match entity {
        Entity::Contact => &CONTACT,
        Entity::Person => &PERSON,
    }
}

/// What a tenant has refused to tell in a list.
#[derive(Debug, Default)]
pub(super) struct Refused(AtomicBool);

#[async_trait]
impl Lists for SuperOffice {
    async fn newest(&self, entity: Entity) -> Result<Option<Timestamp>, CrmError> {
        let names = names(entity);
        let query = Query::select([names.key, names.updated]).order_by(names.updated).descending().top(1);
        let page = self.client.archive(names.provider, &query).await.map_err(|error| failed(&error))?;
        Ok(page.rows.first().and_then(|row| row.date(names.updated)).map(to_the_second))
    }

    async fn changed(
        &self,
        entity: Entity,
        since: Timestamp,
        after: i64,
        fields: &Definitions,
    ) -> Result<Vec<Listed>, CrmError> {
        let names = names(entity);
        if !self.refused.0.load(Ordering::Relaxed) {
            match page(&self.client, names, since, after, Some(fields)).await {
                Err(Error::Refused { status, .. }) if status.is_client_error() => {
                    tracing::warn!(
                        "SuperOffice refuses a column of its list of {entity}s; changes of web addresses, e-mail addresses and fields are not seen there"
                    );
                    self.refused.0.store(true, Ordering::Relaxed);
                }
                rows => return rows.map_err(|error| failed(&error)),
            }
        }
        page(&self.client, names, since, after, None).await.map_err(|error| failed(&error))
    }

    async fn last(&self, entity: Entity, since: Timestamp) -> Result<i64, CrmError> {
        let names = names(entity);
        let query = Query::select([names.key, names.deleted])
            .filter(Filter::after(names.updated, day_before(since)))
            .order_by(names.key)
            .descending()
            .top(1);
        let page = self.client.archive(names.provider, &query).await.map_err(|error| failed(&error))?;
        Ok(page.rows.first().map_or(0, |row| row.primary_key))
    }
}

/// One page. Without `fields` only the list's own columns are asked for.
async fn page(
    client: &Client,
    names: &Names,
    since: Timestamp,
    after: i64,
    fields: Option<&Definitions>,
) -> Result<Vec<Listed>, Error> {
    let udfs = fields.map(|fields| udf_columns(names, fields)).unwrap_or_default();
    let fixed = [names.key, names.updated, names.updated_by, names.registered];
    let mut select: Vec<Column> = fixed.map(Column::from).into();
    select.extend(names.plain.iter().map(|(column, _)| Column::from(*column)));
    if fields.is_some() {
        // Asking for it brings in what is in the recycle bin.
        select.push(names.deleted.into());
        select.extend(names.joined.iter().map(|(column, _)| Column::from(*column)));
        select.extend(udfs.iter().cloned());
    }
    let mut seen = Vec::new();
    select.retain(|column| {
        let is_new = !seen.contains(column);
        seen.push(column.clone());
        is_new
    });
    let query = Query::select(select)
        .filter(Filter::after(names.updated, day_before(since)))
        .filter(Filter::gt(names.key, after))
        .order_by(names.key)
        .top(PAGE);
    let page = client.archive(names.provider, &query).await?;
    // A server that does not heed the filter would lead us in circles.
    if page.rows.iter().any(|row| row.primary_key <= after) {
        return Err(Error::Malformed(format!("the rows after {after} do not come after it")));
    }
    Ok(page.rows.iter().map(|row| listed(names, row, &udfs)).collect())
}

fn udf_columns(names: &Names, fields: &Definitions) -> Vec<Column> {
    let entity = if names.udf == UdefOwner::Contact { Entity::Contact } else { Entity::Person };
    fields.of(entity).filter_map(|field| Column::udf(names.udf, field.prog_id.as_str())).collect()
}

/// Days are told apart by their date, wherever midnight is.
fn day_before(since: Timestamp) -> Date {
    let day = TimeZone::UTC.to_datetime(since).date();
    day.checked_sub(2.days()).unwrap_or(Date::MIN)
}

fn listed(names: &Names, row: &VendorRow, udfs: &[Column]) -> Listed {
    let id = row.primary_key;
    let is_contact = names.udf == UdefOwner::Contact;
    let record = RecordRef { entity: if is_contact { Entity::Contact } else { Entity::Person }, id };
    let account = if is_contact { Some(id) } else { row.integer("contactId").filter(|id| *id > 0) };
    let owner = row.integer(OWNER).filter(|id| is_contact && *id > 0);
    let mut columns = Columns::new();
    for (column, name) in names.plain.iter().chain(names.joined) {
        if let Some(value) = row.column(column) {
            columns.insert((*name).to_owned(), print_of(&value.to_string()));
        }
    }
    for column in udfs {
        if let Some(value) = row.column(column.as_str()) {
            columns.insert(format!("userdef_id/{column}"), print_of(&value.to_string()));
        }
    }
    let row_at = |name: &str| row.date(name).map(to_the_second);
    Listed {
        row: Row {
            record,
            account: account.map(ContactId),
            owner: owner.map(AssociateId),
            registered_at: row_at(names.registered),
            updated_at: row_at(names.updated).or_else(|| row_at(names.registered)),
            updated_by: None,
            deleted: row_at(names.deleted).is_some(),
            columns,
        },
        by: row.text(names.updated_by).unwrap_or_default().trim().to_owned(),
    }
}
