//! `explore`: what Company Explorer says of a company. Writes nothing.

use connector_domain::clock::{Clock, SystemClock};
use connector_domain::profile::{Claim, Company, Explored, Language, Nothing, Profile, Room};
use connector_domain::reason::Reason;
use serde_json::json;

use crate::cli::{Cli, ExploreArgs};
use crate::config::Config;
use crate::failure::Failure;
use crate::format::{cell, print, print_json};
use crate::wire;

pub(super) async fn run(cli: &Cli, args: &ExploreArgs, config: &Config) -> Result<(), Failure> {
    let knowledge = wire::knowledge()?;
    let engine = wire::explorer(&knowledge, &config.website)?;
    let company = Company {
        name: args.name.clone(),
        website: args.url.clone(),
        email_domains: Vec::new(),
        country: args.country.clone(),
        language: args.country.as_deref().map_or(Language::De, Language::of_country),
    };
    let explored = engine
        .explore(&company, Room::default(), SystemClock::default().now())
        .await
        .map_err(|error| Failure::general(error).help("try again later, or with another address"))?;
    match explored {
        Explored::Profile(profile) if cli.json => print_json(&json!({"found": true, "profile": profile})),
        Explored::Profile(profile) => show(&profile),
        Explored::Nothing(nothing) => {
            let (reason, words) = match nothing {
                Nothing::NoWebsite => (Reason::NoWebsite, Reason::NoWebsite.sentence().to_owned()),
                Nothing::NoEvidence(words) | Nothing::Unreachable(words) => (Reason::NoEvidence, words),
            };
            if cli.json {
                print_json(&json!({"found": false, "reason": reason, "words": words}));
            } else {
                print(&format!("{reason}: {words}"));
            }
        }
    }
    Ok(())
}

fn show(profile: &Profile) {
    match &profile.vertical {
        Some(vertical) => {
            print(&format!("Vertical          {} ({:.0} % sure)", vertical.id, vertical.confidence * 100.0));
        }
        None => print("Vertical          unknown"),
    }
    let claim = |label: &str, claim: &Option<Claim>| {
        if let Some(claim) = claim {
            print(&format!("{label:<17} {}", cell(&claim.text)));
            for id in &claim.cites {
                if let Some(evidence) = profile.evidence.iter().find(|evidence| evidence.id == *id) {
                    print(&format!(
                        "                  ↳ \"{}\" ({})",
                        cell(&evidence.quote),
                        cell(&evidence.url)
                    ));
                }
            }
        }
    };
    claim("Summary", &profile.summary);
    claim("Opener primary", &profile.opener_primary);
    claim("Opener secondary", &profile.opener_secondary);
    print(&format!("Engine            {}, verticals {}", profile.engine, profile.taxonomy));
    for warning in &profile.warnings {
        print(&format!("Note              {}", cell(warning)));
    }
}
