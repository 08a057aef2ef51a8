//! Reason codes: why a job or an event did not end in a write.
//!
//! One table. The documents, the dashboard, the API and the command line all read their words from it.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident $code:literal $sentence:literal $change:literal;)*) => {
        /// Why nothing was written, or not yet.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$doc])* $variant,)*
        }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable code that programs rely on.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// One sentence for people.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }

            /// What would have to be different for the work to be done.
            pub const fn what_would_change_it(self) -> &'static str {
                match self { $(Self::$variant => $change,)* }
            }

            /// Reads a code.
            pub fn parse(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

reasons! {
    /// Our own change came back to us.
    OwnWrite "OWN_WRITE"
        "The change was our own write coming back."
        "A change by somebody else, or of a field that we do not write.";
    /// None of the watched columns changed.
    NothingWatched "NOTHING_WATCHED"
        "None of the watched fields changed."
        "A change of a watched field, or a longer list of watched fields in the configuration.";
    /// The owner is not one of those in scope.
    OwnerNotInScope "OWNER_NOT_IN_SCOPE"
        "The account's owner is not one of those in scope."
        "An owner in scope, or the owner added to OWNERS.";
    /// The same notification came again.
    DuplicateEvent "DUPLICATE_EVENT"
        "The same notification had already arrived."
        "Nothing; the first one was taken.";
    /// Another record of the same company was just enriched.
    DuplicateName "DUPLICATE_NAME"
        "Another record of the same company was enriched just before."
        "A different name or website, or a change more than five minutes later.";
    /// The record is gone.
    Deleted "DELETED"
        "The record was deleted in SuperOffice."
        "Restoring the record in SuperOffice.";
    /// The person has left the company.
    Retired "RETIRED"
        "The person is marked as a former employee."
        "Clearing the mark in SuperOffice.";
    /// Not an event that we act on.
    UnsupportedEvent "UNSUPPORTED_EVENT"
        "The notification is of a kind that is not acted on."
        "Nothing; it can be removed from the webhook's events.";
    /// The person said no.
    NoConsent "NO_CONSENT"
        "The person withdrew their consent."
        "A new consent recorded in SuperOffice.";
    /// Nothing to read.
    NoWebsite "NO_WEBSITE"
        "The account has no website to learn from."
        "A web address on the company in SuperOffice.";
    /// Nothing that could be quoted.
    NoEvidence "NO_EVIDENCE"
        "The website did not say enough to quote from."
        "A website with a few sentences about the company, reachable from here.";
    /// All fields already hold what we would write.
    Unchanged "UNCHANGED"
        "Every field already holds what would be written."
        "A change on the website, in the name, or of the job title.";
    /// A person's own words stand there.
    HumanOwned "HUMAN_OWNED"
        "The fields hold words that a person wrote; they are left alone."
        "Emptying the field in SuperOffice.";
    /// The fields could not be read.
    MalformedUdf "MALFORMED_UDF"
        "The user-defined fields arrived in a form that cannot be read, so nothing is written over them."
        "A readable answer from SuperOffice; then retry.";
    /// Out of money or calls.
    Budget "BUDGET"
        "The budget for today is used up."
        "A new day, or a larger budget.";
    /// Somebody paused the work.
    Paused "PAUSED"
        "Writing is paused."
        "Resuming.";
    /// Nothing is written while trying things out.
    DryRun "DRY_RUN"
        "This is a dry run: the change is shown, not written."
        "Switching the dry run off.";
    /// A person without a company.
    PersonWithoutContact "PERSON_WITHOUT_CONTACT"
        "The person belongs to no company."
        "A company on the person in SuperOffice.";
    /// The tenant has no field that could take the texts.
    NoField "NO_FIELD"
        "The tenant has no writable field for these texts."
        "Publishing the fields in SuperOffice, or naming them under [fields] in connector.toml; then retry.";
    /// The field is not what it was.
    FieldChanged "FIELD_CHANGED"
        "A field in SuperOffice is not what it was when it was first written to."
        "The field as it was in SuperOffice, or `so-connector fields accept`; what was held then goes on by itself.";
    /// A newer job of the same record took over.
    Superseded "SUPERSEDED"
        "A newer job of the same record took over."
        "Nothing; the newer job does the work.";
    /// The governor stopped writing.
    Fuse "FUSE"
        "Writing stopped because too much looked the same."
        "An operator's review.";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| serde::de::Error::custom(format!("unknown reason code {code}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_reads_back_and_each_reason_speaks_in_sentences() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.code()), Some(*reason));
            assert!(reason.sentence().ends_with('.'), "{reason}");
            assert!(reason.what_would_change_it().ends_with('.'), "{reason}");
        }
    }
}
