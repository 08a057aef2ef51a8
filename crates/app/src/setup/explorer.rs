//! Step 4: whose companies, and what would be written to the newest of them. Nothing is written here.

use connector_domain::clock::{Clock as _, SystemClock};
use connector_domain::drift::Bindings;
use connector_domain::ids::ContactId;
use connector_domain::policy::{self, Scope};
use connector_pipeline::Crm as _;
use connector_pipeline::crm::superoffice::SuperOffice;
use connector_pipeline::preview::{Outlook, Preview, Previewer};
use futures::StreamExt as _;
use serde_json::{Value, json};
use superoffice::odata::{Filter, Query};
use superoffice::{AssociateName, Client};

use super::step::{Done, Step};
use super::talk::{Question, Talk};
use crate::commands::scope::OWNER;
use crate::config::Config;
use crate::failure::{Failure, Status, refused};
use crate::format::{cell, say};
use crate::wire;

const OWNERS: Question = Question {
    key: "filter.owners",
    words: "Whose companies? Short names or numbers, separated by commas; empty for everybody's:",
    help: "companies of other owners are neither read nor written",
};

/// So many companies are looked at.
const NEWEST: u32 = 20;
/// So many of them at a time.
const AT_ONCE: usize = 8;
/// At most so many characters of a text are shown.
const SHOWN: usize = 150;

pub(super) async fn run(talk: &mut Talk) -> Result<Done, Failure> {
    let client = talk.client()?;
    let users = client.associates().await.map_err(|error| refused(&error))?;
    if let Some(refusal) = &users.refusal {
        say(&format!(
            "     SuperOffice does not tell short names ({refusal}); owners can be named by number."
        ));
    } else if talk.asks() {
        let names: Vec<String> = users.named.iter().filter_map(|user| user.short_name.clone()).collect();
        say(&format!("     Users: {}", names.join(", ")));
    }
    let names_are_known = users.refusal.is_none();
    let owners = talk.text(&OWNERS, |text| strangers(text, &users.named, names_are_known))?;
    talk.set(OWNERS.key, &owners);
    let config = talk.config()?;
    let previews = look(&config, &client, &users.named).await?;
    for preview in &previews {
        show(preview, &users.named);
    }
    let would = previews.iter().filter(|preview| matches!(preview.outcome, Outlook::Write(_))).count();
    say(&match previews.len() {
        0 => "     There is no company in scope yet, so there is nothing to show.".to_owned(),
        all => format!("     Of the newest {all} companies in scope, {would} would be written to."),
    });
    if !previews.is_empty()
        && talk.has_to_agree("setup.accept_preview")
        && !talk.agree("setup.accept_preview", "Is that what you want? Nothing is written yet")?
    {
        return Err(Failure::words(Status::Failed, "stopped, since that is not what you want").help(
            "choose other owners or fields with so-connector setup; texts for persons are in the matrix (docs/explorer.md)",
        ));
    }
    let saved = talk.save(Step::Explorer)?;
    let whose = match &config.policy.scope {
        Scope::Everyone => "everybody's companies".to_owned(),
        Scope::Only { .. } => format!("companies of {}", talk.value(OWNERS.key).unwrap_or_default()),
    };
    let details = json!({"looked_at": previews.len(), "would_write": would,
                         "companies": previews.iter().map(as_json).collect::<Vec<_>>()});
    let done = if saved { Done::changed(whose) } else { Done::as_it_was(whose) };
    Ok(done.with(details))
}

/// Says who is named and is no user.
fn strangers(text: &str, users: &[AssociateName], names_are_known: bool) -> Result<(), String> {
    if text.is_empty() {
        return Ok(());
    }
    let Scope::Only { ids, short_names } = Scope::parse(text) else {
        return Err("it names nobody; leave it empty for everybody".to_owned());
    };
    let is_name = |name: &str| {
        users.iter().any(|user| {
            user.short_name.as_deref().is_some_and(|short| short.to_uppercase() == name.to_uppercase())
        })
    };
    let mut strange: Vec<String> =
        ids.iter().filter(|id| !users.iter().any(|user| user.id == id.0)).map(ToString::to_string).collect();
    strange.extend(short_names.iter().filter(|name| names_are_known && !is_name(name)).cloned());
    if strange.is_empty() { Ok(()) } else { Err(format!("no user is called {}", strange.join(", "))) }
}

/// Looks at the newest companies in scope.
async fn look(config: &Config, client: &Client, users: &[AssociateName]) -> Result<Vec<Preview>, Failure> {
    let ids = newest(config, client, users).await?;
    let crm = SuperOffice::new(client.clone());
    let found = crm.discover(&config.fields, &Bindings::default()).await;
    let definitions = found.map_err(|error| Failure::words(Status::Failed, error.words).help(error.help))?;
    let knowledge = wire::knowledge()?;
    let explorer = wire::explorer(&knowledge, &config.website)?;
    let previewer = Previewer {
        crm: &crm,
        explorer: &*explorer,
        knowledge: &knowledge,
        definitions: &definitions.definitions,
        write_policy: config.write_policy,
    };
    let now = SystemClock::default().now();
    let looks = futures::stream::iter(ids).map(|id| previewer.look(ContactId(id), now));
    Ok(looks.buffered(AT_ONCE).collect().await)
}

async fn newest(config: &Config, client: &Client, users: &[AssociateName]) -> Result<Vec<i64>, Failure> {
    let mut query = Query::select(["contactId", OWNER]).order_by("contactId").descending().top(NEWEST);
    if config.policy.scope != policy::Scope::Everyone {
        let scope = crate::commands::scope::Scope::among(config, users.to_vec());
        let Some(filter) = Filter::is_in(OWNER, &scope.ids()) else { return Ok(Vec::new()) };
        query = query.filter(filter);
    }
    let page = client.contacts(&query).await.map_err(|error| refused(&error))?;
    Ok(page.rows.iter().map(|row| row.primary_key).take(NEWEST as usize).collect())
}

fn show(preview: &Preview, users: &[AssociateName]) {
    let owner = preview.owner.and_then(|owner| users.iter().find(|user| user.id == owner.0));
    let owner = owner.map_or("-", |user| user.short_name.as_deref().unwrap_or(&user.full_name));
    let head = format!("     {} {} ({})", preview.id, cell(&preview.name), cell(owner));
    match &preview.outcome {
        Outlook::Write(changes) => {
            say(&head);
            for change in changes {
                if !change.before.is_empty() {
                    say(&format!("       - {:<17} {}", change.target.label(), shortened(&change.before)));
                }
                say(&format!("       + {:<17} {}", change.target.label(), shortened(&change.after)));
            }
        }
        Outlook::Nothing(reason, words) => say(&format!("{head}: {words} [{reason}]")),
        Outlook::Failed(words) => say(&format!("{head}: could not be looked at: {words}")),
    }
}

fn shortened(text: &str) -> String {
    let text = cell(text);
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN - 1).chain(['…']).collect()
}

fn as_json(preview: &Preview) -> Value {
    let mut value = json!({"id": preview.id.0, "name": preview.name});
    match &preview.outcome {
        Outlook::Write(changes) => {
            let fields = changes.iter().map(|change| {
                json!({"field": change.target.key(), "before": change.before, "after": change.after})
            });
            value["changes"] = fields.collect();
        }
        Outlook::Nothing(reason, words) => {
            value["reason"] = json!(reason.code());
            value["words"] = json!(words);
        }
        Outlook::Failed(words) => value["error"] = json!(words),
    }
    value
}
