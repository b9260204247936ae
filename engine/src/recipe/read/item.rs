//! Reads lists whose items depend on options.

use super::super::code::Code;
use super::super::item::{Condition, Item, Items, Word};
use super::super::name::Reference;
use super::super::reader::{Raw, Reader};
use super::super::source::Spanned;
use super::super::syntax::{EachSyntax, UnlessSyntax, WhenSyntax};

impl<'a> Reader<'a, '_> {
    /// A list of `"text"`, `When(…)`, `Unless(…)`, `Each(…)`.
    pub(super) fn words(&mut self, raw: Raw<'a>) -> Items<Word> {
        self.items(raw, &mut |reader, item| match item.head() {
            _ if item.is_string() => reader.text(item).map(|text| Word::Text(text.value)),
            "Each" => {
                let EachSyntax(option) = reader.read(item)?;
                let name = reader.text(option)?;
                let option = reader.option_name(&name, name.span)?;
                reader.sink.uses.repeats.push(option.clone());
                Some(Word::Each(option))
            }
            _ => {
                reader.unknown_kind(item, "an item", &["\"text\"", "When", "Unless", "Each"]);
                None
            }
        })
    }

    /// A command: as [`Reader::words`], and the first is a text that is not empty.
    pub(super) fn command(&mut self, raw: Raw<'a>) -> Option<Items<Word>> {
        let words = self.words(raw);
        if !raw.is_list() {
            return None;
        }
        match words.0.first() {
            Some(Item::One(Word::Text(text))) if !text.is_empty() => return Some(words),
            // An item that could not be read has its own error.
            None if !self.list_quietly(raw).is_empty() => {}
            None => self.error(
                Code::Empty,
                self.span(raw),
                "the command is empty",
                "a program is wanted here",
            ),
            Some(_) => {
                let first = self
                    .list_quietly(raw)
                    .first()
                    .map_or(self.span(raw), |first| self.span(*first));
                self.error(
                    Code::WrongType,
                    first,
                    "the command has no program",
                    "the first item must be a text, the program's",
                );
            }
        }
        None
    }

    /// The command of a target or a node as one text or a list: the value of an environment variable.
    pub(super) fn variable(&mut self, raw: Raw<'a>) -> Option<Items<Word>> {
        if raw.is_list() {
            return Some(self.words(raw));
        }
        let text = self.text(raw)?;
        Some(Items(vec![Item::One(Word::Text(text.value))]))
    }

    /// A list of references, `When(…)`, `Unless(…)`.
    pub(super) fn layers(&mut self, raw: Option<Raw<'a>>) -> Items<Spanned<Reference>> {
        let Some(raw) = raw else {
            return Items::default();
        };
        self.items(raw, &mut |reader, item| {
            if item.is_string() || matches!(item.head(), "Only" | "Except") {
                return reader.reference(item);
            }
            let known = ["\"node\"", "Only", "Except", "When", "Unless"];
            reader.unknown_kind(item, "a layer", &known);
            None
        })
    }

    pub(super) fn items<T>(
        &mut self,
        raw: Raw<'a>,
        one: &mut impl FnMut(&mut Reader<'a, '_>, Raw<'a>) -> Option<T>,
    ) -> Items<T> {
        let mut items = Vec::new();
        for item in self.list(Some(raw)) {
            items.extend(match item.head() {
                "When" => self
                    .read(item)
                    .and_then(|WhenSyntax(option, list)| self.when(option, false, list, one)),
                "Unless" => self
                    .read(item)
                    .and_then(|UnlessSyntax(option, list)| self.when(option, true, list, one)),
                _ => one(self, item).map(Item::One),
            });
        }
        Items(items)
    }

    fn when<T>(
        &mut self,
        option: Raw<'a>,
        negated: bool,
        list: Raw<'a>,
        one: &mut impl FnMut(&mut Reader<'a, '_>, Raw<'a>) -> Option<T>,
    ) -> Option<Item<T>> {
        let items = self.items(list, one);
        let text = self.text(option)?;
        let (name, equals) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text.as_str(), None),
        };
        let option = self.option_name(name, text.span)?;
        let condition = Condition {
            option,
            equals,
            negated,
        };
        self.sink.uses.conditions.push(condition.clone());
        Some(Item::If(condition, items))
    }
}
