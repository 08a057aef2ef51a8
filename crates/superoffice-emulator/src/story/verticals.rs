//! The closed list of verticals as the story's CRM has it: our ids, in the order of the list's item ids.

use super::VerticalItem;

/// The id of the first item in the CRM's list.
const FIRST_ITEM: i64 = 1613;

/// The items of the CRM's list field.
pub(crate) fn items() -> Vec<VerticalItem> {
    (FIRST_ITEM..)
        .zip(VERTICALS)
        .map(|(id, (vertical, name))| VerticalItem { id, vertical: vertical.into(), name: name.into() })
        .collect()
}

/// Id and German label of each vertical.
pub(crate) const VERTICALS: [(&str, &str); 20] = [
    ("mechanical_engineering", "Maschinen- und Anlagenbau"),
    ("metal_processing", "Metallverarbeitung"),
    ("automotive_suppliers", "Automobilzulieferer"),
    ("electronics", "Elektronik und Elektrotechnik"),
    ("chemicals_pharma", "Chemie und Pharma"),
    ("food_beverage", "Lebensmittel und Getränke"),
    ("wood_furniture", "Holz und Möbel"),
    ("construction", "Bau und Ausbau"),
    ("energy_utilities", "Energie und Versorgung"),
    ("logistics", "Logistik und Lagerei"),
    ("wholesale", "Großhandel"),
    ("retail", "Einzelhandel"),
    ("hospitals", "Krankenhäuser und Kliniken"),
    ("care_homes", "Pflege und Seniorenheime"),
    ("hospitality", "Hotels und Gastronomie"),
    ("education", "Bildung"),
    ("public_sector", "Öffentliche Verwaltung"),
    ("it_software", "IT und Software"),
    ("professional_services", "Beratung und Dienstleistung"),
    ("facility_services", "Gebäudedienste"),
];
