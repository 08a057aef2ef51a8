//! A state as a pill: word, shape and colour, in this order of importance.

use connector_domain::job::JobState;

/// What a pill shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pill {
    /// Names the colours in the style sheet and the shape in the frame's sprite.
    pub(crate) kind: &'static str,
    /// The word.
    pub(crate) word: &'static str,
}

impl Pill {
    /// The pill for a state. `None` is an account of which nothing is known yet.
    pub(crate) fn of(state: Option<JobState>, retrying: bool) -> Self {
        let Some(state) = state else { return Self { kind: "queued", word: "New" } };
        let kind = match state {
            JobState::Pending if retrying => return Self { kind: "retrying", word: "Retrying" },
            JobState::Pending => "queued",
            JobState::Processing => "running",
            JobState::Completed => "completed",
            JobState::Skipped => "skipped",
            JobState::Held => "held",
            JobState::Failed => "failed",
        };
        Self { kind, word: state.words() }
    }

    /// The pill for a job: one that waits after an attempt is being retried.
    pub(crate) fn of_job(job: &connector_domain::job::Job) -> Self {
        Self::of(Some(job.state), job.attempts > 0)
    }
}
