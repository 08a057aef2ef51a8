//! The words by which sentences are judged. Folded: lower case, umlauts written out, hyphens as spaces.

/// What companies do.
#[rustfmt::skip]
pub(super) const DOES: &[&str] = &[
   
    "fertigen fertigt produzieren produziert entwickeln entwickelt bauen baut liefern liefert beliefern beliefert",
    "betreiben betreibt planen plant montieren montiert konstruieren konstruiert herstellen stellt stellen verarbeiten",
    "verarbeitet bieten bietet betreuen betreut pflegen pflegt reinigen reinigt lagern lagert transportieren transportiert",
    "vertreiben vertreibt handeln handelt fuehren fuehrt beraten beraet unterstuetzen unterstuetzt versorgen versorgt",
    "erzeugen erzeugt backen baeckt roesten roestet brauen braut verwalten verwaltet lehren lehrt ausbilden bildet",
    "behandeln behandelt vermieten vermietet veredeln veredelt drehen dreht fraesen fraest schweissen schweisst saegen saegt",
    "sanieren saniert errichten errichtet installieren installiert warten wartet verkaufen verkauft kommissionieren",
    "kommissioniert verpacken verpackt giessen giesst schmieden schmiedet stanzen stanzt verzinken beschichten beschichtet",
    "programmieren programmiert hosten hostet pruefen prueft forschen forscht schulen schult unterrichten unterrichtet",
    "begleiten begleitet beherbergen kochen kocht bewirten abfuellen fuellen fuellt mischen mischt trocknen keltern",
    "spezialisiert realisieren realisiert uebernehmen uebernimmt organisieren organisiert bewirtschaften bewirtschaftet",
    "bearbeiten bearbeitet formen spritzen bestuecken bestueckt loeten loetet verlegen verlegt decken deckt hobeln hobelt",
    "manufacture manufactures manufacturing make makes produce produces develop develops design designs build builds",
    "supply supplies deliver delivers provide provides operate operates run runs offer offers distribute distributes sell",
    "sells store stores transport transports clean cleans care cares treat treats teach teaches advise advises support",
    "supports process processes machine machines specialise specialises specialize specializes serve serves generate",
    "generates maintain maintains install installs pack packs ship ships roast roasts bake bakes brew brews print prints",
    "assemble assembles repair repairs train trains host hosts weld welds cast casts mill mills forge forges handle handles",
    "rent rents educate educates plan plans renovate renovates construct constructs grow grows smoke smokes freeze freezes",
    "export exports import imports engineer engineers consult consults audit audits help helps manage manages",
    "entsorgen entsorgt vermitteln vermittelt zerspanen zerspant kuehlen kuehlt verteilen verteilt speisen speist",
    "schneiden schneidet kanten laserschneiden biegen biegt gerben faerben nieten extrudieren extrudiert pressen presst",
    "ernten erntet zuechten raeuchern raeuchert schlachten mahlen mahlt hegen verleihen verleiht steuern steuert",
    "vernetzen vernetzt digitalisieren automatisieren automatisiert implementieren integrieren integriert supervise",
];

/// How a company says what it is.
#[rustfmt::skip]
pub(super) const DEFINES: &[&str] = &[
    " ist ein ", " ist eine ", " ist der ", " ist die ", " ist das ", "wir sind ein", "wir sind eine",
    "als hersteller", " is a ", " is an ", " are a ", "we are an ", "is the ", "spezialisiert auf",
];

/// Who begins like this speaks of what was said before.
#[rustfmt::skip]
pub(super) const LEANS_ON_OTHERS: &[&str] = &[
    "dabei", "damit", "dies", "diese", "dieser", "dieses", "diesem", "diesen", "es", "sie", "er", "dort",
    "das", "hier", "hierbei", "hierfuer", "dazu", "dafuer", "dadurch", "daher", "deshalb", "darum", "auch",
    "ausserdem", "zudem", "so", "dann", "denn", "doch", "aber", "und", "oder", "this", "these", "those",
    "they", "it", "that", "there", "then", "such", "also", "and", "but", "or", "he", "she", "therefore",
];

/// Claims that everybody makes.
#[rustfmt::skip]
pub(super) const BOASTS: &[&str] = &[
    "fuehrend", "marktfuehrer", "groesste", "beste ", "besten ", "einzigartig", "nummer 1", "nr. 1",
    "leading", "best ", "world class", "unique", "number one", "leidenschaft", "passion", "herzblut",
    "hoechste qualitaet", "massgeschneidert", "innovativ", "innovative", "kompetenter partner",
    "ihr partner",
];

/// What is news, or about something else.
#[rustfmt::skip]
pub(super) const ASIDE: &[&str] = &[
    "januar ", "februar ", "maerz ", "april ", "juni ", "juli ", "august ", "september ", "oktober ",
    "november ", "dezember ", "january ", "february ", "march ", "october ", "december ", "messe",
    "trade fair", "jubilaeum", "auszeichnung", "award", "nicht ", "not ", "wetter", "prozent davon", "per cent of them", "nur noch", "im vergangenen jahr", "im letzten jahr", "last year",
    "past ten years", "geschaeftsfuehrer", "inhaber", "kuechenchef", "enkel", "ihr sohn", "sein sohn", "tochter", "granddaughter", "grandson",
    "her son", "his son", "managing director", "head chef", "owner ", "angefangen hat", "begonnen hat",
];

/// Parts of sentences that are never quoted: invitations, notices, opening hours, the law.
#[rustfmt::skip]
const TALK: &[&str] = &[
    "cookie", "javascript", "impressum", "imprint", "datenschutz", "privacy", "copyright", "alle rechte",
    "all rights", "newsletter", "warenkorb", "telefon", "tel.", "fax", "e-mail", "email", "öffnungszeiten",
    "opening hours", "geöffnet", "geschlossen", "uhr", "jetzt", "klicken", "click", "learn more",
    "read more", "mehr erfahren", "weiterlesen", "kontaktieren", "rufen sie", "schreiben sie",
    "sprechen sie", "besuchen sie", "vereinbaren sie", "fordern sie", "erfahren sie", "entdecken sie",
    "finden sie", "lassen sie", "contact us", "call us", "write to us", "get in touch", "find out",
    "visit us", "ask us", "bewerb", "bewirb", "apply ", "willkommen", "welcome", "stellenangebot",
    "wir suchen", "suchen wir", "hiring", "vacanc", "karriere", "career", "freuen uns", "look forward",
    "herzlich", "happy to", "login", "anmeld", "sign in", "browser", "haftung", "liability", "gmbhg",
    "handelsregister", "ust-id", "vat no", "geschäftsführer:", "registergericht", "iban", "bic ", "gewähr",
    "änderungen vorbehalten", "subject to change", "abbildung", "ferien", "public holiday",
    "betriebsurlaub", "zzgl", "mwst", "preisliste", "downloads", "anfahrt", "parkplätze", "parking",
];

/// Whether a sentence, in lower case, invites, warns or gives notice instead of saying what the company is.
pub(super) fn is_talk(lower: &str) -> bool {
    TALK.iter().any(|part| lower.contains(part))
}

#[rustfmt::skip]
pub(super) const NUMBERS: &[&str] = &[
    "zwei", "drei", "vier", "fuenf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwoelf", "zwanzig",
    "dreissig", "hundert", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "twenty", "thirty", "hundred",
];
#[rustfmt::skip]
pub(super) const AREA: &[&str] = &[
    "m²", "m2", "qm", "quadratmeter", "square met", "sqm", "hektar", "hectare", "palettenpl", "stellplaetz",
    "pallet space", "pallet position", "square feet", "produktionsflaeche",
];
#[rustfmt::skip]
pub(super) const SITES: &[&str] = &[
    "standort", "werk ", "werke", "filiale", "niederlassung", "haeuser", "halle", "betten",
    "betriebsstaette", "maerkte", "laeden", "sites", "locations", "plants", "branches", "stores",
    "factories", "warehouse", "halls", "beds", "zimmer", "rooms", "facilities", "wohnheim", "pflegeplaetz",
    "gemeinden", "anlagen in",
];
#[rustfmt::skip]
pub(super) const PEOPLE: &[&str] = &[
    "mitarbeit", "beschaeftig", "kollegen", "kolleginnen", "fachkraefte", "menschen arbeiten",
    "auszubildende", "employees", "employs", "colleagues", "people work", "staff", "team of", "koepfe",
];
#[rustfmt::skip]
pub(super) const FOUNDED: &[&str] = &[
    "seit ", "gegruendet", "gruendung", "gruendete", "since ", "founded", "established",
    "familienunternehmen", "generation", "started", "began", "besteht",
];
#[rustfmt::skip]
pub(super) const CUSTOMERS: &[&str] = &[
    "kunden", "auftraggeb", "beliefern", "customers", "clients", "gaeste", "guests", "patient", "bewohner",
    "residents", "schueler", "buerger",
];

#[rustfmt::skip]
pub(super) const LEGAL_FORMS: &[&str] = &[
    "gmbh", "mbh", "ag", "kg", "kgaa", "ohg", "gbr", "ug", "e.v", "ev", "eg", "e.g", "se", "co", "inc",
    "ltd", "llc", "plc", "as", "asa", "ab", "oy", "oyj", "aps", "a/s", "bv", "b.v", "nv", "sa", "sarl",
    "gesellschaft", "stiftung",
];
