//! The sentences around a quote. Several of each kind, so that mails to many companies do not all begin alike.
//!
//! A frame adds no fact of its own: what is true of the company is in the quote alone.

use connector_domain::profile::Language;

use super::sentence::Fact;

/// What the quote is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// A sentence about what the company does.
    Does,
    /// A sentence with another fact.
    Says(Option<Fact>),
    /// A few words, such as a product's name.
    Names,
}

/// The frames for an occasion; `{}` is the quote with its quotation marks.
pub(super) fn frames(language: Language, occasion: Occasion) -> &'static [&'static str] {
    match (language, occasion) {
        (Language::De, Occasion::Does) => &[
            "Auf Ihrer Website schreiben Sie: {} – genau da setzen wir an.",
            "{}, heißt es auf Ihrer Website – deshalb schreiben wir Ihnen.",
            "{} – dieser Satz auf Ihrer Website hat uns auf Sie aufmerksam gemacht.",
            "Auf Ihrer Website steht: {} Dazu haben wir eine Idee für Sie.",
        ],
        (Language::De, Occasion::Says(Some(Fact::Founded))) => &[
            "{}, steht auf Ihrer Website – wer so lange dabei ist, weiß, worauf es im Alltag ankommt.",
            "Auf Ihrer Website lesen wir: {} – das hat uns neugierig gemacht.",
            "{} – auch das haben wir auf Ihrer Website gern gelesen.",
        ],
        (Language::De, Occasion::Says(Some(Fact::People))) => &[
            "{}, steht auf Ihrer Website – so ein Team hat Besseres zu tun als Routinearbeit.",
            "Auf Ihrer Website lesen wir: {} – für sie alle soll der Alltag reibungslos laufen.",
        ],
        (Language::De, Occasion::Says(Some(Fact::Area | Fact::Sites))) => &[
            "{}, lesen wir auf Ihrer Website – da müssen die täglichen Abläufe sitzen.",
            "Auf Ihrer Website steht: {} – da lohnt sich ein Blick auf die täglichen Routinen.",
            "{} – diese Angabe auf Ihrer Website hat uns neugierig gemacht.",
        ],
        (Language::De, Occasion::Says(Some(Fact::Customers) | None)) => &[
            "Auf Ihrer Website lesen wir außerdem: {} – auch dazu haben wir eine Idee.",
            "{}, steht auf Ihrer Website – das hat uns neugierig gemacht.",
            "Uns ist auf Ihrer Website noch ein Satz aufgefallen: {}",
        ],
        (Language::De, Occasion::Names) => &[
            "Auf Ihrer Website sind wir auf {} gestoßen – dazu haben wir eine Idee für Sie.",
            "{} – dieses Stichwort auf Ihrer Website hat uns auf Sie aufmerksam gemacht.",
            "Auf Ihrer Website nennen Sie {} – das hat uns neugierig gemacht.",
        ],
        (Language::En, Occasion::Does) => &[
            "Your website says: {} – that is exactly where we come in.",
            "{}, your website says – which is why we are writing to you.",
            "{} – this line on your website caught our attention.",
            "On your website we read: {} We have an idea for you there.",
        ],
        (Language::En, Occasion::Says(Some(Fact::Founded))) => &[
            "{}, your website says – after all that time you know what matters in daily work.",
            "On your website we read: {} – that made us curious.",
            "{} – we enjoyed reading that on your website, too.",
        ],
        (Language::En, Occasion::Says(Some(Fact::People))) => &[
            "{}, your website says – a team like that has better things to do than routine work.",
            "On your website we read: {} – daily work should run smoothly for all of them.",
        ],
        (Language::En, Occasion::Says(Some(Fact::Area | Fact::Sites))) => &[
            "{}, your website says – at that scale, daily routines have to work.",
            "On your website we read: {} – that makes daily routines worth a closer look.",
            "{} – this detail on your website made us curious.",
        ],
        (Language::En, Occasion::Says(Some(Fact::Customers) | None)) => &[
            "On your website we also read: {} – we have an idea for that, too.",
            "{}, your website says – that made us curious.",
            "Another line on your website caught our eye: {}",
        ],
        (Language::En, Occasion::Names) => &[
            "On your website we came across {} – we have an idea for you there.",
            "{} – these words on your website caught our attention.",
            "Your website mentions {} – that made us curious.",
        ],
    }
}

/// The shortest frames, for when there is little room.
pub(super) fn short(language: Language) -> &'static str {
    match language {
        Language::De => "Auf Ihrer Website steht: {}",
        Language::En => "Your website says: {}",
    }
}

/// Puts a quote into a frame. The full stop belongs to the quote where the sentence ends with it.
pub(super) fn put(frame: &str, quote: &str, language: Language, is_sentence: bool) -> String {
    let words = quote.trim_end_matches('.');
    let (open, close) = match language {
        Language::De => ('„', '“'),
        Language::En => ('“', '”'),
    };
    let after = frame.split_once("{}").map_or("", |(_, after)| after);
    let ends_here = after.is_empty() || after.starts_with(' ') && !after.starts_with(" –");
    let stop = if is_sentence && ends_here { "." } else { "" };
    frame.replacen("{}", &format!("{open}{words}{stop}{close}"), 1)
}
