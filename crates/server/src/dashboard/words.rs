//! Every word of the pages that is not a reason or a state, in one place, so that another language is another value
//! of the same type.

/// The words of one language.
pub(crate) struct Words {
    pub(crate) lang: &'static str,
    pub(crate) product: &'static str,
    pub(crate) skip_to_content: &'static str,
    pub(crate) accounts: &'static str,
    pub(crate) account: &'static str,
    pub(crate) jobs: &'static str,
    pub(crate) job: &'static str,
    pub(crate) coverage: &'static str,
    pub(crate) changes: &'static str,
    pub(crate) changed_by: &'static str,
    pub(crate) unexplained: &'static str,
    pub(crate) last_hour: &'static str,
    pub(crate) last_day: &'static str,
    pub(crate) last_week: &'static str,
    pub(crate) by_their_clock: &'static str,
    pub(crate) asked_the_crm: &'static str,
    pub(crate) choose_window: &'static str,
    pub(crate) coverage_more: &'static str,
    pub(crate) live: &'static str,
    pub(crate) everything_works: &'static str,
    pub(crate) not_checked: &'static str,
    pub(crate) parts: &'static str,
    pub(crate) ok: &'static str,
    pub(crate) degraded: &'static str,
    pub(crate) down: &'static str,
    pub(crate) name_or_number: &'static str,
    pub(crate) owner: &'static str,
    pub(crate) filter: &'static str,
    pub(crate) clear: &'static str,
    pub(crate) state: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) last: &'static str,
    pub(crate) older: &'static str,
    pub(crate) newest: &'static str,
    pub(crate) all: &'static str,
    pub(crate) not_known_yet: &'static str,
    pub(crate) deleted: &'static str,
    pub(crate) open_in_crm: &'static str,
    pub(crate) as_json: &'static str,
    pub(crate) what_would_change_it: &'static str,
    pub(crate) in_the_crm: &'static str,
    pub(crate) no_fields: &'static str,
    pub(crate) before: &'static str,
    pub(crate) after: &'static str,
    pub(crate) empty: &'static str,
    pub(crate) written: &'static str,
    pub(crate) found_not_written: &'static str,
    pub(crate) evidence: &'static str,
    pub(crate) history: &'static str,
    pub(crate) timeline: &'static str,
    pub(crate) nothing_happened: &'static str,
    pub(crate) fields_written: &'static str,
    pub(crate) nothing_written: &'static str,
    pub(crate) intended: &'static str,
    pub(crate) done: &'static str,
    pub(crate) not_done: &'static str,
    pub(crate) retry: &'static str,
    pub(crate) by_cause: &'static str,
    pub(crate) retry_all: &'static str,
    pub(crate) retry_queued: &'static str,
    pub(crate) retry_running: &'static str,
    pub(crate) retry_pending: &'static str,
    pub(crate) remedy: &'static str,
    pub(crate) attempts: &'static str,
    pub(crate) waited: &'static str,
    pub(crate) took: &'static str,
    pub(crate) waiting_for_worker: &'static str,
    pub(crate) worker_at_it: &'static str,
    pub(crate) tried_again: &'static str,
    pub(crate) no_event_yet: &'static str,
    pub(crate) first_steps: &'static str,
    pub(crate) step_running: &'static str,
    pub(crate) step_check: &'static str,
    pub(crate) step_register: &'static str,
    pub(crate) step_test: &'static str,
    pub(crate) step_wait: &'static str,
    pub(crate) events_without_account: &'static str,
    pub(crate) no_jobs: &'static str,
    pub(crate) not_found: &'static str,
    pub(crate) not_found_more: &'static str,
    pub(crate) search_for_it: &'static str,
    pub(crate) bad_request: &'static str,
    pub(crate) unavailable: &'static str,
    pub(crate) unavailable_more: &'static str,
    pub(crate) internal: &'static str,
    pub(crate) internal_more: &'static str,
    pub(crate) forbidden: &'static str,
    pub(crate) elsewhere: &'static str,
    pub(crate) back_to_accounts: &'static str,
}

/// English.
pub(crate) static EN: Words = Words {
    lang: "en",
    product: "SuperOffice Connector",
    skip_to_content: "Skip to the content",
    accounts: "Accounts",
    account: "Account",
    jobs: "Jobs",
    job: "Job",
    coverage: "Coverage",
    changes: "Changes",
    changed_by: "Changed by",
    unexplained: "Unexplained",
    last_hour: "Last hour",
    last_day: "Last day",
    last_week: "Last week",
    by_their_clock: "By SuperOffice's clock:",
    asked_the_crm: "This asked SuperOffice:",
    choose_window: "Choose a window",
    coverage_more: "SuperOffice is asked which companies and persons were changed in it, and each change is held against what happened here.",
    live: "Live",
    everything_works: "Everything works.",
    not_checked: "Nothing has been checked yet.",
    parts: "All parts",
    ok: "OK",
    degraded: "Degraded",
    down: "Down",
    name_or_number: "Name or number",
    owner: "Owner",
    filter: "Filter",
    clear: "Clear",
    state: "State",
    reason: "Reason",
    last: "Last",
    older: "Older",
    newest: "Newest",
    all: "All",
    not_known_yet: "name not known yet",
    deleted: "deleted in SuperOffice",
    open_in_crm: "Open in SuperOffice",
    as_json: "As JSON",
    what_would_change_it: "What would change it",
    in_the_crm: "In the CRM",
    no_fields: "Nothing has been found out or written yet.",
    before: "Before",
    after: "After",
    empty: "empty",
    written: "Written",
    found_not_written: "Found out, not written",
    evidence: "Evidence",
    history: "History",
    timeline: "Timeline",
    nothing_happened: "Nothing has happened yet.",
    fields_written: "Fields",
    nothing_written: "This job wrote nothing.",
    intended: "Sent; not known yet whether it arrived",
    done: "Written",
    not_done: "Not written",
    retry: "Retry",
    by_cause: "By cause",
    retry_all: "Retry all",
    retry_queued: "The job waits for a worker again.",
    retry_running: "The job is running, so there is nothing to retry.",
    retry_pending: "A newer job of the same record waits already, so there is nothing to retry.",
    remedy: "What helps",
    attempts: "Attempts",
    waited: "waited",
    took: "took",
    waiting_for_worker: "Waits for a worker.",
    worker_at_it: "A worker is at it.",
    tried_again: "An attempt failed; it is tried again.",
    no_event_yet: "No webhook has arrived yet.",
    first_steps: "As soon as somebody creates or changes a company in SuperOffice, it appears here. Until then:",
    step_running: "The connector runs",
    step_check: "Everything it needs is in order",
    step_register: "The webhook is registered in SuperOffice",
    step_test: "SuperOffice reaches this address",
    step_wait: "The first event has arrived",
    events_without_account: "Events have arrived, but none of them named an account.",
    no_jobs: "No job is in this state.",
    not_found: "Not found",
    not_found_more: "It may have been typed wrongly, or it belongs to another tenant.",
    search_for_it: "Search the accounts",
    bad_request: "That cannot be asked",
    unavailable: "The database does not answer just now",
    unavailable_more: "Nothing is lost: what was taken in is on disk. Reload in a moment; if it lasts, look for this incident in the log:",
    internal: "Something went wrong here",
    internal_more: "It is our fault, not yours. The log has the particulars under this incident:",
    forbidden: "Refused",
    elsewhere: "Open it by another address",
    back_to_accounts: "Back to the accounts",
};

/// `1 job`, `2 jobs`.
pub(crate) fn counted(count: u64, one: &str, more: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{} {more}", grouped(count)) }
}

/// What stands below a list that does not show everything.
pub(crate) fn and_more(count: u64) -> String {
    format!("and {} more", grouped(count))
}

/// `12,345`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Says that none of the waiting work is lost.
pub(crate) fn none_is_lost(waiting: u64) -> String {
    match waiting {
        0 => "No job waits, and nothing is lost.".to_owned(),
        1 => "1 job waits; it is not lost.".to_owned(),
        more => format!("{} jobs wait; none is lost.", grouped(more)),
    }
}

/// Says that the verdict names only the gravest fault.
pub(crate) fn more_faults(count: usize) -> String {
    if count == 1 {
        "1 more part needs attention.".to_owned()
    } else {
        format!("{count} more parts need attention.")
    }
}

/// Whether every change is accounted for.
pub(crate) fn covered(changes: u64, unexplained: u64) -> String {
    let all = counted(changes, "change", "changes");
    match unexplained {
        0 => format!("{all}, each accounted for."),
        count => format!("{} of {all} not accounted for.", grouped(count)),
    }
}

/// Says that the queue does not move.
pub(crate) fn queue_is_old(waited: &str) -> String {
    format!("The oldest job has waited for {waited}.")
}

/// Explains why a success is shown although a skip came after it.
pub(crate) fn outshines(skipped_at: &str, why: &str, until: &str) -> String {
    let why = why.trim_end_matches('.');
    let mut letters = why.chars();
    let why = letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect());
    format!("A later skip at {skipped_at} ({why}) is not shown; completed until {until}.")
}

/// Words that read well after "could not …: ", as a sentence of their own.
pub(crate) fn sentence(words: &str) -> String {
    let mut letters = words.trim().chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The name of an account that has none yet.
pub(crate) fn company(id: i64) -> String {
    format!("Company {id}")
}

/// The name of a person; nothing that we do needs a real one.
pub(crate) fn person(id: i64) -> String {
    format!("Person {id}")
}

/// Nothing fits the filter.
pub(crate) fn no_match(filter: &str) -> String {
    format!("No account matches {filter}.")
}

/// How many would fit without a part of the filter.
pub(crate) fn without(count: usize, more: bool, part: &str) -> String {
    let count = if more {
        format!("More than {count} match")
    } else if count == 1 {
        "1 matches".into()
    } else {
        format!("{count} match")
    };
    format!("{count} without {part}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(counted(1, "job", "jobs"), "1 job");
    }

    #[test]
    fn the_note_reads_as_a_sentence() {
        assert_eq!(
            outshines("12:06", "The change was our own write coming back.", "12:19"),
            "A later skip at 12:06 (the change was our own write coming back) is not shown; completed until 12:19."
        );
    }
}
