//! Known defects that can be put back, to see whether the tests find them.

/// Writes each defect down once: its name in Rust, its name outside, and what it is.
macro_rules! bugs {
    ($($(#[$what:meta])* $bug:ident = $name:literal,)*) => {
        /// A defect that product code holds ready, switched off.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Bug {
            $($(#[$what])* $bug,)*
        }

        impl Bug {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$bug,)*];

            /// Its name on a command line and in a report.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$bug => $name,)*
                }
            }
        }
    };
}

bugs! {
    /// A delivery is acknowledged though it could not be stored.
    AckWithoutCommit = "ack-without-commit",
    /// An event that was stored already is stored again.
    NoDedupe = "no-dedupe",
    /// An event is taken for known though it is another one.
    DedupeTooWide = "dedupe-too-wide",
    /// What nobody can read is acknowledged and thrown away.
    UnreadableDropped = "unreadable-dropped",
    /// Our own change that comes back is work.
    EchoFilterOff = "echo-filter-off",
    /// Who we are is not known after a start at which the database did not answer at once.
    EchoForgottenAtStart = "echo-forgotten-at-start",
    /// Whatever our user changes soon after a write of ours is taken for its echo.
    EchoTooWide = "echo-too-wide",
    /// A change of the website is taken for noise.
    WebsiteNotWatched = "website-not-watched",
    /// Nobody is woken for a new job.
    BellNotRung = "bell-not-rung",
    /// An event joins a job that has read the record already.
    EventJoinsRunningJob = "event-joins-running-job",
    /// The job that has waited least is taken first.
    NewestFirst = "newest-first",
    /// What a dead process had in hand is left to its lease at a start.
    RecoverForgotten = "recover-forgotten",
    /// A result is stored whoever holds the lease by now.
    LeaseWithoutFence = "lease-without-fence",
    /// The lease of a long job is not renewed.
    LeaseNotRenewed = "lease-not-renewed",
    /// A job is taken from its worker though the lease was renewed.
    ReaperIgnoresRenewals = "reaper-ignores-renewals",
    /// An intent is stored though the lease is over.
    StaleHolderWrites = "stale-holder-writes",
    /// A worker that dies does not count against the job it had in hand.
    CrashesNotCounted = "crashes-not-counted",
    /// Jobs that were in hand at several deaths are in hand beside one another.
    SuspectsTogether = "suspects-together",
    /// What counts against a job is forgotten when a newer one takes over.
    HeirBeginsAnew = "heir-begins-anew",
    /// A failed attempt does not count, so a job is tried for ever.
    FaultsForgotten = "faults-forgotten",
    /// A wait that was meant in minutes is taken in hours.
    WaitsInHours = "waits-in-hours",
    /// A person is worked on beside its company.
    PersonsBesideTheirCompany = "persons-beside-their-company",
    /// What became of writes is not noted when a job is settled.
    WritesNotNoted = "writes-not-noted",
    /// A write leaves before its intent is stored.
    WritesBeforeIntent = "writes-before-intent",
    /// A write whose end is not known is sent again without looking.
    WritesAgainUnseen = "writes-again-unseen",
    /// A write whose end is not known is noted as not done.
    UnknownTakenForUndone = "unknown-taken-for-undone",
    /// A write whose end is not known is noted as done.
    UnknownTakenForDone = "unknown-taken-for-done",
    /// An open intent of which nothing stands is taken for done.
    StaleIntentTakenForDone = "stale-intent-taken-for-done",
    /// An intent that can land no more is left open when another write was found done.
    OutdoneIntentStaysOpen = "outdone-intent-stays-open",
    /// A job ends though an earlier write of it may still arrive and would be wrong.
    LateWriteForgotten = "late-write-forgotten",
    /// A value that two intents share proves the newer one.
    SharedValueProvesBoth = "shared-value-proves-both",
    /// A person's own words are taken for ours.
    HumanWordsOverwritten = "human-words-overwritten",
    /// Fields that cannot be read are taken for empty.
    GarbageReadAsEmpty = "garbage-read-as-empty",
    /// An outage counts against the jobs that meet it.
    OutageCounts = "outage-counts",
    /// Being told to wait counts against a job.
    ThrottleCounts = "throttle-counts",
    /// When we are told to wait, only one job does.
    OnlyOneJobWaits = "only-one-job-waits",
    /// A job that cannot succeed is never given up.
    PoisonNeverFails = "poison-never-fails",
    /// A job in which our own code stumbles is not settled.
    PanicLosesTheJob = "panic-loses-the-job",
    /// The persons of a company keep their texts when its vertical changes.
    PersonsDoNotFollow = "persons-do-not-follow",
    /// Persons that were skipped before anything was found out about their company stay so.
    PersonsSkippedStaySo = "persons-skipped-stay-so",
    /// Persons that were skipped while their company was out of scope stay so when it comes back.
    PersonsLeftOutOfScope = "persons-left-out-of-scope",
    /// Persons are forgotten when the database is away just after their company was written to.
    PersonsFollowOnlyAtOnce = "persons-follow-only-at-once",
    /// Persons are forgotten when their company cannot be written to at first.
    PersonsDueForgotten = "persons-due-forgotten",
    /// What was found out holds on when the website is another one.
    ProfileOfAnotherSite = "profile-of-another-site",
    /// What was held stays so for ever when another job of its record goes on in its place.
    HeldBesideItsHeir = "held-beside-its-heir",
    /// What is held for a field stays so when the field is mended.
    HeldForEver = "held-for-ever",
    /// What is held for a field that was mended meanwhile stays so.
    HeldWhileMended = "held-while-mended",
    /// A page of a sweep is kept as seen before what is news in it was taken in.
    PageKeptBeforeItIsTakenIn = "page-kept-before-it-is-taken-in",
    /// A version of ours is taken for known, whoever changed something before it.
    OwnVersionHidesOthers = "own-version-hides-others",
    /// A sweep is noted as done before it has read anything.
    GapDoneBeforeItIsSwept = "gap-done-before-it-is-swept",
    /// Accounts that no job reads have no name.
    NamesNotLookedUp = "names-not-looked-up",
    /// A company in the recycle bin is written to.
    DeletedIgnored = "deleted-ignored",
    /// A company of an owner out of scope is written to.
    ScopeNotAsked = "scope-not-asked",
}

/// Whether a defect is there. Never, in the shipped program.
#[cfg(not(feature = "simulation"))]
#[inline]
pub const fn planted(_bug: Bug) -> bool {
    false
}

#[cfg(feature = "simulation")]
mod here {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Whether a defect is there, on this thread.
    pub fn planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }

    /// Plants a defect for everything that this thread does from now on, or takes it away.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }
}

#[cfg(feature = "simulation")]
pub use here::{plant, planted};
