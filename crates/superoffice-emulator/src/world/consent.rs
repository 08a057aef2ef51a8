//! What a person has agreed to: for each purpose one entry with its legal base; a withdrawn consent stays on record
//! (docs.superoffice.com, "Consent management").

use jiff::Timestamp;

/// Purposes: key, English and German name.
pub(crate) const PURPOSES: [[&str; 3]; 2] =
    [["STORE", "Sales and service", "Vertrieb und Service"], ["EMARKETING", "E-marketing", "E-Marketing"]];

/// Legal bases.
pub(crate) const LEGAL_BASES: [[&str; 3]; 4] = [
    ["61A", "Consent", "Einwilligung"],
    ["61B", "Contract", "Vertrag"],
    ["61F", "Legitimate interest", "Berechtigtes Interesse"],
    ["WITHDRAWN", "Withdrawn", "Widerrufen"],
];

/// Sources.
pub(crate) const SOURCES: [[&str; 3]; 3] = [
    ["USER", "Entered by a user", "Von einem Benutzer eingetragen"],
    ["WEBFORM", "Web form", "Webformular"],
    ["MAIL", "E-mail", "E-Mail"],
];

/// Item of the legal bases that says that there is no consent any more.
const WITHDRAWN: i64 = 4;

/// One consent of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// Item of the list `consentpurpose`.
    pub purpose: i64,
    /// Item of the list `legalbase`.
    pub legal_base: i64,
    /// Item of the list `consentsource`.
    pub source: i64,
    /// What somebody wrote beside it.
    pub comment: String,
    /// When it was recorded, and by whom.
    pub registered: (Timestamp, i64),
    /// When it was changed, and by whom.
    pub updated: Option<(Timestamp, i64)>,
}

impl Consent {
    /// Whether it holds.
    pub fn holds(&self) -> bool {
        self.legal_base != WITHDRAWN
    }

    /// Withdraws it.
    pub(crate) fn withdraw(&mut self, by: i64, now: Timestamp) {
        self.legal_base = WITHDRAWN;
        self.updated = Some((now, by));
    }

    /// What a person with an e-mail address starts with: its data may be stored, and every other one has agreed to
    /// mailings. Nobody in the story has withdrawn anything: such a person is left alone.
    pub(crate) fn first(name: &str, by: i64, at: Timestamp) -> Vec<Self> {
        let consent = |purpose, legal_base| Self {
            purpose,
            legal_base,
            source: 1,
            comment: String::new(),
            registered: (at, by),
            updated: None,
        };
        let mut all = vec![consent(1, 3)];
        if name.len().is_multiple_of(2) {
            all.push(consent(2, 1));
        }
        all
    }
}

/// The item of a table by its key in any case, or by its number.
pub(crate) fn item(table: &[[&str; 3]], wanted: &str) -> Option<i64> {
    let number = wanted.parse::<usize>().ok().filter(|number| (1..=table.len()).contains(number));
    let keyed = || table.iter().position(|[key, ..]| key.eq_ignore_ascii_case(wanted)).map(|at| at + 1);
    number.or_else(keyed).and_then(|number| i64::try_from(number).ok())
}

/// The key of an item.
pub(crate) fn key<'a>(table: &[[&'a str; 3]], id: i64) -> &'a str {
    usize::try_from(id - 1).ok().and_then(|at| table.get(at)).map_or("", |[key, ..]| *key)
}
