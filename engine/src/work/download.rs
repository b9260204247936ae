//! Downloads what a recipe has pinned, and unpacks it into the store.

use pwb_cache::{Tree, TreeNode};

use super::{Context, Made};
use crate::error::{Error, Result};
use crate::event::Happening;
use crate::fetch::{Item, Limits, unpack};
use crate::recipe::{Origin, Pin, Unpack};

impl Context<'_> {
    pub(super) fn download(
        &self,
        from: &[Origin],
        pin: Pin,
        size: Option<u64>,
        how: &Unpack,
    ) -> Result<Made> {
        self.started(None);
        let fetched = self.fetcher.fetch(from, pin, &mut |progress| {
            self.tell(Happening::Fetched {
                bytes: progress.bytes,
                total: progress.total.or(size),
            });
        })?;
        for failure in &fetched.failures {
            self.tell(Happening::Warning(failure.to_string()));
        }
        let batch = self.store.batch();
        let put =
            |contents: Vec<u8>, executable| Ok::<_, Error>(batch.put_file(&contents, executable)?);
        let listing = unpack(&fetched.file, how, &Limits::default(), put)?;
        let mut tree = Tree::default();
        for (path, item) in listing {
            let node = match item {
                Item::File { digest, executable } => TreeNode::File { digest, executable },
                Item::Symlink(target) => TreeNode::Symlink(target),
                Item::Directory => TreeNode::Directory(Tree::default()),
            };
            tree.put(self.store, &path, node)?;
        }
        let tree = tree.save(&batch)?;
        Ok(Made::plain(tree, batch.finish()))
    }
}
