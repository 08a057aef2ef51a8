//! The closed list of verticals, and how its entries meet the items of a CRM list.
//!
//! "Unknown" is not an entry: it is the absence of one.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::profile::Language;

/// One vertical, such as `mechanical_engineering`. Stable, never used again for another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VerticalId(pub String);

impl fmt::Display for VerticalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A vertical as far as the CRM's list is concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vertical {
    /// Which.
    pub id: VerticalId,
    /// Its name in each language.
    pub labels: BTreeMap<Language, String>,
    /// The item's name in the CRM's list, when it is not one of the labels.
    pub crm_list_item: Option<String>,
}

impl Vertical {
    /// Finds this vertical's item in a CRM list: by the configured name, else by a label, in any case.
    pub fn item(&self, items: &BTreeMap<i64, String>) -> Option<i64> {
        let is_ours = |name: &str| match &self.crm_list_item {
            Some(item) => same(item, name),
            None => self.labels.values().any(|label| same(label, name)),
        };
        items.iter().find(|(_, name)| is_ours(name)).map(|(id, _)| *id)
    }
}

/// Finds the vertical that an item of the CRM's list stands for.
pub fn of_item<'a>(
    verticals: &'a [Vertical],
    items: &BTreeMap<i64, String>,
    item: i64,
) -> Option<&'a Vertical> {
    verticals.iter().find(|vertical| vertical.item(items) == Some(item))
}

fn same(a: &str, b: &str) -> bool {
    crate::text::normalised(a).to_lowercase() == crate::text::normalised(b).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pumps() -> Vertical {
        Vertical {
            id: VerticalId("mechanical_engineering".into()),
            labels: [
                (Language::De, "Maschinen- und Anlagenbau".into()),
                (Language::En, "Mechanical engineering".into()),
            ]
            .into(),
            crm_list_item: None,
        }
    }

    #[test]
    fn items_are_found_by_label_in_any_case() {
        let items = [(1613, "maschinen- und  anlagenbau".to_owned()), (1614, "Bildung".to_owned())].into();
        assert_eq!(pumps().item(&items), Some(1613));
        assert_eq!(
            of_item(&[pumps()], &items, 1613).map(|v| v.id.0.as_str()),
            Some("mechanical_engineering")
        );
        assert_eq!(of_item(&[pumps()], &items, 1614), None);
    }

    #[test]
    fn a_configured_item_name_replaces_the_labels() {
        let items = [(1, "Mechanical engineering".to_owned()), (2, "Maschinenbau".to_owned())].into();
        let vertical = Vertical { crm_list_item: Some("Maschinenbau".into()), ..pumps() };
        assert_eq!(vertical.item(&items), Some(2));
    }
}
