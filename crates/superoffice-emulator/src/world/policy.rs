//! Switches for what the vendor's documentation leaves open, each with the default that we chose.
//!
//! The emulator never guesses silently: whatever is not documented has a name here, so that a test can try both ways.
//! The table in `policy/switches.rs` says of each switch what it changes and what is known; `docs/emulator-switches.md` is
//! made from it.

mod switches;

use serde::{Deserialize, Serialize};

pub use switches::{SWITCHES, Switch};

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

/// What rows look like with `$mode=Wide`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WideRows {
    /// As with `Full`.
    Full,
    /// As with `Slim`.
    Slim,
}

/// What rows say of a yes or no with `$output=Display`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisplayFlags {
    /// The name of an icon for yes, nothing for no.
    Icon,
    /// `true` or `false`, as without `$output`.
    Logical,
}

/// Under which key an error body has its sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKey {
    /// `Message` where arguments are refused, `ErrorMessage` elsewhere, as recorded.
    Mixed,
    /// Always `ErrorMessage`.
    ErrorMessage,
    /// Always `Message`.
    Message,
}

/// What the API answers while the tenant's state says that it cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// 503 and a page.
    Unavailable,
    /// 421, as if the tenant lived elsewhere.
    Misdirected,
    /// 401, whatever the token.
    Unauthorized,
    /// 200 and a page for people.
    Page,
    /// Nothing: the connection ends.
    HangUp,
}

/// What the state of a tenant that there is not is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownTenant {
    /// 200, with the state `Unknown`.
    State,
    /// 404.
    NotFound,
}

/// Who issued the token of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Issuer {
    /// The log-in host, as the vendor's sample expects.
    Host,
    /// `SuperOffice AS`, as of system users.
    System,
}

/// Whom the token of a notification is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// The app's id.
    App,
    /// `spn:` and the app's id, as of connectors.
    SpnApp,
    /// `spn:` and the tenant's serial number, as of system users.
    SpnSerial,
}

/// How the token endpoint refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenRefusal {
    /// `error` and `error_description`, as RFC 6749 says.
    Rfc6749,
    /// The REST API's own body.
    Vendor,
    /// A page for people.
    Page,
    /// No body.
    Empty,
}

/// How a system user is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemUserRefusal {
    /// 200, with `IsSuccessful` false.
    Body,
    /// 401, with the REST API's body.
    Status,
}

/// How somebody approves the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Everybody has said yes already: the browser is sent back at once.
    AtOnce,
    /// On a page with two buttons.
    Page,
}

/// How the app hears that somebody said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Denial {
    /// The browser comes back with `error=access_denied`, as RFC 6749 says.
    Callback,
    /// Not at all: the browser stays on a page that says `Denied (4)`.
    Page,
}

/// Which redirect addresses the app has registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedirectUris {
    /// The one in its details, and every one of a native app: `http://127.0.0.1:{port}/{path}`, `http://[::1]…`.
    Loopback,
    /// The one in its details.
    Exact,
}

/// Choices for behaviour that is not documented. [`SWITCHES`] says more of each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "a panel of independent switches")]
#[expect(missing_docs, reason = "the table of switches describes each, and a test keeps it complete")]
pub struct Policy {
    pub page_cap: usize,
    pub next_link: NextLink,
    pub inline_count: bool,
    pub wide_rows: WideRows,
    pub display_flags: DisplayFlags,
    pub ge_and_le: bool,
    pub operators_by_type: bool,
    pub bad_filter_status: u16,
    pub refused_columns: Vec<String>,
    pub weeks_start_on_sunday: bool,
    pub after_includes_the_day: bool,
    pub filter_days_are_local: bool,
    pub filter_times_are_local: bool,
    pub list_dates_are_local: bool,
    pub untouched_records_are_updated: bool,
    pub dynamic_shows_deleted: bool,
    pub overlong: Overlong,
    pub refused_save_status: u16,
    pub put_empties_fields: bool,
    pub partial_dictionary_merges: bool,
    pub custom_fields_win: bool,
    pub prog_ids_in_any_case: bool,
    pub encoded_text_is_decoded: bool,
    pub unknown_prog_id_is_refused: bool,
    pub read_only_is_refused: bool,
    pub own_changes_raise_events: bool,
    pub udf_only_events: bool,
    pub url_events: bool,
    pub child_table_events: bool,
    pub require_https: bool,
    pub webhooks_by_application: bool,
    pub foreign_webhook_status: u16,
    pub webhook_secret_is_masked: bool,
    pub webhook_properties_nested: bool,
    pub any_2xx_is_success: bool,
    pub failed_events_are_requeued: bool,
    pub first_retry_header: bool,
    pub webhook_counters_on_entity: bool,
    pub receiver_timeout_ms: u64,
    pub associates_by_group_type: bool,
    pub deleted_is_gone: bool,
    pub custom_fields: bool,
    pub user_defined_fields: bool,
    pub udef_draft_is_saved: bool,
    pub multi_language_lists: bool,
    pub base_offset_hours: i8,
    pub base_time_zone: Option<String>,
    pub stamps_are_utc: bool,
    pub offsets_have_colon: bool,
    pub unknown_time_zone_is_refused: bool,
    pub error_key: ErrorKey,
    pub expired_token_status: u16,
    pub wrong_host_body: bool,
    pub closed: Closed,
    pub unknown_tenant: UnknownTenant,
    pub state_valid_seconds: u64,
    pub notice_attempts: usize,
    pub notice_issuer: Issuer,
    pub notice_audience: Audience,
    pub notice_names_tenant: bool,
    pub kid_in_header: bool,
    pub claims_as_text: bool,
    pub audience_as_list: bool,
    pub stamp_tolerance_minutes: u32,
    pub system_user_refusal: SystemUserRefusal,
    pub token_refusal: TokenRefusal,
    pub refresh_token_rotates: bool,
    pub approval: Approval,
    pub denial: Denial,
    pub redirect_uris: RedirectUris,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            page_cap: 1000,
            next_link: NextLink::Text,
            inline_count: false,
            wide_rows: WideRows::Full,
            display_flags: DisplayFlags::Icon,
            ge_and_le: false,
            operators_by_type: true,
            bad_filter_status: 400,
            refused_columns: Vec::new(),
            weeks_start_on_sunday: false,
            after_includes_the_day: false,
            filter_days_are_local: false,
            filter_times_are_local: false,
            list_dates_are_local: false,
            untouched_records_are_updated: true,
            dynamic_shows_deleted: false,
            overlong: Overlong::Reject,
            refused_save_status: 400,
            put_empties_fields: false,
            partial_dictionary_merges: true,
            custom_fields_win: true,
            prog_ids_in_any_case: true,
            encoded_text_is_decoded: false,
            unknown_prog_id_is_refused: true,
            read_only_is_refused: true,
            own_changes_raise_events: true,
            udf_only_events: true,
            url_events: true,
            child_table_events: false,
            require_https: true,
            webhooks_by_application: true,
            foreign_webhook_status: 404,
            webhook_secret_is_masked: false,
            webhook_properties_nested: false,
            any_2xx_is_success: false,
            failed_events_are_requeued: false,
            first_retry_header: true,
            webhook_counters_on_entity: true,
            receiver_timeout_ms: 10_000,
            associates_by_group_type: true,
            deleted_is_gone: true,
            custom_fields: true,
            user_defined_fields: true,
            udef_draft_is_saved: false,
            multi_language_lists: true,
            base_offset_hours: 1,
            base_time_zone: None,
            stamps_are_utc: false,
            offsets_have_colon: true,
            unknown_time_zone_is_refused: false,
            error_key: ErrorKey::Mixed,
            expired_token_status: 401,
            wrong_host_body: true,
            closed: Closed::Unavailable,
            unknown_tenant: UnknownTenant::State,
            state_valid_seconds: 900,
            notice_attempts: 1,
            notice_issuer: Issuer::Host,
            notice_audience: Audience::App,
            notice_names_tenant: true,
            kid_in_header: false,
            claims_as_text: false,
            audience_as_list: false,
            stamp_tolerance_minutes: 10,
            system_user_refusal: SystemUserRefusal::Body,
            token_refusal: TokenRefusal::Rfc6749,
            refresh_token_rotates: false,
            approval: Approval::AtOnce,
            denial: Denial::Callback,
            redirect_uris: RedirectUris::Loopback,
        }
    }
}
