//! Lists that people choose from: positions, categories, countries and the tenant's own lists.
//!
//! They are addressed by name as `MDOList/{name}` does; a user-defined list is called `udlist` and its number.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// One item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListItem {
    /// Its id; what entities store.
    pub id: i64,
    /// What people see.
    pub name: String,
    /// Extra text of some lists, such as `person_id=…` of associates.
    pub extra: String,
    /// Whether it may still be chosen.
    pub deleted: bool,
    /// The name in several languages as it is stored; none for an item that has one name.
    pub stored: Option<String>,
}

impl ListItem {
    /// An item without extra text.
    pub(crate) fn new(id: i64, name: &str) -> Self {
        Self { id, name: name.to_owned(), extra: String::new(), deleted: false, stored: None }
    }

    /// The name as the API writes it.
    pub(crate) fn written(&self, multi: bool) -> &str {
        self.stored.as_deref().filter(|_| multi).unwrap_or(&self.name)
    }

    /// The item as `MDOList` answers it; `Tooltip` is spelled `ToolTip` here.
    pub(crate) fn render(&self, list: &str, rank: usize, multi: bool) -> Value {
        let name = self.written(multi);
        json!({
            "Id": self.id, "Name": name, "ToolTip": "", "Deleted": self.deleted, "Rank": rank, "Type": list,
            "ColorBlock": 0, "IconHint": list, "ChildItems": [], "ExtraInfo": self.extra, "StyleHint": "",
            "FullName": name, "TableRight": null, "FieldProperties": {},
        })
    }
}

/// What a tenant's own list is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnList {
    pub(crate) name: String,
    pub(crate) tooltip: String,
    pub(crate) deleted: bool,
}

/// All lists of a tenant.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    by_name: BTreeMap<String, Vec<ListItem>>,
    /// The tenant's own lists by number; their items are under `udlist` and the number.
    own: BTreeMap<i64, OwnList>,
}

impl Lists {
    /// Adds or replaces a list.
    pub(crate) fn set(&mut self, name: &str, items: Vec<ListItem>) {
        self.by_name.insert(name.to_ascii_lowercase(), items);
    }

    /// Names a list of the tenant's own.
    pub(crate) fn name_own(&mut self, id: i64, name: &str, tooltip: &str) {
        let own = OwnList { name: name.to_owned(), tooltip: tooltip.to_owned(), deleted: false };
        self.own.insert(id, own);
        self.by_name.entry(format!("udlist{id}")).or_default();
    }

    /// The tenant's own lists.
    pub(crate) fn own(&self) -> impl Iterator<Item = (i64, &OwnList)> {
        self.own.iter().map(|(id, list)| (*id, list))
    }

    pub(crate) fn own_mut(&mut self, id: i64) -> Option<&mut OwnList> {
        self.own.get_mut(&id)
    }

    pub(crate) fn next_own(&self) -> i64 {
        self.own.keys().next_back().map_or(101, |last| last + 1)
    }

    pub(crate) fn items_mut(&mut self, name: &str) -> Option<&mut Vec<ListItem>> {
        self.by_name.get_mut(&name.to_ascii_lowercase())
    }

    /// Names of all lists.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// Whether a list of this name exists.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(&name.to_ascii_lowercase())
    }

    /// The items of a list; none when there is no such list.
    pub fn items(&self, name: &str) -> &[ListItem] {
        self.by_name
            .get(name)
            .or_else(|| self.by_name.get(&name.to_ascii_lowercase()))
            .map_or(&[], Vec::as_slice)
    }

    /// The name of an item, empty when there is none.
    pub(crate) fn name(&self, list: &str, id: i64) -> &str {
        self.items(list).iter().find(|item| item.id == id).map_or("", |item| item.name.as_str())
    }
}
