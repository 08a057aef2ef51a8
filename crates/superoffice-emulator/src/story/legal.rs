//! The pages that every company's website has and that say nothing of its business: contact, imprint, privacy.

use super::Language;
use super::site::{Facts, SitePage};

/// Contact, imprint and privacy in the language of the site.
pub(crate) fn pages(facts: &Facts) -> Vec<SitePage> {
    vec![contact(facts), imprint(facts), privacy(facts)]
}

/// The imprint: who is behind the site.
pub(crate) fn imprint(facts: &Facts) -> SitePage {
    let Facts { name, address, register, vat, .. } = facts;
    let block = address_lines(facts);
    let email = format!("info@{}.example", facts.slug);
    let (phone, registry, represented) = (&address.phone, &address.registry, &address.represented_by);
    match (facts.language, facts.land.iso2) {
        (Language::De, "CH") => page(
            "/impressum",
            "Impressum",
            format!(
                "## Kontaktadresse\n\n**{name}**\n\n{block}\n\nTelefon {phone}\n\nE-Mail {email}\n\n\
                 ## Vertretungsberechtigt\n\n{represented}\n\n## Handelsregister\n\n\
                 Eingetragen beim {registry}\n\nUnternehmens-Identifikationsnummer (UID): {register}\n\n\
                 Mehrwertsteuernummer: {vat}\n\n## Haftungsausschluss\n\nFür die Richtigkeit, Aktualität und \
                 Vollständigkeit der Angaben auf dieser Website wird keine Gewähr übernommen. Verweise auf Seiten \
                 Dritter liegen ausserhalb unserer Verantwortung."
            ),
        ),
        (Language::De, iso2) => {
            let law = if iso2 == "AT" { "§ 5 ECG und § 14 UGB" } else { "§ 5 DDG" };
            let tax = if iso2 == "AT" { "UID-Nummer" } else { "Umsatzsteuer-Identifikationsnummer" };
            page(
                "/impressum",
                "Impressum",
                format!(
                    "Angaben gemäß {law}\n\n**{name}**\n\n{block}\n\n## Kontakt\n\nTelefon: {phone}\n\n\
                     E-Mail: {email}\n\n## Vertreten durch\n\n{represented}\n\n## Registereintrag\n\n\
                     {registry}, {register}\n\n{tax}: {vat}\n\n## Haftung für Inhalte und Links\n\nDie Inhalte \
                     unserer Seiten wurden mit Sorgfalt erstellt. Für die Inhalte verlinkter Seiten ist stets deren \
                     Betreiber verantwortlich. An einem Verfahren vor einer Verbraucherschlichtungsstelle nehmen \
                     wir nicht teil."
                ),
            )
        }
        (Language::En, _) => page(
            "/imprint",
            "Imprint",
            format!(
                "**{name}**\n\n{block}\n\nPhone {phone}\n\nE-mail {email}\n\n## Represented by\n\n{represented}\n\n\
                 ## Registration\n\n{registry}, number {register}\n\nVAT number: {vat}\n\n## Disclaimer\n\nThe \
                 contents of these pages have been prepared with care. We accept no responsibility for pages of \
                 others that we link to. All texts and drawings on these pages are protected by copyright."
            ),
        ),
    }
    .in_footer()
}

fn contact(facts: &Facts) -> SitePage {
    let name = &facts.name;
    let (phone, hours) = (&facts.address.phone, &facts.address.hours);
    let block = address_lines(facts);
    let email = format!("info@{}.example", facts.slug);
    match facts.language {
        Language::De => page(
            "/kontakt",
            "Kontakt",
            format!(
                "Sie haben eine Frage oder möchten einen Termin vereinbaren? Rufen Sie uns an oder schreiben Sie \
                 uns. Wir melden uns in der Regel innerhalb eines Arbeitstages.\n\n## So erreichen Sie uns\n\n\
                 **{name}**\n\n{block}\n\nTelefon: {phone}\n\nE-Mail: {email}\n\n## Zeiten\n\n{hours}\n\n\
                 Unsere Angaben nach dem Gesetz finden Sie im [Impressum](/impressum), Hinweise zum Umgang mit \
                 Ihren Daten in der [Datenschutzerklärung](/datenschutz)."
            ),
        ),
        Language::En => page(
            "/contact",
            "Contact",
            format!(
                "Do you have a question, or would you like to meet us? Give us a call or send us a message. We \
                 usually reply within one working day.\n\n## How to reach us\n\n**{name}**\n\n{block}\n\nPhone: \
                 {phone}\n\nE-mail: {email}\n\n## Hours\n\n{hours}\n\nLegal information is on the page \
                 [Imprint](/imprint); how we treat your data is explained under [Privacy](/privacy)."
            ),
        ),
    }
}

fn privacy(facts: &Facts) -> SitePage {
    let name = &facts.name;
    let email = format!("datenschutz@{}.example", facts.slug);
    let city = &facts.city;
    match (facts.language, facts.land.iso2) {
        (Language::De, iso2) => {
            let law = if iso2 == "CH" { "dem Datenschutzgesetz (DSG)" } else { "der DSGVO" };
            page(
                "/datenschutz",
                "Datenschutz",
                format!(
                    "Wir behandeln Ihre personenbezogenen Daten vertraulich und nach den Vorschriften, die sich aus \
                     {law} ergeben.\n\n## Verantwortliche Stelle\n\n{name}, {city}. Anfragen zum Datenschutz \
                     richten Sie bitte an {email}.\n\n## Server-Protokolle\n\nBeim Aufruf dieser Seiten speichert \
                     der Server Datum, Uhrzeit, Browsertyp und die gekürzte IP-Adresse. Die Protokolle werden nach \
                     14 Tagen gelöscht.\n\n## Cookies\n\nWir setzen nur Cookies ein, die für den Betrieb der Seiten \
                     nötig sind. Eine Auswertung Ihres Verhaltens findet nicht statt.\n\n## Ihre Rechte\n\nSie \
                     haben das Recht auf Auskunft, Berichtigung, Löschung und Einschränkung der Verarbeitung. \
                     Außerdem können Sie sich bei einer Aufsichtsbehörde beschweren."
                ),
            )
            .swiss(iso2 == "CH")
        }
        (Language::En, _) => page(
            "/privacy",
            "Privacy",
            format!(
                "We treat personal data as confidential and in line with the General Data Protection \
                 Regulation.\n\n## Controller\n\n{name}, {city}. Please send questions about privacy to \
                 privacy@{}.example.\n\n## Server logs\n\nWhen you open these pages the server stores date, time, \
                 type of browser and a shortened IP address. Logs are deleted after 14 days.\n\n## Cookies\n\nWe \
                 only use cookies that these pages need to work. We do not analyse what you do here.\n\n## Your \
                 rights\n\nYou may ask for access, correction, deletion and restriction of processing. You may also \
                 lodge a complaint with a supervisory authority.",
                facts.slug
            ),
        ),
    }
    .in_footer()
}

fn address_lines(facts: &Facts) -> String {
    let land = match facts.language {
        Language::De => facts.land.german_name(),
        Language::En => facts.land.english_name(),
    };
    let address = &facts.address;
    format!("{}, {} {}, {land}", address.street, address.postal_code, facts.city)
}

fn page(path: &str, title: &str, body: String) -> SitePage {
    SitePage {
        path: path.into(),
        nav: title.into(),
        heading: title.into(),
        lead: String::new(),
        body,
        in_footer: false,
    }
}

impl SitePage {
    fn in_footer(mut self) -> Self {
        self.in_footer = true;
        self
    }

    fn swiss(mut self, is_swiss: bool) -> Self {
        if is_swiss {
            self.body = self.body.replace('ß', "ss");
        }
        self
    }
}
