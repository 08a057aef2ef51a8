//! `doctor`: says what is wrong and what to do. Changes nothing; without faults it says next to nothing.

use crate::cli::{Cli, DoctorArgs};
use crate::config::sources::Values;
use crate::doctor::{examine, report};
use crate::failure::{Failure, Status};
use crate::format::{print, print_json, say};

pub(super) async fn run(cli: &Cli, args: &DoctorArgs) -> Result<(), Failure> {
    let exam = examine(&cli.config, args.write_test).await;
    if let Some(file) = &args.report {
        let text = report::in_full(&exam, Values::load(&cli.config).ok().as_ref());
        std::fs::write(file, text).map_err(|error| {
            Failure::general(error).help(format!("{} could not be written", file.display()))
        })?;
        say(&format!("The report is in {}. Read it before you give it away.", file.display()));
    }
    let count = exam.findings().count();
    if cli.json {
        print_json(&report::as_json(&exam));
    } else {
        let lines = report::as_lines(&exam, cli.verbose > 0 || count > 0);
        if !lines.is_empty() {
            print(&lines.join("\n"));
        }
    }
    if count == 0 {
        return Ok(());
    }
    let words = if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") };
    Err(Failure::words(Status::Findings, words))
}
