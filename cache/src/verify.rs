//! Whether the store is what it says: every object is hashed, every result looked through, every folder compared. And what is
//! damaged is forgotten, so that it is made again.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rayon::prelude::*;

use crate::batch::digest_of;
use crate::digest::Digest;
use crate::directory::{Directory, Entry as Named, TreeDigest};
use crate::error::{Error, Result};
use crate::fs;
use crate::gc::Amount;
use crate::index::Entry;
use crate::key::ActionKey;
use crate::lock::Lock;
use crate::pin::{self, Pin};
use crate::store::Store;

/// Something that is not what it should be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// A file whose bytes are not what its name says.
    Altered(Digest, bool),
    /// A published file that is not there.
    Gone(Digest, bool),
    /// A message that is not what its digest says.
    Message(Digest),
    /// A tree of which something is missing or damaged, with the actions whose results it is.
    Unwhole(TreeDigest, Vec<ActionKey>),
    /// A materialized folder that is not its tree, and the first path in it that differs.
    Folder(TreeDigest, String),
}

/// What was looked at, and what was wrong with it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Verified {
    /// Files.
    pub objects: Amount,
    /// Messages.
    pub messages: Amount,
    /// Results, imports and answers, by their trees.
    pub trees: u64,
    /// Materialized folders.
    pub folders: u64,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

impl Store {
    /// Looks at everything. It reads the whole store.
    pub fn verify(&self) -> Result<Verified> {
        let mut found = Verified::default();
        let sound = Sound {
            files: self.verify_files(&mut found)?,
            messages: self.verify_messages(&mut found)?,
        };
        self.verify_trees(&sound, &mut found)?;
        self.verify_folders(&sound, &mut found)?;
        Ok(found)
    }

    /// Forgets what is damaged; it is made or fetched again when it is wanted. Returns the folders that could not be removed, since
    /// other processes use them.
    pub fn repair(&self, faults: &[Fault]) -> Result<Vec<TreeDigest>> {
        let _no_collector = Lock::acquire(&self.root().join("locks/gc"))?;
        self.session()?;
        let own = pin::read_all(&self.root().join("tmp"))?;
        let mut busy = Vec::new();
        for fault in faults {
            match fault {
                Fault::Altered(digest, executable) | Fault::Gone(digest, executable) => {
                    self.index.remove_files(&[(*digest, *executable)])?;
                }
                Fault::Message(digest) => self.index.forget_message(*digest)?,
                Fault::Unwhole(tree, _) => self.index.forget_results(*tree)?,
                Fault::Folder(tree, _) if own.contains(&Pin::Tree(*tree)) => busy.push(*tree),
                Fault::Folder(tree, _) => drop(self.index.forget_tree(*tree)?),
            }
        }
        // No row comes back that would vouch for what is made in the place of what goes.
        self.sync()?;
        for fault in faults {
            match fault {
                Fault::Altered(digest, executable) | Fault::Gone(digest, executable) => {
                    fs::remove_file(&self.cas_path(*digest, *executable))?;
                }
                Fault::Folder(tree, _) if !busy.contains(tree) => {
                    fs::remove_tree(&self.tree_path(*tree))?;
                }
                Fault::Message(_) | Fault::Unwhole(..) | Fault::Folder(..) => {}
            }
        }
        Ok(busy)
    }

    fn verify_files(&self, found: &mut Verified) -> Result<HashSet<(Digest, bool)>> {
        let files = self.index.files()?;
        let look = |&(digest, executable): &(Digest, bool)| {
            let fault = match digest_of(&self.cas_path(digest, executable)) {
                Ok(is) if is == digest => None,
                Ok(_) => Some(Fault::Altered(digest, executable)),
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    Some(Fault::Gone(digest, executable))
                }
                Err(error) => return Err(error),
            };
            Ok(((digest, executable), fault))
        };
        let looked: Vec<_> = files.par_iter().map(look).collect::<Result<_>>()?;
        let mut sound = HashSet::new();
        for (file, fault) in looked {
            found.objects += Amount::one(file.0.size());
            match fault {
                None => drop(sound.insert(file)),
                Some(fault) => found.faults.push(fault),
            }
        }
        Ok(sound)
    }

    fn verify_messages(&self, found: &mut Verified) -> Result<HashSet<Digest>> {
        let mut sound = HashSet::new();
        for digest in self.index.message_digests()? {
            found.messages += Amount::one(digest.size());
            let bytes = self.index.message(digest)?;
            match bytes.is_some_and(|bytes| Digest::of(&bytes) == digest) {
                true => drop(sound.insert(digest)),
                false => found.faults.push(Fault::Message(digest)),
            }
        }
        Ok(sound)
    }

    /// Every tree that something of this machine's own promises. What came from a shared cache need not be here.
    fn verify_trees(&self, sound: &Sound, found: &mut Verified) -> Result<()> {
        let mut promised: HashMap<TreeDigest, Vec<ActionKey>> = HashMap::new();
        for held in self.index.held()? {
            let (Some(tree), true) = (held.tree, held.own) else {
                continue;
            };
            let keys = promised.entry(tree).or_default();
            if let Entry::Result(key) = held.entry {
                keys.push(key);
            }
        }
        let mut known = HashMap::new();
        let mut promised: Vec<_> = promised.into_iter().collect();
        promised.sort_unstable();
        for (tree, keys) in promised {
            found.trees += 1;
            if !self.is_sound(tree, sound, &mut known)? {
                found.faults.push(Fault::Unwhole(tree, keys));
            }
        }
        Ok(())
    }

    fn is_sound(
        &self,
        tree: TreeDigest,
        sound: &Sound,
        known: &mut HashMap<TreeDigest, bool>,
    ) -> Result<bool> {
        if let Some(known) = known.get(&tree) {
            return Ok(*known);
        }
        let mut whole = false;
        if let Some(directory) = self.sound_directory(tree, sound)? {
            whole = true;
            for entry in directory.entries.values() {
                whole &= match entry {
                    Named::File { digest, .. } => sound.has_file(*digest),
                    Named::Directory(below) => self.is_sound(*below, sound, known)?,
                    Named::Symlink(_) => true,
                };
            }
        }
        known.insert(tree, whole);
        Ok(whole)
    }

    fn sound_directory(&self, tree: TreeDigest, sound: &Sound) -> Result<Option<Directory>> {
        let digest = tree.digest();
        let bytes = match sound.messages.contains(&digest) {
            true => self.index.message(digest)?,
            // One that was uploaded is a file.
            false if sound.files.contains(&(digest, false)) => {
                Some(fs::read(&self.cas_path(digest, false))?)
            }
            false => None,
        };
        Ok(bytes.and_then(|bytes| Directory::decode(digest, &bytes).ok()))
    }

    fn verify_folders(&self, sound: &Sound, found: &mut Verified) -> Result<()> {
        for tree in self.index.trees()? {
            // One of an earlier boot that was never synced may be torn, and is made again before it is used.
            let Some(folder) = self.materialized(tree)? else {
                continue;
            };
            found.folders += 1;
            if let Some(path) = self.difference(tree, &folder, sound)? {
                let path = path.trim_start_matches('/').to_owned();
                found.faults.push(Fault::Folder(tree, path));
            }
        }
        Ok(())
    }

    /// The first path of a folder that is not as in its tree; empty for the folder itself.
    fn difference(&self, tree: TreeDigest, folder: &Path, sound: &Sound) -> Result<Option<String>> {
        let Some(directory) = self.sound_directory(tree, sound)? else {
            return Ok(Some(String::new()));
        };
        for entry in fs::read_dir(folder)? {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !directory.entries.contains_key(&name) {
                return Ok(Some(format!("/{name}")));
            }
        }
        for (name, entry) in &directory.entries {
            let path = folder.join(name);
            let Ok(there) = std::fs::symlink_metadata(&path) else {
                return Ok(Some(format!("/{name}")));
            };
            let differs = match entry {
                Named::Directory(below) if there.is_dir() => {
                    if let Some(deeper) = self.difference(*below, &path, sound)? {
                        return Ok(Some(format!("/{name}{deeper}")));
                    }
                    false
                }
                Named::Symlink(target) => {
                    !there.is_symlink() || fs::read_link(&path)? != Path::new(target)
                }
                Named::File { digest, executable } if there.is_file() => {
                    !self.is_linked(&there, *digest, *executable, sound)
                        && digest_of(&path)? != *digest
                }
                _ => true,
            };
            if differs {
                return Ok(Some(format!("/{name}")));
            }
        }
        Ok(None)
    }

    /// Whether a file is the very object, which has been hashed.
    fn is_linked(
        &self,
        there: &std::fs::Metadata,
        digest: Digest,
        executable: bool,
        sound: &Sound,
    ) -> bool {
        let object = std::fs::metadata(self.cas_path(digest, executable));
        sound.files.contains(&(digest, executable))
            && object.is_ok_and(|object| object.ino() == there.ino())
    }
}

/// What is as it should be.
struct Sound {
    files: HashSet<(Digest, bool)>,
    messages: HashSet<Digest>,
}

impl Sound {
    fn has_file(&self, digest: Digest) -> bool {
        [false, true]
            .into_iter()
            .any(|executable| self.files.contains(&(digest, executable)))
    }
}
