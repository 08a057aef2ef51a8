//! `counts`: companies by owner, counted in two ways. One walks the list of companies in the order of its keys, as the
//! product does; the other pages through the list that the Find window uses, as people see it. Companies that only one
//! of them shows are read one by one, so that each difference has a reason.

use std::collections::BTreeMap;

use serde_json::json;
use superoffice::odata::{Filter, Query};
use superoffice::{Client, Error};

use connector_domain::policy::InScope;

use super::scope::{OWNER, ROWS, Scope, owners_of_all};
use crate::cli::{Cli, CountsArgs};
use crate::config::Config;
use crate::failure::{Failure, Status, refused};
use crate::format::{cell, print, print_json, say, table};
use crate::remote::tenant;
use crate::wire;

/// The list that SuperOffice's Find window shows.
const FIND: &str = "FindContact";
/// So many companies that differ are read one by one.
const MOST_EXPLAINED: usize = 200;

/// A company that only one way shows.
struct Difference {
    id: i64,
    owner: i64,
    words: String,
    is_explained: bool,
}

pub(super) async fn run(cli: &Cli, args: &CountsArgs, config: &Config) -> Result<(), Failure> {
    let client = wire::client(config, tenant(config)?)?;
    let scope = Scope::of(config, &client).await.map_err(|error| refused(&error))?;
    let filter = args.filter.as_deref().map(Filter::typed);
    let by_list = owners_of_all(&client, filter.as_ref()).await.map_err(|error| refused(&error))?;
    let by_find = owners_by_find(&client, filter.as_ref()).await.map_err(|error| refused(&error))?;
    let differences = differences(&client, &by_list, &by_find).await.map_err(|error| refused(&error))?;

    let (list, find) = (tally(&by_list), tally(&by_find));
    let mut owners: Vec<i64> = list.keys().chain(find.keys()).copied().collect();
    owners.sort_unstable();
    owners.dedup();
    owners.retain(|owner| args.all || scope.covers(*owner) != InScope::No);
    let count = |tally: &BTreeMap<i64, u64>, owner: &i64| tally.get(owner).copied().unwrap_or(0);
    let name = |owner: i64| scope.user(owner).map(|user| user.full_name.clone());
    let short = |owner: i64| scope.user(owner).and_then(|user| user.short_name.clone());
    let unexplained = differences.iter().filter(|difference| !difference.is_explained).count();
    if cli.json {
        let owner = |owner: &i64| {
            json!({"owner_id": owner, "owner": short(*owner), "name": name(*owner), "list": count(&list, owner),
                   "find": count(&find, owner)})
        };
        let difference = |difference: &Difference| {
            json!({"id": difference.id, "owner_id": difference.owner, "words": difference.words,
                   "explained": difference.is_explained})
        };
        print_json(&json!({
            "owners": owners.iter().map(owner).collect::<Vec<_>>(), "list": by_list.len(), "find": by_find.len(),
            "differences": differences.iter().map(difference).collect::<Vec<_>>(), "unexplained": unexplained,
        }));
    } else {
        let row = |owner: &i64| {
            vec![
                owner.to_string(),
                cell(&short(*owner).unwrap_or_else(|| "-".to_owned())),
                cell(&name(*owner).unwrap_or_else(|| "no user any more".to_owned())),
                count(&list, owner).to_string(),
                count(&find, owner).to_string(),
            ]
        };
        let mut rows: Vec<Vec<String>> = owners.iter().map(row).collect();
        let total = |tally: &BTreeMap<i64, u64>| owners.iter().map(|owner| count(tally, owner)).sum::<u64>();
        rows.push(vec![
            String::new(),
            String::new(),
            "all of these".to_owned(),
            total(&list).to_string(),
            total(&find).to_string(),
        ]);
        print(&table(&["OWNER", "SHORT NAME", "NAME", "LIST", "FIND"], &rows));
        for difference in &differences {
            say(&format!("company {}: {}", difference.id, cell(&difference.words)));
        }
    }
    if unexplained == 0 {
        return Ok(());
    }
    Err(Failure::words(Status::Findings, format!("{unexplained} companies differ without a reason"))
        .help("count again; if they stay, compare the roles of the API user and of whoever sees them in SuperOffice"))
}

fn tally(owners: &BTreeMap<i64, i64>) -> BTreeMap<i64, u64> {
    owners.values().fold(BTreeMap::new(), |mut tally, owner| {
        *tally.entry(*owner).or_default() += 1;
        tally
    })
}

/// The owner of every company that the Find window's list shows, page by page.
async fn owners_by_find(client: &Client, filter: Option<&Filter>) -> Result<BTreeMap<i64, i64>, Error> {
    let mut owners = BTreeMap::new();
    let mut seen = 0;
    loop {
        let mut query = Query::select(["contactId", OWNER]).order_by("contactId").top(ROWS).skip(seen);
        if let Some(filter) = filter {
            query = query.filter(filter.clone());
        }
        let page = client.archive(FIND, &query).await?;
        // Fewer rows than asked for may be a cap of the server's; only an empty page is the end.
        if page.rows.is_empty() {
            return Ok(owners);
        }
        seen += u32::try_from(page.rows.len()).unwrap_or(u32::MAX - seen);
        owners.extend(page.rows.iter().map(|row| (row.primary_key, row.integer(OWNER).unwrap_or(0))));
    }
}

async fn differences(
    client: &Client,
    list: &BTreeMap<i64, i64>,
    find: &BTreeMap<i64, i64>,
) -> Result<Vec<Difference>, Error> {
    let mut ids: Vec<i64> = list.keys().chain(find.keys()).copied().collect();
    ids.sort_unstable();
    ids.dedup();
    ids.retain(|id| list.get(id) != find.get(id));
    let mut differences = Vec::new();
    for (at, id) in ids.into_iter().enumerate() {
        let owner = list.get(&id).or_else(|| find.get(&id)).copied().unwrap_or(0);
        let (words, is_explained) = if at < MOST_EXPLAINED {
            explain(client, id, list.get(&id), find.get(&id)).await?
        } else {
            ("not looked at: too many differ".to_owned(), false)
        };
        differences.push(Difference { id, owner, words, is_explained });
    }
    Ok(differences)
}

/// Why only one way shows a company, or each with another owner.
async fn explain(
    client: &Client,
    id: i64,
    list: Option<&i64>,
    find: Option<&i64>,
) -> Result<(String, bool), Error> {
    let where_shown = match (list, find) {
        (Some(_), Some(_)) => "both lists, with different owners",
        (Some(_), None) => "the list of companies only",
        (None, Some(_)) => "the Find window's list only",
        (None, None) => "neither list",
    };
    let explained = match client.contact(id).await {
        Err(Error::NotFound(_)) => Some("it was deleted while we counted"),
        Ok(company) if company.deleted != 0 => Some("it is in the recycle bin"),
        Ok(_) if list.is_some() && find.is_some() => Some("its owner changed while we counted"),
        Ok(_) => None,
        Err(Error::Forbidden(_)) => Some("the API user's role may not read it"),
        Err(error) => return Err(error),
    };
    let words = format!("in {where_shown}: {}", explained.unwrap_or("and it is there, and may be read"));
    Ok((words, explained.is_some()))
}
