//! Whether we can write: on a test company of our own, which is removed again. Only on request; all else is read-only.

use superoffice::patch::Patch;
use superoffice::{Client, Error};

use super::{Code, Examination, Finding};
use crate::test_company;

const WORDS: &str = "so-connector wrote this";

pub(super) async fn look(exam: &mut Examination, client: &Client) {
    let made = match test_company::make(client).await {
        Ok(made) => made,
        Err(error) => {
            let words = format!("a test company cannot be made: {}", error.in_full());
            exam.note("write", vec![Finding::new(Code::WriteRefused, words)], "");
            return;
        }
    };
    let written = change(client, made.contact_id).await;
    let removed = client.delete_contact(made.contact_id).await;
    let mut findings = Vec::new();
    let mut fault = |what: &str, error: &Error| {
        let words = format!("{what} {}: {}", made.name, error.in_full());
        findings.push(Finding::new(Code::WriteRefused, words));
    };
    if let Err(error) = &written {
        fault("cannot change", error);
    }
    if let Err(error) = &removed {
        fault("cannot remove (do it by `so-connector cleanup --apply`)", error);
    }
    if written.is_ok_and(|stands| !stands) {
        let words = format!("what was written to {} is not what was read back", made.name);
        findings.push(Finding::new(Code::WriteRefused, words));
    }
    exam.note("write", findings, "a test company was made, changed, read back and removed");
}

/// Says whether what was written stands.
async fn change(client: &Client, id: i64) -> Result<bool, Error> {
    client.patch_contact(id, &Patch::new().test("/Department", "").replace("/Department", WORDS)).await?;
    Ok(client.contact(id).await?.department == WORDS)
}
