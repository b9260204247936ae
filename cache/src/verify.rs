//! Whether the store is what it says: every object is hashed, every result looked through, every folder compared.

use std::collections::{HashMap, HashSet};
use std::io;

use rayon::prelude::*;

use crate::batch::digest_by_reading;
use crate::crew;
use crate::digest::Digest;
use crate::directory::TreeDigest;
use crate::error::{Error, Result};
use crate::gc::Amount;
use crate::index::Entry;
use crate::key::ActionKey;
use crate::lock::Lock;
use crate::sound::Sound;
use crate::store::Store;

/// Something that is not what it should be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// A file whose bytes are not what its name says.
    Altered(Digest, bool),
    /// A published file that is not there.
    Gone(Digest, bool),
    /// A file that the disk does not give back, with its path and what the system says.
    Unreadable(Digest, bool, String),
    /// A message that is not what its digest says.
    Message(Digest),
    /// A tree of which something is missing or damaged, with the actions whose results it is.
    Unwhole(TreeDigest, Vec<ActionKey>),
    /// A materialized folder that is not its tree, and the first path in it that differs.
    Folder(TreeDigest, String),
}

impl Fault {
    /// The file that is damaged, if it is one.
    pub(crate) fn file(&self) -> Option<(Digest, bool)> {
        match *self {
            Fault::Altered(digest, executable)
            | Fault::Gone(digest, executable)
            | Fault::Unreadable(digest, executable, _) => Some((digest, executable)),
            Fault::Message(_) | Fault::Unwhole(..) | Fault::Folder(..) => None,
        }
    }
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

/// Trees, each with the actions whose results it is.
type Promised = HashMap<TreeDigest, Vec<ActionKey>>;

impl Store {
    /// Looks at everything that is published by now. It reads the whole store; garbage is not collected meanwhile.
    pub fn verify(&self) -> Result<Verified> {
        let _no_collector = Lock::acquire(&self.root().join("locks/gc"))?;
        // What promises is listed before what it promises, and that the other way round from how it is published: builds
        // that go on meanwhile only add to it.
        let (promised, folders) = (self.promised()?, self.index.trees()?);
        let mut found = Verified::default();
        let messages = self.verify_messages(&mut found)?;
        let sound = Sound {
            store: self,
            messages,
            files: self.verify_files(&mut found)?,
        };
        verify_trees(promised, &sound, &mut found)?;
        self.verify_folders(folders, &sound, &mut found)?;
        Ok(found)
    }

    /// What is wrong with a published file.
    pub(crate) fn file_fault(&self, (digest, executable): (Digest, bool)) -> Result<Option<Fault>> {
        match digest_by_reading(&self.cas_path(digest, executable)) {
            Ok(is) if is == digest => Ok(None),
            Ok(_) => Ok(Some(Fault::Altered(digest, executable))),
            Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(Some(Fault::Gone(digest, executable)))
            }
            Err(error) if error.is_unreadable() => {
                Ok(Some(Fault::Unreadable(digest, executable, error.told())))
            }
            Err(error) => Err(error),
        }
    }

    /// What is wrong with a message.
    pub(crate) fn message_fault(&self, digest: Digest) -> Result<Option<Fault>> {
        let bytes = self.index.message(digest)?;
        let sound = bytes.is_some_and(|bytes| Digest::of(&bytes) == digest);
        Ok((!sound).then_some(Fault::Message(digest)))
    }

    fn verify_files(&self, found: &mut Verified) -> Result<HashSet<(Digest, bool)>> {
        let files = self.index.files()?;
        let look = |file: &(Digest, bool)| Ok((*file, self.file_fault(*file)?));
        crew::start()?;
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
            match self.message_fault(digest)? {
                None => drop(sound.insert(digest)),
                Some(fault) => found.faults.push(fault),
            }
        }
        Ok(sound)
    }

    /// Every tree that something of this machine's own promises. What came from a shared cache need not be here.
    fn promised(&self) -> Result<Promised> {
        let mut promised = Promised::new();
        for held in self.index.held()? {
            let (Some(tree), true) = (held.tree, held.own) else {
                continue;
            };
            let keys = promised.entry(tree).or_default();
            if let Entry::Result(key) = held.entry {
                keys.push(key);
            }
        }
        Ok(promised)
    }

    fn verify_folders(
        &self,
        folders: Vec<TreeDigest>,
        sound: &Sound<'_>,
        found: &mut Verified,
    ) -> Result<()> {
        for tree in folders {
            // One of an earlier boot that was never synced may be torn, and is made again before it is used.
            let Some(folder) = self.materialized(tree)? else {
                continue;
            };
            found.folders += 1;
            if let Some(path) = sound.difference(tree, &folder)? {
                let path = path.trim_start_matches('/').to_owned();
                found.faults.push(Fault::Folder(tree, path));
            }
        }
        Ok(())
    }
}

fn verify_trees(promised: Promised, sound: &Sound<'_>, found: &mut Verified) -> Result<()> {
    let mut known = HashMap::new();
    let mut promised: Vec<_> = promised.into_iter().collect();
    promised.sort_unstable();
    for (tree, keys) in promised {
        found.trees += 1;
        if !sound.is_whole(tree, &mut known)? {
            found.faults.push(Fault::Unwhole(tree, keys));
        }
    }
    Ok(())
}
