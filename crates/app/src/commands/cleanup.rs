//! `cleanup`: removes the test companies that this program made, and nothing else.

use serde_json::json;
use superoffice::Error;

use crate::cli::{CleanupArgs, Cli};
use crate::config::Config;
use crate::failure::{Failure, Status, refused};
use crate::format::{cell, print, print_json, say, table};
use crate::remote::tenant;
use crate::{test_company, wire};

pub(super) async fn run(cli: &Cli, args: &CleanupArgs, config: &Config) -> Result<(), Failure> {
    let tenant = tenant(config)?;
    match &args.tenant {
        Some(named) if *named != tenant.context => {
            let words = format!("{named} is named, and {} is configured", tenant.context);
            return Err(Failure::words(Status::Usage, words));
        }
        None if tenant.is_production && args.apply => {
            let words = format!("{} is a customer's tenant", tenant.context);
            return Err(Failure::words(Status::Usage, words)
                .help(format!("to remove test companies there, name it: --tenant {}", tenant.context)));
        }
        Some(_) | None => {}
    }
    let client = wire::client(config, tenant)?;
    let companies = test_company::all(&client).await.map_err(|error| refused(&error))?;
    let mut removed = 0;
    if args.apply {
        for company in &companies {
            match client.delete_contact(company.contact_id).await {
                Ok(()) | Err(Error::NotFound(_)) => removed += 1,
                Err(error) => {
                    return Err(refused(&error).help("what was removed before stays removed; run it again"));
                }
            }
        }
    }
    if cli.json {
        let shown: Vec<_> =
            companies.iter().map(|company| json!({"id": company.contact_id, "name": company.name})).collect();
        print_json(&json!({"found": shown, "removed": removed, "applied": args.apply}));
        return Ok(());
    }
    if companies.is_empty() {
        print("There are no test companies of ours.");
        return Ok(());
    }
    let rows: Vec<Vec<String>> =
        companies.iter().map(|company| vec![company.contact_id.to_string(), cell(&company.name)]).collect();
    print(&table(&["ID", "NAME"], &rows));
    if args.apply {
        say(&format!("{removed} removed. SuperOffice keeps them in its recycle bin for a while."));
    } else {
        say("Nothing was removed. To remove them: so-connector cleanup --apply");
    }
    Ok(())
}
