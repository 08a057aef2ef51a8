//! Questions and their answers: from a file, from the terminal, or from what is configured already.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use inquire::{Confirm, InquireError, Password, PasswordDisplayMode, Select, Text};
use superoffice::{Client, Credentials};

use super::answers::Answers;
use super::files;
use super::guard::Guard;
use super::step::{Step, interrupted};
use crate::cli::{Cli, SetupArgs};
use crate::config::sources::Values;
use crate::config::{Config, Tenant};
use crate::failure::{Failure, Status};
use crate::format::say;
use crate::remote;
use crate::wire;

/// Never written to a file: it is kept sealed.
const NOT_SAVED: &[&str] = &["superoffice.refresh_token"];
/// Taken up only once a sign-in with them has worked.
const SIGN_IN: &[&str] =
    &["superoffice.refresh_token", "superoffice.system_token", "superoffice.private_key_file"];

/// One question.
pub(super) struct Question {
    /// The key of its answer.
    pub(super) key: &'static str,
    pub(super) words: &'static str,
    /// Where to find the answer.
    pub(super) help: &'static str,
}

/// The conversation.
#[expect(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
pub(super) struct Talk {
    /// As it is configured, with the answers over it.
    values: Values,
    answers: Answers,
    /// Whether somebody sits there who can be asked.
    asks: bool,
    yes: bool,
    pub(super) dry_run: bool,
    pub(super) guard: Guard,
    /// What differs from the files.
    unsaved: Vec<(&'static str, String)>,
    has_saved: bool,
    /// The only step that is taken.
    pub(super) only: Option<Step>,
    /// Whether the service is found to run.
    pub(super) service_runs: bool,
    toml: PathBuf,
    /// As whom somebody signed in during this run.
    signed_in: Option<Credentials>,
    client: Option<Client>,
}

impl Talk {
    pub(super) fn new(
        cli: &Cli,
        args: &SetupArgs,
        values: Values,
        answers: Answers,
        guard: Guard,
    ) -> Result<Self, Failure> {
        let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let asks = !args.non_interactive && args.from.is_none() && !cli.json;
        if asks && !terminal {
            return Err(Failure::words(Status::Usage, "setup asks questions, and nobody is there to answer")
                .help(
                    "give the answers with --from FILE, or use --non-interactive to go by what is configured",
                ));
        }
        let mut talk = Self {
            values,
            answers,
            asks,
            yes: args.yes,
            dry_run: args.dry_run,
            guard,
            unsaved: Vec::new(),
            has_saved: false,
            only: args.only,
            service_runs: false,
            toml: cli.config.clone(),
            signed_in: None,
            client: None,
        };
        let given: Vec<(&'static str, String)> =
            talk.answers.configuration().map(|(key, value)| (key, value.to_owned())).collect();
        for (key, value) in given.into_iter().filter(|(key, _)| !SIGN_IN.contains(key)) {
            talk.set(key, &value);
        }
        Ok(talk)
    }

    /// What is configured or answered by now.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        self.answers.get(key).or_else(|| self.values.get(key).map(|(value, _)| value))
    }

    /// What the file of answers says.
    pub(super) fn answered(&self, key: &str) -> Option<&str> {
        self.answers.get(key)
    }

    /// Asks for a text that only somebody who sits there can know.
    pub(super) fn ask_once(&self, key: &str, words: &str, help: &str) -> Result<String, Failure> {
        if !self.asks {
            return Err(Failure::words(Status::Usage, format!("nobody is there to answer: {words}"))
                .help(format!("choose another {key}")));
        }
        let prompt = Text::new(words).with_help_message(help);
        Ok(asked(|| prompt.prompt())?.trim().to_owned())
    }

    /// Whether somebody sits there.
    pub(super) const fn asks(&self) -> bool {
        self.asks
    }

    /// Takes an answer; an empty one unsets the key. What differs from what is configured is saved with [`Self::save`].
    pub(super) fn set(&mut self, key: &'static str, value: &str) {
        if NOT_SAVED.contains(&key) && !value.is_empty() {
            return;
        }
        if self.values.get(key).map(|(known, _)| known) == Some(value) {
            return;
        }
        if value.is_empty() && self.values.get(key).is_none() {
            return;
        }
        self.values.answer(key, value);
        self.unsaved.retain(|(known, _)| *known != key);
        self.unsaved.push((key, value.to_owned()));
        self.client = None;
    }

    /// Asks for a text. `check` says what is wrong with one.
    pub(super) fn text(
        &self,
        question: &Question,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<String, Failure> {
        let present = self.value(question.key).unwrap_or_default().to_owned();
        if !self.asks || self.answers.get(question.key).is_some() {
            return given(question, present, check);
        }
        loop {
            let mut prompt = Text::new(question.words).with_help_message(question.help);
            if check("").is_ok() {
                // Nothing is an answer too, so the present one has to be taken away to give it.
                prompt = prompt.with_initial_value(&present);
            } else if !present.is_empty() {
                prompt = prompt.with_default(&present);
            }
            let text = asked(|| prompt.prompt())?.trim().to_owned();
            match check(&text) {
                Ok(()) => return Ok(text),
                Err(words) => say(&format!("  ! {words}")),
            }
        }
    }

    /// Asks for a secret. One that is there already is kept by an empty answer.
    pub(super) fn secret(&self, question: &Question) -> Result<String, Failure> {
        let present = self.value(question.key).unwrap_or_default().to_owned();
        let wanted = |text: &str| if text.is_empty() { Err("it is missing".to_owned()) } else { Ok(()) };
        if !self.asks || self.answers.get(question.key).is_some() {
            return given(question, present, wanted);
        }
        let help = if present.is_empty() {
            question.help.to_owned()
        } else {
            format!("{}; Enter keeps the present one", question.help)
        };
        loop {
            let prompt = Password::new(question.words)
                .with_help_message(&help)
                .with_display_mode(PasswordDisplayMode::Masked)
                .without_confirmation();
            let text = asked(|| prompt.prompt())?.trim().to_owned();
            let text = if text.is_empty() { present.clone() } else { text };
            if wanted(&text).is_ok() {
                return Ok(text);
            }
            say("  ! it is needed");
        }
    }

    /// Asks for one of several. Each is a value and its words.
    pub(super) fn choose(
        &self,
        question: &Question,
        options: &[(&str, &str)],
        default: &str,
    ) -> Result<String, Failure> {
        let present = self.value(question.key).unwrap_or(default).to_owned();
        let is_one = |text: &str| {
            let known: Vec<&str> = options.iter().map(|(value, _)| *value).collect();
            if known.contains(&text) { Ok(()) } else { Err(format!("one of {} is wanted", known.join(", "))) }
        };
        if !self.asks || self.answers.get(question.key).is_some() {
            return given(question, present, is_one);
        }
        let words: Vec<&str> = options.iter().map(|(_, words)| *words).collect();
        let at = options.iter().position(|(value, _)| *value == present).unwrap_or(0);
        let prompt =
            Select::new(question.words, words).with_starting_cursor(at).with_help_message(question.help);
        let chosen = asked(|| prompt.raw_prompt())?.index;
        Ok(options[chosen].0.to_owned())
    }

    /// Whether a yes is asked for that nothing hangs on when nobody is there.
    pub(super) fn has_to_agree(&self, key: &str) -> bool {
        self.asks || self.answers.get(key).is_some()
    }

    /// Asks for a yes. Without one nothing is done.
    pub(super) fn agree(&self, key: &'static str, words: &str) -> Result<bool, Failure> {
        if self.yes {
            return Ok(true);
        }
        match self.answers.get(key) {
            Some("true") => return Ok(true),
            Some("false") => return Ok(false),
            Some(_) => {
                return Err(Failure::words(Status::Usage, format!("{key}: true or false is wanted")));
            }
            None => {}
        }
        if !self.asks {
            return Err(Failure::words(Status::Usage, format!("nobody is there to answer: {words}"))
                .help(format!("set {key} = true in the file of answers, or give --yes")));
        }
        let prompt = Confirm::new(words).with_default(false);
        asked(|| prompt.prompt())
    }

    /// The configuration with the answers so far.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        Config::read(&self.values).map_err(|error| Failure::new(Status::Failed, error))
    }

    /// Writes what is new of a step's answers to `.env` and to the configuration file, each at once. Says whether
    /// anything was.
    pub(super) fn save(&mut self, step: Step) -> Result<bool, Failure> {
        let (own, others): (Vec<_>, Vec<_>) =
            self.unsaved.iter().cloned().partition(|(key, _)| Step::of_key(key) == step);
        if own.is_empty() || self.dry_run {
            return Ok(false);
        }
        files::save(Path::new(".env"), &self.toml, &own)?;
        self.unsaved = others;
        self.has_saved = true;
        Ok(true)
    }

    /// Whether anything was saved that a running service does not know yet.
    pub(super) const fn has_saved(&self) -> bool {
        self.has_saved
    }

    /// Tells somebody who sits there what went wrong, so that the question can be asked again.
    pub(super) fn tell(failure: &Failure) {
        say(&format!("  ! {}", failure.message()));
        if let Some(help) = failure.advice() {
            say(&format!("    {help}"));
        }
    }

    /// Signs in like this from now on.
    pub(super) fn sign_in_with(&mut self, credentials: Credentials) {
        self.signed_in = Some(credentials);
        self.client = None;
    }

    /// The client for the tenant, signed in as far as anybody is.
    pub(super) fn client(&mut self) -> Result<Client, Failure> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let config = self.config()?;
        let tenant: &Tenant = remote::tenant(&config)?;
        let client = match &self.signed_in {
            Some(credentials) => wire::client_with(&config, tenant, credentials.clone())?,
            None => wire::client(&config, tenant)?,
        };
        self.client = Some(client.clone());
        Ok(client)
    }
}

/// Takes what is there, when it will do.
fn given(
    question: &Question,
    present: String,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<String, Failure> {
    check(&present).map_err(|words| {
        let variable = crate::config::keys::find(question.key).and_then(|key| key.variable);
        let elsewhere = variable.map_or_else(String::new, |name| format!(", or {name} in .env"));
        Failure::words(Status::Usage, format!("{}: {words}", question.key))
            .help(format!("set {} in the file of answers{elsewhere}", question.key))
    })?;
    Ok(present)
}

/// Lets somebody who sits there choose one of several by its place.
pub(super) fn pick(words: &str, options: Vec<String>) -> Result<usize, Failure> {
    let prompt = Select::new(words, options);
    Ok(asked(|| prompt.raw_prompt())?.index)
}

/// Shows a prompt on a thread that may wait.
fn asked<T>(prompt: impl FnOnce() -> Result<T, InquireError>) -> Result<T, Failure> {
    match tokio::task::block_in_place(prompt) {
        Ok(answer) => Ok(answer),
        Err(InquireError::OperationCanceled | InquireError::OperationInterrupted) => Err(interrupted()),
        Err(error) => Err(Failure::words(Status::Failed, format!("the terminal cannot be asked: {error}"))),
    }
}
