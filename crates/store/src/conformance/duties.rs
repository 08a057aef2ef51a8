//! Promises of [`crate::duties`].

use jiff::SignedDuration;

use super::samples::{noon, tenant};
use crate::Store;

pub(crate) async fn a_duty_has_one_holder_until_its_time_is_over(store: &dyn Store) {
    let (cust, minute) = (tenant(), SignedDuration::from_mins(1));
    assert!(store.take_duty(&cust, "sweep", "one", minute, noon()).await.unwrap());
    assert!(!store.take_duty(&cust, "sweep", "two", minute, noon()).await.unwrap());
    assert!(store.take_duty(&cust, "guard", "two", minute, noon()).await.unwrap(), "another duty is free");
    let later = noon() + minute / 2;
    assert!(store.take_duty(&cust, "sweep", "one", minute, later).await.unwrap(), "its holder keeps it");
    assert!(!store.take_duty(&cust, "sweep", "two", minute, noon() + minute).await.unwrap());
    assert!(store.take_duty(&cust, "sweep", "two", minute, later + minute).await.unwrap());
    assert!(!store.take_duty(&cust, "sweep", "one", minute, later + minute).await.unwrap());
}

pub(crate) async fn a_duty_that_is_left_is_free_at_once(store: &dyn Store) {
    let (cust, minute) = (tenant(), SignedDuration::from_mins(1));
    assert!(store.take_duty(&cust, "sweep", "one", minute, noon()).await.unwrap());
    store.leave_duty(&cust, "sweep", "two").await.unwrap();
    assert!(!store.take_duty(&cust, "sweep", "two", minute, noon()).await.unwrap());
    store.leave_duty(&cust, "sweep", "one").await.unwrap();
    assert!(store.take_duty(&cust, "sweep", "two", minute, noon()).await.unwrap());
}
