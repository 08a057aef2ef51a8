//! Whether processes keep off each other's accounts, read from the CRM's own log of calls: each says who it is.
//!
//! A job has its account from before it reads the company until its last write. So between a process's last look at a
//! company and its write to that company, or to a person of it, no other process may read the company or write there,
//! whoever was killed meanwhile. A person is read before its company is known, so reading one is no sign of a turn.

use std::collections::{BTreeMap, BTreeSet};

use superoffice_emulator::{Entity, RecordCall, World};

/// How our processes begin to say who they are.
const OURS: &str = "so-connector/";

/// What was compared.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turns {
    /// Processes that were seen.
    pub(crate) processes: usize,
    /// Writes, also those that were refused.
    pub(crate) writes: usize,
    /// Accounts at which more than one process was, one after the other.
    pub(crate) shared: usize,
}

/// Nobody was at an account while another process had it.
///
/// # Panics
///
/// When somebody was.
pub(crate) fn assert_one_at_a_time(world: &World) -> Turns {
    compare(&world.record_calls()).unwrap_or_else(|words| panic!("{words}"))
}

fn compare(calls: &[RecordCall]) -> Result<Turns, String> {
    let mut accounts: BTreeMap<i64, Vec<&RecordCall>> = BTreeMap::new();
    for call in calls.iter().filter(|call| call.agent.starts_with(OURS)) {
        let Some(account) = call.account else { continue };
        if call.entity == Entity::Contact || call.is_write() {
            accounts.entry(account).or_default().push(call);
        }
    }
    let mut turns = Turns { processes: processes(accounts.values().flatten().copied()), ..Turns::default() };
    for calls in accounts.values() {
        turns.shared += usize::from(processes(calls.iter().copied()) > 1);
        for (at, write) in calls.iter().enumerate().filter(|(_, call)| call.is_write()) {
            turns.writes += 1;
            let is_look = |call: &&RecordCall| call.agent == write.agent && !call.is_write();
            let Some(look) = calls[..at].iter().rposition(is_look) else {
                return Err(format!("{write:?} came without a look at the company"));
            };
            if let Some(other) = calls[look..at].iter().find(|call| call.agent != write.agent) {
                return Err(format!("{other:?} came between {:?} and {write:?}", calls[look]));
            }
        }
    }
    Ok(turns)
}

fn processes<'a>(calls: impl Iterator<Item = &'a RecordCall>) -> usize {
    calls.map(|call| call.agent.as_str()).collect::<BTreeSet<_>>().len()
}

/// A log with one call a word: the process, what it does (`r`ead, `w`rite) and whereto (`c`ompany 1, `p`erson of it).
fn log(words: &str) -> Vec<RecordCall> {
    let call = |word: &str| {
        let [process, what, whereto] = word.as_bytes() else { panic!("{word}") };
        RecordCall {
            at: jiff::Timestamp::UNIX_EPOCH,
            agent: format!("{OURS}1 ({})", char::from(*process)),
            method: if *what == b'r' { "GET" } else { "PATCH" }.to_owned(),
            entity: if *whereto == b'c' { Entity::Contact } else { Entity::Person },
            id: 1,
            account: Some(1),
            status: 200,
        }
    };
    words.split_whitespace().map(call).collect()
}

#[test]
fn one_after_the_other_is_no_offence() {
    for words in ["arc awc arp arc awp brp brc bwp", "arc brc bwc", "arc arc awc", "arc brp awc"] {
        assert!(compare(&log(words)).is_ok(), "{words}");
    }
    let turns = compare(&log("arc awc brp brc bwp")).unwrap();
    assert_eq!(turns, Turns { processes: 2, writes: 2, shared: 1 });
}

#[test]
fn whoever_comes_between_a_look_and_its_write_is_found() {
    for words in ["arc brc awc", "arc brc bwc awc", "arc brc bwp awp", "brc arc bwp", "awc"] {
        assert!(compare(&log(words)).is_err(), "{words}");
    }
}
