//! Times as people read them: how long ago, with the moment itself beside it. All clocks here say UTC.

use jiff::{SignedDuration, Timestamp};

/// A moment on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct When {
    /// For programs.
    pub(crate) iso: String,
    /// In full, shown on demand.
    pub(crate) full: String,
    /// What is shown.
    pub(crate) text: String,
    /// Whether the page's script keeps the text up to date.
    pub(crate) is_ago: bool,
}

impl When {
    /// How long before `now`.
    pub(crate) fn ago(at: Timestamp, now: Timestamp) -> Self {
        Self { text: ago(now.duration_since(at)), is_ago: true, ..Self::clock(at) }
    }

    /// The time of day, to the millisecond.
    pub(crate) fn clock(at: Timestamp) -> Self {
        Self {
            iso: format!("{at:.3}"),
            full: at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            text: at.strftime("%H:%M:%S%.3f").to_string(),
            is_ago: false,
        }
    }
}

/// `12:06`, in UTC.
pub(crate) fn minute(at: Timestamp) -> String {
    at.strftime("%H:%M UTC").to_string()
}

/// The day, as a heading in a timeline.
pub(crate) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// `3 min ago`. The page's script says the same in the same words (`assets/live.js`).
fn ago(span: SignedDuration) -> String {
    if span.as_secs() < 5 {
        "just now".to_owned()
    } else {
        format!("{} ago", lasted(SignedDuration::from_secs(span.as_secs())))
    }
}

/// `3 min`. Never negative: clocks of two machines differ, and "in -2 s" helps nobody.
pub(crate) fn lasted(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match seconds {
        0..10 => {
            let tenths = span.as_millis().max(0) / 100;
            if tenths % 10 == 0 {
                format!("{} s", tenths / 10)
            } else {
                format!("{}.{} s", tenths / 10, tenths % 10)
            }
        }
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_one_unit_and_are_never_negative() {
        let lasted = |millis| super::lasted(SignedDuration::from_millis(millis));
        assert_eq!(lasted(-3_000), "0 s");
        assert_eq!(lasted(930), "0.9 s");
        assert_eq!(lasted(4_000), "4 s");
        assert_eq!(lasted(59_999), "59 s");
        assert_eq!(lasted(60_000), "1 min");
        assert_eq!(lasted(7_199_000), "1 h");
        assert_eq!(lasted(172_800_000), "2 d");
    }

    #[test]
    fn a_moment_is_shown_with_its_date() {
        let at: Timestamp = "2026-05-04T12:03:58.1124Z".parse().unwrap();
        let when = When::ago(at, at + SignedDuration::from_secs(200));
        assert_eq!((when.text.as_str(), when.full.as_str()), ("3 min ago", "2026-05-04 12:03:58 UTC"));
        assert_eq!(when.iso, "2026-05-04T12:03:58.112Z");
        assert_eq!(When::clock(at).text, "12:03:58.112");
        assert_eq!(When::ago(at, at - SignedDuration::from_secs(9)).text, "just now");
        assert_eq!(When::ago(at, at + SignedDuration::from_millis(8_900)).text, "8 s ago");
    }
}
