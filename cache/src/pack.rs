//! What the compilers of one command have come to, packed for other machines.

use std::collections::BTreeMap;

use prost::Message;

use crate::batch::New;
use crate::call::CallResult;
use crate::digest::Digest;
use crate::error::Result;
use crate::key::ActionKey;
use crate::reapi;
use crate::store::Store;

/// A call whose result is known.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KnownCall {
    /// Its kind.
    pub kind: Digest,
    /// The list of the paths that it looks at.
    pub paths: Digest,
    /// Its key.
    pub key: Digest,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Pack {
    /// Lists of paths.
    #[prost(bytes = "vec", repeated, tag = "1")]
    lists: Vec<Vec<u8>>,
    #[prost(message, repeated, tag = "2")]
    calls: Vec<Packed>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Packed {
    #[prost(message, optional, tag = "1")]
    kind: Option<reapi::Digest>,
    #[prost(message, optional, tag = "2")]
    key: Option<reapi::Digest>,
    /// Which of the pack's lists.
    #[prost(uint32, tag = "3")]
    list: u32,
    /// An `ActionResult`.
    #[prost(bytes = "vec", tag = "4")]
    result: Vec<u8>,
}

impl Store {
    /// Gives what these calls came to to the shared cache, under the command that made them.
    pub fn share_calls(&self, command: ActionKey, calls: &[KnownCall]) -> Result<()> {
        let Some(upstream) = self.upstream.as_ref().filter(|upstream| upstream.takes()) else {
            return Ok(());
        };
        let (mut pack, mut places, mut files) = (Pack::default(), BTreeMap::new(), Vec::new());
        for call in calls {
            let Some(found) = self.index.call(call.key)? else {
                continue;
            };
            let (result, origin) = (found.what, found.origin);
            // What is signed is what the signer answers for.
            if origin.is_some_and(|origin| !upstream.vouches(origin)) {
                continue;
            }
            let result = CallResult::from_row(call.key, result);
            let (Some(result), Some(list)) = (result, self.message(call.paths)?) else {
                continue;
            };
            let list = *places.entry(call.paths).or_insert_with(|| {
                pack.lists.push(list);
                pack.lists.len() as u32 - 1
            });
            files.extend(result.digests());
            pack.calls.push(Packed {
                kind: Some(call.kind.to_message()),
                key: Some(call.key.to_message()),
                list,
                result: result.encode(),
            });
        }
        files.sort();
        files.dedup();
        if !pack.calls.is_empty() {
            upstream.put_note(self, command, &pack.encode_to_vec(), &files);
        }
        Ok(())
    }

    /// Asks the shared cache what the compilers of a command came to elsewhere.
    pub fn ask_calls(&self, command: ActionKey) -> Result<()> {
        let Some(upstream) = &self.upstream else {
            return Ok(());
        };
        let Some((note, origin)) = upstream.note(self, command)? else {
            return Ok(());
        };
        let Ok(pack) = Pack::decode(note.as_slice()) else {
            return Ok(());
        };
        let lists = pack.lists.into_iter();
        let lists: Vec<_> = lists.map(|list| (Digest::of(&list), list)).collect();
        let (mut calls, mut paths, mut files) = (Vec::new(), Vec::new(), Vec::new());
        for call in pack.calls {
            let digest = |digest: &Option<reapi::Digest>| Digest::from_message(digest.as_ref()?);
            let (Some(kind), Some(key)) = (digest(&call.kind), digest(&call.key)) else {
                continue;
            };
            let (Some((list, _)), Some(result)) = (
                lists.get(call.list as usize),
                CallResult::decode(&call.result),
            ) else {
                continue;
            };
            if self.call(key)?.is_none() {
                files.extend(result.digests());
                calls.push((key, result));
                paths.push((kind, *list));
            }
        }
        if calls.is_empty() {
            return Ok(());
        }
        self.put_messages(&lists)?;
        // What they wrote is small and most of it will be wanted, so it comes in one go.
        let files: Vec<_> = files.into_iter().map(|file| (file, false)).collect();
        upstream.files(self, &files)?;
        self.publish_calls(New::default(), &calls, &paths, Some(origin))
    }
}
