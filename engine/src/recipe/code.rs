//! The kinds of findings, for editors and scripts: messages may be reworded, these stay.

use std::fmt;

macro_rules! codes {
    ($($(#[doc = $about:literal])+ $name:ident = $text:literal,)+) => {
        /// What kind of finding it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $about])+ $name,)+
        }

        impl Code {
            /// All of them.
            pub const ALL: &[Code] = &[$(Code::$name),+];

            /// `unknown-node`
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Code::$name => $text,)+
                }
            }

            /// One sentence.
            pub fn about(self) -> &'static str {
                match self {
                    $(Code::$name => concat!($($about),+).trim_ascii(),)+
                }
            }
        }
    };
}

codes! {
    /// A text that is not RON, or not UTF-8.
    Syntax = "syntax",
    /// A value of another type than is wanted.
    WrongType = "wrong-type",
    /// A field that its thing does not have.
    UnknownField = "unknown-field",
    /// A field that its thing must have.
    MissingField = "missing-field",
    /// A name or a field that is there a second time.
    Repeated = "repeated",
    /// Nothing, where something is wanted.
    Empty = "empty",
    /// A word that no node, option, item or place begins with.
    UnknownKind = "unknown-kind",
    /// A text that cannot be a name.
    BadName = "bad-name",
    /// A node that is not there.
    UnknownNode = "unknown-node",
    /// A recipe that is not there.
    UnknownRecipe = "unknown-recipe",
    /// An option that is not there.
    UnknownOption = "unknown-option",
    /// A target that is not there.
    UnknownTarget = "unknown-target",
    /// A directory that no output of the node has.
    UnknownOutput = "unknown-output",
    /// In `wins`, what is neither a layer nor a package of the root.
    UnknownWinner = "unknown-winner",
    /// A node or an option, used as what it is not.
    WrongUse = "wrong-use",
    /// A value that this cannot have.
    BadValue = "bad-value",
    /// A path that is not clean, or not allowed there.
    BadPath = "bad-path",
    /// A malformed pattern.
    BadPattern = "bad-pattern",
    /// A malformed digest.
    BadDigest = "bad-digest",
    /// A place that nothing can be fetched from.
    BadPlace = "bad-place",
    /// Paths of which one is the other, or lies in it.
    Collision = "collision",
    /// Nodes that need each other.
    Cycle = "cycle",
    /// A file that is not in the recipes folder.
    MissingFile = "missing-file",
    /// A lock file that does not have what its root wants.
    StaleLock = "stale-lock",
    /// What nothing uses: a warning.
    Unused = "unused",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
