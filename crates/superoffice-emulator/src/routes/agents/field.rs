//! The agent `UserDefinedFieldInfo`. The tenant has no unpublished fields.

use serde_json::{Value, json};

use super::Asked;
use crate::answer::Answer;
use crate::json;
use crate::routes::udef;
use crate::world::State;
use crate::world::udf::Entity;

pub(super) fn answer(state: &State, asked: &Asked<'_>) -> Result<Answer, Answer> {
    let owner = match asked.text("OwnerType").to_ascii_lowercase().as_str() {
        "contact" | "7" => Some(Entity::Contact),
        "person" | "8" => Some(Entity::Person),
        _ => None,
    };
    let all = || owner.map_or_else(|| json!([]), |owner| udef::definitions(state, owner));
    let one = |key: &str, wanted: &Value| {
        let fields = all();
        let same = |field: &&Value| json::text(&field[key]).eq_ignore_ascii_case(&json::text(wanted));
        fields.as_array().into_iter().flatten().find(same).cloned()
    };
    let done = match asked.method {
        "getuserdefinedfieldlist" | "getpublisheduserdefinedfieldlist" => all(),
        "getuserdefinedfieldfromprogid" | "getpublisheduserdefinedfieldfromprogid" => {
            one("ProgId", &asked.text("ProgId").into()).unwrap_or_default()
        }
        "getuserdefinedfieldfromprogids" => {
            let wanted = json::get(asked.body, "ProgIds").and_then(Value::as_array);
            wanted.into_iter().flatten().filter_map(|prog_id| one("ProgId", prog_id)).collect()
        }
        "getuserdefinedfieldfromfieldlabel" => {
            one("FieldLabel", &asked.text("FieldLabel").into()).unwrap_or_default()
        }
        "getuserdefinedfieldinfo" => by_id(state, asked.id("UserDefinedFieldInfoId")),
        "detectunpublishedchanges" | "ispublisheventactive" | "isanypublisheventactive" => false.into(),
        _ => return Err(asked.unknown("userdefinedfieldinfo")),
    };
    Ok(Answer::ok(&done))
}

fn by_id(state: &State, id: i64) -> Value {
    let fields = [Entity::Contact, Entity::Person].map(|owner| udef::definitions(state, owner));
    let mut all = fields.iter().filter_map(Value::as_array).flatten();
    all.find(|field| field["UDefFieldId"] == id).cloned().unwrap_or_default()
}
