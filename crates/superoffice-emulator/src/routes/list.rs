//! Lists: `MDOList`, which people choose from, and `List`, which an administrator keeps.
//!
//! An item that is deleted stays in records that have it; `MDOList` does not offer it any more.

use serde_json::{Value, json};

use super::Ask;
use crate::answer::Answer;
use crate::json;
use crate::world::State;
use crate::world::lists::{ListItem, OwnList};

/// `GET MDOList`
pub(super) fn names(state: &State) -> Answer {
    Answer::ok(&state.lists.names().map(Value::from).collect())
}

/// `GET MDOList/{name}?query=`
pub(super) fn items(state: &State, name: &str, ask: Ask<'_>) -> Result<Answer, Answer> {
    Ok(Answer::ok(&values(state, name, ask.call.param("query").unwrap_or_default())?.into()))
}

/// `GET MDOList/{name}/selectable`: the same items as the carrier that can be ticked.
pub(super) fn selectable(state: &State, name: &str, ask: Ask<'_>) -> Result<Answer, Answer> {
    let items = values(state, name, ask.call.param("query").unwrap_or_default())?;
    Ok(Answer::ok(&ticked(items, ask.style).into()))
}

/// Items as the carrier that can be ticked; none is.
pub(super) fn ticked(items: Vec<Value>, style: crate::clock::DateStyle) -> Vec<Value> {
    let ticked = |mut item: Value| {
        item["Selected"] = false.into();
        item["Hidden"] = false.into();
        item["LastChanged"] = style.write_opt(None).into();
        item
    };
    items.into_iter().map(ticked).collect()
}

/// The items of a list. Some lists are made for the question: the columns of an archive, and what a search finds.
pub(super) fn values(state: &State, name: &str, query: &str) -> Result<Vec<Value>, Answer> {
    if let Some((kind, provider)) = name.split_once(':') {
        return archive_columns(state, kind, provider);
    }
    if name.eq_ignore_ascii_case("contact_freetextsearch") {
        return Ok(super::archive::found(state, query));
    }
    if !state.lists.has(name) {
        return Err(Answer::problem(404, "SoNotFoundException", &format!("List {name} not found")));
    }
    let lower = name.to_ascii_lowercase();
    let offered = state.lists.items(name).iter().filter(|item| !item.deleted);
    Ok((1..)
        .zip(offered)
        .map(|(rank, item)| item.render(&lower, rank, state.policy.multi_language_lists))
        .collect())
}

/// `archiveColumns:Provider` and `archiveRestrictionColumns:Provider`. What such an item carries is not documented; here
/// its name is the column's heading, `Type` its type and `ExtraInfo` its name.
fn archive_columns(state: &State, kind: &str, provider: &str) -> Result<Vec<Value>, Answer> {
    let restrictions = match kind.to_ascii_lowercase().as_str() {
        "archivecolumns" => false,
        "archiverestrictioncolumns" => true,
        _ => return Err(missing(kind)),
    };
    let part = |column: &Value, name: &str| json::get(column, name).map(json::text).unwrap_or_default();
    let columns = super::archive::available_columns(state, provider)?.into_iter();
    let wanted = columns.filter(|column| !restrictions || column["CanRestrictBy"] == true);
    let item = |(rank, column): (usize, Value)| {
        let id = i64::try_from(rank).unwrap_or(0);
        let kind = part(&column, if restrictions { "RestrictionType" } else { "DisplayType" });
        let item = ListItem::new(id, &part(&column, "DisplayName"));
        ListItem { extra: part(&column, "Name"), ..item }.render(&kind, rank, false)
    };
    Ok((1..).zip(wanted).map(item).collect())
}

/// `GET List`: the lists of the tenant's own, and the built-in ones.
pub(super) fn all(state: &State, ask: Ask<'_>) -> Answer {
    let deleted = ask.call.param("includeDeleted").is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
    let own = state.lists.own().filter(|(_, list)| deleted || !list.deleted);
    let own = own.map(|(id, list)| own_list(state, id, list));
    Answer::ok(&own.chain(built_in(state).map(|(id, name)| built_in_list(id, name))).collect())
}

/// `GET List/{id|name}`
pub(super) fn one(state: &State, list: &str) -> Result<Answer, Answer> {
    if let Some((id, found)) = find_own(state, list) {
        return Ok(Answer::ok(&own_list(state, id, found)));
    }
    let found = built_in(state).find(|(id, name)| name.eq_ignore_ascii_case(list) || list == id.to_string());
    found.map(|(id, name)| Answer::ok(&built_in_list(id, name))).ok_or_else(|| missing(list))
}

/// `POST List`
pub(super) fn create(state: &mut State, ask: Ask<'_>) -> Result<Answer, Answer> {
    let body = body(ask)?;
    let text = |name: &str| json::get(&body, name).map(json::text).unwrap_or_default();
    let name = text("Name");
    if name.trim().is_empty() {
        return Err(Answer::bad("Name is mandatory"));
    }
    let id = state.lists.next_own();
    state.lists.name_own(id, &name, &text("Tooltip"));
    one(state, &id.to_string())
}

/// `DELETE List/{id|name}`: marked, not removed. Built-in lists stay.
pub(super) fn remove(state: &mut State, list: &str) -> Result<Answer, Answer> {
    let (id, _) = find_own(state, list).ok_or_else(|| missing(list))?;
    if let Some(found) = state.lists.own_mut(id) {
        found.deleted = true;
    }
    Ok(Answer::nothing())
}

/// `GET List/{id|name}/Items`
pub(super) fn admin_items(state: &State, list: &str, ask: Ask<'_>) -> Result<Answer, Answer> {
    let (id, key) = key(state, list)?;
    let deleted = ask.call.param("includeDeleted").is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
    let shown = (1..).zip(state.lists.items(&key)).filter(|(_, item)| deleted || !item.deleted);
    Ok(Answer::ok(&shown.map(|(rank, item)| admin_item(id, rank, item, state)).collect()))
}

/// `POST List/{id|name}/Items`
pub(super) fn add_item(state: &mut State, list: &str, ask: Ask<'_>) -> Result<Answer, Answer> {
    let body = body(ask)?;
    let (id, key) = key(state, list)?;
    let name = json::get(&body, "Name").map(json::text).unwrap_or_default();
    if name.trim().is_empty() {
        return Err(Answer::bad("Name is mandatory"));
    }
    // Items of the tenant's own lists share one table, so their ids are unique across lists.
    let tables = if id == 0 {
        vec![key.clone()]
    } else {
        state.lists.own().map(|(id, _)| format!("udlist{id}")).collect()
    };
    let taken = tables.iter().flat_map(|table| state.lists.items(table)).map(|item| item.id).max();
    let item = ListItem::new(taken.unwrap_or(0) + 1, &name);
    let items = state.lists.items_mut(&key).ok_or_else(|| missing(list))?;
    items.push(item.clone());
    let rank = items.len();
    Ok(Answer::ok(&admin_item(id, rank, &item, state)))
}

/// `DELETE List/{id|name}/Items/{id}`: marked, not removed.
pub(super) fn remove_item(state: &mut State, list: &str, item: i64) -> Result<Answer, Answer> {
    let (_, key) = key(state, list)?;
    let items = state.lists.items_mut(&key).ok_or_else(|| missing(list))?;
    let found = items.iter_mut().find(|known| known.id == item && !known.deleted);
    found.ok_or_else(|| Answer::not_found("ListItem", item))?.deleted = true;
    Ok(Answer::nothing())
}

fn find_own<'a>(state: &'a State, list: &str) -> Option<(i64, &'a OwnList)> {
    let named = |(id, own): &(i64, &OwnList)| {
        own.name.eq_ignore_ascii_case(list)
            || list == id.to_string()
            || list.eq_ignore_ascii_case(&format!("udlist{id}"))
    };
    state.lists.own().filter(|(_, own)| !own.deleted).find(named)
}

/// The number of a list (0 for a built-in one) and where its items are.
fn key(state: &State, list: &str) -> Result<(i64, String), Answer> {
    if let Some((id, _)) = find_own(state, list) {
        return Ok((id, format!("udlist{id}")));
    }
    let found = built_in(state).find(|(id, name)| name.eq_ignore_ascii_case(list) || list == id.to_string());
    found.map(|(_, name)| (0, name.to_owned())).ok_or_else(|| missing(list))
}

/// The numbers of built-in lists are the emulator's own; callers should go by name.
fn built_in(state: &State) -> impl Iterator<Item = (i64, &str)> {
    (1..).zip(state.lists.names().filter(|name| !name.starts_with("udlist")))
}

fn built_in_list(id: i64, name: &str) -> Value {
    json!({"Id": id, "Name": name, "Tooltip": "", "Deleted": false, "Rank": id, "IsCustomList": false, "IsMDOList": true,
           "UseGroupsAndHeadings": false, "ListType": name, "InUseByUserDefinedFields": false,
           "TableRight": null, "FieldProperties": {}})
}

fn own_list(state: &State, id: i64, list: &OwnList) -> Value {
    let in_use = state.udf_layout.iter().any(|field| field.list == Some(id));
    json!({"Id": id, "Name": list.name, "Tooltip": list.tooltip, "Deleted": list.deleted, "Rank": id,
           "IsCustomList": true, "IsMDOList": true, "UseGroupsAndHeadings": false, "ListType": "udlist",
           "InUseByUserDefinedFields": in_use, "TableRight": null, "FieldProperties": {}})
}

fn admin_item(list: i64, rank: usize, item: &ListItem, state: &State) -> Value {
    let name = item.written(state.policy.multi_language_lists);
    json!({"Id": item.id, "Name": name, "Tooltip": "", "Deleted": item.deleted, "UdListDefinitionId": list,
           "Rank": rank, "TableRight": null, "FieldProperties": {}})
}

fn body(ask: Ask<'_>) -> Result<Value, Answer> {
    ask.call.json()?.ok_or_else(|| Answer::bad("Entity to save is not in request body."))
}

fn missing(list: &str) -> Answer {
    Answer::problem(404, "SoNotFoundException", &format!("List {list} not found"))
}
