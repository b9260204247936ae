//! What pwb ends with. `pwb --help`, the manual and `docs/exit-codes.md` have the same table.

use std::process::ExitCode;

use pwb_sandbox::Status;

use crate::cli::Command;

/// The codes, and what they say.
pub const CODES: [(&str, &str); 7] = [
    ("0", "What was asked for is done."),
    (
        "1",
        "It is not: something could not be built, a test ended otherwise than expected, something is missing or damaged. \
         Of diff: something differs.",
    ),
    (
        "2",
        "The command line is wrong. Of diff: the two could not be compared.",
    ),
    (
        "3",
        "Of realize --check: a command came out otherwise, or failed this time.",
    ),
    (
        "125",
        "Of run and shell: pwb itself failed, not the program.",
    ),
    (
        "129, 130, 143",
        "SIGHUP, SIGINT (Ctrl-C) or SIGTERM ended pwb, which dies of it: this is what shells show.",
    ),
    (
        "others",
        "Of run and shell: what the program ended with, 128 + N if signal N killed it.",
    ),
];

/// Of commands that ran again, some came out otherwise.
pub const DIFFERENT: u8 = 3;

/// What a command ends with that could not do its work. Where 1 has another meaning it is another code.
pub fn of_failure(command: &Command) -> ExitCode {
    ExitCode::from(match command {
        Command::Diff(_) => 2,
        Command::Run(_) | Command::Shell(_) => 125,
        _ => 1,
    })
}

/// What pwb ends with where it stands for a program: the same, as shells do it.
pub fn of_program(status: Status) -> ExitCode {
    match status {
        Status::Code(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Status::Signal(signal) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(1)),
        Status::TimedOut => ExitCode::FAILURE,
    }
}

/// The table, for the end of `pwb --help`.
pub fn help() -> String {
    let rows = CODES.map(|(code, meaning)| format!("  {code}\n          {meaning}\n"));
    format!("Exit codes:\n{}", rows.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_all_codes() {
        let page = include_str!("../docs/exit-codes.md");
        for (code, meaning) in CODES {
            let row = format!("| {code} | {meaning} |");
            assert!(page.contains(&row), "docs/exit-codes.md lacks\n{row}");
        }
    }
}
