//! Whether the tenant can be used, and what its app is told when that changes.
//!
//! The states are documented (docs.superoffice.com, "Check tenant status"), the notifications too ("Get notifications");
//! what the API answers meanwhile, how long a state is good for and who the notification's token is for are not, so each
//! of these is a switch. Who sets a state sets nothing else: no notification goes out by itself.

use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use superoffice::api::state::TenantState;

use super::{State, World};
use crate::clock;
use crate::deliver::{Letter, Parcel};
use crate::login;

/// What an app is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The tenant is about to be upgraded.
    Upgrade,
    /// It was restored from a backup.
    BackupRestored,
    /// It is suspended.
    Suspend,
    /// It is resumed.
    Resume,
    /// It is deleted.
    Delete,
    /// It moves to another address; it does so when this is announced.
    Move,
}

impl Change {
    /// As it travels.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Upgrade => 0,
            Self::BackupRestored => 1,
            Self::Suspend => 2,
            Self::Resume => 3,
            Self::Delete => 4,
            Self::Move => 5,
        }
    }
}

/// A notification that was sent, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// What it told of.
    pub change: Change,
    /// When it was sent first.
    pub at: Timestamp,
    /// How often it was sent.
    pub attempts: usize,
    /// Status of the last answer.
    pub status: Option<u16>,
    /// What went wrong otherwise.
    pub error: Option<String>,
}

/// How the tenant is doing.
#[derive(Debug)]
pub(crate) struct Standing {
    state: TenantState,
    /// When it is running again by itself.
    until: Option<Timestamp>,
    /// The app's "Customer State Change URL".
    change_url: Option<String>,
    notices: Vec<Notice>,
}

impl Default for Standing {
    fn default() -> Self {
        Self { state: TenantState::Running, until: None, change_url: None, notices: Vec::new() }
    }
}

/// What `POST /_emulator/tenant` may say; what it leaves out stays.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Order {
    state: Option<String>,
    ms: Option<u64>,
    seconds: Option<u64>,
    url: Option<String>,
    announce: Option<Change>,
}

impl State {
    /// The tenant's state now.
    pub(crate) fn tenant_state(&self) -> TenantState {
        match self.standing.until {
            Some(until) if until <= clock::now() => TenantState::Running,
            Some(_) | None => self.standing.state.clone(),
        }
    }

    /// When to ask for the state again: at the end of a window that is known, or when the policy says.
    pub(crate) fn state_valid_until(&self) -> Timestamp {
        let now = clock::now();
        let life = i64::try_from(self.policy.state_valid_seconds).unwrap_or(i64::MAX);
        let usual = now.checked_add(SignedDuration::from_secs(life)).unwrap_or(Timestamp::MAX);
        self.standing.until.filter(|until| now < *until).map_or(usual, |until| until.min(usual))
    }

    /// The tenant goes to another address; the old one answers 421.
    pub(crate) fn move_away(&mut self) {
        let moves = self.home.strip_prefix("/online").and_then(|n| n.parse().ok()).unwrap_or(1_u32);
        self.home = format!("/online{}", moves + 1);
    }

    fn stand(&mut self, state: TenantState, length: Option<Duration>) {
        self.standing.state = state;
        self.standing.until = length.and_then(|length| clock::now().checked_add(length).ok());
    }

    /// Tells the app, if it has named an address.
    fn announce(&mut self, change: Change) {
        if change == Change::Move {
            self.move_away();
        }
        let Some(url) = self.standing.change_url.clone() else { return };
        let body = login::notification(self, change, &self.context.clone()).to_string();
        let notice = self.standing.notices.len();
        let at = clock::now();
        self.standing.notices.push(Notice { change, at, attempts: 0, status: None, error: None });
        let letter = Letter { generation: self.generation, notice, url, body: Bytes::from(body) };
        self.outbox.push(Parcel::Letter(letter));
    }

    /// Notes an attempt; whether there is to be another one.
    pub(crate) fn note_letter(&mut self, letter: &Letter, result: Result<u16, String>) -> bool {
        if letter.generation != self.generation {
            return false;
        }
        let notice = &mut self.standing.notices[letter.notice];
        notice.attempts += 1;
        notice.status = result.as_ref().ok().copied();
        notice.error = result.err();
        notice.status != Some(200) && notice.attempts < self.policy.notice_attempts
    }

    fn standing_shown(&self) -> Value {
        json!({
            "state": self.tenant_state(), "valid_until": self.state_valid_until(), "until": self.standing.until,
            "url": self.standing.change_url, "notices": self.standing.notices,
        })
    }
}

impl World {
    /// The tenant is in this state: for so long and then running again, or until it is set anew.
    pub fn set_tenant_state(&self, state: TenantState, length: Option<Duration>) {
        self.with(|world| world.stand(state, length));
    }

    /// Where the app is told of changes.
    pub fn set_state_change_url(&self, url: &str) {
        self.with(|state| state.standing.change_url = Some(url.to_owned()));
    }

    /// Tells the app of a change. Nothing is sent while it has named no address.
    pub fn announce(&self, change: Change) {
        self.with(|state| state.announce(change));
    }

    /// A notification as it would be sent now, about this tenant or another one of the same app.
    pub fn notification(&self, change: Change, context: &str) -> Value {
        self.with(|state| login::notification(state, change, context))
    }

    /// What was sent so far.
    pub fn notices(&self) -> Vec<Notice> {
        self.with(|state| state.standing.notices.clone())
    }

    pub(crate) fn tenant(&self) -> Value {
        self.with(|state| state.standing_shown())
    }

    pub(crate) fn order(&self, order: Order) -> Result<(), String> {
        let wanted = order.state.as_deref().map(TenantState::read);
        if let Some(TenantState::Other(name)) = wanted {
            return Err(format!("{name} is no state of a tenant"));
        }
        let length = order.ms.map(Duration::from_millis).or_else(|| order.seconds.map(Duration::from_secs));
        self.with(|state| {
            if let Some(url) = order.url {
                state.standing.change_url = Some(url).filter(|url| !url.is_empty());
            }
            if let Some(wanted) = wanted {
                state.stand(wanted, length);
            }
            if let Some(change) = order.announce {
                state.announce(change);
            }
        });
        Ok(())
    }
}
