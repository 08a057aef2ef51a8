//! The table of all switches: what each changes, and what is known of SuperOffice there. `docs/emulator-switches.md` is
//! made from it, and `GET /_emulator/policy` shows the same names.

use super::Policy;

/// What is to be known of one switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switch {
    /// Its name in `/_emulator/policy`.
    pub name: &'static str,
    /// What it changes.
    pub effect: &'static str,
    /// What the vendor's documentation says, or that the choice is ours.
    pub known: &'static str,
}

impl Switch {
    /// Its default as JSON writes it.
    pub fn default_text(&self) -> String {
        let all = serde_json::to_value(Policy::default()).unwrap_or_default();
        all.get(self.name).map(ToString::to_string).unwrap_or_default()
    }
}

const fn switch(name: &'static str, effect: &'static str, known: &'static str) -> Switch {
    Switch { name, effect, known }
}

/// All switches, by subject.
pub const SWITCHES: &[Switch] = &[
    switch(
        "page_cap",
        "most rows in one answer of a list, and how many without `$top`",
        "neither default nor maximum of `$top` is documented; \"best practices\" speaks of pages of 1000",
    ),
    switch(
        "next_link",
        "how `odata.nextLink` looks: `text`, `null`, or `absent`",
        "recorded answers have none, or null; a filled one is not documented",
    ),
    switch(
        "inline_count",
        "whether `$inlineCount` adds `odata.count` to the answer of an archive",
        "the parameter is documented, where the count stands is not",
    ),
    switch(
        "wide_rows",
        "what `$mode=Wide` answers: rows as with `full` or as with `slim`",
        "the mode is named, its shape is not documented",
    ),
    switch(
        "display_flags",
        "what `$output=Display` makes of yes and no in slim rows: `icon` (`\"yes\"` or nothing) or `logical`",
        "\"Display returns icon hints\"; the hints' names are not documented",
    ),
    switch(
        "ge_and_le",
        "whether filters may use `ge` and `le`",
        "listed as operators; the vendor's own samples mark them as failing",
    ),
    switch(
        "operators_by_type",
        "whether an operator is refused that is not listed for the column's type, such as `contains` on a number",
        "\"Restriction types\" lists operators for each type; what others do is not documented",
    ),
    switch(
        "bad_filter_status",
        "status of the answer to a filter, an order or a column that is not understood",
        "not documented",
    ),
    switch(
        "refused_columns",
        "columns of lists that are refused, as if they were not there",
        "rights to fields are documented; what a list makes of a column without them is not",
    ),
    switch("weeks_start_on_sunday", "which days `thisWeek` and its like mean", "not documented"),
    switch(
        "after_includes_the_day",
        "whether the date operator `after` includes the day itself",
        "date operators look at the day; the rest is not documented",
    ),
    switch(
        "filter_days_are_local",
        "whether date operators look at days in the tenant's base time zone, whatever `SO-TimeZone` asks for",
        "not documented: the header converts dates in answers",
    ),
    switch(
        "filter_times_are_local",
        "whether operators that look at times, such as `afterTime`, mean times in the tenant's base time zone, whatever `SO-TimeZone` asks for",
        "not documented: the header converts dates in answers",
    ),
    switch(
        "list_dates_are_local",
        "whether rows of lists write dates in the tenant's base time zone and without offset, whatever `SO-TimeZone` asks for",
        "recorded rows have dates without offset; what the header makes of them is not documented",
    ),
    switch(
        "untouched_records_are_updated",
        "whether rows show the date of creation as that of the last change while nobody has changed the record; otherwise that date is empty",
        "not documented; records themselves have no date there",
    ),
    switch(
        "dynamic_shows_deleted",
        "whether the Dynamic archive has rows of the recycle bin that nobody asked for",
        "other archives hide them unless `deletedDate` is asked for; of Dynamic nothing is said",
    ),
    switch(
        "overlong",
        "what happens to a text that is too long for its user-defined field: `reject` or `truncate`",
        "not documented",
    ),
    switch(
        "refused_save_status",
        "status of the answer to a save that is refused: a text too long, a field or item that does not exist, a mandatory name",
        "not documented",
    ),
    switch(
        "put_empties_fields",
        "whether `PUT` empties the user-defined fields that its body leaves out",
        "\"replaces the entire entity\", and samples leave them out",
    ),
    switch(
        "partial_dictionary_merges",
        "whether replacing a dictionary of user-defined fields with a partial one leaves the other keys alone",
        "samples replace a dictionary with a partial one; what becomes of the rest is not documented",
    ),
    switch(
        "custom_fields_win",
        "which dictionary counts when `CustomFields` and `UserDefinedFields` of one body disagree",
        "not documented",
    ),
    switch(
        "prog_ids_in_any_case",
        "whether prog-ids are understood in any case when they are written",
        "not documented",
    ),
    switch(
        "encoded_text_is_decoded",
        "whether a text such as `[I:5]` in a text field is saved as `5`",
        "not documented",
    ),
    switch(
        "unknown_prog_id_is_refused",
        "whether writing a field that does not exist is refused with 400; otherwise it is ignored",
        "not documented",
    ),
    switch(
        "read_only_is_refused",
        "whether writing a read-only field is refused with 400; otherwise it is ignored",
        "not documented",
    ),
    switch(
        "own_changes_raise_events",
        "whether changes made through the API raise events like any others",
        "no suppression is documented; seen in the field",
    ),
    switch(
        "udf_only_events",
        "whether a change of user-defined fields alone raises `.changed`, with `userdef_id` among the changes",
        "events come from changes of the record's own table; this case is not documented",
    ),
    switch(
        "url_events",
        "whether a change of the web address alone raises `.changed`, with `URLAddress` among the changes",
        "web addresses have a table of their own; seen in the field, not documented",
    ),
    switch(
        "child_table_events",
        "whether a change of phones, e-mail addresses or postal addresses alone raises `.changed`",
        "documented as no",
    ),
    switch(
        "require_https",
        "whether webhook targets must be https; loopback may always be http",
        "documented; that loopback is let off is ours",
    ),
    switch(
        "webhooks_by_application",
        "whether an application sees only the webhooks that it made itself",
        "documented as yes",
    ),
    switch(
        "foreign_webhook_status",
        "status of the answer to a call for another application's webhook",
        "not documented",
    ),
    switch(
        "webhook_secret_is_masked",
        "whether webhooks are answered without their secret",
        "samples show it; the administrator's window of 12.1 does not",
    ),
    switch(
        "webhook_properties_nested",
        "whether a webhook's `Properties` stand in the body as one object; otherwise at its top level",
        "\"injected into the JSON body\"; the place is not documented",
    ),
    switch(
        "any_2xx_is_success",
        "whether a delivery that was answered 201, 202 or 204 counts as delivered",
        "success is \"200 OK\"; nothing is said of the others",
    ),
    switch(
        "failed_events_are_requeued",
        "whether an event that failed three times goes to the back of the queue, for nine attempts in all; otherwise it is discarded",
        "one page says both",
    ),
    switch(
        "first_retry_header",
        "whether a first attempt carries `X-SuperOffice-Retry: 0`; otherwise the header is left out",
        "\"number of retries so far\"; the first value is not documented",
    ),
    switch(
        "webhook_counters_on_entity",
        "whether a webhook carries its counters and its last error; otherwise the archive `webhook_usage` alone has them",
        "on the webhook since release 12; before, \"Troubleshooting\" points to the archive",
    ),
    switch(
        "receiver_timeout_ms",
        "how long a receiver of webhooks may take, in milliseconds",
        "not documented",
    ),
    switch(
        "associates_by_group_type",
        "whether the `Type` of `GetAssociatesByGroup` counts: 2 finds the group's associates, other numbers find nobody; \
         without it, and with 0, all are found",
        "a sample says that 2 is an internal user and 4 a system user; the description speaks of kinds of groups",
    ),
    switch(
        "deleted_is_gone",
        "whether reading a deleted record answers 404; otherwise it is served, marked as deleted",
        "not documented",
    ),
    switch(
        "custom_fields",
        "whether entities carry `CustomFields`",
        "the present dictionary; older servers do not have it",
    ),
    switch("user_defined_fields", "whether entities carry `UserDefinedFields`", "deprecated, still served"),
    switch(
        "udef_draft_is_saved",
        "whether a field that `POST …/UdefLayout` drafts is saved before the `PUT`",
        "the documentation says both",
    ),
    switch(
        "multi_language_lists",
        "whether the built-in lists have names in several languages; without a language in the request they are answered raw",
        "documented for SuperOffice's own lists; an item that somebody typed has one name",
    ),
    switch(
        "base_offset_hours",
        "hours between UTC and the tenant's base time zone, when `base_time_zone` names none",
        "without `SO-TimeZone` dates come in the base zone, which differs between tenants",
    ),
    switch(
        "base_time_zone",
        "the tenant's base time zone by its code, such as `NO`; it has summer time",
        "differs between tenants",
    ),
    switch(
        "stamps_are_utc",
        "whether `CreatedDate` and `UpdatedDate` are UTC whatever `SO-TimeZone` says",
        "\"always UTC\" says the page on time zones; recorded answers are converted",
    ),
    switch(
        "offsets_have_colon",
        "whether offsets are written as `+01:00`; otherwise as `+0100`",
        "samples have both",
    ),
    switch(
        "unknown_time_zone_is_refused",
        "whether an `SO-TimeZone` that is not known is refused with 400; otherwise the base zone holds",
        "not documented",
    ),
    switch(
        "error_key",
        "under which key an error body has its sentence: `mixed` (`Message` for refused arguments, else `ErrorMessage`), \
         `error_message`, `message`",
        "the documentation has `ErrorMessage`, recorded refusals have `Message`",
    ),
    switch(
        "expired_token_status",
        "status of the answer to a call without good credentials",
        "401 in one place, 403 in another",
    ),
    switch(
        "wrong_host_body",
        "whether 421 has a body; otherwise it is empty",
        "a sentence is documented, its form is not",
    ),
    switch(
        "closed",
        "what the API answers while the tenant's state says that it cannot be used: `unavailable` (503), `misdirected` (421), `unauthorized` (401), `page` (200 and HTML), or `hang_up`",
        "not documented",
    ),
    switch(
        "unknown_tenant",
        "what the state of a tenant that there is not is answered with: `state` (200 and `Unknown`), or `not_found`",
        "not documented",
    ),
    switch(
        "state_valid_seconds",
        "how long the answer about a tenant's state is good, when no window ends before",
        "`ValidUntil` is documented, its distance is not",
    ),
    switch(
        "notice_attempts",
        "how often a notification about the tenant's state is sent until it is answered 200",
        "not documented",
    ),
    switch(
        "notice_issuer",
        "who issued the token of a notification: `host` or `system`",
        "the vendor's sample expects the log-in host; other pages name `SuperOffice AS`",
    ),
    switch(
        "notice_audience",
        "whom the token of a notification is for: `app`, `spn_app`, or `spn_serial`",
        "not documented",
    ),
    switch(
        "notice_names_tenant",
        "whether the token of a notification has the claim `ctx`",
        "not documented",
    ),
    switch(
        "kid_in_header",
        "whether signed tokens name their key by `kid` too",
        "published tokens have `x5t` alone; a sample reads `kid`",
    ),
    switch(
        "claims_as_text",
        "whether every claim is a text",
        "in published tokens `iat` is one, `nbf` and `exp` are numbers",
    ),
    switch("audience_as_list", "whether `aud` is a list", "published tokens have a text or a list"),
    switch(
        "stamp_tolerance_minutes",
        "how far the minute in a signed system token may be from now",
        "not documented",
    ),
    switch(
        "system_user_refusal",
        "how a system user is refused: `body` (200, `IsSuccessful` false) or `status` (401)",
        "samples look for both",
    ),
    switch(
        "token_refusal",
        "how the token endpoint refuses: `rfc6749`, `vendor` (the API's error body), `page`, or `empty`",
        "not documented",
    ),
    switch(
        "refresh_token_rotates",
        "whether a refresh gives a new refresh token and ends the old one",
        "documented as no",
    ),
    switch(
        "approval",
        "how somebody approves the application: `at_once`, or on a `page` with two buttons",
        "policy of ours: everybody here has said yes already",
    ),
    switch(
        "denial",
        "how the application hears of a no: by the `callback` (`error=access_denied`), or not, and the browser stays on a `page`",
        "not documented",
    ),
    switch(
        "redirect_uris",
        "which redirect addresses are registered: the application's own and those of native applications (`loopback`), or the own alone (`exact`)",
        "addresses must be registered; which are is ours",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_switch_in_its_order() {
        let written = serde_json::to_string(&Policy::default()).unwrap();
        let mut at = 0;
        for switch in SWITCHES {
            let found = written.find(&format!("\"{}\":", switch.name));
            assert!(found.is_some_and(|found| found >= at), "{} is missing or out of order", switch.name);
            at = found.unwrap();
            assert!(!switch.default_text().is_empty());
        }
        let all = serde_json::to_value(Policy::default()).unwrap();
        assert_eq!(all.as_object().unwrap().len(), SWITCHES.len());
    }
}
