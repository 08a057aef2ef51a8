//! `TimeZone`: the zones that `SO-TimeZone` can name, as rows of the vendor's page on time zones.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::clock::zones::{ZONES, Zone};
use crate::world::State;

/// `GET TimeZone`
pub(super) fn all(state: &State) -> Answer {
    let row = |zone: &Zone| {
        json!({"PrimaryKey": zone.id.to_string(), "EntityName": "timezone", "id": zone.id, "timeZone": zone.code,
               "country": zone.country, "region": zone.region, "offset": zone.offsets[0], "daylight": zone.offsets[1],
               "isActive": true})
    };
    let value: Vec<Value> = ZONES.iter().map(row).collect();
    let metadata = format!("{}/v1/Archive//$metadata", state.api_url());
    Answer::ok(&json!({"odata.metadata": metadata, "odata.nextLink": null, "value": value}))
}
