//! The built-in texts and rules: complete, short enough, and right about titles.

use connector_domain::persona::Persona;
use connector_domain::profile::Language;
use connector_domain::text::units;
use connector_explorer::Knowledge;

const PERSONAS: [&str; 11] = [
    "executive",
    "finance",
    "it",
    "operations",
    "purchasing",
    "sales",
    "marketing",
    "hr",
    "assistant",
    "facility",
    "generic",
];

fn knowledge() -> Knowledge {
    Knowledge::built_in().expect("the built-in texts are in order")
}

#[test]
fn there_are_twenty_verticals_and_the_matrix_has_texts_for_each() {
    let knowledge = knowledge();
    let verticals = knowledge.verticals();
    assert_eq!(verticals.len(), 20);
    for vertical in &verticals {
        assert!(knowledge.matrix.vertical.contains_key(&vertical.id.0), "{}", vertical.id);
        for language in [Language::De, Language::En] {
            assert!(knowledge.taxonomy.description(&vertical.id, language).is_some());
        }
    }
    assert_eq!(verticals[0].labels[&Language::De], "Maschinen- und Anlagenbau");
}

#[test]
fn every_composed_text_fits_and_is_whole() {
    let knowledge = knowledge();
    let mut bridges = std::collections::BTreeSet::new();
    for vertical in knowledge.verticals() {
        for persona in PERSONAS {
            for language in [Language::De, Language::En] {
                let texts = knowledge.matrix.texts(&Persona(persona.into()), &vertical.id, language);
                let name = format!("{persona} × {} in {}", vertical.id, language.as_str());
                let texts = [(texts.bridge.clone(), 199), (texts.social_proof, 199), (texts.subject, 60)];
                for (number, (text, room)) in texts.into_iter().enumerate() {
                    let text = text.unwrap_or_else(|| panic!("{name}: text {number} is missing"));
                    assert!(units(&text) <= room, "{name}: {} units: {text}", units(&text));
                    assert!(!text.contains(['{', '}', '<', '@']), "{name}: {text}");
                    assert!(number == 2 || text.ends_with('.'), "{name}: {text}");
                    if number == 0 {
                        assert!(bridges.insert(text.clone()), "{name} is like another: {text}");
                    }
                }
            }
        }
    }
    assert_eq!(bridges.len(), 20 * PERSONAS.len() * 2);
}

#[test]
fn every_problem_is_a_clause_that_fits_every_persona() {
    for (id, texts) in &knowledge().matrix.vertical {
        assert!(texts.problem[&Language::De].starts_with("dass "), "{id}");
        assert!(texts.problem[&Language::En].starts_with("that "), "{id}");
        assert!(!texts.problem.values().any(|problem| problem.ends_with('.')), "{id}");
    }
}

#[test]
fn a_composed_bridge_reads_well() {
    let knowledge = knowledge();
    let logistics = connector_domain::vertical::VerticalId("logistics".into());
    let bridge = |persona: &str, language| {
        knowledge.matrix.texts(&Persona(persona.into()), &logistics, language).bridge.unwrap()
    };
    assert_eq!(
        bridge("finance", Language::De),
        "In Ihren Kosten steckt auch, dass Staub und Reifenabrieb in den Gängen bleiben, weil das Lager nie stillsteht. \
         Ein Reinigungsroboter macht daraus einen festen Betrag im Monat."
    );
    assert_eq!(
        bridge("hr", Language::En),
        "Your people know that dust and tyre marks stay in the aisles because the warehouse never stands still. Our \
         robots take the dull rounds off their hands and leave time for better work."
    );
}

const TITLES: &[(&str, &str)] = &[
    ("Geschäftsführer", "executive"),
    ("Geschäftsführerin (m/w/d)", "executive"),
    ("Geschaeftsfuehrer/-in", "executive"),
    ("Geschäftsführender Gesellschafter", "executive"),
    ("Vorstandsvorsitzender", "executive"),
    ("Inhaber", "executive"),
    ("CEO", "executive"),
    ("Founder & CEO", "executive"),
    ("Managing Director", "executive"),
    ("Chief Executive Officer", "executive"),
    ("Partner", "executive"),
    ("Bürgermeisterin", "executive"),
    ("Rektorin", "executive"),
    ("Heimleiterin", "executive"),
    ("Amtsdirektorin", "executive"),
    ("Hoteldirektorin", "executive"),
    ("Assistentin der Geschäftsführung", "assistant"),
    ("Assistenz der Geschäftsleitung", "assistant"),
    ("Executive Assistant to the CEO", "assistant"),
    ("Sekretariat Vorstand", "assistant"),
    ("Office Managerin", "assistant"),
    ("Personal Assistant", "assistant"),
    ("CFO", "finance"),
    ("Kaufmännische Leitung", "finance"),
    ("Kaufmännische Direktorin", "finance"),
    ("Leiter Rechnungswesen", "finance"),
    ("Head of Finance", "finance"),
    ("Controllerin", "finance"),
    ("Kämmerer", "finance"),
    ("IT-Leiter", "it"),
    ("Leiterin IT", "it"),
    ("Leiter Informatikdienste", "it"),
    ("CIO", "it"),
    ("Chief Technology Officer", "it"),
    ("Head of IT", "it"),
    ("Software Engineer", "it"),
    ("Systemadministrator", "it"),
    ("Werkleiter", "operations"),
    ("Werksleiterin", "operations"),
    ("Leiter Produktion", "operations"),
    ("Technischer Leiter", "operations"),
    ("Head of Operations", "operations"),
    ("COO", "operations"),
    ("Plant Manager", "operations"),
    ("Warehouse Operations Manager", "operations"),
    ("Leiter Logistik", "operations"),
    ("Supply Chain Manager", "operations"),
    ("Leiter Instandhaltung", "operations"),
    ("Qualitätsmanagerin", "operations"),
    ("Head of Quality Assurance", "operations"),
    ("Pflegedirektorin", "operations"),
    ("Bauleiterin", "operations"),
    ("Küchenchef", "operations"),
    ("Leiter Einkauf", "purchasing"),
    ("Einkäuferin", "purchasing"),
    ("Prokuristin, Leitung Einkauf und Sortiment", "purchasing"),
    ("Purchasing Director", "purchasing"),
    ("Sourcing Manager", "purchasing"),
    ("Chief Procurement Officer", "purchasing"),
    ("Vertriebsleiter", "sales"),
    ("Technischer Vertrieb", "sales"),
    ("Vertriebsassistenz", "sales"),
    ("Sales Director", "sales"),
    ("Key Account Managerin", "sales"),
    ("Business Development Manager", "sales"),
    ("Marketingleiterin", "marketing"),
    ("Digital Marketing Manager", "marketing"),
    ("Head of Sales Marketing", "marketing"),
    ("Referent Öffentlichkeitsarbeit", "marketing"),
    ("CMO", "marketing"),
    ("Personalleiterin", "hr"),
    ("Leitung Personal und Ausbildung", "hr"),
    ("HR Business Partner", "hr"),
    ("Head of People & Culture", "hr"),
    ("Recruiterin", "hr"),
    ("Facility Manager", "facility"),
    ("Leiter Gebäudemanagement", "facility"),
    ("Sachgebietsleiter Gebäudemanagement", "facility"),
    ("Hausmeister", "facility"),
    ("Objektleiterin", "facility"),
    ("Leitung Haustechnik", "facility"),
    ("Product Owner", "generic"),
    ("Assistenzärztin", "generic"),
    ("Sachbearbeiter", "generic"),
    ("Wanderer", "generic"),
    ("", "generic"),
];

#[test]
fn titles_lead_to_personas() {
    let rules = knowledge().personas;
    let wrong: Vec<String> = TITLES
        .iter()
        .filter(|(title, persona)| rules.persona(title, "").0 != *persona)
        .map(|(title, persona)| format!("{title}: {} instead of {persona}", rules.persona(title, "").0))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(TITLES.len() >= 60);
}

#[test]
fn a_matrix_may_not_speak_of_an_unknown_vertical() {
    use connector_explorer::knowledge::{MATRIX, PERSONAS, TAXONOMY};
    let stray = MATRIX.replace("[vertical.logistics]", "[vertical.logistik]");
    let error = Knowledge::read(TAXONOMY, &stray, PERSONAS).unwrap_err();
    assert!(error.to_string().contains("logistik"), "{error}");
}
