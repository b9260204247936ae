//! Why a call is not remembered.

use std::fmt;

/// Why a call ran and is not remembered.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Reason {
    /// The launcher stands where no compiler was.
    Unknown,
    /// It may read its standard input.
    Input,
    /// It has been given an open file to read.
    Inherits,
    /// Its output is a terminal, or stranger still.
    Output,
    /// It was killed.
    Killed,
    /// It failed in a way that may not repeat itself.
    Machine,
    /// What it read changed while it ran.
    Changed,
    /// It removed, or made something else of, what was there before.
    Removed,
    /// It moved a folder with what is in it.
    Moved,
    /// What it read says when it was compiled, or when the file was written.
    Time,
    /// A path that is not UTF-8, or has a line break in it.
    Path,
    /// It met a fifo or a socket, or made something that is neither a file, a folder nor a link.
    Special,
    /// It did something that no list of files can tell.
    Beyond(&'static str),
    /// What it came to could not be written to the store, or read from it.
    Store,
    /// It ended before what it had started.
    Outlived,
    /// It is part of another call.
    Nested,
    /// Its launcher died.
    Lost,
    /// There are too many at once, or too many threads.
    Crowd,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Unknown => "no compiler stands at its path",
            Reason::Input => "it may read standard input",
            Reason::Inherits => "it may read an open file that it was given",
            Reason::Output => "its output is a terminal or a device",
            Reason::Killed => "a signal killed it",
            Reason::Machine => "it failed for want of memory, space or permission, or crashed",
            Reason::Changed => "a file changed while it was read",
            Reason::Removed => "it removed or replaced what was there",
            Reason::Moved => "it moved a folder, or another process wrote into one that it made",
            Reason::Time => "__DATE__, __TIME__ or __TIMESTAMP__ is in what it read",
            Reason::Path => "a path is not plain UTF-8",
            Reason::Special => {
                "it used a fifo or socket, or made something other than a file, folder or link"
            }
            Reason::Beyond(why) => why,
            Reason::Store => "the store could not be read or written",
            Reason::Outlived => "what it started lives on",
            Reason::Nested => "another call runs it",
            Reason::Lost => "its caller killed it",
            Reason::Crowd => "too many calls or threads at once",
        })
    }
}
