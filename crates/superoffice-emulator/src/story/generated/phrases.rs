//! What a made-up company says whatever its vertical is: headings, its history, its people, its address. Words in
//! braces are filled in as in the patterns.

use crate::story::Language;

/// What companies of every vertical say, in one language.
pub(super) struct Phrases {
    pub(super) home: &'static str,
    pub(super) about: &'static str,
    pub(super) about_path: &'static str,
    pub(super) about_heading: &'static str,
    pub(super) offers: &'static [&'static str],
    pub(super) customers_heading: &'static str,
    pub(super) customers: &'static [&'static str],
    pub(super) invitation: &'static str,
    pub(super) histories: &'static [&'static str],
    pub(super) people_heading: &'static str,
    pub(super) people: &'static [&'static str],
    pub(super) managers: (&'static str, &'static str),
    pub(super) mayors: (&'static str, &'static str),
    pub(super) streets: &'static [&'static str],
}

impl Phrases {
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::De => &GERMAN,
            Language::En => &ENGLISH,
        }
    }
}

const GERMAN: Phrases = Phrases {
    home: "Start",
    about: "Über uns",
    about_path: "/ueber-uns",
    about_heading: "{name} stellt sich vor",
    offers: &["Was wir anbieten", "Unser Angebot", "Unsere Schwerpunkte"],
    customers_heading: "Für wen wir da sind",
    customers: &[
        "Wir sind für {c1}, {c2} und {c3} da. Anfragen beantworten wir innerhalb von zwei Arbeitstagen, dringende noch am selben Tag.",
        "Was wir tun, tun wir für {c1} und {c3}. Unsere Ansprechpartner bleiben dieselben, auch nach vielen Jahren.",
        "Ob für {c1}, {c2} oder {c3}: Bei uns spricht man mit Menschen, die sich auskennen und zurückrufen.",
    ],
    invitation: "Wie wir arbeiten und wer wir sind, lesen Sie auf der Seite [Über uns](/ueber-uns). \
                 Wir freuen uns auf Ihren Anruf.",
    histories: &[
        "Seit {year} sind wir in {city} zu Hause. Angefangen haben wir zu acht, heute arbeiten hier {employees} Menschen.",
        "{name} gibt es seit {year}. In {city} nutzen wir {area} m² Fläche, und {employees} Beschäftigte kommen jeden Morgen gern hierher.",
        "Das erste Haus in {city} bezogen wir {year}. Seither ist manches dazugekommen: {area} m² Fläche und {employees} Beschäftigte.",
    ],
    people_heading: "Menschen",
    people: &[
        "Jedes Jahr beginnen bei uns {small} junge Leute eine Ausbildung. Wer einmal da ist, bleibt im Schnitt elf Jahre.",
        "Wir bilden aus und bilden weiter: {small} Auszubildende lernen zurzeit bei uns. Teilzeit ist in jeder Abteilung möglich.",
        "Bei uns arbeiten Menschen aus {small} Ländern. Entscheidungen fallen dort, wo die Arbeit getan wird.",
    ],
    managers: ("Geschäftsführer", "Geschäftsführerin"),
    mayors: ("Bürgermeister", "Bürgermeisterin"),
    streets: &[
        "Mühlenweg",
        "Am Anger",
        "Lindenallee",
        "Ringstraße",
        "Hofgasse",
        "Am Güterbahnhof",
        "Brunnenstraße",
    ],
};

const ENGLISH: Phrases = Phrases {
    home: "Home",
    about: "About us",
    about_path: "/about",
    about_heading: "Who we are at {name}",
    offers: &["What we offer", "What we do", "Our range"],
    customers_heading: "Who we are there for",
    customers: &[
        "We are there for {c1}, {c2} and {c3}. We answer questions within two working days, and urgent ones on the same day.",
        "We know best what matters to {c1} and {c3}. Our contact persons stay the same, even after many years.",
        "Whether we work for {c1}, {c2} or {c3}: people here know what they talk about, and they call back.",
    ],
    invitation: "Read how we work and who we are on the page [About us](/about). We look forward to your call.",
    histories: &[
        "We have been at home in {city} since {year}. Eight people began, and today {employees} work here.",
        "{name} has existed since {year}. In {city} we use {area} square metres, and {employees} people come here every morning.",
        "We moved into our first house in {city} in {year}. Since then we have grown to {area} square metres and {employees} people.",
    ],
    people_heading: "People",
    people: &[
        "Each year {small} young people begin their training with us. Those who join us stay for eleven years on average.",
        "We train and keep training: {small} apprentices are with us at present. Part-time work is possible in each department.",
        "People from {small} countries work here. Decisions are made where the work is done.",
    ],
    managers: ("Managing director", "Managing director"),
    mayors: ("Mayor", "Mayor"),
    streets: &[
        "Mill Lane",
        "Harbour Road",
        "Station Street",
        "Birch Avenue",
        "Old Quay",
        "Ring Road",
        "Church Hill",
    ],
};
