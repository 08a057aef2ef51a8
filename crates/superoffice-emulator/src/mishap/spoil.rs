//! What can be done to an answer that was already given.

use serde_json::{Value, json};

use super::{Kind, Mishap};
use crate::answer::{Answer, Payload};

/// Spoils an answer on its way out.
pub(crate) fn spoil(answer: Answer, mishap: &Mishap) -> Answer {
    match mishap.kind {
        Kind::TruncatedBody => match answer.body {
            Payload::Whole(bytes) => Answer { body: Payload::Broken(bytes), ..answer },
            Payload::Broken(_) | Payload::Huge(_) => answer,
        },
        Kind::HtmlLoginPage => Answer::page(200, "text/html; charset=utf-8", LOGIN_PAGE),
        Kind::HugeBody => Answer { body: Payload::Huge(mishap.mb.unwrap_or(64) << 20), ..answer },
        Kind::MalformedUdf => malformed(answer),
        _ => answer,
    }
}

/// Puts a list where the dictionaries of user-defined fields should be.
fn malformed(mut answer: Answer) -> Answer {
    let Payload::Whole(bytes) = &answer.body else { return answer };
    let Ok(mut body) = serde_json::from_slice::<Value>(bytes) else { return answer };
    let Some(entity) = body.as_object_mut() else { return answer };
    for key in ["UserDefinedFields", "CustomFields"] {
        if let Some(dictionary) = entity.get_mut(key) {
            *dictionary = json!([{"Key": {"SuperOffice:1": {}}, "Value": "[I:"}]);
        }
    }
    answer.body = Payload::Whole(body.to_string().into());
    answer
}

const LOGIN_PAGE: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form method=\"post\">\
    <h1>Sign in</h1><input name=\"user\"><input name=\"password\" type=\"password\"><button>Sign in</button>\
    </form></body></html>";
