//! Reads query strings strictly: an unknown name is an error with a suggestion, so that a typing mistake never
//! silently shows everything. An empty value is the same as none, because that is what an empty form field sends.

use connector_store::page::PageRequest;
use http::StatusCode;

use crate::problem::Problem;

/// More than this is never asked of the database at once.
const MOST: usize = 1000;

/// The form of a list's cursor. The store starts over at one that it cannot read, so whatever has not exactly this
/// form is refused before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// A number, for events and jobs.
    Number,
    /// A time in milliseconds and a number, for accounts.
    TimeAndNumber,
}

impl Cursor {
    fn fits(self, text: &str) -> bool {
        let is_number =
            |text: &str| text.parse().is_ok_and(|number: i64| number >= 0 && number.to_string() == text);
        match self {
            Self::Number => is_number(text),
            Self::TimeAndNumber => {
                text.split_once('-').is_some_and(|(time, number)| is_number(time) && is_number(number))
            }
        }
    }
}

/// A query string whose names are all known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string.
    ///
    /// # Errors
    ///
    /// Names the first parameter that is unknown or given twice.
    pub(crate) fn read(query: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if !known.contains(&name.as_ref()) {
                return Err(unknown(&name, known));
            }
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(bad(&name, format!("`{name}` is given twice.")));
            }
            pairs.push((name.into_owned(), value.trim().to_owned()));
        }
        pairs.retain(|(_, value)| !value.is_empty());
        Ok(Self(pairs))
    }

    /// The value, if there is one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The value as text of one's own.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// The value as a number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, Problem> {
        let read = |value: &str| {
            value.parse().map_err(|_| bad(name, format!("`{name}` must be a whole number, not `{value}`.")))
        };
        self.get(name).map(read).transpose()
    }

    /// The page that is asked for, from `limit` and `after`.
    pub(crate) fn page(&self, usual: usize, cursor: Cursor) -> Result<PageRequest, Problem> {
        let limit = match self.get("limit") {
            None => usual,
            Some(value) => {
                value.parse().ok().filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| {
                    bad("limit", format!("`limit` must be a number from 1 to {MOST}, not `{value}`."))
                })?
            }
        };
        let after = self.text("after");
        if let Some(after) = after.as_ref().filter(|after| !cursor.fits(after)) {
            return Err(bad(
                "after",
                format!("`after` must be the `next` of an earlier page, not `{after}`."),
            ));
        }
        Ok(PageRequest { limit, after })
    }
}

/// A value that cannot be.
pub(crate) fn bad(parameter: &str, detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad_parameter", detail).with("parameter", parameter)
}

fn unknown(name: &str, known: &[&str]) -> Problem {
    let detail = match nearest(name, known) {
        Some(nearest) => format!("There is no parameter `{name}`. Did you mean `{nearest}`?"),
        None if known.is_empty() => format!("There is no parameter `{name}`; none is taken here."),
        None => format!("There is no parameter `{name}`. Known are {}.", known.join(", ")),
    };
    let problem = Problem::new(StatusCode::BAD_REQUEST, "unknown_parameter", detail).with("parameter", name);
    match nearest(name, known) {
        Some(nearest) => problem.with("suggestion", nearest),
        None => problem,
    }
}

/// The known word that was probably meant.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&word, &known.to_lowercase()), *known))
        .filter(|(distance, known)| *distance <= known.len().div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_answered_with_a_suggestion() {
        let problem = Query::read(Some("onwer=KARI"), &["owner", "q"]).unwrap_err();
        assert_eq!(problem.detail, "There is no parameter `onwer`. Did you mean `owner`?");
        let problem = Query::read(Some("zzz=1"), &["owner", "q"]).unwrap_err();
        assert_eq!(problem.detail, "There is no parameter `zzz`. Known are owner, q.");
    }

    #[test]
    fn an_empty_value_is_the_same_as_none() {
        let query = Query::read(Some("q=&owner=+KARI+"), &["owner", "q"]).unwrap();
        assert_eq!((query.get("q"), query.get("owner")), (None, Some("KARI")));
    }

    #[test]
    fn a_limit_lies_between_1_and_1000() {
        let page =
            |query| Query::read(Some(query), &["limit", "after"]).unwrap().page(50, Cursor::TimeAndNumber);
        assert_eq!(
            page("limit=1000&after=9-1").unwrap(),
            PageRequest { limit: 1000, after: Some("9-1".into()) }
        );
        assert_eq!(page("").unwrap().limit, 50);
        for bad in ["limit=0", "limit=1001", "limit=-1", "limit=ten", "limit=99999999999999999999", "after=x"]
        {
            assert!(page(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cursor_has_exactly_its_lists_form() {
        use Cursor::{Number, TimeAndNumber};

        for number in ["0", "7", "9223372036854775807"] {
            assert!(Number.fits(number) && !TimeAndNumber.fits(number), "{number}");
        }
        for both in ["1777895640000-18", "0-9223372036854775807"] {
            assert!(TimeAndNumber.fits(both) && !Number.fits(both), "{both}");
        }
        for neither in [
            "-",
            "--",
            "-1",
            "+1",
            "01",
            "1-",
            "-1-1",
            "1--1",
            "1-2-3",
            "1 -2",
            "9223372036854775808",
            "1-9223372036854775808",
            "x",
        ] {
            assert!(!Number.fits(neither) && !TimeAndNumber.fits(neither), "{neither}");
        }
    }
}
