//! Reads a `Source` node.

use super::super::node::SourceFolder;
use super::super::reader::{Raw, Reader};
use super::super::syntax::SourceSyntax;

impl<'a> Reader<'a, '_> {
    pub(super) fn source_folder(&mut self, raw: Raw<'a>) -> Option<SourceFolder> {
        let shape: SourceSyntax<'a> = self.read(raw)?;
        let ignore = self.list(shape.ignore);
        let ignore = ignore
            .into_iter()
            .filter_map(|pattern| self.filled(pattern, "the pattern"))
            .collect();
        let path = self.filled(shape.path, "the path")?;
        Some(SourceFolder {
            path: path.value,
            ignore,
        })
    }
}
