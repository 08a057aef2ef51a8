//! Switches for what the vendor's documentation leaves open, each with the default that we chose.
//!
//! The emulator never guesses silently: whatever is not documented has a name here, so that a test can try both ways.

use serde::{Deserialize, Serialize};

/// How `odata.nextLink` looks when more rows follow. What the vendor sends there is not documented, so each form is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextLink {
    /// The key is missing.
    Absent,
    /// The key is there and null.
    Null,
    /// A link to the next page while there is one, null on the last page.
    Text,
}

/// What happens to a text that is longer than its user-defined field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlong {
    /// 400, nothing is saved.
    Reject,
    /// The text is cut and saved.
    Truncate,
}

/// Choices for behaviour that is not documented.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "a panel of independent switches")]
pub struct Policy {
    /// Most rows in one answer of an OData list, and how many without `$top`.
    pub page_cap: usize,
    /// See [`NextLink`].
    pub next_link: NextLink,
    /// Whether filters may use `ge` and `le`; the vendor's samples mark them as failing.
    pub ge_and_le: bool,
    /// Whether the date operator `after` includes the day itself.
    pub after_includes_the_day: bool,
    /// See [`Overlong`].
    pub overlong: Overlong,
    /// Whether replacing a dictionary with a partial one leaves the other keys alone.
    pub partial_dictionary_merges: bool,
    /// Whether a change of user-defined fields alone raises `.changed`, with `userdef_id` among the changes.
    pub udf_only_events: bool,
    /// Whether a change of the web address alone raises `.changed`, with `URLAddress` among the changes.
    pub url_events: bool,
    /// Whether a change of phones, e-mails or addresses alone raises `.changed`; documented as no.
    pub child_table_events: bool,
    /// Whether webhook targets must be https; loopback may always be http.
    pub require_https: bool,
    /// Whether reading a deleted record answers 404; otherwise it is served, marked as deleted.
    pub deleted_is_gone: bool,
    /// Whether entities carry `CustomFields`; older servers do not.
    pub custom_fields: bool,
    /// Whether entities carry the deprecated `UserDefinedFields`.
    pub user_defined_fields: bool,
    /// Hours between UTC and the tenant's base time zone.
    pub base_offset_hours: i8,
    /// Whether asking for the draft of a user-defined field saves it already.
    pub udef_draft_is_saved: bool,
    /// How long a receiver may take to answer a webhook, in milliseconds.
    pub receiver_timeout_ms: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            page_cap: 1000,
            next_link: NextLink::Text,
            ge_and_le: false,
            after_includes_the_day: false,
            overlong: Overlong::Reject,
            partial_dictionary_merges: true,
            udf_only_events: true,
            url_events: true,
            child_table_events: false,
            require_https: true,
            deleted_is_gone: true,
            custom_fields: true,
            user_defined_fields: true,
            base_offset_hours: 1,
            udef_draft_is_saved: false,
            receiver_timeout_ms: 10_000,
        }
    }
}
