//! Options of a recipe and the values they have in one realization. Knows nothing of nodes.

use std::collections::BTreeMap;
use std::fmt;

use super::name::OptionName;
use super::source::Span;

/// A declared option.
#[derive(Debug, Clone)]
pub struct OptionSpec {
    /// Its full name.
    pub name: OptionName,
    /// What it may be set to, and its value when nobody sets it.
    pub kind: OptionKind,
    /// One line for `pwb show`; may be empty.
    pub help: String,
    /// Where its name is written.
    pub span: Span,
}

/// What an option may be set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionKind {
    /// `true` or `false`.
    Flag {
        /// When nobody sets it.
        default: bool,
    },
    /// One of several words.
    Choice {
        /// The words; never empty, no two alike.
        values: Vec<String>,
        /// When nobody sets it; one of `values`.
        default: String,
    },
    /// Any number of texts.
    List {
        /// When nobody sets it.
        default: Vec<String>,
    },
}

impl OptionKind {
    /// `flag`, `choice` or `list`.
    pub fn noun(&self) -> &'static str {
        match self {
            OptionKind::Flag { .. } => "flag",
            OptionKind::Choice { .. } => "choice",
            OptionKind::List { .. } => "list",
        }
    }

    /// The value when nobody sets it.
    pub fn default(&self) -> Value {
        match self {
            OptionKind::Flag { default } => Value::Flag(*default),
            OptionKind::Choice { default, .. } => Value::Choice(default.clone()),
            OptionKind::List { default } => Value::List(default.clone()),
        }
    }

    /// The value that one text stands for; an empty text is the empty list. None where the option cannot have it.
    pub(super) fn read(&self, text: &str) -> Option<Value> {
        match self {
            OptionKind::Flag { .. } => text.parse().ok().map(Value::Flag),
            OptionKind::Choice { values, .. } => values
                .iter()
                .any(|value| value == text)
                .then(|| Value::Choice(text.to_owned())),
            OptionKind::List { .. } if text.is_empty() => Some(Value::List(Vec::new())),
            OptionKind::List { .. } => Some(Value::List(vec![text.to_owned()])),
        }
    }

    /// The texts that [`OptionKind::read`] takes; empty where it takes any.
    pub(super) fn allowed(&self) -> Vec<&str> {
        match self {
            OptionKind::Flag { .. } => vec!["true", "false"],
            OptionKind::Choice { values, .. } => values.iter().map(String::as_str).collect(),
            OptionKind::List { .. } => Vec::new(),
        }
    }
}

/// What an option is set to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Of a flag.
    Flag(bool),
    /// Of a choice.
    Choice(String),
    /// Of a list.
    List(Vec<String>),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Flag(value) => write!(f, "{value}"),
            Value::Choice(value) => f.write_str(value),
            Value::List(values) => f.write_str(&values.join(" ")),
        }
    }
}

/// The values of all of a library's options in one realization. Made by [`super::Library::values`] only,
/// so it has a value of the right kind for every option that a checked node can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values(pub(super) BTreeMap<OptionName, Value>);

impl Values {
    /// The value of one option.
    pub fn get(&self, option: &OptionName) -> Option<&Value> {
        self.0.get(option)
    }

    /// Sets an option; a repeated setting adds to a list.
    pub(super) fn set(&mut self, option: &OptionName, value: Value, repeated: bool) {
        match (self.0.get_mut(option), value) {
            (Some(Value::List(texts)), Value::List(more)) if repeated => texts.extend(more),
            (_, value) => drop(self.0.insert(option.clone(), value)),
        }
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&OptionName, &Value)> {
        self.0.iter()
    }
}
