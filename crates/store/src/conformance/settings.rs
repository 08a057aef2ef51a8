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

pub(crate) async fn a_value_is_replaced_by_whoever_knows_it_alone(store: &dyn Store) {
    let swap = async |was: Option<i64>, value: i64| {
        store.swap(&tenant(), "list", was.map(Into::into), value.into(), noon()).await.unwrap()
    };
    assert!(!swap(Some(1), 2).await, "there is none yet");
    assert!(swap(None, 1).await);
    assert!(!swap(None, 2).await, "there is one already");
    assert!(swap(Some(1), 3).await);
    assert!(!swap(Some(1), 4).await, "somebody was quicker");
    assert_eq!(store.get(&tenant(), "list").await.unwrap(), Some(3.into()));

    let long = serde_json::json!([{"why": "a \"gap\"", "from": 1}, null, {"b": 2.5, "a": "é"}]);
    store.put(&tenant(), "list", long.clone(), noon()).await.unwrap();
    let kept = store.get(&tenant(), "list").await.unwrap();
    assert!(store.swap(&tenant(), "list", kept, 5.into(), noon()).await.unwrap());
}

pub(crate) async fn a_committed_row_is_seen_by_another_connection(store: &dyn Store) {
    store.check(noon()).await.unwrap();
    store.check(noon()).await.unwrap();
}
