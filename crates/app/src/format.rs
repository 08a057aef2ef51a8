//! What people see of data: lines, and tables that fit their content.

use std::io::Write;

use unicode_width::UnicodeWidthStr;

/// Prints data on stdout. A reader that has gone away is no error.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{text}"));
    drop(out.flush());
}

/// Prints a JSON document on stdout.
pub(crate) fn print_json(value: &serde_json::Value) {
    print(&value.to_string());
}

/// Says something to people on stderr.
pub(crate) fn say(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// A table with a header, columns as wide as their content.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let columns = header.len();
    let width_of = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width());
        cells.chain([header[column].width()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width_of).collect();
    let line = |cells: Vec<&str>| {
        let mut text = String::new();
        for (column, cell) in cells.iter().enumerate() {
            text.push_str(cell);
            if column + 1 < columns {
                text.push_str(&" ".repeat(widths[column].saturating_sub(cell.width()) + 2));
            }
        }
        text.trim_end().to_owned()
    };
    let mut lines = vec![line(header.to_vec())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

/// Text without line breaks and control characters, for a table's cell.
pub(crate) fn cell(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A JSON value as a table's cell.
pub(crate) fn json_cell(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "-".to_owned(),
        serde_json::Value::String(text) => cell(text),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_content() {
        let rows = [vec!["1".to_owned(), "Müller".to_owned()], vec!["12".to_owned(), "東京".to_owned()]];
        assert_eq!(table(&["ID", "NAME"], &rows), "ID  NAME\n1   Müller\n12  東京");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(cell("a\u{1b}[31mb\nc"), "a [31mb c");
    }
}
