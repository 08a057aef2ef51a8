//! The users of the story's CRM and its list of positions. Two groups own companies; only one of them is in scope.

use super::{Associate, Group, ListItem};

const SYSTEM: i64 = 1;
const NORTH: i64 = 2;
const PARTNERS: i64 = 3;

/// The owners whose companies are to be enriched.
pub(crate) const IN_SCOPE: [i64; 4] = [11, 12, 13, 14];
/// The owners whose companies are not ours to touch.
pub(crate) const OUT_OF_SCOPE: [i64; 3] = [21, 22, 23];

pub(crate) fn groups() -> Vec<Group> {
    [(SYSTEM, "System", false), (NORTH, "Vertrieb Nord", true), (PARTNERS, "Partnervertrieb", false)]
        .map(|(id, name, in_scope)| Group { id, name: name.into(), in_scope })
        .into()
}

pub(crate) fn associates() -> Vec<Associate> {
    ASSOCIATES
        .map(|(id, short_name, full_name, group_id)| Associate {
            id,
            short_name: short_name.into(),
            full_name: full_name.into(),
            group_id,
            api_user: group_id == SYSTEM,
        })
        .into()
}

/// Finds an associate by short name.
pub(crate) fn associate(short_name: &str) -> Option<i64> {
    ASSOCIATES.iter().find(|row| row.1 == short_name).map(|row| row.0)
}

pub(crate) fn positions() -> Vec<ListItem> {
    (1..).zip(POSITIONS).map(|(id, name)| ListItem { id, name: name.into() }).collect()
}

const ASSOCIATES: [(i64, &str, &str, i64); 8] = [
    (7, "ENRICH", "Enrichment Service", SYSTEM),
    (11, "TJENS", "Tilda Jensrath", NORTH),
    (12, "MREHW", "Marko Rehwald", NORTH),
    (13, "HBIRK", "Hanna Birkholtz", NORTH),
    (14, "OSUND", "Ole Sundermoor", NORTH),
    (21, "KLIND", "Karla Lindenroth", PARTNERS),
    (22, "PWEBR", "Paul Webrecht", PARTNERS),
    (23, "AFALK", "Anders Falkenmark", PARTNERS),
];

/// The labels of the CRM's list of positions.
pub(crate) const POSITIONS: [&str; 12] = [
    "Geschäftsführung",
    "Einkauf",
    "IT",
    "Produktion",
    "Technik",
    "Vertrieb",
    "Marketing",
    "Finanzen",
    "Personal",
    "Assistenz",
    "Logistik",
    "Facility Management",
];
