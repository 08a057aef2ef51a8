//! The fields that texts go to, and the list behind the vertical.

use connector_domain::drift::KnownFields;
use connector_domain::field::{Definition, Kind, Target};
use connector_pipeline::Crm as _;

use super::{Code, Examination, Finding, Patient, local};
use crate::wire;

/// Fewer characters hold hardly a sentence.
const SHORT: usize = 60;

pub(super) async fn look(exam: &mut Examination, patient: &Patient<'_>) {
    let (config, context) = (patient.config, &patient.tenant.context);
    let mut known = KnownFields::read(local::setting(config, context, KnownFields::KEPT_AS));
    let found = match patient.crm.discover(&config.fields, &known.bound).await {
        Ok(found) => found,
        Err(error) => {
            exam.note("fields", vec![Finding::new(Code::ApiRefused, error.words)], "");
            return;
        }
    };
    let retyped = found.retyped;
    let name = |target: Target| config.fields.name(target).to_owned();
    let definitions = known.bound.take(found.definitions, &retyped, name);
    let mut findings = Vec::new();
    for target in Target::ALL.iter().copied() {
        match definitions.get(target) {
            Some(field) => findings.extend(faults(field)),
            None if retyped.contains(&target) => {
                let words = format!("the field \"{}\" for {target} is neither text nor list", name(target));
                findings.push(Finding::new(Code::FieldType, words));
            }
            None => {
                let words =
                    format!("there is no published field \"{}\" on {}", name(target), target.entity());
                findings.push(Finding::new(Code::FieldMissing, words));
            }
        }
    }
    let words = format!("{} fields are there", definitions.0.len());
    exam.note("fields", findings, words);
    list(exam, definitions.get(Target::Vertical));
}

fn faults(field: &Definition) -> Vec<Finding> {
    let shown = format!("the field \"{}\" ({})", field.label, field.prog_id);
    let mut findings = Vec::new();
    if let Some(drift) = &field.drift {
        findings.push(Finding::new(Code::FieldDrift, format!("{shown}: {drift}")));
    }
    if field.read_only {
        findings.push(Finding::new(Code::FieldReadOnly, format!("{shown} is read-only")));
    }
    match &field.kind {
        // A subject line is short by nature.
        Kind::Text { max }
            if *max < SHORT && field.target != Target::Subject && field.target != Target::Vertical =>
        {
            findings.push(Finding::new(Code::FieldShort, format!("{shown} holds {max} characters")));
        }
        Kind::Text { .. } | Kind::List { .. } => {}
    }
    findings
}

fn list(exam: &mut Examination, field: Option<&Definition>) {
    let (Some(field), Ok(knowledge)) = (field, wire::knowledge()) else {
        exam.skip(&["list"], "there has to be a field for the vertical first");
        return;
    };
    let Kind::List { items } = &field.kind else {
        exam.note("list", Vec::new(), "the vertical is written as text");
        return;
    };
    let verticals = knowledge.verticals();
    let missing: Vec<&str> = verticals
        .iter()
        .filter(|vertical| vertical.item(items).is_none())
        .map(|vertical| vertical.id.0.as_str())
        .collect();
    let findings = if missing.is_empty() {
        Vec::new()
    } else {
        let words = format!("the list behind \"{}\" has no item for {}", field.label, missing.join(", "));
        vec![Finding::new(Code::ItemMissing, words)]
    };
    exam.note("list", findings, format!("{} items for {} verticals", items.len(), verticals.len()));
}
