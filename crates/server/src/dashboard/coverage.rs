//! `/coverage`: every change that SuperOffice knows of, and how it ended.
//!
//! The page asks SuperOffice, so what it shows may be half a minute old, and nothing is asked before somebody chose a
//! window.

use askama::Template;
use axum::extract::{RawQuery, State};
use connector_domain::coverage::Class;
use jiff::{SignedDuration, Timestamp};

use super::frame::{Frame, Here};
use super::words::{self, EN};
use super::{Page, link, page};
use crate::api::coverage::REMEDY;
use crate::api::sweep::{from, sweeps, until};
use crate::app::Web;
use crate::query::Query;
use crate::sweeps::{Coverage, Since};

/// A page is made anew whenever something happens; SuperOffice need not be asked each time.
const LATELY: SignedDuration = SignedDuration::from_secs(30);

#[derive(Template)]
#[template(path = "coverage.html")]
struct CoveragePage {
    frame: Frame,
    /// The same for programs.
    as_json: String,
    choices: Vec<Choice>,
    shown: Option<Shown>,
}

/// A window to choose.
struct Choice {
    words: &'static str,
    href: String,
    is_here: bool,
}

struct Shown {
    sentence: String,
    is_complete: bool,
    remedy: Option<&'static str>,
    window: String,
    rows: Vec<Row>,
    unexplained: Vec<Lost>,
    calls: String,
}

struct Row {
    words: &'static str,
    count: String,
    reasons: Vec<(String, String)>,
}

struct Lost {
    record: String,
    account: Option<i64>,
    at: String,
    by: String,
}

/// The page.
pub(crate) async fn show(State(web): State<Web>, RawQuery(query): RawQuery) -> Page {
    let query = Query::read(query.as_deref(), &["from", "until"])?;
    let chosen = query.get("from").unwrap_or_default().to_owned();
    let until_text = query.get("until").unwrap_or_default();
    let windows = [("1h", EN.last_hour), ("24h", EN.last_day), ("168h", EN.last_week)];
    let choices = windows.map(|(span, words)| Choice {
        words,
        href: format!("/coverage?from={span}"),
        is_here: chosen == span,
    });
    let shown = match from(&query, "from")? {
        Some(since) => Some(shown(&covered(&web, since, until(&query, "until")?).await?)),
        None => None,
    };
    page(&CoveragePage {
        frame: Frame::load(&web, Here::Coverage, EN.coverage).await?,
        as_json: link::to("/api/v1/coverage", &[("from", &chosen), ("until", until_text)]),
        choices: choices.into(),
        shown,
    })
}

async fn covered(
    web: &Web,
    since: Since,
    until: Option<Timestamp>,
) -> Result<Coverage, crate::problem::Problem> {
    Ok(sweeps(web)?.coverage(since, until, LATELY).await?)
}

fn shown(coverage: &Coverage) -> Shown {
    let unexplained = coverage.of(Class::Unexplained);
    let row = |class: &Class| Row {
        words: class.words(),
        count: words::grouped(coverage.of(*class)),
        reasons: coverage
            .reasons
            .iter()
            .filter(|((of, _), _)| of == class)
            .map(|((_, reason), count)| (reason.sentence().to_owned(), words::grouped(*count)))
            .collect(),
    };
    let until = coverage.until.map_or_else(|| "now".to_owned(), |until| until.to_string());
    Shown {
        sentence: words::covered(coverage.changes, unexplained),
        is_complete: unexplained == 0,
        remedy: (unexplained > 0).then_some(REMEDY),
        window: format!("{} – {until}", coverage.from),
        rows: Class::ALL.iter().map(row).collect(),
        unexplained: coverage
            .unexplained
            .iter()
            .map(|gone| Lost {
                record: format!("{} {}", gone.entity, gone.entity_id),
                account: gone.account_id.map(|account| account.0),
                at: gone.updated_at.map(|at| at.to_string()).unwrap_or_default(),
                by: gone.by.clone(),
            })
            .collect(),
        calls: words::counted(coverage.calls, "call", "calls"),
    }
}
