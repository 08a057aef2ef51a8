//! The agent `Archive`: rows, and what can be asked for.

use super::Asked;
use crate::answer::Answer;
use crate::routes::archive;
use crate::world::State;

pub(super) fn answer(state: &State, asked: &Asked<'_>) -> Result<Answer, Answer> {
    let provider = asked.text("ProviderName");
    let done = match asked.method {
        "getarchivelistbycolumns" => return archive::by_columns(state, asked.body, asked.ask),
        "getarchivelistbycolumns2" => return archive::by_odata(state, asked.body, asked.ask),
        "getprovidernames" => archive::provider_names(),
        "getavailablecolumns" => archive::available_columns(state, &provider)?.into(),
        "getavailableentities" => archive::available_entities(&provider)?.into(),
        _ => return Err(asked.unknown("archive")),
    };
    Ok(Answer::ok(&done))
}
