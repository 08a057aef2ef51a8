//! The seven countries of the story: how they are called, how their companies and registers are called, and a few
//! cities. Register and VAT numbers have the usual form of the country and begin with 99, so that nobody has them.

use super::Country;

/// What the story knows of a country.
#[derive(Debug)]
pub(crate) struct Land {
    id: i64,
    pub(crate) iso2: &'static str,
    name: &'static str,
    english_name: &'static str,
    pub(crate) forms: &'static [&'static str],
    pub(crate) dial: &'static str,
    /// City and postal code.
    pub(crate) cities: &'static [(&'static str, &'static str)],
}

impl Land {
    pub(crate) fn country(&self) -> Country {
        Country {
            id: self.id,
            iso2: self.iso2.into(),
            name: self.name.into(),
            english_name: self.english_name.into(),
        }
    }

    pub(crate) fn german_name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn english_name(&self) -> &'static str {
        self.english_name
    }

    pub(crate) fn speaks_german(&self) -> bool {
        matches!(self.iso2, "DE" | "AT" | "CH")
    }

    /// The register number of company `number` (below 100,000).
    pub(crate) fn register(&self, number: u32) -> String {
        let (high, low) = (number / 1_000, number % 1_000);
        match self.iso2 {
            "DE" => format!("HRB 99{number:05}"),
            "AT" => format!("FN 9{number:05}x"),
            "CH" => format!("CHE-999.{high:03}.{low:03}"),
            "NO" => format!("999 {high:03} {low:03}"),
            "SE" => format!("99{:04}-{:04}", number / 10_000, number % 10_000),
            "DK" => format!("99 {:02} {:02} {:02}", number / 10_000, number / 100 % 100, number % 100),
            _ => format!("99{number:05}-0"),
        }
    }

    /// The VAT id that belongs to [`Land::register`].
    pub(crate) fn vat(&self, number: u32) -> String {
        match self.iso2 {
            "DE" => format!("DE9990{number:05}"),
            "AT" => format!("ATU990{number:05}"),
            "CH" => format!("{} MWST", self.register(number)),
            "NO" => format!("NO {} MVA", self.register(number)),
            "SE" => format!("SE{}01", self.register(number).replace('-', "")),
            "DK" => format!("DK{}", self.register(number).replace(' ', "")),
            _ => format!("FI{}", self.register(number).replace('-', "")),
        }
    }
}

/// Finds a country by its two-letter code.
pub(crate) fn land(iso2: &str) -> Option<&'static Land> {
    LANDS.iter().find(|land| land.iso2 == iso2)
}

/// All countries of the story.
pub(crate) static LANDS: [Land; 7] = [
    Land {
        id: 276,
        iso2: "DE",
        name: "Deutschland",
        english_name: "Germany",
        forms: &["GmbH", "GmbH & Co. KG", "AG", "KG"],
        dial: "+49",
        cities: &[
            ("Lüneburg", "21335"),
            ("Chemnitz", "09111"),
            ("Bielefeld", "33602"),
            ("Ulm", "89073"),
            ("Kassel", "34117"),
            ("Osnabrück", "49074"),
            ("Regensburg", "93047"),
            ("Siegen", "57072"),
            ("Magdeburg", "39104"),
            ("Heilbronn", "74072"),
        ],
    },
    Land {
        id: 40,
        iso2: "AT",
        name: "Österreich",
        english_name: "Austria",
        forms: &["GmbH", "GmbH & Co KG", "AG"],
        dial: "+43",
        cities: &[
            ("Linz", "4020"),
            ("Graz", "8010"),
            ("Wels", "4600"),
            ("Dornbirn", "6850"),
            ("St. Pölten", "3100"),
            ("Villach", "9500"),
        ],
    },
    Land {
        id: 756,
        iso2: "CH",
        name: "Schweiz",
        english_name: "Switzerland",
        forms: &["AG", "GmbH"],
        dial: "+41",
        cities: &[
            ("Winterthur", "8400"),
            ("Aarau", "5000"),
            ("St. Gallen", "9000"),
            ("Thun", "3600"),
            ("Olten", "4600"),
            ("Chur", "7000"),
        ],
    },
    Land {
        id: 578,
        iso2: "NO",
        name: "Norwegen",
        english_name: "Norway",
        forms: &["AS"],
        dial: "+47",
        cities: &[
            ("Drammen", "3015"),
            ("Ålesund", "6002"),
            ("Hamar", "2317"),
            ("Molde", "6413"),
            ("Bodø", "8006"),
        ],
    },
    Land {
        id: 752,
        iso2: "SE",
        name: "Schweden",
        english_name: "Sweden",
        forms: &["AB"],
        dial: "+46",
        cities: &[
            ("Västerås", "722 11"),
            ("Örebro", "702 10"),
            ("Jönköping", "553 16"),
            ("Umeå", "903 26"),
            ("Kalmar", "392 31"),
        ],
    },
    Land {
        id: 208,
        iso2: "DK",
        name: "Dänemark",
        english_name: "Denmark",
        forms: &["A/S", "ApS"],
        dial: "+45",
        cities: &[
            ("Esbjerg", "6700"),
            ("Odense", "5000"),
            ("Kolding", "6000"),
            ("Viborg", "8800"),
            ("Næstved", "4700"),
        ],
    },
    Land {
        id: 246,
        iso2: "FI",
        name: "Finnland",
        english_name: "Finland",
        forms: &["Oy"],
        dial: "+358",
        cities: &[
            ("Tampere", "33100"),
            ("Oulu", "90100"),
            ("Lahti", "15110"),
            ("Turku", "20100"),
            ("Kuopio", "70100"),
        ],
    },
];
