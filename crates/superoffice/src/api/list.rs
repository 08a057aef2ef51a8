//! Lists (`MDOList`): categories, positions, associates, and the lists behind user-defined fields. An item's text
//! depends on the language asked for; its id does not.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FieldProperties, Request, TableRight};
use crate::json::Record;

/// The items of one list.
pub const ITEMS: &str = "v1/MDOList/{name}";

/// A request for the items of the list `name`, groups flattened. The answer is an array of [`MdoListItem`].
pub fn items(name: &str) -> Request {
    Request::get(ITEMS, name).with("flat", "True")
}

/// An item of a list. Mind the spelling: `ToolTip` here, `Tooltip` elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct MdoListItem {
    /// The id that other records refer to.
    pub id: i64,
    /// The text.
    pub name: String,
    /// The tooltip.
    pub tool_tip: String,
    /// Whether it may still be chosen.
    pub deleted: bool,
    /// Order.
    pub rank: i64,
    /// The list's name; often null.
    #[serde(rename = "Type")]
    pub kind: Option<String>,
    /// Items below this one, when the list is not flattened.
    pub child_items: Vec<MdoListItem>,
    /// Name of an icon.
    pub icon_hint: Option<String>,
    /// A colour.
    pub color_block: i64,
    /// More, by list: `person_id=…&contact_id=…` for associates.
    pub extra_info: Option<String>,
    /// How to show it.
    pub style_hint: Option<String>,
    /// The full name, with the names of the groups above.
    pub full_name: Option<String>,
    /// What the caller may do with it.
    pub table_right: Option<TableRight>,
    /// Rights by field; empty in practice.
    pub field_properties: FieldProperties,
}

impl MdoListItem {
    /// This item and all below it.
    pub fn flat(&self) -> Vec<&MdoListItem> {
        let mut found = vec![self];
        let mut next = 0;
        while next < found.len() {
            let item = found[next];
            found.extend(&item.child_items);
            next += 1;
        }
        found
    }
}

impl Record for MdoListItem {
    const KEY: &'static str = "Id";
}

/// An item of a list in which several can be chosen: interests, kinds of mailing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SelectableMdoListItem {
    /// The id that other records refer to.
    pub id: i64,
    /// The text.
    pub name: String,
    /// The tooltip.
    pub tool_tip: String,
    /// Whether it may still be chosen.
    pub deleted: bool,
    /// Order.
    pub rank: i64,
    /// The list's name; often null.
    #[serde(rename = "Type")]
    pub kind: Option<String>,
    /// A colour.
    pub color_block: i64,
    /// Name of an icon.
    pub icon_hint: Option<String>,
    /// Whether it is chosen.
    pub selected: bool,
    /// When that changed last.
    #[serde(with = "crate::json::date")]
    pub last_changed: Option<Timestamp>,
    /// Items below this one.
    pub child_items: Vec<SelectableMdoListItem>,
    /// More, by list.
    pub extra_info: Option<String>,
    /// How to show it.
    pub style_hint: Option<String>,
    /// Whether it is hidden.
    pub hidden: bool,
    /// The full name, with the names of the groups above.
    pub full_name: Option<String>,
    /// What the caller may do with it.
    pub table_right: Option<TableRight>,
    /// Rights by field; empty in practice.
    pub field_properties: FieldProperties,
}
