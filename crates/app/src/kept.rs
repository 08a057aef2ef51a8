//! Settings that the service keeps, read and left by whoever stands beside it, whether it runs or not.

use connector_domain::clock::{Clock as _, SystemClock};
use connector_domain::ids::TenantId;
use connector_store::StoreError;
use connector_store::postgres::beside;
use connector_store::sqlite::{self, Peek};
use serde_json::Value;

use crate::config::Database;

/// A setting. A database that is not there keeps nothing.
pub(crate) fn look(database: &Database, tenant: &str, key: &str) -> Result<Option<Value>, StoreError> {
    let tenant = TenantId(tenant.to_owned());
    match database {
        Database::File(path) if !path.exists() => Ok(None),
        Database::File(path) => Peek::open(path)?.try_setting(&tenant, key),
        Database::Server(address) => {
            let (address, key) = (address.clone(), key.to_owned());
            aside(async move { beside::look(&address, &tenant, &key).await })
        }
    }
}

/// Keeps a value in place of an earlier one, durably.
pub(crate) fn leave(database: &Database, tenant: &str, key: &str, value: Value) -> Result<(), StoreError> {
    let tenant = TenantId(tenant.to_owned());
    match database {
        Database::File(path) => sqlite::leave(path, &tenant, key, &value, SystemClock::default().now()),
        Database::Server(address) => {
            let (address, key) = (address.clone(), key.to_owned());
            aside(async move { beside::leave(&address, &tenant, &key, value).await })
        }
    }
}

/// Waits for something short on a thread of its own, since whoever asks does not wait as others do.
fn aside<T: Send + 'static>(
    doing: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    let failed = |words: String| StoreError::Unavailable(format!("no thread to ask it on: {words}"));
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| failed(error.to_string()))?.block_on(doing)
    };
    let thread = std::thread::Builder::new().name("kept".to_owned()).spawn(run);
    let joined = thread.map_err(|error| failed(error.to_string()))?.join();
    joined.unwrap_or_else(|_| Err(failed("it has ended".to_owned())))
}
