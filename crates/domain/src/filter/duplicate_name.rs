//! `DUPLICATE_NAME`: the same company created twice as two records within minutes.
//!
//! Two records are one company when their names are the same after normalising *and* their websites do not
//! contradict it. Which record came first is the store's to say; this file says what "the same" means.

use crate::account::Account;

/// Legal forms that people write or leave out.
const LEGAL_FORMS: &[&str] = &[
    "gmbh", "ag", "kg", "kgaa", "ohg", "ug", "se", "ev", "eg", "mbh", "co", "cokg", "as", "asa", "ab", "aps",
    "oy", "oyj", "sa", "sarl", "ltd", "limited", "inc", "llc", "bv", "nv", "gbr",
];

/// What two records of one company have in common: the normalised name and the website's host.
///
/// `None` when the name is empty: nothing can be said then.
pub fn key(account: &Account) -> Option<String> {
    let name = normalised(&account.name);
    (!name.is_empty()).then(|| format!("{name}|{}", account.website_host().unwrap_or_default()))
}

fn normalised(name: &str) -> String {
    let folded: String = name
        .to_lowercase()
        .replace('ä', "ae")
        .replace('ö', "oe")
        .replace('ü', "ue")
        .replace('ß', "ss")
        .chars()
        .filter(|c| *c != '.')
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    let words: Vec<&str> = folded.split_whitespace().collect();
    let content: Vec<&str> = words.iter().copied().filter(|word| !LEGAL_FORMS.contains(word)).collect();
    if content.is_empty() { words.concat() } else { content.concat() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::samples::account;

    fn named(name: &str, website: &str) -> Option<String> {
        key(&Account { name: name.into(), website: Some(website.into()), ..account() })
    }

    #[test]
    fn case_spacing_umlauts_and_legal_form_do_not_matter() {
        let first = named("Müller Pumpen GmbH & Co. KG", "https://www.mueller-pumpen.example/");
        assert_eq!(first, named("MUELLER  Pumpen", "http://mueller-pumpen.example"));
        assert!(first.is_some());
    }

    #[test]
    fn another_website_makes_another_company() {
        assert_ne!(named("Nordlys AS", "nordlys.example"), named("Nordlys AS", "nordlys-energi.example"));
    }

    #[test]
    fn a_name_that_is_only_a_legal_form_still_counts() {
        assert_ne!(named("AG", "a.example"), named("SE", "a.example"));
        assert_eq!(named("", "a.example"), None);
    }
}
