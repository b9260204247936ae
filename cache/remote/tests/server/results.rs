//! The action cache.

use prost::Message;
use pwb_cache::{Digest, Function, Name, reapi};
use tonic::{Code, Status};

use crate::served::{BOTH, Served, allowed, spoil, value};

fn result(function: Function, files: &[&[u8]]) -> reapi::ActionResult {
    let file = |bytes: &&[u8]| reapi::OutputFile {
        path: "out".into(),
        digest: Some(Name::of(function, bytes).to_message()),
        ..Default::default()
    };
    reapi::ActionResult {
        output_files: files.iter().map(file).collect(),
        exit_code: 0,
        ..Default::default()
    }
}

async fn put(served: &Served, action: Name, result: &reapi::ActionResult) -> Result<(), Status> {
    let request = reapi::UpdateActionResultRequest {
        action_digest: Some(action.to_message()),
        action_result: Some(result.clone()),
        digest_function: value(action.function()),
        ..Default::default()
    };
    let response = served
        .results()
        .update_action_result(allowed(request))
        .await;
    response.map(drop)
}

async fn get(served: &Served, action: Name) -> Result<reapi::ActionResult, Code> {
    let request = reapi::GetActionResultRequest {
        action_digest: Some(action.to_message()),
        digest_function: value(action.function()),
        ..Default::default()
    };
    let response = served.results().get_action_result(request).await;
    response
        .map(|r| r.into_inner())
        .map_err(|status| status.code())
}

#[tokio::test]
async fn a_result_comes_back_as_long_as_its_blobs_are_there() {
    for function in BOTH {
        let served = Served::start().await;
        let action = Name::of(function, b"action");
        let mut result = result(function, &[b"file"]);
        result.stdout_digest = Some(Name::of(function, b"said").to_message());
        assert_eq!(get(&served, action).await, Err(Code::NotFound));
        let refused = put(&served, action, &result).await.unwrap_err();
        assert_eq!(refused.code(), Code::FailedPrecondition);
        served.update(function, &[b"file"]).await;
        assert!(put(&served, action, &result).await.is_err());
        served.update(function, &[b"said"]).await;
        put(&served, action, &result).await.unwrap();
        assert_eq!(get(&served, action).await.unwrap(), result);
        std::fs::remove_file(served.object(b"said")).unwrap();
        assert_eq!(get(&served, action).await, Err(Code::NotFound));
        served.update(function, &[b"said"]).await;
        assert_eq!(get(&served, action).await.unwrap(), result);
    }
}

#[tokio::test]
async fn a_result_by_one_function_is_none_by_the_other() {
    let served = Served::start().await;
    let action = Name::of(Function::Sha256, b"action");
    put(&served, action, &result(Function::Sha256, &[]))
        .await
        .unwrap();
    let Name::Sha256(name) = action else { panic!() };
    let same = Digest::from_message(&name.to_message()).unwrap();
    assert!(get(&served, action).await.is_ok());
    // The same bits, said to be of the other function: what is in a result would be misread.
    let other = get(&served, Name::Blake3(same)).await;
    assert_eq!(other, Err(Code::NotFound));
}

#[tokio::test]
async fn trees_of_a_result_have_to_be_whole() {
    for function in BOTH {
        let served = Served::start().await;
        let action = Name::of(function, b"action");
        let directory = |files: &[&[u8]], below: &[&reapi::Directory]| reapi::Directory {
            files: files
                .iter()
                .map(|bytes| reapi::FileNode {
                    name: "f".into(),
                    digest: Some(Name::of(function, bytes).to_message()),
                    ..Default::default()
                })
                .collect(),
            directories: below
                .iter()
                .map(|below| reapi::DirectoryNode {
                    name: "d".into(),
                    digest: Some(Name::of(function, &below.encode_to_vec()).to_message()),
                })
                .collect(),
            ..Default::default()
        };
        let child = directory(&[b"deep"], &[]);
        let root = directory(&[b"top"], &[&child]);
        let tree = reapi::Tree {
            root: Some(root.clone()),
            children: vec![child.clone()],
        };
        let [child, root, tree] = [
            child.encode_to_vec(),
            root.encode_to_vec(),
            tree.encode_to_vec(),
        ];
        let name = |bytes: &[u8]| Some(Name::of(function, bytes).to_message());
        let by_tree = reapi::OutputDirectory {
            path: "out".into(),
            tree_digest: name(&tree),
            ..Default::default()
        };
        let by_root = reapi::OutputDirectory {
            path: "out".into(),
            root_directory_digest: name(&root),
            ..Default::default()
        };
        let mut result = result(function, &[]);
        result.output_directories = vec![by_tree];
        for blob in [b"deep".as_slice(), b"top", &tree] {
            let refused = put(&served, action, &result).await.unwrap_err();
            assert_eq!(refused.code(), Code::FailedPrecondition);
            served.update(function, &[blob]).await;
        }
        put(&served, action, &result).await.unwrap();
        result.output_directories = vec![by_root];
        for blob in [&root, &child] {
            assert!(put(&served, action, &result).await.is_err());
            served.update(function, &[blob]).await;
        }
        put(&served, action, &result).await.unwrap();
        assert_eq!(get(&served, action).await.unwrap(), result);
        // A part of the tree has gone, or is damaged where nobody has looked yet.
        // (What was whole a moment ago is believed to be, until somebody finds that it is not.)
        std::fs::remove_file(served.object(b"deep")).unwrap();
        let deep = Name::of(function, b"deep");
        assert_eq!(served.fetch(deep, false).await, Err(Code::NotFound));
        assert_eq!(get(&served, action).await, Err(Code::NotFound));
        served.update(function, &[b"deep"]).await;
        spoil(&served.object(&child));
        assert_eq!(get(&served, action).await, Err(Code::NotFound));
    }
}

#[tokio::test]
async fn calls_of_compilers_are_results_too() {
    let served = Served::start().await;
    let batch = served.store.batch();
    let object = batch.put_file(b"object", false).unwrap();
    let call = pwb_cache::CallResult {
        files: vec![pwb_cache::CallFile {
            path: "build/x.o".into(),
            digest: object,
            mode: 0o644,
        }],
        folders: vec!["build".into()],
        ..Default::default()
    };
    let key = Digest::of(b"call");
    served
        .store
        .publish_calls(batch.finish(), &[(key, call)], &[], None)
        .unwrap();
    let found = get(&served, Name::Blake3(key)).await.unwrap();
    assert_eq!(found.output_files[0].path, "build/x.o");
    std::fs::remove_file(served.object(b"object")).unwrap();
    assert_eq!(get(&served, Name::Blake3(key)).await, Err(Code::NotFound));
}
