//! Every route of the API on one page, and the checks that come before any of them.
//!
//! Paths are matched whatever their case and with or without a trailing slash, as SuperOffice does. What a route
//! answers is in the file of its entity.

mod agents;
pub(crate) mod archive;
mod consent;
mod contact;
mod entity;
mod list;
mod patch;
mod person;
mod shared;
mod time_zone;
mod udef;
mod user;
mod webhook;

use http::Method;
use serde_json::{Value, json};

use crate::answer::{Answer, Call, decode};
use crate::clock::DateStyle;
use crate::world::served::RecordCall;
use crate::world::udf::Entity;
use crate::world::{State, World};

/// What a path and a method ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Version,
    Default(Entity),
    Rows(Entity),
    Create(Entity),
    Read(Entity, i64),
    Replace(Entity, i64),
    Patch(Entity, i64),
    Delete(Entity, i64),
    Simple(Entity, i64),
    PersonsOf(i64),
    Consents(i64),
    Consent(i64, String),
    ConsentSet(i64, String),
    ConsentWithdraw(i64, String),
    Layout(Entity),
    LayoutField(Entity, String),
    LayoutDraft(Entity),
    LayoutSave(Entity),
    LayoutChanged(Entity),
    LayoutRemove(Entity, String),
    LayoutRevert(Entity),
    Fields(Entity),
    Field(Entity, String),
    Publishing,
    Publish(Entity),
    AdminLists,
    AdminListCreate,
    AdminList(String),
    AdminListRemove(String),
    AdminItems(String),
    AdminItemAdd(String),
    AdminItemRemove(String, i64),
    Lists,
    List(String),
    Selectable(String),
    Archives,
    Archive(String),
    ArchiveMetadata(String),
    TimeZones,
    Principal,
    CurrentAssociate,
    Associate,
    HookDefault,
    Hooks,
    HookCreate,
    HookTest,
    HookRead(i64),
    HookReplace(i64),
    HookPatch(i64),
    HookDelete(i64),
    HookLastError(i64),
    HookSignal(String, i64),
    Agent(String, String),
}

impl Target {
    /// The id in the path, for mishaps that concern one record.
    pub(crate) fn id(&self) -> Option<i64> {
        match self {
            Self::Read(_, id)
            | Self::Replace(_, id)
            | Self::Patch(_, id)
            | Self::Delete(_, id)
            | Self::Simple(_, id)
            | Self::PersonsOf(id)
            | Self::Consents(id)
            | Self::Consent(id, _)
            | Self::ConsentSet(id, _)
            | Self::ConsentWithdraw(id, _) => Some(*id),
            _ => None,
        }
    }

    /// The record that is read or changed as a whole.
    fn record(&self) -> Option<(Entity, i64)> {
        match self {
            Self::Read(entity, id)
            | Self::Replace(entity, id)
            | Self::Patch(entity, id)
            | Self::Delete(entity, id)
            | Self::Simple(entity, id) => Some((*entity, *id)),
            _ => None,
        }
    }
}

/// An API path: whether it lies where the tenant lives now, and what comes after `/api`.
pub(crate) struct ApiPath {
    pub(crate) at_home: bool,
    pub(crate) segments: Vec<String>,
}

/// Takes `/{home}/{context}/api/v1/…` apart. `None` when the path is not of an API at all.
pub(crate) fn api_path(path: &str, home: &str, context: &str) -> Option<ApiPath> {
    let segments: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
    let at = segments.iter().position(|segment| segment.eq_ignore_ascii_case("api"))?;
    let known = (1..=2).contains(&at) && segments[at - 1].eq_ignore_ascii_case(context);
    if !known {
        return None;
    }
    let before = if at == 2 { format!("/{}", segments[0]) } else { String::new() };
    Some(ApiPath { at_home: before.eq_ignore_ascii_case(home), segments: segments[at + 1..].to_vec() })
}

/// The route of a call: its template, as it is counted and as mishaps name it, and its target.
pub(crate) fn find(method: &Method, segments: &[String]) -> Option<(&'static str, Target)> {
    use Target as T;
    let lower: Vec<String> = segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
    let path: Vec<&str> = lower.iter().map(String::as_str).collect();
    let raw = |at: usize| segments[at].clone();
    let found = match (method.as_str(), path.as_slice()) {
        ("GET", [] | ["v1"]) => ("", T::Version),
        (_, ["v1", rest @ ..]) if rest.first().is_some_and(|first| Entity::named(first).is_some()) => {
            return of_entity(method.as_str(), rest, &segments[1..]);
        }
        ("GET", ["v1", "mdolist"]) => ("MDOList", T::Lists),
        ("GET", ["v1", "mdolist", _]) => ("MDOList/{name}", T::List(raw(2))),
        ("GET", ["v1", "mdolist", _, "selectable"]) => ("MDOList/{name}/selectable", T::Selectable(raw(2))),
        ("GET", ["v1", "list"]) => ("List", T::AdminLists),
        ("POST", ["v1", "list"]) => ("List", T::AdminListCreate),
        ("GET", ["v1", "list", _]) => ("List/{list}", T::AdminList(raw(2))),
        ("DELETE", ["v1", "list", _]) => ("List/{list}", T::AdminListRemove(raw(2))),
        ("GET", ["v1", "list", _, "items"]) => ("List/{list}/Items", T::AdminItems(raw(2))),
        ("POST", ["v1", "list", _, "items"]) => ("List/{list}/Items", T::AdminItemAdd(raw(2))),
        ("DELETE", ["v1", "list", _, "items", id]) => {
            ("List/{list}/Items/{id}", T::AdminItemRemove(raw(2), id.parse().ok()?))
        }
        ("GET", ["v1", "archive"]) => ("Archive", T::Archives),
        ("GET", ["v1", "archive", _, "$metadata"]) => {
            ("Archive/{provider}/$metadata", T::ArchiveMetadata(raw(2)))
        }
        ("GET" | "POST", ["v1", "archive", _]) => ("Archive/{provider}", T::Archive(raw(2))),
        ("GET", ["v1", "timezone"]) => ("TimeZone", T::TimeZones),
        ("GET", ["v1", "user"]) => ("User", T::Archive("AllUsers".to_owned())),
        ("GET", ["v1", "user", "currentprincipal"]) => ("User/currentPrincipal", T::Principal),
        ("GET", ["v1", "user", "currentassociate"]) => ("User/currentAssociate", T::CurrentAssociate),
        ("GET", ["v1", "associate", _]) => ("Associate/{id}", T::Associate),
        ("GET", ["v1", "webhook", "default"]) => ("Webhook/default", T::HookDefault),
        ("GET", ["v1", "webhook"]) => ("Webhook", T::Hooks),
        ("POST", ["v1", "webhook"]) => ("Webhook", T::HookCreate),
        ("POST", ["v1", "webhook", "test"]) => ("Webhook/Test", T::HookTest),
        ("GET", ["v1", "webhook", id]) => ("Webhook/{id}", T::HookRead(id.parse().ok()?)),
        ("PUT", ["v1", "webhook", id]) => ("Webhook/{id}", T::HookReplace(id.parse().ok()?)),
        ("PATCH", ["v1", "webhook", id]) => ("Webhook/{id}", T::HookPatch(id.parse().ok()?)),
        ("DELETE", ["v1", "webhook", id]) => ("Webhook/{id}", T::HookDelete(id.parse().ok()?)),
        ("GET", ["v1", "webhook", id, "lasterror"]) => {
            ("Webhook/{id}/LastError", T::HookLastError(id.parse().ok()?))
        }
        ("POST", ["v1", "webhook", _, id]) => {
            ("Webhook/{eventName}/{primaryKey}", T::HookSignal(raw(2), id.parse().ok()?))
        }
        ("POST", ["v1", "agents", agent, act]) => {
            ("Agents/{agent}/{method}", T::Agent((*agent).to_owned(), (*act).to_owned()))
        }
        _ => return None,
    };
    Some(found)
}

/// The routes that companies and persons share.
fn of_entity(method: &str, path: &[&str], raw: &[String]) -> Option<(&'static str, Target)> {
    use Target as T;
    let entity = Entity::named(path[0])?;
    let pick = |contact, person| if entity == Entity::Contact { contact } else { person };
    let one = pick("Contact/{id}", "Person/{id}");
    let many = pick("Contact", "Person");
    let layout = pick("Contact/UdefLayout", "Person/UdefLayout");
    let published = pick("Contact/UdefLayout/Published", "Person/UdefLayout/Published");
    Some(match (method, &path[1..]) {
        ("GET", []) => (many, T::Rows(entity)),
        ("POST", []) => (many, T::Create(entity)),
        ("GET", ["default"]) => (pick("Contact/default", "Person/default"), T::Default(entity)),
        ("GET", ["udeflayout"]) => (layout, T::Layout(entity)),
        ("POST", ["udeflayout"]) => (layout, T::LayoutDraft(entity)),
        ("PUT", ["udeflayout"]) => (layout, T::LayoutSave(entity)),
        ("GET", ["udeflayout", "published"]) => (published, T::Fields(entity)),
        ("GET", ["udeflayout", "publish"]) => (layout, T::Publishing),
        ("POST", ["udeflayout", "publish"]) => (layout, T::Publish(entity)),
        ("GET", ["udeflayout", "changed"]) => (layout, T::LayoutChanged(entity)),
        ("POST", ["udeflayout", "revert"]) => (layout, T::LayoutRevert(entity)),
        ("DELETE", ["udeflayout", _]) => (layout, T::LayoutRemove(entity, raw[2].clone())),
        ("GET", ["udeflayout", "published", _]) => (published, T::Field(entity, raw[3].clone())),
        ("GET", ["udeflayout", _]) => (layout, T::LayoutField(entity, raw[2].clone())),
        ("GET", [id]) => (one, T::Read(entity, id.parse().ok()?)),
        ("PUT", [id]) => (one, T::Replace(entity, id.parse().ok()?)),
        ("PATCH", [id]) => (one, T::Patch(entity, id.parse().ok()?)),
        ("DELETE", [id]) => (one, T::Delete(entity, id.parse().ok()?)),
        ("GET", [id, "simple"]) => {
            (pick("Contact/{id}/Simple", "Person/{id}/Simple"), T::Simple(entity, id.parse().ok()?))
        }
        ("GET", [id, "persons"]) if entity == Entity::Contact => {
            ("Contact/{id}/Persons", T::PersonsOf(id.parse().ok()?))
        }
        (_, [id, "consent", rest @ ..]) if entity == Entity::Person => {
            let id = id.parse().ok()?;
            let purpose = || raw[3].clone();
            match (method, rest) {
                ("GET", []) => ("Person/{id}/Consent", T::Consents(id)),
                ("GET", [_]) => ("Person/{id}/Consent/{purpose}", T::Consent(id, purpose())),
                ("PUT", [_]) => ("Person/{id}/Consent/{purpose}", T::ConsentSet(id, purpose())),
                ("DELETE", [_]) => ("Person/{id}/Consent/{purpose}", T::ConsentWithdraw(id, purpose())),
                _ => return None,
            }
        }
        _ => return None,
    })
}

/// What every route gets besides the call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) call: &'a Call,
    pub(crate) style: DateStyle,
}

/// Carries out a call whose credentials are good.
pub(crate) async fn answer(world: &World, client: &reqwest::Client, target: Target, call: &Call) -> Answer {
    let done = match target {
        Target::HookCreate | Target::HookTest | Target::HookReplace(_) | Target::HookPatch(_) => {
            webhook::save(world, client, &target, call).await
        }
        Target::Agent(agent, method) => agents::answer(world, client, &agent, &method, call).await,
        Target::Rows(_) | Target::PersonsOf(_) | Target::Archive(_) => world.look(|state| {
            let style = style(state, call)?;
            at_once(state, &target, Ask { call, style })
        }),
        target => world.with(|state| {
            let style = style(state, call)?;
            logged(state, &target, Ask { call, style })
        }),
    };
    let key = world.look(|state| state.policy.error_key);
    crate::language::translated(done.unwrap_or_else(|refusal| refusal.spelled(key)), call)
}

/// How a call wants its dates.
fn style(state: &State, call: &Call) -> Result<DateStyle, Answer> {
    let style = DateStyle::from_header(call.header("so-timezone"), &state.policy);
    style.map_err(|zone| Answer::bad(&format!("There is no time zone '{zone}'")))
}

/// Carries out a call, and notes who made it when it is about one record.
fn logged(state: &mut State, target: &Target, ask: Ask<'_>) -> Result<Answer, Answer> {
    let Some((entity, id)) = target.record() else { return at_once(state, target, ask) };
    let account = state.account_of(entity, id);
    let done = at_once(state, target, ask);
    let status = match &done {
        Ok(answer) | Err(answer) => answer.status,
    };
    let agent = ask.call.header("user-agent").unwrap_or_default().to_owned();
    let (at, method) = (state.now(), ask.call.method.to_string());
    state.record_calls.push(RecordCall { at, agent, method, entity, id, account, status });
    done
}

/// The calls that need nothing but the tenant's data.
pub(crate) fn at_once(state: &mut State, target: &Target, ask: Ask<'_>) -> Result<Answer, Answer> {
    match target {
        Target::Version => Ok(Answer::ok(&version(state))),
        Target::Default(entity) => Ok(entity::default(state, *entity, ask)),
        Target::Create(entity) => entity::create(state, *entity, ask),
        Target::Read(entity, id) => entity::read(state, *entity, *id, ask),
        Target::Replace(entity, id) => entity::replace(state, *entity, *id, ask),
        Target::Patch(entity, id) => entity::patch(state, *entity, *id, ask),
        Target::Delete(entity, id) => entity::delete(state, *entity, *id, ask),
        Target::Simple(entity, id) => entity::simple(state, *entity, *id),
        Target::Rows(Entity::Contact) => archive::contacts(state, ask),
        Target::Rows(Entity::Person) => archive::persons(state, ask, None),
        Target::PersonsOf(id) => archive::persons(state, ask, Some(*id)),
        Target::Archives => Ok(archive::names(state)),
        Target::Archive(provider) => archive::provider(state, provider, ask),
        Target::ArchiveMetadata(provider) => archive::metadata(state, provider),
        Target::Consents(id) => consent::all(state, *id, ask),
        Target::Consent(id, purpose) => consent::one(state, *id, purpose),
        Target::ConsentSet(id, purpose) => {
            let param = |name: &str| ask.call.param(name).unwrap_or_default().to_owned();
            let (legal_base, source, comment) = (param("legalBase"), param("source"), param("comment"));
            consent::set(state, *id, &consent::Wish { purpose: purpose.clone(), legal_base, source, comment })
        }
        Target::ConsentWithdraw(id, purpose) => consent::withdraw(state, *id, purpose),
        Target::Layout(entity) => Ok(udef::layout(state, *entity)),
        Target::LayoutField(entity, name) => udef::one(state, *entity, name),
        Target::LayoutDraft(entity) => udef::draft(state, *entity, ask),
        Target::LayoutSave(entity) => udef::save(state, *entity, ask),
        Target::LayoutChanged(entity) => Ok(udef::changed(state, *entity)),
        Target::LayoutRemove(entity, name) => udef::remove(state, *entity, name),
        Target::LayoutRevert(entity) => Ok(udef::revert(state, *entity)),
        Target::Fields(entity) => Ok(udef::published(state, *entity)),
        Target::Field(entity, name) => udef::one_published(state, *entity, name),
        // Publishing takes no time here, so it is never under way.
        Target::Publishing => Ok(Answer::ok(&json!(false))),
        Target::AdminLists => Ok(list::all(state, ask)),
        Target::AdminListCreate => list::create(state, ask),
        Target::AdminList(name) => list::one(state, name),
        Target::AdminListRemove(name) => list::remove(state, name),
        Target::AdminItems(name) => list::admin_items(state, name, ask),
        Target::AdminItemAdd(name) => list::add_item(state, name, ask),
        Target::AdminItemRemove(name, id) => list::remove_item(state, name, *id),
        Target::Publish(entity) => Ok(udef::publish(state, *entity)),
        Target::Lists => Ok(list::names(state)),
        Target::List(name) => list::items(state, name, ask),
        Target::Selectable(name) => list::selectable(state, name, ask),
        Target::TimeZones => Ok(time_zone::all(state)),
        Target::Principal => Ok(user::principal(state)),
        Target::CurrentAssociate => Ok(user::current_associate(state)),
        Target::Associate => user::associate(state),
        Target::HookDefault => Ok(webhook::default(ask)),
        Target::Hooks => Ok(webhook::all(state, ask)),
        Target::HookRead(id) => webhook::read(state, *id, ask),
        Target::HookDelete(id) => webhook::delete(state, *id, ask),
        Target::HookLastError(id) => webhook::last_error(state, *id, ask),
        Target::HookSignal(event, id) => webhook::signal(state, event, *id, ask),
        Target::HookCreate
        | Target::HookTest
        | Target::HookReplace(_)
        | Target::HookPatch(_)
        | Target::Agent(..) => unreachable!("these wait for others and are answered elsewhere"),
    }
}

fn version(state: &State) -> Value {
    json!({"v1": format!("{}/v1", state.api_url()), "NetServerVersion": "12.1.0.0", "NetServerLabel": "emulator",
           "Services": "Services87", "ServicesCurrent": "Services88", "Version": "v1"})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &Method, path: &str) -> Option<(&'static str, Target)> {
        find(method, &api_path(path, "", "Cust10001")?.segments)
    }

    #[test]
    fn case_and_a_trailing_slash_do_not_matter() {
        let wanted = Some(("Contact/{id}", Target::Read(Entity::Contact, 7)));
        for path in ["/Cust10001/api/v1/Contact/7", "/cust10001/API/V1/contact/7/"] {
            assert_eq!(route(&Method::GET, path), wanted, "{path}");
        }
    }

    #[test]
    fn another_tenant_is_no_api_path() {
        assert!(api_path("/Cust99999/api/v1/Contact/7", "", "Cust10001").is_none());
    }

    #[test]
    fn a_tenant_that_moved_is_not_at_home_at_its_old_address() {
        assert!(!api_path("/Cust10001/api/v1", "/online2", "Cust10001").unwrap().at_home);
        assert!(api_path("/online2/Cust10001/api/v1", "/online2", "Cust10001").unwrap().at_home);
    }

    #[test]
    fn a_prog_id_keeps_its_case_in_the_path() {
        let path = "/Cust10001/api/v1/Contact/UdefLayout/Published/SuperOffice%3A1";
        let wanted = Target::Field(Entity::Contact, "SuperOffice:1".to_owned());
        assert_eq!(route(&Method::GET, path), Some(("Contact/UdefLayout/Published", wanted)));
    }
}
