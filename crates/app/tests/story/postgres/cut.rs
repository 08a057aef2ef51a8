//! A line to PostgreSQL that breaks at the worst moment: while a commit is on its way.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A plain `COMMIT` as the driver sends it: its kind, its length, its words.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// How a line breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Break {
    /// The commit has landed, and its answer goes nowhere.
    Landed,
    /// It never arrives.
    Lost,
}

/// Stands between the product and its database.
pub(super) struct Proxy {
    port: u16,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    /// The event whose commit is cut, and how.
    next: Option<(String, Break)>,
    done: Vec<Break>,
}

impl Proxy {
    #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
    pub(super) async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::<Mutex<Shared>>::default();
        let of_all = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, to, Arc::clone(&of_all)));
            }
        });
        Self { port, shared }
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// The next commit that stores this event breaks the line.
    pub(super) fn cut_commit_of(&self, event: &str, how: Break) {
        self.shared.lock().unwrap().next = Some((event.to_owned(), how));
    }

    /// How often a line broke like this.
    pub(super) fn broke(&self, how: Break) -> usize {
        self.shared.lock().unwrap().done.iter().filter(|done| **done == how).count()
    }
}

/// Carries what goes to and fro on one line, until it ends or breaks.
async fn carry(mut client: TcpStream, to: u16, shared: Arc<Mutex<Shared>>) {
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", to)).await else { return };
    let (mut up, mut down) = (vec![0; 65536], vec![0; 65536]);
    // Whether the transaction on this line names the event that is waited for.
    let mut names_it = false;
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(n @ 1..) = read else { return };
                let sent = &up[..n];
                names_it |= shared.lock().unwrap().next.as_ref().is_some_and(|(event, _)| holds(sent, event.as_bytes()));
                let mut how = None;
                if holds(sent, COMMIT) && std::mem::take(&mut names_it) {
                    how = shared.lock().unwrap().next.take().map(|(_, how)| how);
                }
                if how != Some(Break::Lost) && server.write_all(sent).await.is_err() {
                    return;
                }
                if let Some(how) = how {
                    if how == Break::Landed {
                        // Its answer comes when it has landed.
                        let answered = server.read(&mut down).await.unwrap();
                        assert!(answered > 0, "the commit was answered");
                    }
                    shared.lock().unwrap().done.push(how);
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(n @ 1..) = read else { return };
                if client.write_all(&down[..n]).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
