//! Invented names: of companies, from syllables that are put together nowhere else, and of people.

use fastrand::Rng;

use super::pick;
use crate::story::Language;
use crate::story::countries::Land;

/// An invented word that sounds like a place in the country.
pub(super) fn root(rng: &mut Rng, land: &Land) -> String {
    let (heads, tails) = if land.speaks_german() {
        (&GERMAN_HEADS[..], &GERMAN_TAILS[..])
    } else {
        (&NORDIC_HEADS[..], &NORDIC_TAILS[..])
    };
    let head = pick(rng, heads);
    let root = format!("{head}{}", pick(rng, tails));
    match land.iso2 {
        "SE" | "FI" => root.replace('ø', "ö").replace('Ø', "Ö").replace('æ', "ä"),
        "NO" | "DK" => root.replace('ö', "ø").replace('ä', "æ"),
        _ => root,
    }
}

/// First name, last name, and whether it is a woman's.
pub(super) fn person(rng: &mut Rng, language: Language, land: &Land) -> (&'static str, String, bool) {
    let is_woman = rng.bool();
    let firsts: &[&str] = match (language, is_woman) {
        (Language::De, true) => &[
            "Anke", "Beate", "Carola", "Dorit", "Elke", "Frauke", "Gesa", "Heike", "Ines", "Katja", "Leni",
            "Ute",
        ],
        (Language::De, false) => &[
            "Arne", "Bodo", "Claus", "Detlef", "Edgar", "Falk", "Georg", "Hauke", "Ingo", "Kai", "Lutz",
            "Uwe",
        ],
        (Language::En, true) => &[
            "Astrid", "Berit", "Cecilie", "Dagny", "Ebba", "Freja", "Gro", "Hilde", "Inga", "Kirsi", "Liv",
            "Tuula",
        ],
        (Language::En, false) => &[
            "Aksel", "Bjarne", "Christer", "Dag", "Egil", "Frode", "Gustav", "Håkon", "Ivar", "Kimmo",
            "Leif", "Timo",
        ],
    };
    let first = pick(rng, firsts);
    (first, root(rng, land), is_woman)
}

/// Job titles of a man and of a woman, and the position that goes with them.
pub(super) fn titles(language: Language) -> &'static [(&'static str, &'static str, &'static str)] {
    match language {
        Language::De => &GERMAN_TITLES,
        Language::En => &ENGLISH_TITLES,
    }
}

/// Writes a name the way it stands in an address.
pub(super) fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        match letter {
            'a'..='z' | '0'..='9' => slug.push(letter),
            'A'..='Z' => slug.push(letter.to_ascii_lowercase()),
            'ä' | 'Ä' | 'æ' | 'Æ' => slug.push_str("ae"),
            'ö' | 'Ö' | 'ø' | 'Ø' => slug.push_str("oe"),
            'ü' | 'Ü' => slug.push_str("ue"),
            'ß' => slug.push_str("ss"),
            'å' | 'Å' => slug.push('a'),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

const GERMAN_HEADS: [&str; 48] = [
    "Quarn", "Velm", "Drost", "Harsk", "Brunk", "Elmsch", "Trauf", "Ostrin", "Wulm", "Kresp", "Lohm",
    "Zwiel", "Habrecht", "Gundel", "Morsch", "Pellen", "Rasch", "Siebel", "Tromp", "Ufer", "Vilsch", "Wenk",
    "Ahrel", "Bolz", "Dinkel", "Eschel", "Fintel", "Grams", "Hessel", "Immel", "Jarn", "Kolben", "Lerch",
    "Mieden", "Nessel", "Orken", "Prahl", "Ruhl", "Schlehen", "Tinnen", "Urb", "Wachol", "Yber", "Zarn",
    "Stolp", "Krumm", "Dornsch", "Fahrn",
];

const GERMAN_TAILS: [&str; 30] = [
    "beck", "siel", "tahl", "horst", "brook", "lingen", "rode", "furth", "wies", "stett", "moos", "egg",
    "halde", "grund", "born", "kamp", "wang", "ried", "bruck", "hagen", "loh", "scheid", "winkel", "büren",
    "dorn", "kirch", "wörth", "mühl", "stein", "gart",
];

const NORDIC_HEADS: [&str; 44] = [
    "Tverr", "Skarn", "Hjell", "Ulv", "Grøn", "Myr", "Fure", "Stor", "Brenn", "Kvist", "Lyng", "Ørn", "Havn",
    "Ryper", "Silde", "Torv", "Vind", "Åker", "Bjørk", "Dal", "Eik", "Flint", "Gjerd", "Humle", "Is", "Jern",
    "Kråke", "Lin", "Måse", "Never", "Oter", "Pil", "Rein", "Salt", "Tjern", "Und", "Vass", "Ask", "Bark",
    "Elg", "Gran", "Hegre", "Kobbe", "Tare",
];

const NORDIC_TAILS: [&str; 26] = [
    "vika", "bergen", "holmet", "dalen", "neset", "sundet", "stranda", "moen", "haugen", "lia", "åsen",
    "voll", "tangen", "myra", "skogen", "bakken", "fossen", "øya", "bukta", "viken", "torpet", "backa",
    "näset", "kulla", "lunden", "høj",
];

const GERMAN_TITLES: [(&str, &str, &str); 24] = [
    ("Geschäftsführer", "Geschäftsführerin", "Geschäftsführung"),
    ("Geschäftsführender Gesellschafter", "Geschäftsführende Gesellschafterin", "Geschäftsführung"),
    ("Prokurist", "Prokuristin", "Geschäftsführung"),
    ("Leiter Einkauf", "Leiterin Einkauf", "Einkauf"),
    ("Strategischer Einkäufer", "Strategische Einkäuferin", "Einkauf"),
    ("IT-Leiter", "IT-Leiterin", "IT"),
    ("Systemadministrator", "Systemadministratorin", "IT"),
    ("Produktionsleiter", "Produktionsleiterin", "Produktion"),
    ("Betriebsleiter", "Betriebsleiterin", "Produktion"),
    ("Leiter Qualitätswesen", "Leiterin Qualitätswesen", "Produktion"),
    ("Technischer Leiter", "Technische Leiterin", "Technik"),
    ("Leiter Instandhaltung", "Leiterin Instandhaltung", "Technik"),
    ("Vertriebsleiter DACH", "Vertriebsleiterin DACH", "Vertrieb"),
    ("Mitarbeiter Vertriebsinnendienst", "Mitarbeiterin Vertriebsinnendienst", "Vertrieb"),
    ("Key-Account-Manager", "Key-Account-Managerin", "Vertrieb"),
    ("Marketingleiter", "Marketingleiterin", "Marketing"),
    ("Kaufmännischer Leiter", "Kaufmännische Leiterin", "Finanzen"),
    ("Leiter Rechnungswesen", "Leiterin Rechnungswesen", "Finanzen"),
    ("Personalleiter", "Personalleiterin", "Personal"),
    ("Personalreferent", "Personalreferentin", "Personal"),
    ("Assistent der Geschäftsführung", "Assistentin der Geschäftsführung", "Assistenz"),
    ("Logistikleiter", "Logistikleiterin", "Logistik"),
    ("Lagerleiter", "Lagerleiterin", "Logistik"),
    ("Leiter Gebäudemanagement", "Leiterin Gebäudemanagement", "Facility Management"),
];

const ENGLISH_TITLES: [(&str, &str, &str); 20] = [
    ("Managing Director", "Managing Director", "Geschäftsführung"),
    ("Chief Executive Officer", "Chief Executive Officer", "Geschäftsführung"),
    ("Owner", "Owner", "Geschäftsführung"),
    ("Head of Purchasing", "Head of Purchasing", "Einkauf"),
    ("Category Manager", "Category Manager", "Einkauf"),
    ("CIO", "CIO", "IT"),
    ("IT Manager", "IT Manager", "IT"),
    ("Head of Operations", "Head of Operations", "Produktion"),
    ("Plant Manager", "Plant Manager", "Produktion"),
    ("Quality Manager", "Quality Manager", "Produktion"),
    ("Technical Director", "Technical Director", "Technik"),
    ("Sales Director", "Sales Director", "Vertrieb"),
    ("Business Development Manager", "Business Development Manager", "Vertrieb"),
    ("Marketing Manager", "Marketing Manager", "Marketing"),
    ("CFO", "CFO", "Finanzen"),
    ("Financial Controller", "Financial Controller", "Finanzen"),
    ("HR Manager", "HR Manager", "Personal"),
    ("Executive Assistant", "Executive Assistant", "Assistenz"),
    ("Supply Chain Manager", "Supply Chain Manager", "Logistik"),
    ("Facility Manager", "Facility Manager", "Facility Management"),
];
