//! Reads `.env`: one `NAME=value` a line, quotes around a value with spaces, `#` for remarks.
//!
//! Nothing is put in for `$NAME`: a secret may well hold a dollar sign, and half a secret fails where nobody looks.

use std::collections::BTreeMap;

/// The variables, or what is wrong with which line. The complaint never quotes a value.
pub(super) fn read(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut variables = BTreeMap::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) =
            assignment(line).map_err(|complaint| format!("line {}: {complaint}", index + 1))?;
        variables.insert(name.to_owned(), value);
    }
    Ok(variables)
}

fn assignment(line: &str) -> Result<(&str, String), &'static str> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=').ok_or("NAME=value is wanted")?;
    let name = name.trim();
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        return Err("a name of letters, digits and _ is wanted before the =");
    }
    Ok((name, unquoted(value.trim())?))
}

fn unquoted(value: &str) -> Result<String, &'static str> {
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '\'' | '"')) else {
        let remark = value.find(" #").unwrap_or(value.len());
        return Ok(value[..remark].trim_end().to_owned());
    };
    let inner = &value[1..];
    let end = closing(inner, quote).ok_or("the closing quotation mark is missing")?;
    let rest = inner[end + 1..].trim();
    if !rest.is_empty() && !rest.starts_with('#') {
        return Err("something follows the closing quotation mark");
    }
    Ok(if quote == '"' { unescaped(&inner[..end]) } else { inner[..end].to_owned() })
}

/// Where the quotation ends; a backslash guards the mark within double ones.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let ends = c == quote && !escaped;
        escaped = quote == '"' && c == '\\' && !escaped;
        ends.then_some(at)
    })
}

fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => plain.push('\\'),
            },
            (c, false) => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_people_write_them() {
        let text = "# tenant\nexport SO_CONTEXT_IDENTIFIER=Cust12345 # ours\nA = 'x y$z'\nB=\"say \\\"hi\\\"\"\nC=\nD=a$b#c\n";
        let read = read(text).unwrap();
        let pairs: Vec<(&str, &str)> =
            read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("A", "x y$z"),
                ("B", "say \"hi\""),
                ("C", ""),
                ("D", "a$b#c"),
                ("SO_CONTEXT_IDENTIFIER", "Cust12345")
            ]
        );
    }

    #[test]
    fn a_complaint_names_the_line_and_keeps_the_value_to_itself() {
        let complaint = read("A=1\nSO_CLIENT_SECRET='hunter2\n").unwrap_err();
        assert_eq!(complaint, "line 2: the closing quotation mark is missing");
        assert!(read("hunter2").unwrap_err().starts_with("line 1: NAME=value"));
    }
}
