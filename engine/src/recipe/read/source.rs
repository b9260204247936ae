//! Reads a `Source` node.

use ignore::gitignore::GitignoreBuilder;

use super::super::code::Code;
use super::super::node::SourceFolder;
use super::super::reader::{Raw, Reader};
use super::super::source::Spanned;
use super::super::syntax::SourceSyntax;

impl<'a> Reader<'a, '_> {
    pub(super) fn source_folder(&mut self, raw: Raw<'a>) -> Option<SourceFolder> {
        let shape: SourceSyntax<'a> = self.read(raw)?;
        let ignore = self.list(shape.ignore);
        let ignore = ignore
            .into_iter()
            .filter_map(|pattern| self.ignored(pattern))
            .collect();
        let path = self.filled(shape.path, "the path")?;
        Some(SourceFolder {
            path: path.value,
            ignore,
        })
    }

    /// A line as of a `.gitignore`.
    fn ignored(&mut self, raw: Raw<'a>) -> Option<Spanned<String>> {
        let pattern = self.filled(raw, "the pattern")?;
        match GitignoreBuilder::new("").add_line(None, &pattern) {
            Ok(_) => Some(pattern),
            Err(error) => {
                let message = format!("`{pattern}` is not a pattern of paths");
                self.error(Code::BadPattern, pattern.span, message, error.to_string());
                None
            }
        }
    }
}
