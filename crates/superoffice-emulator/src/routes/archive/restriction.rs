//! `ArchiveRestrictionInfo`, the agents' form of a filter, as the text of one.
//!
//! `InterOperator` says how a restriction is joined to the next one, `InterParenthesis` how many parentheses open before
//! it (above 0) or close after it (below 0). Restrictions that are not active do not count.

use serde_json::Value;

use crate::json;

/// More parentheses than this are not written, and the filter is refused for not being closed.
const MOST: i64 = 64;

/// The restrictions as one filter.
pub(super) fn filter(restrictions: &[Value]) -> String {
    let text = |value: &Value, name: &str| json::get(value, name).map(json::text).unwrap_or_default();
    let active =
        |restriction: &&Value| json::get(restriction, "IsActive").and_then(json::flag) != Some(false);
    let mut filter = String::new();
    let mut joint = "";
    for restriction in restrictions.iter().filter(active) {
        let parentheses = json::get(restriction, "InterParenthesis").and_then(json::int).unwrap_or(0);
        let count = |wanted: i64| usize::try_from(wanted.min(MOST)).unwrap_or(0);
        filter.push_str(joint);
        filter.push_str(&"(".repeat(count(parentheses)));
        let (name, operator) = (text(restriction, "Name"), text(restriction, "Operator"));
        filter.push_str(&[name.as_str(), " ", &operator, &values(restriction, &operator)].concat());
        filter.push_str(&")".repeat(count(parentheses.saturating_neg())));
        joint = if text(restriction, "InterOperator").eq_ignore_ascii_case("or") { " or " } else { " and " };
    }
    filter
}

fn values(restriction: &Value, operator: &str) -> String {
    let values = json::get(restriction, "Values").and_then(Value::as_array).cloned().unwrap_or_default();
    let values: Vec<String> = values.iter().map(|value| quoted(&json::text(value))).collect();
    let operator = operator.to_ascii_lowercase();
    let list = operator == "in" || operator.ends_with("oneof") || operator.ends_with("between");
    match values.as_slice() {
        [] => String::new(),
        [value] if !list => format!(" {value}"),
        values => format!(" ({})", values.join(",")),
    }
}

/// A value as a filter has it.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}
