//! What is done with a database beside the services that work with it: a look at it, a setting read, a setting left.

use std::sync::Arc;
use std::time::Duration;

use connector_domain::clock::SystemClock;
use connector_domain::ids::TenantId;
use tokio::time::timeout;

use super::address::Address;
use super::connection::Connection;
use super::failure::Failure;
use super::frame::{Frame, Time};
use super::rows::from_json;
use super::schema::{self, Risk};
use super::{Options, PostgresStore};
use crate::StoreError;
use crate::settings::Settings as _;

/// Whoever looks waits no longer than this.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a look at a database shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// Which PostgreSQL it is.
    pub version: String,
    /// The version of the tables; 0 when there are none.
    pub schema: i64,
    /// What the server's settings put at risk.
    pub risks: Vec<Risk>,
}

/// Looks at a database and changes nothing.
///
/// # Errors
///
/// [`StoreError::Unusable`] for a standby, and for a server that is too old or keeps text in another way than UTF-8.
pub async fn examine(address: &Address) -> Result<Examined, StoreError> {
    in_time(async {
        let connection = connect(address).await?;
        let version = connection.simple("SHOW server_version").await?.unwrap_or_default();
        Ok(Examined {
            version,
            schema: schema::version(&connection).await?,
            risks: schema::risks(&connection).await?,
        })
    })
    .await
}

/// One setting. A database without tables has none.
///
/// # Errors
///
/// It cannot be told.
pub async fn look(
    address: &Address,
    tenant: &TenantId,
    key: &str,
) -> Result<Option<serde_json::Value>, StoreError> {
    in_time(async {
        let connection = connect(address).await?;
        if schema::version(&connection).await? == 0 {
            return Ok(None);
        }
        let sql = "SELECT value FROM settings WHERE tenant = $1 AND key = $2";
        connection.row(sql, &[&tenant.0, &key]).await?.map(|row| from_json(&row, "value")).transpose()
    })
    .await
}

/// Keeps a value in place of an earlier one. The tables are made when there are none.
///
/// # Errors
///
/// What was kept before stays.
pub async fn leave(
    address: &Address,
    tenant: &TenantId,
    key: &str,
    value: serde_json::Value,
) -> Result<(), StoreError> {
    let clock = Arc::new(SystemClock::default());
    let options =
        Options { connections: 1, ..Options::new(Time::Database(Arc::<SystemClock>::clone(&clock))) };
    let store = PostgresStore::open(address, &options).await?;
    store.put(tenant, key, value, connector_domain::clock::Clock::now(&*clock)).await
}

async fn connect(address: &Address) -> Result<Connection, Failure> {
    Connection::open(address, Arc::new(Frame::new(Time::Caller)), None).await
}

async fn in_time<T>(doing: impl Future<Output = Result<T, Failure>>) -> Result<T, StoreError> {
    let done = timeout(PATIENCE, doing).await.map_err(|_| Failure::Late("a look at it"))?;
    Ok(done?)
}
