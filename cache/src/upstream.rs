//! A shared cache as the store sees it: where results and objects may be had that are not here.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::Arc;

use crate::digest::Digest;
use crate::directory::{Directory, Entry, TreeDigest};
use crate::error::{Error, Result};
use crate::key::ActionKey;
use crate::origin::Origin;
use crate::path::DEEPEST;
use crate::result::ActionResult;
use crate::store::Store;

/// Another store, behind this one. It is never in the way: what it does not have, or cannot give, it leaves out, and tells the
/// user by itself. The only errors are this store's own.
pub trait Upstream: Debug + Send + Sync {
    /// The results of actions, in the order of the keys. Nothing of what they name needs to be here.
    fn results(
        &self,
        store: &Store,
        keys: &[ActionKey],
    ) -> Result<Vec<Option<(ActionResult, Origin)>>>;

    /// Whether what was made elsewhere may be used here.
    fn trusts(&self, origin: Origin) -> bool;

    /// Whether it may be given to others in this machine's name.
    fn vouches(&self, origin: Origin) -> bool;

    /// Puts directories into the store.
    fn directories(&self, store: &Store, wanted: &[TreeDigest]) -> Result<()>;

    /// Puts whole trees of directories into the store, as far as that takes one question each.
    fn trees(&self, store: &Store, roots: &[TreeDigest]) -> Result<()>;

    /// Puts files into the store, published.
    fn files(&self, store: &Store, wanted: &[(Digest, bool)]) -> Result<()>;

    /// Whether all these files could be had.
    fn has_files(&self, store: &Store, files: &[Digest]) -> Result<bool>;

    /// Is told of a tree that was not whole: results that name it are not results any more.
    fn refuse(&self, tree: TreeDigest);

    /// Bytes that somebody has put there under this key, and nothing else is known of.
    fn note(&self, store: &Store, key: ActionKey) -> Result<Option<(Vec<u8>, Origin)>>;

    /// Puts bytes there, in place of what is there, with the files that they speak of.
    fn put_note(&self, store: &Store, key: ActionKey, note: &[u8], files: &[Digest]);

    /// Whether it takes results.
    fn takes(&self) -> bool;

    /// Takes results for others, with all that they name.
    fn share(&self, store: &Store, results: &[(ActionKey, ActionResult)]);
}

impl Store {
    /// The same store with another one behind it.
    pub fn with_upstream(mut self, upstream: Arc<dyn Upstream>) -> Store {
        self.upstream = Some(upstream);
        self
    }

    /// Asks the shared cache for results that are not here, and remembers those it has. What they name comes when it is used.
    /// One that was made here meanwhile is the one that counts.
    pub fn ask(&self, keys: &[ActionKey]) -> Result<Vec<Option<ActionResult>>> {
        let Some(upstream) = self.upstream.as_ref().filter(|_| !keys.is_empty()) else {
            return Ok(vec![None; keys.len()]);
        };
        let results = upstream.results(self, keys)?;
        let found: Vec<_> = keys
            .iter()
            .zip(&results)
            .filter_map(|(key, found)| found.map(|(result, origin)| (*key, result, origin)))
            .collect();
        let trees: Vec<_> = found.iter().map(|(_, result, _)| result.tree).collect();
        self.pin_trees(&trees)?;
        self.index.put_results(&found)?;
        let stands = |(key, found): (&ActionKey, Option<_>)| match found {
            Some(_) => self.result(*key),
            None => Ok(None),
        };
        keys.iter().zip(results).map(stands).collect()
    }

    /// Whether there is another one behind it.
    pub fn has_upstream(&self) -> bool {
        self.upstream.is_some()
    }

    /// Whether results are given to a shared cache.
    pub fn shares(&self) -> bool {
        self.upstream
            .as_ref()
            .is_some_and(|upstream| upstream.takes())
    }

    /// Gives results to the shared cache, if there is one.
    pub fn share(&self, results: &[(ActionKey, ActionResult)]) {
        if let Some(upstream) = &self.upstream {
            upstream.share(self, results);
        }
    }

    /// Whether something of this origin may be used; what was made here always may.
    pub(crate) fn trusts(&self, origin: Option<Origin>) -> bool {
        match (origin, &self.upstream) {
            (Some(origin), Some(upstream)) => upstream.trusts(origin),
            _ => true,
        }
    }

    /// Brings all directories of these trees here, as far as they can be had; level by level, not one by one.
    pub fn bring_directories(&self, trees: &[TreeDigest]) -> Result<()> {
        match self.upstream {
            Some(_) => self.walk(trees).map(drop),
            None => Ok(()),
        }
    }

    /// Brings files here, as far as they can be had.
    pub fn bring_files(&self, files: &[(Digest, bool)]) -> Result<()> {
        let Some(upstream) = &self.upstream else {
            return Ok(());
        };
        match &self.sort(files.to_vec())?.absent[..] {
            [] => Ok(()),
            absent => upstream.files(self, absent),
        }
    }

    /// Brings here what is missing of a tree. Returns the files of it that are here in the other mode alone.
    pub(crate) fn bring(&self, tree: TreeDigest) -> Result<Vec<(Digest, bool)>> {
        let Sorted { absent, mut other } = self.sort(self.files_of(tree)?)?;
        let Some((first, _)) = absent.first() else {
            return Ok(other);
        };
        let Some(upstream) = &self.upstream else {
            return Err(Error::Missing(*first));
        };
        upstream.files(self, &absent)?;
        let brought = self.sort(absent)?;
        other.extend(brought.other);
        match brought.absent.first() {
            Some((first, _)) => Err(Error::Missing(*first)),
            None => Ok(other),
        }
    }

    /// Whether every object of this tree is here, or could be had.
    pub fn is_complete(&self, tree: TreeDigest) -> Result<bool> {
        let missing = match self.missing(tree) {
            Err(Error::Missing(_)) => return Ok(false),
            other => other?,
        };
        let missing: Vec<Digest> = missing.into_iter().map(|(digest, _)| digest).collect();
        match &self.upstream {
            _ if missing.is_empty() => Ok(true),
            Some(upstream) => upstream.has_files(self, &missing),
            None => Ok(false),
        }
    }

    /// All directories of a tree, each before those below it, the root first; `None` if they are not all here.
    pub fn local_directories(
        &self,
        root: TreeDigest,
    ) -> Result<Option<Vec<(TreeDigest, Directory)>>> {
        let mut found = Vec::new();
        let whole = self.post_order(root, &mut HashSet::new(), &mut found)?;
        found.reverse();
        Ok(whole.then_some(found))
    }

    fn post_order(
        &self,
        tree: TreeDigest,
        seen: &mut HashSet<TreeDigest>,
        found: &mut Vec<(TreeDigest, Directory)>,
    ) -> Result<bool> {
        if !seen.insert(tree) {
            return Ok(true);
        }
        let Some(bytes) = self.message(tree.digest())? else {
            return Ok(false);
        };
        let directory = Directory::decode(tree.digest(), &bytes)?;
        for entry in directory.entries.values() {
            if let Entry::Directory(below) = entry
                && !self.post_order(*below, seen, found)?
            {
                return Ok(false);
            }
        }
        found.push((tree, directory));
        Ok(true)
    }

    /// The files of a tree that are not here in either mode.
    fn missing(&self, tree: TreeDigest) -> Result<Vec<(Digest, bool)>> {
        Ok(self.sort(self.files_of(tree)?)?.absent)
    }

    fn files_of(&self, tree: TreeDigest) -> Result<Vec<(Digest, bool)>> {
        let walked = self.walk(&[tree])?;
        match walked.lost {
            Some(lost) => Err(Error::Missing(lost.digest())),
            None => Ok(walked.files.into_iter().collect()),
        }
    }

    /// Tells files apart by what is wanting of them.
    fn sort(&self, files: Vec<(Digest, bool)>) -> Result<Sorted> {
        let digests: Vec<Digest> = files.iter().map(|(digest, _)| *digest).collect();
        let mut sorted = Sorted::default();
        for (file, forms) in files.into_iter().zip(self.forms(&digests)?) {
            match () {
                () if !forms.is_file() => sorted.absent.push(file),
                () if !forms.has_mode(file.1) => sorted.other.push(file),
                () => {}
            }
        }
        Ok(sorted)
    }

    /// Walks trees, with what of them has to come from the other store.
    fn walk(&self, trees: &[TreeDigest]) -> Result<Walked> {
        if let Some(upstream) = &self.upstream {
            let mut absent = Vec::new();
            for tree in trees {
                if self.message(tree.digest())?.is_none() {
                    absent.push(*tree);
                }
            }
            if !absent.is_empty() {
                upstream.trees(self, &absent)?;
            }
        }
        let (mut walked, mut seen) = (Walked::default(), HashSet::new());
        let mut level = trees.to_vec();
        let mut depth = 0;
        while let Some(first) = level.first() {
            depth += 1;
            if depth > DEEPEST + 1 {
                // Nobody could walk down it: it counts as not there.
                walked.lost = Some(*first);
                break;
            }
            level.retain(|tree| seen.insert(*tree));
            let mut below = Vec::new();
            for (tree, directory) in level.iter().zip(self.directories(&level)?) {
                let Some(directory) = directory else {
                    walked.lost = Some(*tree);
                    continue;
                };
                for entry in directory.entries.into_values() {
                    match entry {
                        Entry::File { digest, executable } => {
                            walked.files.insert((digest, executable));
                        }
                        Entry::Directory(tree) => below.push(tree),
                        Entry::Symlink(_) => {}
                    }
                }
            }
            level = below;
        }
        Ok(walked)
    }
}

/// Files that something is wanting of.
#[derive(Default)]
struct Sorted {
    /// Not here in either mode.
    absent: Vec<(Digest, bool)>,
    /// Here in the other mode alone.
    other: Vec<(Digest, bool)>,
}

/// What was come by in some trees.
#[derive(Default)]
struct Walked {
    files: HashSet<(Digest, bool)>,
    /// A directory that is not to be had, if there is one.
    lost: Option<TreeDigest>,
}
