//! The project's own tasks: `cargo xtask test`, `bench`, `check`, `docs`, `fuzz`, `postgres`, `simulate`, `torture`.
//!
//! They need nothing but Rust and what they install themselves.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task talks to the person who runs it")]

use std::process::ExitCode;

mod bench;
mod cluster;
mod docs;
mod fuzz;
mod install;
mod ledger;
mod shell;
mod simulate;
mod test;
mod torture;

const USAGE: &str = "\
Usage: cargo xtask <TASK>

Tasks:
  test    Format check, lints, dependency check, and every test suite; installs what it needs
  check   The quick part of it: format check, lints and the tests of all crates but the whole product's
  bench   Measures the product against its goals, side by side in one run; --quick for a look
  docs    Writes the generated documents anew; with --check, says whether they are up to date
  fuzz    Looks for input that breaks what reads others' texts: [TARGET] [--seconds N] [--input FILE]
  simulate Runs the whole product in virtual time: [--seeds N] [--first F], [--replay SEED [--bug NAME]], or [--bugs]
  torture Kills the service again and again, for long, and adds to the ledger: [SUITE] [--rounds N]
  postgres -- COMMAND
          Runs a command with a PostgreSQL that is started for it and thrown away, named in SO_CONNECTOR_TEST_POSTGRES
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test"] => test::run(test::Extent::Everything),
        ["check"] => test::run(test::Extent::Quick),
        ["bench", rest @ ..] => bench::run(rest),
        ["docs", rest @ ..] => docs::run(rest),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["simulate", rest @ ..] => simulate::run(rest),
        ["torture", rest @ ..] => torture::run(rest),
        ["postgres", "--", program, rest @ ..] => match cluster::run(program, rest) {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
