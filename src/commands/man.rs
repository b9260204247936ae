//! `pwb man`: the manual, made from the same texts as `--help`.

use std::path::Path;
use std::process::ExitCode;

use clap::builder::Resettable;
use clap::{Command, CommandFactory};
use roff::{Roff, bold, roman};

use super::say;
use crate::cli::{Cli, Man};
use crate::exit;
use crate::report::Failure;

pub fn run(arguments: &Man) -> Result<ExitCode, Failure> {
    let mut pwb = Cli::command();
    pwb.build();
    match &arguments.folder {
        None => say(page(&pwb).1.trim_end()),
        Some(folder) => {
            let failed = |error| Failure::io("write pages into", folder, &error);
            std::fs::create_dir_all(folder).map_err(failed)?;
            write(&pwb, folder).map_err(failed)?;
            say(folder.join("pwb.1").display());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The page of a command, and those of the commands below it.
fn write(command: &Command, folder: &Path) -> std::io::Result<()> {
    let (name, text) = page(command);
    std::fs::write(folder.join(name), text)?;
    command
        .get_subcommands()
        .try_for_each(|below| write(below, folder))
}

/// The page's file name and text.
fn page(command: &Command) -> (String, String) {
    let is_top = command.get_name() == "pwb";
    // The exit codes have a section of their own here.
    let command = command.clone().after_help(Resettable::Reset);
    // A day would have to be kept up to date; an empty text would be taken for no argument at all.
    let page = clap_mangen::Man::new(command)
        .date(" ")
        .source(concat!("pwb ", env!("CARGO_PKG_VERSION")))
        .manual("User Commands");
    let mut text = Vec::new();
    // Memory takes all that is written.
    let _ = page.render(&mut text);
    let mut text = String::from_utf8_lossy(&text).into_owned();
    if is_top {
        text += &exit_status();
    }
    (page.get_filename(), text)
}

fn exit_status() -> String {
    let mut section = Roff::new();
    section.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in exit::CODES {
        section.control("TP", []);
        section.text([bold(code)]).text([roman(meaning)]);
    }
    section.to_roff()
}
