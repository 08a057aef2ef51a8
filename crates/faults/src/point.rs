//! Named places at which a process can be told to die.

/// Writes each place down once: its name in Rust, its name outside, and what it is.
macro_rules! points {
    ($($(#[$what:meta])* $point:ident = $name:literal,)*) => {
        /// A place in the product where a crash would hurt most.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Point {
            $($(#[$what])* $point,)*
        }

        impl Point {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$point,)*];

            /// Its name in `SO_CONNECTOR_FAILPOINTS`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)*
                }
            }
        }
    };
}

points! {
    // Opening the database.
    /// The database is ours alone; it is not opened yet.
    FileLocked = "file-locked",
    /// The file is open; nothing was set or written yet.
    FileOpened = "file-opened",
    /// The writing connection is as it must be; nothing was migrated yet.
    WriterPrepared = "writer-prepared",
    /// A migration has begun and changed nothing.
    MigrationBegun = "migration-begun",
    /// A migration has made its tables, and does not say so yet.
    MigrationApplied = "migration-applied",
    /// A migration says that it is done, and is not committed.
    MigrationMarked = "migration-marked",
    /// A migration is committed; the next one has not begun.
    MigrationCommitted = "migration-committed",

    // The writing thread.
    /// A batch is collected; its transaction has not begun.
    BatchCollected = "batch-collected",
    /// The transaction of a batch has begun.
    BatchBegun = "batch-begun",
    /// One request of a batch is done in its transaction.
    RequestRun = "request-run",
    /// A batch is done and not committed.
    BatchRun = "batch-run",
    /// A batch is committed; nobody was answered.
    BatchCommitted = "batch-committed",
    /// Those who wait were woken; nobody was answered.
    BatchToldOf = "batch-told-of",
    /// One of a batch was answered.
    RequestAnswered = "request-answered",
    /// All of a batch were answered.
    BatchAnswered = "batch-answered",

    // The log and the database file.
    /// The log is to be copied into the database.
    CopyAsked = "copy-asked",
    /// The log was copied into the database.
    Copied = "copied",
    /// The log is to be begun anew.
    LogRestartAsked = "log-restart-asked",
    /// The log was begun anew.
    LogRestarted = "log-restarted",
    /// Everything was answered at a stop; the log is still there.
    WriterEnding = "writer-ending",
    /// The log is empty at a stop.
    WriterEnded = "writer-ended",

    // A delivery.
    /// It is known who sent a delivery; nothing is stored.
    DeliveryAuthentic = "delivery-authentic",
    /// In its transaction: the job of an event was begun or joined; the event is not stored.
    JobWanted = "job-wanted",
    /// In its transaction: an event and its job are stored.
    EventStored = "event-stored",
    /// A delivery is on disk; the sender knows nothing.
    DeliveryStored = "delivery-stored",
    /// The answer to a delivery is made and given to the connection.
    DeliveryAnswered = "delivery-answered",

    // Discovery.
    /// The CRM has told what there is; nobody knows yet.
    Discovered = "discovered",
    /// Who is who is kept; the fields are not.
    AssociatesKept = "associates-kept",
    /// What was discovered is kept; nothing that was held is let go.
    FieldsKept = "fields-kept",
    /// What was held for a field goes on.
    HeldReleased = "held-released",

    // The queue.
    /// In its transaction: jobs of a worker that died are back in the queue.
    AbandonedReturned = "abandoned-returned",
    /// What a dead process left goes on.
    Recovered = "recovered",
    /// In its transaction: a job is leased.
    LeaseTaken = "lease-taken",
    /// Leases are on disk; no job has begun.
    Leased = "leased",
    /// A job has begun.
    JobBegun = "job-begun",

    // One job.
    /// A person was read; whose it is, is not stored.
    PersonRead = "person-read",
    /// A person's job is in its company's lane.
    Adopted = "adopted",
    /// A company was read.
    AccountRead = "account-read",
    /// Name and owner are stored, and the rules were asked.
    Filtered = "filtered",
    /// It is known what became of earlier writes; it is not noted.
    Reconciling = "reconciling",
    /// It is noted what became of earlier writes.
    Reconciled = "reconciled",
    /// What a company is was found out; it is not kept.
    ProfileFound = "profile-found",
    /// What a company is, is kept.
    ProfileKept = "profile-kept",
    /// What is to be written is known.
    Planned = "planned",
    /// An intent is on disk; its request has not left.
    IntentStored = "intent-stored",
    /// The CRM has answered a write; that is noted nowhere.
    WriteAnswered = "write-answered",
    /// The CRM has refused a write because the record was changed; that is noted nowhere.
    WriteRefused = "write-refused",
    /// It is noted that the CRM refused a write.
    RefusalNoted = "refusal-noted",
    /// A company is written; its persons do not know.
    PersonsToFollow = "persons-to-follow",
    /// The persons of a company have jobs.
    PersonsFollow = "persons-follow",
    /// The outcome of a job is known; it is not stored.
    Settling = "settling",
    /// In its transaction: the writes of a job are noted; the job still runs.
    WritesNoted = "writes-noted",
    /// In its transaction: a job is settled.
    JobSettled = "job-settled",
    /// A job is settled; its slot is not free.
    Settled = "settled",
}

/// Passes a place. Does nothing, in the shipped program.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub const fn reach(_point: Point) {}

#[cfg(feature = "failpoints")]
mod here {
    use std::collections::BTreeMap;
    use std::sync::{LazyLock, Mutex};

    use super::Point;

    /// The environment variable that says what happens where: `intent-stored=abort@2`, several with commas.
    pub const VARIABLE: &str = "SO_CONNECTOR_FAILPOINTS";

    /// What happens at a place.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Action {
        /// The process ends at this passing, at once, as by `kill -9`.
        Abort(u64),
        /// This passing is a defect, as others would be.
        Panic(u64),
        /// The process stands still at this passing, until somebody lets it go on.
        Stop(u64),
    }

    static ACTIONS: LazyLock<BTreeMap<String, Action>> = LazyLock::new(|| {
        #[expect(
            clippy::disallowed_methods,
            reason = "only test builds have this, and it is no configuration"
        )]
        let told = std::env::var(VARIABLE).unwrap_or_default();
        told.split(',').filter_map(read).collect()
    });
    static PASSED: Mutex<BTreeMap<Point, u64>> = Mutex::new(BTreeMap::new());

    fn read(told: &str) -> Option<(String, Action)> {
        let (name, action) = told.trim().split_once('=')?;
        let (action, nth) = action.split_once('@')?;
        let nth = nth.parse().ok()?;
        let action = match action {
            "abort" => Action::Abort(nth),
            "panic" => Action::Panic(nth),
            "stop" => Action::Stop(nth),
            _ => return None,
        };
        Some((name.to_owned(), action))
    }

    /// Passes a place, and does there what the environment says.
    ///
    /// # Panics
    ///
    /// When it says so.
    pub fn reach(point: Point) {
        let Some(action) = ACTIONS.get(point.name()) else { return };
        let count = {
            let mut passed = PASSED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let count = passed.entry(point).or_default();
            *count += 1;
            *count
        };
        // An abort, unlike a panic or an exit, runs nothing on its way, and no buffer is flushed.
        match action {
            Action::Abort(nth) if *nth == count => die(point),
            Action::Panic(nth) if *nth == count => panic!("told to panic at {}", point.name()),
            Action::Stop(nth) if *nth == count => stand_still(),
            Action::Abort(_) | Action::Panic(_) | Action::Stop(_) => {}
        }
    }

    #[expect(clippy::print_stderr, reason = "whoever gave the order is told that it was carried out")]
    fn die(point: Point) -> ! {
        eprintln!("dies at {}", point.name());
        std::process::abort()
    }

    /// All threads of the process stop, as those of a machine that sleeps.
    fn stand_still() {
        let process = std::process::id().to_string();
        let told = std::process::Command::new("kill").args(["-STOP", &process]).status();
        assert!(told.is_ok_and(|status| status.success()), "the process cannot be stopped");
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_happens_where_is_read_from_a_line() {
            assert_eq!(read(" leased=abort@3"), Some(("leased".to_owned(), Action::Abort(3))));
            assert_eq!(read("leased=panic@1"), Some(("leased".to_owned(), Action::Panic(1))));
            assert_eq!(read("leased=stop@2"), Some(("leased".to_owned(), Action::Stop(2))));
            assert_eq!(read("leased=sleep@1"), None);
            assert_eq!(read("leased"), None);
        }
    }
}

#[cfg(feature = "failpoints")]
pub use here::{VARIABLE, reach};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_place_has_a_name_of_its_own_and_they_are_few_enough_to_try_all() {
        let names: BTreeSet<&str> = Point::ALL.iter().map(|point| point.name()).collect();
        assert_eq!(names.len(), Point::ALL.len());
        assert!(names.len() <= 60, "each is tried three times in every test run");
    }
}
