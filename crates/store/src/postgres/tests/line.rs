//! A line to the database that can lose what it carries.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_postgres::config::Host;

use crate::postgres::Address;

/// A line to the database.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) address: Address,
    losing: Arc<Mutex<Option<&'static str>>>,
}

impl Line {
    /// A new way to the same tables.
    #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
    pub(super) async fn to(address: &Address) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let [Host::Tcp(host)] = address.config.get_hosts() else { panic!("a host is wanted") };
        let server = format!("{host}:{}", address.config.get_ports().first().unwrap_or(&5432));
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(listener.local_addr().unwrap().port());
        config.user(address.config.get_user().unwrap()).dbname(address.config.get_dbname().unwrap());
        config.options(address.config.get_options().unwrap()).ssl_mode(address.config.get_ssl_mode());
        config.application_name("so-connector");
        if let Some(password) = address.config.get_password() {
            config.password(password);
        }
        let losing: Arc<Mutex<Option<&'static str>>> = Arc::default();
        let line = Self {
            address: Address { config, roots: None, good: Arc::default() },
            losing: Arc::clone(&losing),
        };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(
                    client,
                    TcpStream::connect(server.clone()).await.unwrap(),
                    Arc::clone(&losing),
                ));
            }
        });
        line
    }

    /// The next request with these words arrives; instead of its answer the line breaks.
    pub(super) fn lose_the_answer_to(&self, words: &'static str) {
        *self.losing.lock().unwrap() = Some(words);
    }
}

async fn carry(mut client: TcpStream, mut server: TcpStream, losing: Arc<Mutex<Option<&'static str>>>) {
    let (mut asked, mut told) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(count @ 1..) = read else { return };
                let loses = {
                    let mut losing = losing.lock().unwrap();
                    let has_it = |words: &str| asked[..count].windows(words.len()).any(|some| some == words.as_bytes());
                    losing.take_if(|words| has_it(words)).is_some()
                };
                if server.write_all(&asked[..count]).await.is_err() {
                    return;
                }
                if loses {
                    // Once there is an answer, it was done.
                    drop(server.read(&mut told).await);
                    return;
                }
            }
            read = server.read(&mut told) => {
                let Ok(count @ 1..) = read else { return };
                if client.write_all(&told[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}
