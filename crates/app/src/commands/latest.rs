//! `latest`: the newest company in scope, and what stands in its fields, read from SuperOffice this moment.

use connector_domain::drift::Bindings;
use connector_domain::field::Target;
use connector_domain::ids::{ContactId, Entity};
use connector_domain::policy;
use connector_pipeline::Crm as _;
use connector_pipeline::crm::superoffice::SuperOffice;
use serde_json::{Value, json};
use superoffice::Client;
use superoffice::odata::{Filter, Query};

use super::scope::{OWNER, Scope};
use crate::cli::Cli;
use crate::config::Config;
use crate::failure::{Failure, Status, refused};
use crate::format::{cell, json_cell, print, print_json};
use crate::remote::{Remote, tenant};
use crate::wire;

pub(super) async fn run(cli: &Cli, config: &Config) -> Result<(), Failure> {
    let client = wire::client(config, tenant(config)?)?;
    let (id, owner, registered) = newest(config, &client).await?;
    let crm = SuperOffice::new(client);
    let told = |error: connector_pipeline::CrmError| {
        let help = error.help;
        Failure::words(Status::Failed, error.words).help(help)
    };
    let definitions = crm.discover(&config.fields, &Bindings::default()).await.map_err(told)?.definitions;
    let account = crm.account(ContactId(id), &definitions).await.map_err(told)?;
    let Some(account) = account else {
        return Err(Failure::words(Status::NotFound, format!("company {id} was deleted this moment")));
    };
    // What our own books say of it, when there are any.
    let ours = match Remote::reach(config).await {
        Ok(remote) => remote.get(&format!("/api/v1/accounts/{id}")).await.unwrap_or_default(),
        Err(_) => Value::Null,
    };
    let fields: Vec<Value> = definitions
        .of(Entity::Contact)
        .map(|field| {
            let value = account.fields.values.get(&field.target);
            let words = value.map(|value| definitions.words(field.target, value)).unwrap_or_default();
            json!({"field": field.target.key(), "label": field.label, "prog_id": field.prog_id.as_str(), "value": words})
        })
        .collect();
    let filled = fields.iter().filter(|field| field["value"] != "").count();
    let document = json!({
        "id": id, "name": account.name, "owner": owner, "registered": registered, "fields": fields,
        "enriched": filled > 0, "state": ours["state"], "reason": ours["reason"], "malformed": account.fields.malformed,
    });
    if cli.json {
        print_json(&document);
        return Ok(());
    }
    show(&document, filled);
    Ok(())
}

fn show(document: &Value, filled: usize) {
    for key in ["id", "name", "owner", "registered", "state", "reason"] {
        print(&format!("{key:<18} {}", json_cell(&document[key])));
    }
    for field in document["fields"].as_array().into_iter().flatten() {
        let label = cell(field["label"].as_str().unwrap_or_default());
        print(&format!("{label:<18} {}", json_cell(&field["value"])));
    }
    let all = Target::ALL.iter().filter(|target| target.entity() == Entity::Contact).count();
    print(&format!("{filled} of {all} fields are filled in SuperOffice now."));
}

/// Number, owner and date of the newest company whose owner is in scope.
async fn newest(config: &Config, client: &Client) -> Result<(i64, Option<String>, Option<String>), Failure> {
    let mut query = Query::select(["contactId", "name", OWNER, "registeredDate"])
        .order_by("contactId")
        .descending()
        .top(1);
    let nobody = || {
        Failure::words(Status::NotFound, "there is no company whose owner is in scope")
            .help("see who is in scope: so-connector owners")
    };
    let scope = Scope::of(config, client).await.map_err(|error| refused(&error))?;
    if config.policy.scope != policy::Scope::Everyone {
        query = query.filter(Filter::is_in(OWNER, &scope.ids()).ok_or_else(nobody)?);
    }
    let page = client.contacts(&query).await.map_err(|error| refused(&error))?;
    let row = page.rows.first().ok_or_else(nobody)?;
    let owner = row.integer(OWNER).and_then(|id| scope.user(id));
    let owner = owner.map(|user| user.short_name.clone().unwrap_or_else(|| user.full_name.clone()));
    Ok((row.primary_key, owner, row.text("registeredDate").map(str::to_owned)))
}
