//! `owners`: who owns companies, in which group, and whether theirs are worked on.

use std::collections::BTreeMap;

use serde_json::json;

use super::scope::{Scope, owners_of_all, word};
use crate::cli::Cli;
use crate::config::Config;
use crate::failure::{Failure, refused};
use crate::format::{cell, print, print_json, say, table};
use crate::remote::tenant;
use crate::wire;

pub(super) async fn run(cli: &Cli, config: &Config) -> Result<(), Failure> {
    let client = wire::client(config, tenant(config)?)?;
    let scope = Scope::of(config, &client).await.map_err(|error| refused(&error))?;
    // Some tenants refuse this; then there are no groups to show, and that is said.
    let (users, no_groups) = match client.internal_users().await {
        Ok(users) => (users, None),
        Err(error) => (Vec::new(), Some(error.in_full())),
    };
    let owners = owners_of_all(&client, None).await.map_err(|error| refused(&error))?;
    let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
    for owner in owners.values() {
        *counts.entry(*owner).or_default() += 1;
    }
    let group = |id: i64| users.iter().find(|user| user.id == id).map(|user| user.group.clone());
    let count = |id: i64| counts.get(&id).copied().unwrap_or(0);
    if cli.json {
        let user = |user: &superoffice::AssociateName| {
            json!({"id": user.id, "short_name": user.short_name, "name": user.full_name, "group": group(user.id),
                   "in_scope": word(scope.covers(user.id)), "accounts": count(user.id)})
        };
        print_json(&json!(scope.users.iter().map(user).collect::<Vec<_>>()));
    } else {
        let row = |user: &superoffice::AssociateName| {
            vec![
                user.id.to_string(),
                cell(user.short_name.as_deref().unwrap_or("-")),
                cell(&user.full_name),
                cell(&group(user.id).unwrap_or_else(|| "-".to_owned())),
                word(scope.covers(user.id)).to_owned(),
                count(user.id).to_string(),
            ]
        };
        let rows: Vec<Vec<String>> = scope.users.iter().map(row).collect();
        print(&table(&["ID", "SHORT NAME", "NAME", "GROUP", "IN SCOPE", "ACCOUNTS"], &rows));
    }
    let strangers: u64 =
        counts.iter().filter(|(id, _)| scope.user(**id).is_none()).map(|(_, count)| count).sum();
    if strangers > 0 {
        say(&format!("note: {strangers} companies have no owner, or one who is no user any more"));
    }
    for refusal in [
        scope.refusal.map(|why| format!("short names: {why}")),
        no_groups.map(|why| format!("groups: {why}")),
    ]
    .into_iter()
    .flatten()
    {
        say(&format!("note: SuperOffice does not tell {refusal}"));
    }
    Ok(())
}
