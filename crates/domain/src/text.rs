//! Text that fits a field: whole sentences first, whole words if there is no other way, never part of a word.
//!
//! Lengths are counted in UTF-16 units, as the CRM's own fields are.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// The length of a text as a SuperOffice field counts it.
pub fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The text in one spelling: composed accents, single spaces, no space around it.
pub fn normalised(text: &str) -> String {
    // Whatever is plain has one spelling only.
    let composed = if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) };
    composed.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cuts a text to at most `max` units: after a whole sentence if at least one fits, else after a whole word, marked
/// by an ellipsis.
///
/// `None` when not even one word fits, or there is nothing to fit.
pub fn fit(text: &str, max: usize) -> Option<String> {
    let text = normalised(text);
    if text.is_empty() {
        return None;
    }
    if units(&text) <= max {
        return Some(text);
    }
    whole_sentences(&text, max).or_else(|| whole_words(&text, max))
}

/// The longest run of whole sentences from the start that fits.
pub fn whole_sentences(text: &str, max: usize) -> Option<String> {
    let mut fitting = String::new();
    for sentence in sentences(text) {
        let longer = if fitting.is_empty() { sentence.to_owned() } else { format!("{fitting} {sentence}") };
        if units(&longer) > max {
            break;
        }
        fitting = longer;
    }
    (!fitting.is_empty()).then_some(fitting)
}

fn whole_words(text: &str, max: usize) -> Option<String> {
    let room = max.checked_sub(1)?;
    let mut end = 0;
    for (at, _) in text.match_indices(' ') {
        if units(&text[..at]) > room {
            break;
        }
        end = at;
    }
    let kept = text[..end].trim_end_matches([',', ';', ':', '-', '–', ' ']);
    (!kept.is_empty()).then(|| format!("{kept}…"))
}

/// Splits text into sentences. A full stop after an ordinal or an abbreviation does not end one.
pub fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    for (at, c) in text.char_indices() {
        if !matches!(c, '.' | '!' | '?') {
            continue;
        }
        let end = at + c.len_utf8();
        let rest = &text[end..];
        if rest.is_empty() || (rest.starts_with(char::is_whitespace) && ends_here(&text[start..at], c, rest))
        {
            push(&mut found, &text[start..end]);
            start = end;
        }
    }
    push(&mut found, &text[start..]);
    found
}

fn push<'a>(found: &mut Vec<&'a str>, sentence: &'a str) {
    let sentence = sentence.trim();
    if !sentence.is_empty() {
        found.push(sentence);
    }
}

/// Whether the mark after `before` ends a sentence, `rest` being what follows.
fn ends_here(before: &str, mark: char, rest: &str) -> bool {
    if mark != '.' {
        return true;
    }
    let last = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    let is_number = !last.is_empty() && last.chars().all(|c| c.is_ascii_digit());
    let is_initial = last.chars().count() == 1;
    let is_abbreviation = ABBREVIATIONS.contains(&last.to_lowercase().as_str()) || last.contains('.');
    // A new sentence starts with a capital, a figure or a quotation mark.
    let starts_new = rest.trim_start().chars().next().is_none_or(|c| {
        c.is_uppercase() || c.is_numeric() || matches!(c, '"' | '„' | '“' | '«' | '»' | '\'' | '(')
    });
    let short_number = is_number && last.len() <= 2;
    !short_number && !is_initial && !is_abbreviation && starts_new
}

const ABBREVIATIONS: &[&str] = &[
    "bzw", "ca", "dr", "etc", "evtl", "ggf", "inkl", "ing", "dipl", "mio", "mrd", "nr", "prof", "sog", "st",
    "str", "tel", "usw", "vgl", "z", "zzgl", "co", "inc", "ltd", "no", "approx", "mr", "mrs", "ms", "vs",
    "e.g", "i.e", "e.v", "z.b", "u.a", "d.h", "gegr", "abt", "tsd", "max", "min",
];

/// A number that stands for a text: the same on every machine and in every version of the program, which that of a hasher of
/// the library is not (FNV-1a with 64 bits).
pub fn print_of(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str =
        "Wir fertigen Pumpen in Kiel. Seit 1974 beliefern wir z. B. die Chemie. Am 3. Mai kam Halle 2 dazu.";

    #[test]
    fn sentences_do_not_end_after_ordinals_and_abbreviations() {
        assert_eq!(
            sentences(TEXT),
            [
                "Wir fertigen Pumpen in Kiel.",
                "Seit 1974 beliefern wir z. B. die Chemie.",
                "Am 3. Mai kam Halle 2 dazu."
            ]
        );
    }

    #[test]
    fn whole_sentences_are_kept_when_one_fits() {
        assert_eq!(fit(TEXT, 40).as_deref(), Some("Wir fertigen Pumpen in Kiel."));
    }

    #[test]
    fn otherwise_whole_words_are_kept_and_the_cut_is_marked() {
        assert_eq!(fit(TEXT, 20).as_deref(), Some("Wir fertigen Pumpen…"));
        assert_eq!(fit("Donaudampfschifffahrt", 10), None);
    }

    proptest! {
        #[test]
        fn what_fits_is_never_longer_than_asked_and_never_cuts_a_word(text in "[a-zäöü .,🙂]{0,120}", max in 0_usize..80) {
            if let Some(fitted) = fit(&text, max) {
                prop_assert!(units(&fitted) <= max);
                let whole = normalised(&text);
                let kept = fitted.trim_end_matches('…');
                prop_assert!(whole.starts_with(kept));
                let next = whole[kept.len()..].chars().next();
                prop_assert!(next.is_none_or(|c| c == ' ' || c == ',' || c == '.') , "{whole:?} -> {fitted:?}");
            }
        }
    }
}
