//! Promises of the settings.

use super::samples::{noon, tenant};
use crate::Store;

pub(crate) async fn a_value_is_kept_and_replaced(store: &dyn Store) {
    assert_eq!(store.get(&tenant(), "mark").await.unwrap(), None);
    for value in [serde_json::json!(1), serde_json::json!({"a": [2]})] {
        store.put(&tenant(), "mark", value.clone(), noon()).await.unwrap();
        assert_eq!(store.get(&tenant(), "mark").await.unwrap(), Some(value));
    }
    assert_eq!(store.get(&"Cust2".into(), "mark").await.unwrap(), None, "each tenant has its own");
}

pub(crate) async fn a_committed_row_is_seen_by_another_connection(store: &dyn Store) {
    store.check(noon()).await.unwrap();
    store.check(noon()).await.unwrap();
}
