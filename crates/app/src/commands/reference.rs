//! `reference`: the tables of the code as Markdown, so that the documents can not drift from it.

use connector_domain::reason::Reason;

use crate::cli::ReferenceTopic;
use crate::config::keys::{KEYS, Key};
use crate::doctor::Code;
use crate::format::print;

pub(super) fn run(topic: ReferenceTopic) {
    let text = match topic {
        ReferenceTopic::Configuration => configuration(),
        ReferenceTopic::Reasons => reasons(),
        ReferenceTopic::Doctor => doctor(),
        ReferenceTopic::Emulator => emulator(),
    };
    print(text.trim_end());
}

fn configuration() -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         Made by `cargo xtask docs` from the table in the code.\n\n\
         Values are taken from `.env` in the working directory, else from the environment, else from `connector.toml`,\n\
         else the default holds. An unknown key is an error. Secrets are read from `.env` and the environment only.\n\
         `so-connector config show` prints every value and where it came from; `so-connector config check` says what is\n\
         wrong, all at once. `RUST_LOG` chooses what is logged, `NO_COLOR` switches colour off.\n\n\
         | key in `connector.toml` | variable | default | what it is for |\n|---|---|---|---|\n",
    );
    for key in KEYS {
        text.push_str(&row(key));
    }
    text
}

fn row(key: &Key) -> String {
    let code = |text: &str| format!("`{text}`");
    let name = if key.is_secret { "(secret)".to_owned() } else { code(key.name) };
    let variable = key.variable.map_or_else(String::new, code);
    let default = key.default.map_or_else(String::new, code);
    format!("| {name} | {variable} | {default} | {} |\n", key.about)
}

fn reasons() -> String {
    let mut text = String::from(
        "# Reasons\n\n\
         Made by `cargo xtask docs` from the table in the code. A job that was skipped or held, and an event that was\n\
         skipped, always carries one of these.\n\n\
         | code | what it says | what would change it |\n|---|---|---|\n",
    );
    text.extend(Reason::ALL.iter().map(|reason| {
        format!("| `{}` | {} | {} |\n", reason.code(), reason.sentence(), reason.what_would_change_it())
    }));
    text
}

fn doctor() -> String {
    let mut text = String::from(
        "# Faults that `doctor` knows\n\n\
         Made by `cargo xtask docs` from the table in the code. `so-connector doctor` changes nothing, says next to nothing\n\
         when all is well, and ends with status 5 when it found something; `-v` shows every check, `--json` is for programs,\n\
         `--report FILE` writes a report without secrets.\n\n\
         | code | gravity | cause | what to do |\n|---|---|---|---|\n",
    );
    text.extend(Code::ALL.iter().map(|code| {
        let gravity = code.severity().as_str();
        format!("| `{}` | {gravity} | {} | {} |\n", code.as_str(), code.cause(), code.remedy())
    }));
    text
}

fn emulator() -> String {
    let mut text = String::from(
        "# Switches of the emulator\n\n\
         Made by `cargo xtask docs` from the table in the code. Where the vendor's documentation is silent, or says two\n\
         things, the emulator does not guess silently: the choice has a name and a default. `GET /_emulator/policy` shows\n\
         how they stand, `POST` sets those that the body names; see [the emulator](emulator.md).\n\n\
         | switch | default | what it changes | what is known |\n|---|---|---|---|\n",
    );
    text.extend(superoffice_emulator::SWITCHES.iter().map(|switch| {
        format!(
            "| `{}` | `{}` | {} | {} |\n",
            switch.name,
            switch.default_text(),
            switch.effect,
            switch.known
        )
    }));
    text
}
