//! The ledger as a table: what each suite counted last, for `docs/guarantees.md`.

use anyhow::Context;
use serde_json::Value;

/// Between these two lines stands the table.
const BEGIN: &str = "<!-- The ledger's last lines, written by cargo xtask docs. -->";
const END: &str = "<!-- Until here. -->";

/// Puts the table of a ledger into a document, in place of the one that is there.
pub(crate) fn placed(document: &str, ledger: &str) -> anyhow::Result<String> {
    let (before, rest) = document.split_once(BEGIN).context("the begin of the ledger's table is missing")?;
    let (_, after) = rest.split_once(END).context("the end of the ledger's table is missing")?;
    Ok(format!("{before}{BEGIN}\n\n{}\n{END}{after}", table(ledger)?))
}

/// The last line of each suite, in the order of their names.
fn table(ledger: &str) -> anyhow::Result<String> {
    let mut last = std::collections::BTreeMap::new();
    for (number, line) in ledger.lines().enumerate() {
        let entry: Value =
            serde_json::from_str(line).with_context(|| format!("line {} of the ledger", number + 1))?;
        last.insert(entry["suite"].as_str().unwrap_or_default().to_owned(), entry);
    }
    let rows = last.iter().map(|(suite, entry)| {
        let cells = [
            suite.clone(),
            counted(&entry["counts"]),
            words(&entry["violations"]),
            words(&entry["at"]),
            words(&entry["commit"]),
        ];
        format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
    });
    let head = "| suite | counted | violations | when | commit |\n|---|---|---|---|---|\n";
    Ok(std::iter::once(head.to_owned()).chain(rows).collect())
}

/// Every count with its name; nothing when a run ended before it could count.
fn counted(counts: &Value) -> String {
    let counts = counts.as_object().into_iter().flatten();
    counts.map(|(what, count)| format!("{} {what}", words(count))).collect::<Vec<_>>().join(", ")
}

/// A number with its thousands set apart, or a text as it is.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_u64() {
            Some(number) => grouped(number),
            None => number.to_string(),
        },
        Value::Null => String::new(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_each_suite_is_a_row_and_the_rest_of_the_document_stays() {
        let ledger = [
            r#"{"suite":"kill","counts":{"kills":9},"violations":1,"at":"2026-01-01","commit":"a"}"#,
            r#"{"suite":"images","counts":null,"violations":0,"at":"2026-01-02","commit":"b"}"#,
            r#"{"suite":"kill","counts":{"kills":1234567,"ends":2},"violations":0,"at":"2026-01-03","commit":"c"}"#,
        ]
        .join("\n");
        let document = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let table = "| suite | counted | violations | when | commit |\n\
                     |---|---|---|---|---|\n\
                     | images |  | 0 | 2026-01-02 | b |\n\
                     | kill | 2 ends, 1,234,567 kills | 0 | 2026-01-03 | c |\n";
        let placed = placed(&document, &ledger).unwrap();
        assert_eq!(placed, format!("before\n{BEGIN}\n\n{table}\n{END}\nafter\n"));
        assert_eq!(super::placed(&placed, &ledger).unwrap(), placed, "it stays as it is");
    }

    #[test]
    fn without_a_place_for_it_nothing_is_written() {
        assert!(placed("nothing", "").is_err());
        assert!(placed(&format!("{BEGIN}{END}"), "no line").is_err());
    }
}
