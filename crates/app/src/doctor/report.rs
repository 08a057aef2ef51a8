//! What `doctor` saw, for people, for programs, and as a file that can be given to somebody else.

use serde_json::{Value, json};

use super::{Check, Examination, Finding, Outcome};
use crate::config::sources::Values;
use crate::format::cell;

/// As one JSON document.
pub(crate) fn as_json(exam: &Examination) -> Value {
    let finding = |finding: &Finding| {
        json!({"code": finding.code.as_str(), "severity": finding.code.severity().as_str(), "words": finding.words,
               "cause": finding.code.cause(), "remedy": finding.code.remedy()})
    };
    let check = |check: &Check| match &check.outcome {
        Outcome::Fine(words) => json!({"name": check.name, "state": "ok", "words": words, "findings": []}),
        Outcome::Skipped(why) => {
            json!({"name": check.name, "state": "skipped", "words": why, "findings": []})
        }
        Outcome::Found(findings) => json!({"name": check.name, "state": "found", "words": null,
                                           "findings": findings.iter().map(finding).collect::<Vec<_>>()}),
    };
    let findings = exam.findings().count();
    json!({"ok": findings == 0, "findings": findings, "checks": exam.checks.iter().map(check).collect::<Vec<_>>()})
}

/// As lines for people; what is fine only when `all` is wanted.
pub(crate) fn as_lines(exam: &Examination, all: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for check in &exam.checks {
        match &check.outcome {
            Outcome::Fine(words) if all => lines.push(format!("  ok    {:<14} {}", check.name, cell(words))),
            Outcome::Skipped(why) if all => {
                lines.push(format!("  skip  {:<14} {}", check.name, cell(why)));
            }
            Outcome::Fine(_) | Outcome::Skipped(_) => {}
            Outcome::Found(findings) => {
                for finding in findings {
                    let word = match finding.code.severity() {
                        super::Severity::Failure => "FAIL",
                        super::Severity::Warning => "warn",
                    };
                    lines.push(format!(
                        "  {word}  {:<14} {}: {}",
                        check.name,
                        finding.code.as_str(),
                        cell(&finding.words)
                    ));
                    lines.push(format!("{:>22} {}", "", finding.code.cause()));
                    lines.push(format!("{:>22} → {}", "", finding.code.remedy()));
                }
            }
        }
    }
    lines
}

/// Everything that somebody who helps wants to know, and nothing that must stay here.
pub(crate) fn in_full(exam: &Examination, values: Option<&Values>) -> String {
    let mut lines = vec!["SuperOffice Connector: report of `so-connector doctor`".to_owned(), String::new()];
    lines.extend(exam.facts.iter().map(|(name, value)| format!("{name:<14} {}", cell(value))));
    lines.extend([String::new(), "Checks".to_owned()]);
    lines.extend(as_lines(exam, true));
    lines.extend([String::new(), "Configuration".to_owned()]);
    for (key, value, origin) in values.into_iter().flat_map(Values::shown) {
        if let (Some(value), Some(origin)) = (value, origin) {
            lines.push(format!("{:<30} {}  ({origin})", key.name, cell(&value)));
        }
    }
    lines.push(String::new());
    let text = lines.join("\n");
    // Whatever SuperOffice or a proxy repeated of them goes, too.
    let secrets = values.map(Values::secrets).unwrap_or_default();
    secrets.iter().fold(text, |text, secret| text.replace(secret.as_str(), "***"))
}
