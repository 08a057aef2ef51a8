//! What a sweep is to cost, before it is begun.

use connector_domain::ids::Entity;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::SweepError;
use super::sweeper::Sweeper;
use crate::crm::{Few, Listed};

/// The plan.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// What it is to cost, with what the plan itself has cost.
    pub calls: u64,
    /// For each kind of record.
    pub parts: Vec<Part>,
}

impl Plan {
    /// Whether reading a list by days takes more than a page.
    pub(super) fn is_long(&self, entity: Entity) -> bool {
        let part = self.parts.iter().find(|part| part.entity == entity);
        part.is_some_and(|part| part.is_exact || part.calls > part.made)
    }
}

/// The part of a plan for one kind of record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which kind.
    pub entity: Entity,
    /// How many records are to be read.
    pub records: u64,
    /// Whether that is reckoned, since lists do not tell how long they are.
    pub is_estimate: bool,
    /// Whether they are those that were changed since then and no others.
    pub is_exact: bool,
    /// How many calls that is.
    pub calls: u64,
    /// How many of these calls have been made for the plan itself.
    pub made: u64,
    /// The greatest number among them: behind it there is nothing to read.
    pub last: i64,
}

/// A plan, with the first page of each list that it was made from.
pub(super) struct Planned {
    pub(super) part: Part,
    pub(super) first: Vec<Listed>,
}

impl Sweeper {
    /// Reads the first page of a list and asks for its last number: how many records lie between can be reckoned then.
    ///
    /// Where the list was long the last time, because a day saw many changes, those since then may be had at once.
    pub(super) async fn plan_of(
        &self,
        entity: Entity,
        since: Timestamp,
        was_long: bool,
    ) -> Result<Planned, SweepError> {
        let fields = self.ports().discovered.definitions_now();
        let few = if was_long && since > Timestamp::UNIX_EPOCH {
            self.lists().few(entity, since, &fields).await?
        } else {
            Few::default()
        };
        let spent = few.calls;
        if let Some(rows) = few.rows {
            let last = rows.last().map_or(0, |listed| listed.row.record.id);
            let records = rows.len() as u64;
            let part =
                Part { entity, records, is_estimate: false, is_exact: true, calls: spent, made: spent, last };
            return Ok(Planned { part, first: rows });
        }
        let first = self.page(entity, since, 0).await?;
        let Some(end) = first.last().map(|listed| listed.row.record.id) else {
            return Ok(Planned {
                part: Part {
                    entity,
                    records: 0,
                    is_estimate: false,
                    is_exact: false,
                    calls: spent + 1,
                    made: spent + 1,
                    last: 0,
                },
                first,
            });
        };
        let last = self.lists().last(entity, since).await?.max(end);
        let begin = first.first().map_or(1, |listed| listed.row.record.id);
        let (records, pages) = reckon(first.len() as u64, begin, end, last);
        let made = spent + 2;
        let part = Part {
            entity,
            records,
            is_estimate: last > end,
            is_exact: false,
            calls: spent + pages + 1,
            made,
            last,
        };
        Ok(Planned { part, first })
    }
}

/// How many records and pages there are, when a page goes from one number to another and the last number is known: as
/// if they lay everywhere as close as in the first page.
fn reckon(page: u64, begin: i64, end: i64, last: i64) -> (u64, u64) {
    let width = u128::from(end.abs_diff(begin)) + 1;
    let beyond = u128::from(last.abs_diff(end)) * u128::from(page);
    let beyond = u64::try_from(beyond.div_ceil(width)).unwrap_or(u64::MAX / 2);
    (page + beyond, 1 + beyond.div_ceil(page.max(1)))
}

#[cfg(test)]
mod tests {
    use super::reckon;

    #[test]
    fn what_lies_behind_the_first_page_is_reckoned_from_how_close_its_numbers_are() {
        assert_eq!(reckon(37, 5, 900, 900), (37, 1));
        assert_eq!(reckon(1000, 1, 1000, 2000), (2000, 2));
        assert_eq!(reckon(1000, 1, 1000, 2001), (2001, 3));
        assert_eq!(reckon(1000, 1, 10_000, 25_000), (2500, 3));
    }
}
