//! Whether all that a result names is there: a result with a hole is worth nothing to who asked for it.

use pwb_cache::{Function, Name, Store, reapi};
use tonic::Status;

use super::metrics::Metrics;
use super::service::find;
use super::walk::{Walk, message};
use super::whole::Whole;

/// Whether all that the result names is in the store.
pub fn is_complete(
    store: &Store,
    metrics: &Metrics,
    whole: &Whole,
    function: Function,
    result: &reapi::ActionResult,
) -> Result<bool, Status> {
    let mut blobs = Blobs {
        function,
        names: Vec::new(),
        directories: Vec::new(),
        broken: false,
    };
    for file in &result.output_files {
        blobs.add(file.digest.as_ref());
    }
    let streams = [&result.stdout_digest, &result.stderr_digest];
    for digest in streams.into_iter().flatten() {
        blobs.add(Some(digest));
    }
    for output in &result.output_directories {
        if let Some(digest) = &output.tree_digest
            && !blobs.tree(store, metrics, digest)?
        {
            return Ok(false);
        }
        if let Some(digest) = &output.root_directory_digest
            && !blobs.directories(store, metrics, whole, digest)?
        {
            return Ok(false);
        }
    }
    if blobs.broken {
        return Ok(false);
    }
    let complete = find(store, &blobs.names)?.iter().all(Option::is_some);
    if complete {
        whole.add(blobs.directories);
    }
    Ok(complete)
}

/// Blobs that have to be there.
struct Blobs {
    function: Function,
    names: Vec<Name>,
    /// Directories that are there.
    directories: Vec<Name>,
    /// Whether something has no digest that could be looked for.
    broken: bool,
}

impl Blobs {
    fn add(&mut self, digest: Option<&reapi::Digest>) {
        match digest.and_then(|digest| Name::from_message(self.function, digest)) {
            Some(name) => self.names.push(name),
            None => self.broken = true,
        }
    }

    fn files(&mut self, directory: &reapi::Directory) {
        for file in &directory.files {
            self.add(file.digest.as_ref());
        }
    }

    /// Adds the files of a `Tree` message, which has its directories in itself.
    fn tree(
        &mut self,
        store: &Store,
        metrics: &Metrics,
        digest: &reapi::Digest,
    ) -> Result<bool, Status> {
        let Some(name) = Name::from_message(self.function, digest) else {
            return Ok(false);
        };
        let Some(tree) = message::<reapi::Tree>(store, metrics, name)? else {
            return Ok(false);
        };
        for directory in tree.root.iter().chain(&tree.children) {
            self.files(directory);
        }
        Ok(true)
    }

    /// Adds the files of all directories below one.
    fn directories(
        &mut self,
        store: &Store,
        metrics: &Metrics,
        whole: &Whole,
        digest: &reapi::Digest,
    ) -> Result<bool, Status> {
        let Some(root) = Name::from_message(self.function, digest) else {
            return Ok(false);
        };
        let mut walk = Walk::past(root, whole);
        while let Some((directory, _)) = walk.next(store, metrics)? {
            self.files(&directory);
        }
        let complete = !walk.incomplete;
        self.directories.extend(walk.walked());
        Ok(complete)
    }
}
