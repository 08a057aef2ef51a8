//! Values that are kept by name between runs of the program, and lists that several processes change at the same time.

use connector_store::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ports::Ports;

/// More processes than this do not change one list at the same time.
const MOST_SWAPS: u32 = 100;

/// A value that is kept.
pub(crate) async fn get<T: DeserializeOwned>(ports: &Ports, key: &str) -> Result<Option<T>, StoreError> {
    let kept = ports.settings.get(&ports.tenant, key).await?;
    Ok(kept.map(from_value).transpose()?.flatten())
}

/// Keeps a value in place of an earlier one.
pub(crate) async fn put<T: Serialize + Sync>(ports: &Ports, key: &str, value: &T) -> Result<(), StoreError> {
    ports.settings.put(&ports.tenant, key, to_value(value)?, ports.clock.now()).await
}

/// A list that is kept.
pub(crate) async fn list<T: DeserializeOwned>(ports: &Ports, key: &str) -> Result<Vec<T>, StoreError> {
    Ok(get(ports, key).await?.unwrap_or_default())
}

/// Changes a list that other processes may change at the same time: none of the changes is lost.
pub(crate) async fn change<T>(ports: &Ports, key: &str, how: impl Fn(&mut Vec<T>)) -> Result<(), StoreError>
where
    T: DeserializeOwned + Serialize + PartialEq + Clone + Sync,
{
    for _ in 0..MOST_SWAPS {
        let was = ports.settings.get(&ports.tenant, key).await?;
        let known: Vec<T> = was.clone().map(from_value).transpose()?.flatten().unwrap_or_default();
        let mut next = known.clone();
        how(&mut next);
        if next == known {
            return Ok(());
        }
        if ports.settings.swap(&ports.tenant, key, was, to_value(&next)?, ports.clock.now()).await? {
            return Ok(());
        }
    }
    Err(StoreError::Unavailable(format!("\"{key}\" is changed by others all the time")))
}

fn from_value<T: DeserializeOwned>(kept: serde_json::Value) -> Result<Option<T>, StoreError> {
    serde_json::from_value(kept).map_err(|error| StoreError::Inconsistent(error.to_string()))
}

/// A value as it is kept.
pub(crate) fn to_value<T: Serialize>(value: &T) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(value).map_err(|error| StoreError::Inconsistent(error.to_string()))
}
