//! GetTree.

use prost::Message;
use pwb_cache::{Digest, Function, Name, TreeDigest, reapi};
use tonic::{Code, Status};

use crate::served::{BOTH, Served, value};

/// A chain of directories, the root last.
fn chain(function: Function, length: usize) -> Vec<Vec<u8>> {
    let mut chain: Vec<Vec<u8>> = Vec::new();
    for n in 0..length {
        let below = chain.last().map(|below| reapi::DirectoryNode {
            name: "below".into(),
            digest: Some(Name::of(function, below).to_message()),
        });
        let directory = reapi::Directory {
            directories: below.into_iter().collect(),
            symlinks: vec![reapi::SymlinkNode {
                name: "number".into(),
                target: n.to_string(),
                ..Default::default()
            }],
            ..Default::default()
        };
        chain.push(directory.encode_to_vec());
    }
    chain
}

async fn get(
    served: &Served,
    root: Name,
    page_size: i32,
    token: &str,
) -> Result<Vec<reapi::GetTreeResponse>, Status> {
    let request = reapi::GetTreeRequest {
        root_digest: Some(root.to_message()),
        digest_function: value(root.function()),
        page_size,
        page_token: token.into(),
        ..Default::default()
    };
    let mut stream = served.blobs().get_tree(request).await?.into_inner();
    let mut pages = Vec::new();
    while let Some(page) = stream.message().await? {
        pages.push(page);
    }
    Ok(pages)
}

fn bytes(pages: &[reapi::GetTreeResponse]) -> Vec<Vec<u8>> {
    let directories = pages.iter().flat_map(|page| &page.directories);
    directories.map(Message::encode_to_vec).collect()
}

#[tokio::test]
async fn a_tree_comes_from_its_root_down_in_pages() {
    for function in BOTH {
        let served = Served::start().await;
        let mut chain = chain(function, 10);
        let blobs: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
        served.update(function, &blobs).await;
        let root = Name::of(function, chain.last().unwrap());
        chain.reverse();
        assert_eq!(bytes(&get(&served, root, 0, "").await.unwrap()), chain);
        let pages = get(&served, root, 3, "").await.unwrap();
        assert_eq!((pages.len(), bytes(&pages)), (4, chain.clone()));
        let token = &pages[1].next_page_token;
        let rest = get(&served, root, 3, token).await.unwrap();
        assert_eq!(bytes(&rest), chain[6..]);
        // What is below a hole is left out.
        std::fs::remove_file(served.object(&chain[4])).unwrap();
        assert_eq!(bytes(&get(&served, root, 0, "").await.unwrap()), chain[..4]);
        let missing = get(&served, Name::of(function, b"none"), 0, "").await;
        assert_eq!(missing.unwrap_err().code(), Code::NotFound);
    }
}

#[tokio::test]
async fn an_uploaded_directory_is_a_tree_of_the_store() {
    let served = Served::start().await;
    let chain = chain(Function::Blake3, 3);
    let blobs: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
    served.update(Function::Blake3, &blobs).await;
    let tree = TreeDigest::from_digest(Digest::of(chain.last().unwrap()));
    assert_eq!(served.store.directory(tree).unwrap().entries.len(), 2);
    let folder = served.store.materialize(tree).unwrap();
    let link = std::fs::read_link(folder.join("below/below/number")).unwrap();
    assert_eq!(link.to_str(), Some("0"));
}
