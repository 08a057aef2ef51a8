//! The language of a page: German and English can be read, others are recognised so that it can be said.

use connector_domain::profile::Language;
use whatlang::{Detector, Lang};

use super::extract::{Block, Extract};

/// Shorter texts are not judged.
const ENOUGH: usize = 120;
/// More of a text makes no difference.
const PLENTY: usize = 6_000;

/// What language a text is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tongue {
    /// One that is read.
    Ours(Language),
    /// One that is not; its English name.
    Foreign(&'static str),
    /// There is too little text to tell.
    Unclear,
}

/// The language of a page's text; the page's own word decides when there is little text.
pub(crate) fn of(blocks: &[Block], claimed: &str) -> Tongue {
    let mut text = String::new();
    for block in blocks {
        if text.len() > PLENTY {
            break;
        }
        text.push_str(&block.text);
        text.push('\n');
    }
    if text.len() < ENOUGH {
        return by_code(claimed);
    }
    let detector = Detector::with_allowlist(vec![
        Lang::Deu,
        Lang::Eng,
        Lang::Nob,
        Lang::Dan,
        Lang::Swe,
        Lang::Fin,
        Lang::Nld,
        Lang::Fra,
        Lang::Ita,
        Lang::Spa,
        Lang::Pol,
        Lang::Ces,
    ]);
    match detector.detect(&text).map(|info| info.lang()) {
        Some(Lang::Deu) => Tongue::Ours(Language::De),
        Some(Lang::Eng) => Tongue::Ours(Language::En),
        // In writing they are too close to be told apart.
        Some(Lang::Nob | Lang::Dan) => Tongue::Foreign("Norwegian or Danish"),
        Some(Lang::Swe) => Tongue::Foreign("Swedish"),
        Some(other) => Tongue::Foreign(other.eng_name()),
        None => by_code(claimed),
    }
}

pub(crate) fn is_foreign(page: &Extract) -> bool {
    matches!(of(&page.blocks, &page.lang), Tongue::Foreign(_))
}

fn by_code(code: &str) -> Tongue {
    let code = code.to_ascii_lowercase();
    match code.split(['-', '_']).next() {
        Some("de") => Tongue::Ours(Language::De),
        Some("en") => Tongue::Ours(Language::En),
        _ => Tongue::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::super::extract;
    use super::*;

    fn tongue(text: &str) -> Tongue {
        of(&extract::plain(text).blocks, "")
    }

    #[test]
    fn languages_are_told_apart() {
        let german = "Wir fertigen seit vielen Jahren Kreiselpumpen für die Wasserwirtschaft und liefern sie mit eigenen \
            Fahrzeugen an Kunden in ganz Norddeutschland. Unsere Mitarbeiter kennen jede Baureihe.";
        let english = "We have been manufacturing centrifugal pumps for the water industry for many years and we deliver \
            them with our own vehicles to customers in the whole of the north. Our people know each series.";
        let norwegian = "Vi har produsert sentrifugalpumper for vannforsyningen i mange år, og vi leverer dem med våre egne \
            kjøretøy til kunder i hele Nord-Norge. Våre medarbeidere kjenner hver eneste serie.";
        let swedish = "Vi har tillverkat centrifugalpumpar för vattenförsörjningen i många år och vi levererar dem med våra \
            egna fordon till kunder i hela norra Sverige. Våra medarbetare känner till varje serie.";
        assert_eq!(tongue(german), Tongue::Ours(Language::De));
        assert_eq!(tongue(english), Tongue::Ours(Language::En));
        assert_eq!(tongue(norwegian), Tongue::Foreign("Norwegian or Danish"));
        assert_eq!(tongue(swedish), Tongue::Foreign("Swedish"));
    }

    #[test]
    fn little_text_is_judged_by_the_pages_own_word() {
        assert_eq!(of(&[], "de-AT"), Tongue::Ours(Language::De));
        assert_eq!(of(&[], ""), Tongue::Unclear);
    }
}
