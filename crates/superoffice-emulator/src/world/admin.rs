//! What an administrator does to fields and lists while others work: takes them away, changes them, brings them back.

use super::World;
use super::lists::ListItem;
use super::udf::{Entity, UdfField};

impl World {
    /// Changes a field's definition, as an administrator does and publishes it. Says whether there is such a field.
    pub fn alter_udf_field(&self, owner: Entity, name: &str, change: impl FnOnce(&mut UdfField)) -> bool {
        self.with(|state| {
            let Some(identity) = state.udf_field(owner, name).map(|field| field.identity) else {
                return false;
            };
            let found =
                state.udfs.iter_mut().find(|field| field.owner == owner && field.identity == identity);
            found.map(change).is_some()
        })
    }

    /// Takes a field out of what is published; records do not show it any more. Its values stay.
    pub fn unpublish_udf_field(&self, owner: Entity, name: &str) -> Option<UdfField> {
        self.with(|state| {
            let identity = state.udf_field(owner, name)?.identity;
            let at =
                state.udfs.iter().position(|field| field.owner == owner && field.identity == identity)?;
            Some(state.udfs.remove(at))
        })
    }

    /// Publishes a field, again or for the first time.
    pub fn publish_udf_field(&self, field: UdfField) {
        self.with(|state| state.udfs.push(field));
    }

    /// Removes an item of a list, such as `udlist98`.
    pub fn remove_list_item(&self, list: &str, name: &str) -> Option<ListItem> {
        self.with(|state| {
            let mut items = state.lists.items(list).to_vec();
            let at = items.iter().position(|item| item.name == name)?;
            let removed = items.remove(at);
            state.lists.set(list, items);
            Some(removed)
        })
    }

    /// Adds an item to a list.
    pub fn add_list_item(&self, list: &str, item: ListItem) {
        self.with(|state| {
            let mut items = state.lists.items(list).to_vec();
            items.push(item);
            state.lists.set(list, items);
        });
    }
}
