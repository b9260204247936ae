//! Reads the declaration of an option.

use std::collections::BTreeMap;

use super::super::code::Code;
use super::super::option::OptionKind;
use super::super::reader::{Raw, Reader};
use super::super::suggest;
use super::super::syntax::{ChoiceSyntax, FlagSyntax, ListSyntax};

impl<'a> Reader<'a, '_> {
    pub(super) fn option(&mut self, raw: Raw<'a>) -> Option<(OptionKind, String)> {
        match raw.head() {
            "Flag" => {
                let FlagSyntax { help, default } = self.read(raw)?;
                let default = match default {
                    Some(default) => self.read(default)?,
                    None => false,
                };
                Some((OptionKind::Flag { default }, self.text_or_empty(help)))
            }
            "Choice" => self.choice(raw),
            "List" => {
                let ListSyntax { help, default } = self.read(raw)?;
                let default = self
                    .texts(default)
                    .into_iter()
                    .map(|text| text.value)
                    .collect();
                Some((OptionKind::List { default }, self.text_or_empty(help)))
            }
            _ => {
                self.unknown_kind(raw, "an option", &["Flag", "Choice", "List"]);
                None
            }
        }
    }

    fn choice(&mut self, raw: Raw<'a>) -> Option<(OptionKind, String)> {
        let ChoiceSyntax {
            values,
            default,
            help,
        } = self.read(raw)?;
        let help = self.text_or_empty(help);
        let texts = self.texts(Some(values));
        if texts.is_empty() {
            self.error(
                Code::Empty,
                self.span(values),
                "a choice of nothing",
                "at least one value is wanted here",
            );
            return None;
        }
        let mut first = BTreeMap::new();
        for text in &texts {
            if let Some(first) = first.insert(text.value.as_str(), text.span) {
                self.twice("value", text, first);
            }
        }
        let default = self.text(default)?;
        let values: Vec<_> = texts.into_iter().map(|text| text.value).collect();
        if !values.contains(&default.value) {
            let message = format!("the default `{default}` is not one of the values");
            let known = values.iter().map(String::as_str);
            let error = self
                .sink
                .finding(Code::BadValue, default.span, message, "")
                .help(suggest::help(&default, known));
            self.sink.add(error);
            return None;
        }
        Some((
            OptionKind::Choice {
                values,
                default: default.value,
            },
            help,
        ))
    }
}
