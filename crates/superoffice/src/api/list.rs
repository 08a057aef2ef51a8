//! Lists: categories, positions, associates, and the lists behind user-defined fields. `MDOList` is what people choose
//! from, `List` is what an administrator sees of the same lists. An item's text depends on the language asked for; its
//! id does not.

use http::Method;
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

/// All lists, as an administrator sees them.
pub const LISTS: &str = "v1/List";
/// One list, by id or name.
pub const LIST: &str = "v1/List/{list}";
/// The items of one list, by id or name.
pub const LIST_ITEMS: &str = "v1/List/{list}/Items";
/// One item of a list.
pub const LIST_ITEM: &str = "v1/List/{list}/Items/{id}";

/// A request for all lists. The answer is an array of [`ListEntity`].
pub fn all() -> Request {
    Request::to(Method::GET, LISTS)
}

/// A request for one list, by id or name. The answer is a [`ListEntity`].
pub fn definition(list: &str) -> Request {
    Request::get(LIST, list)
}

/// A request that creates a list. The answer is the [`ListEntity`] with its id.
pub fn create(list: &ListEntity) -> Request {
    Request::to(Method::POST, LISTS).json(list)
}

/// A request that marks a list as deleted, by id or name. The answer is empty.
pub fn remove(list: &str) -> Request {
    Request::to(Method::DELETE, LIST).fill(list)
}

/// A request for the items of a list, by id or name. The answer is an array of [`ListItemEntity`].
pub fn list_items(list: &str) -> Request {
    Request::get(LIST_ITEMS, list)
}

/// A request that adds an item to a list. The answer is the [`ListItemEntity`] with its id.
pub fn add_item(list: &str, item: &ListItemEntity) -> Request {
    Request::to(Method::POST, LIST_ITEMS).fill(list).json(item)
}

/// A request that marks an item of a list as deleted. The answer is empty.
pub fn remove_item(list: &str, id: i64) -> Request {
    Request::to(Method::DELETE, LIST_ITEM).fill(list).fill(&id.to_string())
}

/// A list, as an administrator sees it. Mind the spelling: `Tooltip` here, `ToolTip` in the items of an `MDOList`.
#[expect(clippy::struct_excessive_bools, reason = "the vendor's record, field by field")]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListEntity {
    /// The id; 0 in a new list. For a list of the tenant's own it is the number in `udlist98`.
    pub id: i64,
    /// The name.
    pub name: String,
    /// The tooltip.
    pub tooltip: String,
    /// Whether it is deleted.
    pub deleted: bool,
    /// Order.
    pub rank: i64,
    /// Whether it is a list of the tenant's own.
    pub is_custom_list: bool,
    /// Whether it can be read as an `MDOList`.
    #[serde(rename = "IsMDOList")]
    pub is_mdo_list: bool,
    /// Whether its items have groups and headings.
    pub use_groups_and_headings: bool,
    /// The kind of list; for a built-in one its name.
    pub list_type: String,
    /// Whether a user-defined field uses it.
    pub in_use_by_user_defined_fields: bool,
    /// What the caller may do with it.
    pub table_right: Option<TableRight>,
    /// Rights by field; empty in practice.
    pub field_properties: FieldProperties,
}

impl ListEntity {
    /// A new list.
    pub fn new(name: &str, tooltip: &str) -> Self {
        Self { name: name.to_owned(), tooltip: tooltip.to_owned(), ..Self::default() }
    }

    /// The name by which `MDOList` knows the list, if it is one of the tenant's own.
    pub fn mdo_name(&self) -> String {
        format!("udlist{}", self.id)
    }
}

impl Record for ListEntity {
    const KEY: &'static str = "Id";
}

/// An item of a list, as an administrator sees it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListItemEntity {
    /// The id that other records refer to; 0 in a new item.
    pub id: i64,
    /// The text.
    pub name: String,
    /// The tooltip.
    pub tooltip: String,
    /// Whether it may still be chosen.
    pub deleted: bool,
    /// The list it belongs to.
    pub ud_list_definition_id: i64,
    /// Order.
    pub rank: i64,
    /// What the caller may do with it.
    pub table_right: Option<TableRight>,
    /// Rights by field; empty in practice.
    pub field_properties: FieldProperties,
}

impl ListItemEntity {
    /// A new item.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }
}

impl Record for ListItemEntity {
    const KEY: &'static str = "Id";
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
