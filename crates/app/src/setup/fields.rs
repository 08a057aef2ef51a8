//! Step 3: the fields that texts go to. What is missing is created and published, after it was shown exactly.

mod create;

use connector_domain::drift::Bindings;
use connector_domain::field::{Definitions, Kind, Target};
use connector_domain::ids::Entity;
use connector_domain::profile::Language;
use connector_domain::vertical::Vertical;
use connector_pipeline::Crm as _;
use connector_pipeline::crm::superoffice::SuperOffice;
use serde_json::json;
use superoffice::api::udef::{FieldType, Owner, UserDefinedFieldInfo};
use superoffice::{Client, Error};

use super::step::{Done, Step};
use super::talk::{Question, Talk, pick};
use crate::config::Config;
use crate::config::keys;
use crate::failure::{Failure, Status, refused};
use crate::format::{cell, say, table};
use crate::wire;
use create::{NewField, Work};

const LANGUAGE: Question = Question {
    key: "setup.list_language",
    words: "In which language shall the list of verticals be?",
    help: "both are understood; items can be renamed later under taxonomy",
};

const BY_HAND: &str = "sign in as an administrator for this step (setup --only auth), or create them by hand as shown in docs/setup.md";

pub(super) async fn run(talk: &mut Talk) -> Result<Done, Failure> {
    let client = talk.client()?;
    let found = discover(&talk.config()?, &client).await?;
    let mut work = missing(talk, &client, &found).await?;
    let found = if known_by_prog_id(talk, &client, &mut work).await? {
        discover(&talk.config()?, &client).await?
    } else {
        found
    };
    if work.is_empty() {
        let words = format!("{} fields are there", found.0.len());
        let saved = talk.save(Step::Fields)?;
        return Ok(if saved { Done::changed(words) } else { Done::as_it_was(words) });
    }
    choose(talk, &client, &mut work).await?;
    if work.is_empty() {
        let saved = talk.save(Step::Fields)?;
        let words = "fields that are not there are left out";
        return Ok(if saved { Done::changed(words) } else { Done::as_it_was(words) });
    }
    if work.makes_list() {
        work.meet_list(&client).await.map_err(|error| told(&error))?;
    }
    if work.needs_language() {
        let options = [("en", "English"), ("de", "German")];
        let language = talk.choose(&LANGUAGE, &options, "en")?;
        work.language = if language == "de" { Language::De } else { Language::En };
    }
    show(&work);
    if talk.dry_run {
        return Ok(Done::as_it_was("nothing was created"));
    }
    if !talk.agree("setup.create_fields", "Create and publish that? Every user sees the fields then")? {
        talk.save(Step::Fields)?;
        return Ok(Done::as_it_was("nothing was created; texts for these fields are not written"));
    }
    others(talk, &client, &work).await?;
    let guard = talk.guard.clone();
    talk.save(Step::Fields)?;
    guard.whole(create::carry_out(&client, &work)).await.map_err(|error| told(&error))?;
    let now = discover(&talk.config()?, &client).await?;
    let lost: Vec<&str> = work
        .fields
        .iter()
        .map(|field| field.target)
        .filter(|target| now.get(*target).is_none())
        .map(Target::label)
        .collect();
    if !lost.is_empty() {
        let words = format!("SuperOffice does not show the new fields: {}", lost.join(", "));
        return Err(Failure::words(Status::Failed, words)
            .help("wait a minute and run this step again: so-connector setup --only fields"));
    }
    let created: Vec<&str> = work.fields.iter().map(|field| field.target.key()).collect();
    let words = format!("{} fields are there, {} of them new", now.0.len(), created.len());
    Ok(Done::changed(words).with(json!({"created": created, "items": work.items.len()})))
}

async fn discover(config: &Config, client: &Client) -> Result<Definitions, Failure> {
    let crm = SuperOffice::new(client.clone());
    let found = crm.discover(&config.fields, &Bindings::default()).await;
    let found = found.map_err(|error| Failure::words(Status::Failed, error.words).help(error.help))?;
    if let Some(target) = found.retyped.first() {
        let words = format!(
            "the field \"{}\" for {target} holds neither text nor an item of a list",
            config.fields.name(*target)
        );
        return Err(Failure::words(Status::Failed, words)
            .help(format!("rename it in SuperOffice, or name another one with fields.{}", target.key())));
    }
    Ok(found.definitions)
}

/// What is not there: fields, and items of the list behind the vertical.
async fn missing(talk: &Talk, client: &Client, found: &Definitions) -> Result<Work, Failure> {
    let knowledge = wire::knowledge()?;
    let mut work = Work { verticals: knowledge.verticals(), ..Work::default() };
    work.fields = Target::ALL
        .iter()
        .filter(|target| found.get(**target).is_none())
        .map(|target| NewField { target: *target, label: talk_label(talk, *target) })
        .collect();
    let Some(field) = found.get(Target::Vertical) else { return Ok(work) };
    let Kind::List { items } = &field.kind else { return Ok(work) };
    let lacking: Vec<Vertical> =
        work.verticals.iter().filter(|vertical| vertical.item(items).is_none()).cloned().collect();
    if !lacking.is_empty() {
        let fields = client.udef_fields(Owner::Contact).await.map_err(|error| refused(&error))?;
        let info = fields.iter().find(|info| info.prog_id.eq_ignore_ascii_case(field.prog_id.as_str()));
        work.list = info.map(|info| info.ud_list_definition_id).filter(|list| *list > 0);
        // A built-in list cannot be added to in this way.
        work.items = if work.list.is_some() { lacking } else { Vec::new() };
    }
    Ok(work)
}

/// A field of ours that somebody gave another label is there, and from now on it is known by its prog-id.
async fn known_by_prog_id(talk: &mut Talk, client: &Client, work: &mut Work) -> Result<bool, Failure> {
    let before = work.fields.len();
    for owner in work.owners() {
        let published = client.udef_fields(owner).await.map_err(|error| refused(&error))?;
        work.fields.retain(|field| {
            let prog_id = create::prog_id(field.target);
            let known = published.iter().find(|info| info.prog_id.eq_ignore_ascii_case(&prog_id));
            let Some(known) = known.filter(|_| owner_of(field.target) == owner) else { return true };
            let label = cell(&known.field_label);
            say(&format!("     {} is the field \"{label}\" now ({prog_id}).", field.target.label()));
            talk.set(key_of(field.target), &known.prog_id);
            false
        });
    }
    Ok(work.fields.len() != before)
}

/// The label that a new field gets: the configured name, unless that is a prog-id.
fn talk_label(talk: &Talk, target: Target) -> String {
    let configured = talk.value(key_of(target)).filter(|name| !name.contains(':'));
    configured.unwrap_or(target.label()).to_owned()
}

/// The key that names a target's field.
fn key_of(target: Target) -> &'static str {
    keys::find(&format!("fields.{}", target.key())).map_or("", |key| key.name)
}

/// Lets somebody who sits there say what becomes of each field that is missing.
async fn choose(talk: &mut Talk, client: &Client, work: &mut Work) -> Result<(), Failure> {
    if !talk.asks() || work.fields.is_empty() {
        return Ok(());
    }
    let labels: Vec<&str> = work.fields.iter().map(|field| field.label.as_str()).collect();
    say(&format!("     Not there yet: {}", labels.join(", ")));
    let options = [
        "create them all",
        "say for each: create it, use a field that there is, or leave it out",
        "leave them all out",
    ];
    match pick("What shall become of these fields?", options.map(str::to_owned).to_vec())? {
        0 => return Ok(()),
        1 => {}
        _ => {
            work.fields.clear();
            return Ok(());
        }
    }
    let mut create = Vec::new();
    for field in std::mem::take(&mut work.fields) {
        let there = usable(client, field.target).await?;
        let mut options = vec![format!("create \"{}\"", field.label), "leave it out".to_owned()];
        let named = |info: &UserDefinedFieldInfo| format!("use \"{}\" ({})", info.field_label, info.prog_id);
        options.extend(there.iter().map(named));
        let words = format!("{} (on the {}):", field.target.label(), owner_word(field.target));
        match pick(&words, options)? {
            0 => create.push(field),
            1 => {}
            at => talk.set(key_of(field.target), &there[at - 2].prog_id),
        }
    }
    work.fields = create;
    Ok(())
}

/// Fields that could hold a target's text.
async fn usable(client: &Client, target: Target) -> Result<Vec<UserDefinedFieldInfo>, Failure> {
    let fields = client.udef_fields(owner_of(target)).await.map_err(|error| refused(&error))?;
    let fits = |info: &UserDefinedFieldInfo| match info.field_type {
        FieldType::ShortText | FieldType::LongText => true,
        FieldType::List => target == Target::Vertical,
        _ => false,
    };
    Ok(fields.into_iter().filter(fits).collect())
}

/// Shows what would be created.
fn show(work: &Work) {
    let row = |field: &NewField| {
        let kind = match field.target {
            Target::Vertical => "list".to_owned(),
            target => format!("long text, {} characters", create::length(target)),
        };
        vec![owner_word(field.target).to_owned(), cell(&field.label), kind, create::prog_id(field.target)]
    };
    if !work.fields.is_empty() {
        let rows: Vec<Vec<String>> = work.fields.iter().map(row).collect();
        say("     These fields are created and published:");
        for line in table(&["ON", "LABEL", "TYPE", "PROG-ID"], &rows).lines() {
            say(&format!("       {line}"));
        }
    }
    let items: Vec<String> = work.new_items().map(|item| cell(&item)).collect();
    if !items.is_empty() {
        let list = match &work.list_name {
            Some(name) => format!("The present list \"{}\" gets", cell(name)),
            None if work.list.is_some() => "The list behind the vertical gets".to_owned(),
            None => format!("A new list \"{}\" gets", create::LIST),
        };
        say(&format!("     {list} {} items: {}", items.len(), items.join(", ")));
    }
}

/// Publishing takes everybody's unpublished changes along, so that has to be known.
async fn others(talk: &mut Talk, client: &Client, work: &Work) -> Result<(), Failure> {
    for owner in work.owners() {
        let waiting = client.udef_fields_changed(owner).await.map_err(|error| told(&error))?;
        if !waiting {
            continue;
        }
        let layout = client.udef_layout(owner).await.map_err(|error| told(&error))?;
        let published = client.udef_fields(owner).await.map_err(|error| told(&error))?;
        // What an earlier run of ours left behind is no news to anybody.
        let is_news = |field: &&UserDefinedFieldInfo| {
            !create::is_ours(&field.prog_id) && !published.iter().any(|known| is_same(known, field))
        };
        let is_gone = |known: &UserDefinedFieldInfo| {
            !layout.iter().any(|field| field.prog_id.eq_ignore_ascii_case(&known.prog_id))
        };
        let has_drafts = layout.iter().any(|field| !field.has_been_published);
        if has_drafts && !layout.iter().any(|field| is_news(&field)) && !published.iter().any(is_gone) {
            continue;
        }
        let words =
            "Somebody has changes of fields that are not published yet; they would be published too. Go on?";
        if !talk.agree("setup.publish_others", words)? {
            return Err(Failure::words(Status::Conflict, "there are unpublished changes of others")
                .help("ask for them to be published or reverted in SuperOffice, then run setup again"));
        }
    }
    Ok(())
}

/// Whether a field is published as it is in the layout, as far as people see it.
fn is_same(published: &UserDefinedFieldInfo, field: &UserDefinedFieldInfo) -> bool {
    let shown = |info: &UserDefinedFieldInfo| {
        let list = (info.list_table_id, info.ud_list_definition_id);
        let flags = (info.is_read_only, info.is_mandatory, info.is_indexed);
        (
            info.field_label.clone(),
            info.field_type.clone(),
            info.text_length,
            list,
            flags,
            info.tooltip.clone(),
        )
    };
    published.prog_id.eq_ignore_ascii_case(&field.prog_id) && shown(published) == shown(field)
}

fn told(error: &Error) -> Failure {
    match error {
        Error::Forbidden(_) => refused(error).help(BY_HAND),
        _ => refused(error),
    }
}

fn owner_of(target: Target) -> Owner {
    match target.entity() {
        Entity::Contact => Owner::Contact,
        Entity::Person => Owner::Person,
    }
}

fn owner_word(target: Target) -> &'static str {
    match target.entity() {
        Entity::Contact => "company",
        Entity::Person => "person",
    }
}
