//! The people and companies that live in the emulator: who owns what, what each company's website says, and how
//! an enrichment of it should end. The same number and the same seed give the same story, byte for byte.
//! How these become CRM records and who serves the websites is left to the rest of the crate.

mod countries;
mod generated;
mod layout;
mod legal;
mod people;
mod site;
mod text;
mod verticals;
mod written;

#[cfg(test)]
mod tests;

pub use site::{Page, Website};

/// Tells the story of `companies` companies.
///
/// The first 24 are written by hand and do not depend on the seed; fewer are the first ones of them, more are
/// made up from `seed`. A longer story begins with the shorter one of the same seed.
pub fn story(companies: usize, seed: u64) -> Story {
    let mut cast = written::companies();
    let more = companies.saturating_sub(cast.len());
    cast.truncate(companies);
    cast.extend(generated::companies(more, seed));
    Story {
        groups: people::groups(),
        associates: people::associates(),
        vertical_items: verticals::items(),
        positions: people::positions(),
        companies: cast,
    }
}

/// Everything the emulator's tenant is filled with.
#[derive(Debug, Clone)]
pub struct Story {
    /// The groups of associates.
    pub groups: Vec<Group>,
    /// The users of the CRM, with one API user among them.
    pub associates: Vec<Associate>,
    /// The items of the list field that holds a company's vertical.
    pub vertical_items: Vec<VerticalItem>,
    /// The items of the list of positions.
    pub positions: Vec<ListItem>,
    /// The companies, in the order in which they enter the CRM.
    pub companies: Vec<Company>,
}

/// A group of associates.
#[derive(Debug, Clone)]
pub struct Group {
    /// The group's id.
    pub id: i64,
    /// The group's name.
    pub name: String,
    /// Whether the group's companies are to be enriched.
    pub in_scope: bool,
}

/// A user of the CRM.
#[derive(Debug, Clone)]
pub struct Associate {
    /// The associate's id.
    pub id: i64,
    /// The short name that the CRM shows in lists, in capitals.
    pub short_name: String,
    /// First and last name.
    pub full_name: String,
    /// The group the associate belongs to.
    pub group_id: i64,
    /// Whether this is the user that the connector signs in as.
    pub api_user: bool,
}

/// An item of the CRM's list of verticals.
#[derive(Debug, Clone)]
pub struct VerticalItem {
    /// The list item's id in the CRM.
    pub id: i64,
    /// The vertical's id in the product.
    pub vertical: String,
    /// The item's label in the CRM, in German.
    pub name: String,
}

/// An item of any other list.
#[derive(Debug, Clone)]
pub struct ListItem {
    /// The item's id.
    pub id: i64,
    /// The item's label.
    pub name: String,
}

/// A company with its persons, its website and the end of its story.
#[derive(Debug, Clone)]
pub struct Company {
    /// A name for addresses, unique in a story.
    pub slug: String,
    /// The name as the CRM has it.
    pub name: String,
    /// The department or site; often empty.
    pub department: String,
    /// The register number, in the form usual in the country and plainly fictional.
    pub org_number: String,
    /// The country of the head office.
    pub country: Country,
    /// The city of the head office.
    pub city: String,
    /// The language of the company's website and of its persons' titles.
    pub language: Language,
    /// The associate responsible for the company.
    pub owner: i64,
    /// The website, when the CRM knows one.
    pub website: Option<Website>,
    /// The people at the company.
    pub persons: Vec<Person>,
    /// How an enrichment should end.
    pub expected: Expected,
}

/// The language of a company.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// German.
    De,
    /// English.
    En,
}

/// A country as the CRM's list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Country {
    /// The numeric code of ISO 3166-1.
    pub id: i64,
    /// The two-letter code of ISO 3166-1.
    pub iso2: String,
    /// The German name.
    pub name: String,
    /// The English name.
    pub english_name: String,
}

/// A person at a company.
#[derive(Debug, Clone)]
pub struct Person {
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The job title in the person's own words; may be empty.
    pub title: String,
    /// The label of an item of [`Story::positions`].
    pub position: Option<String>,
    /// The e-mail address under `.example`; empty when the CRM has none.
    pub email: String,
}

/// How the enrichment of a company should end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// `COMPLETED` or `SKIPPED`.
    pub state: String,
    /// The reason code, for a skipped company.
    pub reason: Option<String>,
    /// The product's id of the vertical, for a completed company.
    pub vertical: Option<String>,
}

impl Expected {
    fn completed(vertical: &str) -> Self {
        Self { state: "COMPLETED".into(), reason: None, vertical: Some(vertical.into()) }
    }

    fn skipped(reason: &str) -> Self {
        Self { state: "SKIPPED".into(), reason: Some(reason.into()), vertical: None }
    }
}
