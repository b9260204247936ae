//! Names of nodes and options, and references to a node's result. Knows nothing of which names exist.

use std::fmt;

use pwb_cache::Filter;

use super::path::SandboxPath;

/// What a name may be made of, for messages.
pub(super) const NAME_RULE: &str = "a name is made of ASCII letters, digits, `.`, `_`, `+` and `-`, and begins with a letter, a digit or `_`";

/// Whether a text is one part of a name.
pub(super) fn is_name(text: &str) -> bool {
    let first = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    first
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b))
}

macro_rules! qualified {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// A full name, `recipe/name`. None where it has no `/`, or a part of it is no name.
            pub fn parse(full: &str) -> Option<$name> {
                (full.contains('/') && full.split('/').all(is_name)).then(|| $name(full.to_owned()))
            }

            /// A name as written in a recipe: full, or short for one of the recipe's own.
            pub(super) fn resolve(recipe: &str, written: &str) -> Option<$name> {
                if written.contains('/') {
                    $name::parse(written)
                } else {
                    $name::parse(&format!("{recipe}/{written}"))
                }
            }

            /// The full name.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The recipe's part: `ports` of `ports/zlib`.
            pub fn recipe(&self) -> &str {
                self.0.rsplit_once('/').map_or("", |(recipe, _)| recipe)
            }

            /// The last part: `zlib` of `ports/zlib`.
            pub fn name(&self) -> &str {
                self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

qualified!(
    /// The full name of a node: the path of its recipe below the recipes folder, `/`, its name there.
    NodeName
);
qualified!(
    /// The full name of an option: the path of its recipe below the recipes folder, `/`, its name there.
    OptionName
);

impl NodeName {
    /// As a recipe would write it: short for one of its own.
    pub(super) fn written_in(&self, recipe: &str) -> &str {
        if self.recipe() == recipe {
            self.name()
        } else {
            &self.0
        }
    }
}

/// A node's result, or a part of it: `ports/zlib`, `ports/zlib:/usr`, `Only("ports/zlib:/usr", ["**/*.h"])`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The node.
    pub node: NodeName,
    /// A directory in its result; absent: the whole result.
    pub path: Option<SandboxPath>,
    /// What of that; absent: all.
    pub filter: Option<Filter>,
}

impl Reference {
    /// As a recipe would write it: short for one of its own nodes.
    pub(super) fn written_in(&self, recipe: &str) -> String {
        let node = self.node.written_in(recipe);
        self.path
            .as_ref()
            .map_or_else(|| node.to_owned(), |path| format!("{node}:{path}"))
    }
}

/// Without the filter, as `wins` names a layer.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}:{path}", self.node),
            None => write!(f, "{}", self.node),
        }
    }
}
