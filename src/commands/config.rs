//! `pwb config`: the settings, a line each.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::say;
use crate::cli::{self, Cli};
use crate::report::Failure;
use crate::settings::{self, Setting};

pub fn run(cli: &Cli, arguments: &cli::Config) -> Result<ExitCode, Failure> {
    let settings = settings::all(cli, &arguments.sharing)?;
    if arguments.json {
        say(settings.iter().map(to_json).collect::<Value>());
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<[String; 2]> = settings.iter().map(row).collect();
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or_default()
    };
    let (keys, values) = (width(0), width(1));
    for ([key, value], setting) in rows.iter().zip(&settings) {
        say(format_args!(
            "{key:keys$}  {value:values$}  {}",
            setting.from
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn row(setting: &Setting) -> [String; 2] {
    let value = match &setting.value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    [setting.key.clone(), value]
}

fn to_json(setting: &Setting) -> Value {
    json!({
        "key": setting.key,
        "value": setting.value,
        "from": setting.from,
        "variable": setting.variable,
    })
}
