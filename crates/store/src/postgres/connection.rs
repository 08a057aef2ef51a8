//! Opens connections the way this store needs them, and refuses what it must not run on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::{sleep, timeout};
use tokio_postgres::config::SslMode;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, NoTls, Row, SimpleQueryMessage, Statement};

use super::address::Address;
use super::failure::{Failure, in_words};
use super::frame::Frame;
use super::tls::Tls;

/// PostgreSQL before this version is not kept any more by its makers.
const OLDEST: i64 = 130_000;

/// How long one host may take until it is ready to work with, and how soon the next one is tried beside it.
const ONE_HOST: Duration = Duration::from_millis(1800);
const NEXT_HOST: Duration = Duration::from_millis(150);

/// How a session is to behave. All limits are below what SuperOffice waits for an answer.
const SESSION: &str = "SET statement_timeout = '2s'; SET lock_timeout = '1s'; \
     SET idle_in_transaction_session_timeout = '5s'; SET default_transaction_isolation = 'read committed'; \
     SET client_min_messages = 'warning'; \
     SELECT CASE WHEN current_setting('synchronous_commit') = 'off' \
                 THEN set_config('synchronous_commit', 'on', false) END; \
     SELECT pg_is_in_recovery(), current_setting('server_version_num'), current_setting('server_encoding'), \
            current_schema()";

/// A parameter of a statement.
pub(super) type Value<'a> = &'a (dyn ToSql + Sync);

/// One connection, with the statements that it has prepared.
pub(super) struct Connection {
    client: Client,
    statements: Mutex<HashMap<String, Statement>>,
    pub(super) frame: Arc<Frame>,
    /// The schema that holds the tables.
    pub(super) schema: String,
    driver: tokio::task::JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Whoever wants to hear of notifications.
pub(super) type Listener = tokio::sync::mpsc::UnboundedSender<String>;

impl Connection {
    /// Connects, sets the session up, and refuses a server that must not be worked with.
    ///
    /// Of several hosts the one that was good last is tried first, and soon the others as well: one that is silent, at
    /// whichever step, keeps nobody from the next.
    pub(super) async fn open(
        address: &Address,
        frame: Arc<Frame>,
        listener: Option<Listener>,
    ) -> Result<Self, Failure> {
        let hosts = address.hosts().into_iter().zip(0..).map(|((place, host), turn)| {
            let (frame, listener) = (Arc::clone(&frame), listener.clone());
            async move {
                sleep(NEXT_HOST * turn).await;
                let opening = Self::at(address, &host, frame, listener);
                let opened = timeout(ONE_HOST, opening).await;
                opened.map_err(|_| Failure::Late("a new connection"))?.map(|connection| (place, connection))
            }
        });
        let (mut trying, mut refused) = (hosts.collect::<FuturesUnordered<_>>(), None);
        let mut failed = Failure::Away("no host is named".into());
        while let Some(tried) = trying.next().await {
            match tried {
                Ok((place, connection)) => {
                    address.is_good(place);
                    return Ok(connection);
                }
                Err(failure @ Failure::Refused(_)) => refused = Some(failure),
                Err(failure) => failed = failure,
            }
        }
        // What one of them says of itself tells more than that another does not answer.
        Err(refused.unwrap_or(failed))
    }

    async fn at(
        address: &Address,
        host: &tokio_postgres::Config,
        frame: Arc<Frame>,
        listener: Option<Listener>,
    ) -> Result<Self, Failure> {
        let (client, driver) = if host.get_ssl_mode() == SslMode::Disable {
            let (client, line) = host.connect(NoTls).await.map_err(Failure::of_connecting)?;
            (client, drive(line, listener))
        } else {
            let tls = Tls::new(address.roots.as_deref())?;
            let (client, line) = host.connect(tls).await.map_err(Failure::of_connecting)?;
            (client, drive(line, listener))
        };
        let mut connection =
            Self { client, statements: Mutex::default(), frame, schema: String::new(), driver };
        connection.set_up(address).await?;
        Ok(connection)
    }

    async fn set_up(&mut self, address: &Address) -> Result<(), Failure> {
        let told = self.client.simple_query(SESSION).await?;
        let last = told.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let row = last.ok_or_else(|| Failure::Strange("the server said nothing of itself".into()))?;
        if row.get(0) == Some("t") {
            return Err(Failure::Refused(format!(
                "{address} is a standby, which only repeats what another server does; name the primary in DATABASE_URL"
            )));
        }
        let version: i64 = row.get(1).and_then(|text| text.parse().ok()).unwrap_or_default();
        if version < OLDEST {
            return Err(Failure::Refused(format!(
                "{address} runs PostgreSQL {}; 13 or newer is needed",
                version / 10_000
            )));
        }
        if row.get(2) != Some("UTF8") {
            return Err(Failure::Refused(format!(
                "{address} keeps text as {}; make a database with ENCODING 'UTF8'",
                row.get(2).unwrap_or("?")
            )));
        }
        let Some(schema) = row.get(3) else {
            return Err(Failure::Refused(format!(
                "{address} has no schema to make tables in; see its search_path"
            )));
        };
        schema.clone_into(&mut self.schema);
        Ok(())
    }

    /// Whether the line is known to be broken.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Prepares a statement once for this connection.
    async fn prepared(&self, sql: &str) -> Result<Statement, Failure> {
        let kept = self.statements.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let statement = self.client.prepare(sql).await?;
        let mut all = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// All rows of a query.
    pub(super) async fn rows(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, Failure> {
        let statement = self.prepared(sql).await?;
        Ok(self.client.query(&statement, values).await?)
    }

    /// The first row of a query, if there is one.
    pub(super) async fn row(&self, sql: &str, values: &[Value<'_>]) -> Result<Option<Row>, Failure> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// The only row of a query that always has one.
    pub(super) async fn one(&self, sql: &str, values: &[Value<'_>]) -> Result<Row, Failure> {
        let row = self.row(sql, values).await?;
        row.ok_or_else(|| Failure::Strange("a query that always has a row had none".into()))
    }

    /// Runs a statement; how many rows it met.
    pub(super) async fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, Failure> {
        let statement = self.prepared(sql).await?;
        Ok(self.client.execute(&statement, values).await?)
    }

    /// Runs statements without values, and gives the last row as text.
    pub(super) async fn simple(&self, sql: &str) -> Result<Option<String>, Failure> {
        let told = self.client.simple_query(sql).await?;
        Ok(told.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        }))
    }
}

/// Moves what goes over the line, for as long as the connection lives.
#[expect(
    clippy::disallowed_methods,
    reason = "it ends with its connection, which is dropped before the program ends"
)]
fn drive<S, T>(
    mut line: tokio_postgres::Connection<S, T>,
    listener: Option<Listener>,
) -> tokio::task::JoinHandle<()>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        loop {
            match std::future::poll_fn(|context| line.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(notification))) => {
                    if let Some(listener) = &listener {
                        // Whoever listened may have gone.
                        drop(listener.send(notification.payload().to_owned()));
                    }
                }
                Some(Ok(AsyncMessage::Notice(notice))) => {
                    tracing::debug!("PostgreSQL notes: {}", notice.message());
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    tracing::debug!("a connection to PostgreSQL has ended: {}", in_words(&error));
                    return;
                }
                None => return,
            }
        }
    })
}
