//! What objects are called on a server: BLAKE3 where it knows that, else SHA-256.

use pwb_cache::reapi::digest_function::Value;
use pwb_cache::{Digest, Function, Name, Sha256, Store, TreeDigest, reapi};

/// The best function that both sides know.
pub(crate) fn best(offered: &[i32]) -> Option<Function> {
    let both = [Function::Blake3, Function::Sha256];
    both.into_iter().find(|one| offered.contains(&value(*one)))
}

/// For the field `digest_function`.
pub(crate) fn value(function: Function) -> i32 {
    match function {
        Function::Blake3 => Value::Blake3.into(),
        Function::Sha256 => Value::Sha256.into(),
    }
}

/// What stands before the hash in the name of a byte stream.
pub(crate) fn segment(function: Function) -> &'static str {
    match function {
        Function::Blake3 => "blake3/",
        Function::Sha256 => "",
    }
}

/// What these bytes are called.
pub(crate) fn name_of(function: Function, bytes: &[u8]) -> reapi::Digest {
    Name::of(function, bytes).to_message()
}

/// What blobs are called, as far as that is known here.
pub(crate) fn names(
    function: Function,
    store: &Store,
    blobs: &[Digest],
) -> pwb_cache::Result<Vec<Option<reapi::Digest>>> {
    Ok(match function {
        Function::Blake3 => blobs.iter().map(|blob| Some(blob.to_message())).collect(),
        Function::Sha256 => {
            let known = store.sha256(blobs)?.into_iter().zip(store.heard(blobs)?);
            let name = |(known, heard): (Option<Sha256>, Option<Sha256>)| known.or(heard);
            known
                .map(|pair| name(pair).map(Sha256::to_message))
                .collect()
        }
    })
}

/// The trees that have a name on the server, with it.
pub(crate) fn of_trees(
    function: Function,
    store: &Store,
    trees: &[TreeDigest],
) -> pwb_cache::Result<Vec<(reapi::Digest, TreeDigest)>> {
    let named = |tree: &TreeDigest, name: reapi::Digest| (name, *tree);
    Ok(match function {
        Function::Blake3 => {
            let own = trees
                .iter()
                .map(|tree| named(tree, tree.digest().to_message()));
            own.collect()
        }
        Function::Sha256 => {
            let pairs = trees.iter().zip(store.twins(trees)?);
            let known = pairs.filter_map(|(tree, name)| Some(named(tree, name?.to_message())));
            known.collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blake3_is_preferred_and_others_are_of_no_use() {
        let (sha256, blake3) = (Value::Sha256.into(), Value::Blake3.into());
        assert_eq!(best(&[sha256, blake3]), Some(Function::Blake3));
        assert_eq!(best(&[sha256]), Some(Function::Sha256));
        assert_eq!(best(&[Value::Sha1.into()]), None);
    }
}
