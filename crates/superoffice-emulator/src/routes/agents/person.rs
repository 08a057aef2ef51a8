//! The agent `Person`.

use serde_json::json;

use super::{Asked, save};
use crate::answer::Answer;
use crate::routes::consent::{self, Wish};
use crate::routes::{entity, person};
use crate::world::State;
use crate::world::person::Person;
use crate::world::udf::Entity;

pub(super) fn answer(state: &mut State, asked: &Asked<'_>) -> Result<Answer, Answer> {
    let ask = asked.ask;
    let flat = |id: i64| state.persons.get(&id).map(|found| person::flat(state, found));
    let done = match asked.method {
        "createdefaultpersonentity" => {
            person::render(state, &entity::default_person(state), ask.style, false)
        }
        "createdefaultbycontactid" => {
            let new = Person { contact_id: asked.id("ContactId"), ..entity::default_person(state) };
            person::render(state, &new, ask.style, false)
        }
        "getpersonentity" => entity::rendered(state, Entity::Person, asked.id("PersonEntityId"), ask, false),
        "getperson" => flat(asked.id("PersonId")).unwrap_or_default(),
        "getpersonlist" => asked.ids().filter_map(flat).collect(),
        "savepersonentity" => return save(state, Entity::Person, asked.id("PersonId"), ask),
        "deletepersonentity" => {
            return entity::delete(state, Entity::Person, asked.id("PersonEntityId"), ask);
        }
        "getconsentinfos" => {
            let found = state.persons.get(&asked.id("PersonId"));
            found.map_or_else(|| json!([]), |found| consent::infos(state, found, ask.style))
        }
        "hasconsent" => return consent::one(state, asked.id("PersonId"), &asked.text("Purpose")),
        "setconsent" => {
            let wish = Wish {
                purpose: asked.text("Purpose"),
                legal_base: asked.text("LegalBase"),
                source: asked.text("Source"),
                comment: asked.text("Comment"),
            };
            return consent::set(state, asked.id("PersonId"), &wish);
        }
        "removeconsent" => return consent::withdraw(state, asked.id("PersonId"), &asked.text("Purpose")),
        _ => return Err(asked.unknown("person")),
    };
    Ok(Answer::ok(&done))
}
