//! Lists whose items depend on options: `"text"`, `When(…)`, `Unless(…)`, `Each(…)`.
//! Knows what to do with values; not whether the options exist (`check` saw to that).

use super::name::OptionName;
use super::option::{Value, Values};
use super::source::Spanned;

/// A list, some of whose items stand under a condition.
#[derive(Debug, Clone)]
pub struct Items<T>(pub(super) Vec<Item<T>>);

/// An item of such a list.
#[derive(Debug, Clone)]
pub enum Item<T> {
    /// Always there.
    One(T),
    /// There while the condition holds: `When` and `Unless`.
    If(Condition, Items<T>),
}

/// Whether an option has a value.
#[derive(Debug, Clone)]
pub struct Condition {
    /// The option.
    pub option: Spanned<OptionName>,
    /// The value of a choice: `When("opt=0", …)`. Absent: the option is a flag.
    pub equals: Option<String>,
    /// `Unless`.
    pub negated: bool,
}

impl Condition {
    /// Whether it holds.
    pub fn holds(&self, values: &Values) -> bool {
        let is = match (values.get(&self.option), &self.equals) {
            (Some(Value::Flag(flag)), None) => *flag,
            (Some(Value::Choice(value)), Some(wanted)) => value == wanted,
            _ => false,
        };
        is != self.negated
    }
}

/// An item of a command or of an environment variable.
#[derive(Debug, Clone)]
pub enum Word {
    /// Itself.
    Text(String),
    /// `Each`: all texts of a list option.
    Each(Spanned<OptionName>),
}

impl<T> Items<T> {
    /// The items whose conditions hold, in order.
    pub fn selected(&self, values: &Values) -> Vec<&T> {
        let mut found = Vec::new();
        self.walk(&mut |condition| condition.holds(values), &mut |item| {
            found.push(item)
        });
        found
    }

    /// All items, whatever the values, in order.
    pub fn all(&self) -> Vec<&T> {
        let mut found = Vec::new();
        self.walk(&mut |_| true, &mut |item| found.push(item));
        found
    }

    /// All conditions, in order.
    pub fn conditions(&self) -> Vec<&Condition> {
        self.0
            .iter()
            .filter_map(|item| match item {
                Item::One(_) => None,
                Item::If(condition, items) => Some((condition, items)),
            })
            .flat_map(|(condition, items)| std::iter::once(condition).chain(items.conditions()))
            .collect()
    }

    fn walk<'a>(
        &'a self,
        enter: &mut impl FnMut(&Condition) -> bool,
        found: &mut impl FnMut(&'a T),
    ) {
        for item in &self.0 {
            match item {
                Item::One(one) => found(one),
                Item::If(condition, items) => {
                    if enter(condition) {
                        items.walk(enter, found);
                    }
                }
            }
        }
    }
}

impl Items<Word> {
    /// The texts that the list stands for.
    pub fn expand(&self, values: &Values) -> Vec<String> {
        let texts = |word: &Word| match word {
            Word::Text(text) => vec![text.clone()],
            Word::Each(option) => match values.get(option) {
                Some(Value::List(texts)) => texts.clone(),
                _ => Vec::new(),
            },
        };
        self.selected(values).into_iter().flat_map(texts).collect()
    }

    /// The texts joined by spaces: the value of an environment variable.
    pub fn join(&self, values: &Values) -> String {
        self.expand(values).join(" ")
    }

    /// The list options that it repeats.
    pub(super) fn repeated(&self) -> Vec<&Spanned<OptionName>> {
        let option = |word| match word {
            &Word::Text(_) => None,
            Word::Each(option) => Some(option),
        };
        self.all().into_iter().filter_map(option).collect()
    }
}

impl<T> Default for Items<T> {
    fn default() -> Items<T> {
        Items(Vec::new())
    }
}
