//! Actions on a server whose operations go wrong in all the ways that real ones seldom do.

#![allow(clippy::unwrap_used, clippy::panic)]

mod scripted;
mod trees;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bazel_remote_apis::google::longrunning::{Operation, operation};
use bazel_remote_apis::google::rpc;
use prost::Message;
use pwb_cache::{
    Action, Executed, Sha256, Store, Tree, TreeNode, TreePath, Workers, google, reapi,
};
use pwb_remote::{Client, Notice, SecretKey, Settings, Url};
use reapi::execution_stage::Value as Stage;
use scripted::{Asked, Script, Scripted};
use tempfile::TempDir;
use tonic::Status;

/// What came of an action.
struct Done {
    server: Scripted,
    executed: Option<Executed>,
    log: String,
    warnings: Vec<String>,
    store: Store,
    _folder: TempDir,
}

impl Done {
    /// The output's only file.
    fn file(&self) -> Vec<u8> {
        let executed = self.executed.as_ref().unwrap();
        let tree = Tree::load(&self.store, executed.output.unwrap()).unwrap();
        let path = TreePath::parse("below/file").unwrap();
        match tree.get(&self.store, &path).unwrap() {
            Some(TreeNode::File {
                digest,
                executable: true,
            }) => self.store.file(digest).unwrap().unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

fn run(script: Script) -> Done {
    run_with(script, Settings::default())
}

fn run_with(script: Script, settings: Settings) -> Done {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let server = Scripted::new(script);
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let told = warnings.clone();
    let tell = move |notice| {
        if let Notice::Warning(text) = notice {
            told.lock().unwrap().push(text);
        }
    };
    let settings = Settings {
        url: Url::parse(&server.serve()).unwrap(),
        queue: Duration::from_millis(300),
        ..settings
    };
    let client = Client::new(settings, tell).unwrap();
    let batch = store.batch();
    let digest = batch.put_file(b"input", false).unwrap();
    let mut root = Tree::default();
    let node = TreeNode::File {
        digest,
        executable: false,
    };
    root.put(&store, &TreePath::parse("deep/input").unwrap(), node)
        .unwrap();
    let input_root = root.save(&batch).unwrap();
    store.publish_files(batch.finish()).unwrap();
    let action = Action {
        arguments: vec!["./run".into()],
        environment: BTreeMap::new(),
        working_directory: TreePath::default(),
        outputs: BTreeSet::from([TreePath::parse("out").unwrap()]),
        platform: BTreeMap::new(),
        timeout: None,
        input_root,
    };
    let mut log = Vec::new();
    let executed = client
        .execute(&store, &action, &mut |bytes| log.extend_from_slice(bytes))
        .unwrap();
    drop(client);
    let warnings = warnings.lock().unwrap().clone();
    Done {
        server,
        executed,
        log: String::from_utf8(log).unwrap(),
        warnings,
        store,
        _folder: folder,
    }
}

fn under_way(stage: Stage) -> Operation {
    let metadata = reapi::ExecuteOperationMetadata {
        stage: stage.into(),
        stdout_stream_name: match stage {
            Stage::Executing => "log".into(),
            _ => String::new(),
        },
        ..Default::default()
    };
    Operation {
        name: "operation".into(),
        metadata: Some(any(&metadata)),
        ..Default::default()
    }
}

fn any(message: &impl Message) -> google::Any {
    google::Any {
        type_url: String::new(),
        value: message.encode_to_vec(),
    }
}

fn ended(response: &reapi::ExecuteResponse) -> Operation {
    Operation {
        done: true,
        result: Some(operation::Result::Response(any(response))),
        ..under_way(Stage::Completed)
    }
}

/// A good end with one file, whose bytes are these.
fn well(server: &Scripted, bytes: &[u8]) -> reapi::ExecuteResponse {
    let file = server.keep(b"output".to_vec());
    server
        .blobs
        .lock()
        .unwrap()
        .insert(file.hash.clone(), bytes.to_vec());
    let below = reapi::Directory {
        files: vec![reapi::FileNode {
            name: "file".into(),
            digest: Some(file),
            is_executable: true,
            ..Default::default()
        }],
        ..Default::default()
    };
    let root = reapi::Directory {
        directories: vec![reapi::DirectoryNode {
            name: "below".into(),
            digest: Some(Sha256::of(&below.encode_to_vec()).to_message()),
        }],
        ..Default::default()
    };
    let tree = reapi::Tree {
        root: Some(root),
        children: vec![below],
    };
    ended_with(server, &tree)
}

/// A good end with this tree.
fn ended_with(server: &Scripted, tree: &reapi::Tree) -> reapi::ExecuteResponse {
    reapi::ExecuteResponse {
        result: Some(reapi::ActionResult {
            output_directories: vec![reapi::OutputDirectory {
                path: "out".into(),
                tree_digest: Some(server.keep(tree.encode_to_vec())),
                ..Default::default()
            }],
            stdout_raw: b"first\nsecond\n".to_vec(),
            stderr_raw: b"report".to_vec(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn failed(code: tonic::Code) -> reapi::ExecuteResponse {
    reapi::ExecuteResponse {
        status: Some(rpc::Status {
            code: code.into(),
            message: "gone".into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

const EXECUTE: Asked = Asked::Execute {
    skip_cache_lookup: false,
};
const EXECUTE_ANEW: Asked = Asked::Execute {
    skip_cache_lookup: true,
};

#[test]
fn a_broken_stream_is_taken_up_and_the_log_is_whole() {
    let done = run(|server, asked, before| match (asked, before) {
        (Asked::Execute { .. }, 0) => vec![
            Some(Ok(under_way(Stage::Queued))),
            Some(Ok(under_way(Stage::Executing))),
            Some(Err(Status::unavailable("broken"))),
        ],
        // A stream may also just end.
        (Asked::Wait(_), 0) => vec![Some(Ok(under_way(Stage::Executing)))],
        (Asked::Wait(_), 1) => vec![Some(Ok(ended(&well(server, b"output"))))],
        other => panic!("{other:?}"),
    });
    assert_eq!(done.file(), b"output");
    assert_eq!(done.log, "first\nsecond\n");
    assert_eq!(done.executed.as_ref().unwrap().errors, b"report");
    let wait = Asked::Wait("operation".into());
    let asked: Vec<_> = done
        .server
        .was_asked()
        .into_iter()
        .filter(|it| !matches!(it, Asked::Upload(_)))
        .collect();
    assert_eq!(asked, [EXECUTE, wait.clone(), wait]);
    assert_eq!(done.warnings, [""; 0]);
}

#[test]
fn an_operation_that_was_forgotten_is_started_anew() {
    let done = run(|server, asked, before| match (asked, before) {
        (Asked::Execute { .. }, 0) => vec![Some(Ok(under_way(Stage::Executing)))],
        (Asked::Wait(_), _) => vec![Some(Err(Status::not_found("who?")))],
        _ => vec![Some(Ok(ended(&well(server, b"output"))))],
    });
    assert_eq!(done.file(), b"output");
}

#[test]
fn inputs_that_are_gone_are_sent_again() {
    let done = run(|server, _, before| {
        if before > 0 {
            return vec![Some(Ok(ended(&well(server, b"output"))))];
        }
        server.blobs.lock().unwrap().clear();
        vec![Some(Ok(ended(&failed(tonic::Code::FailedPrecondition))))]
    });
    assert_eq!(done.file(), b"output");
    let asked = done.server.was_asked();
    // Two directories, a file; then the action and its command.
    let sent = [Asked::Upload(3), Asked::Upload(2), EXECUTE];
    assert_eq!(asked, [sent.clone(), sent].concat());
    assert_eq!(done.warnings, [""; 0]);
}

#[test]
fn a_failure_that_is_remembered_is_run_again() {
    let done = run(|server, _, before| {
        let mut response = well(server, b"output");
        let result = response.result.as_mut().unwrap();
        result.exit_code = 1;
        response.cached_result = before == 0;
        vec![Some(Ok(ended(&response)))]
    });
    assert_eq!(done.executed.unwrap().exit_code, 1);
    let asked = done.server.was_asked();
    assert!(
        asked.contains(&EXECUTE) && asked.contains(&EXECUTE_ANEW),
        "{asked:?}"
    );
}

#[test]
fn nothing_remembered_is_used_where_signatures_are_asked_for() {
    let settings = Settings {
        trusted: vec![SecretKey::generate("test").unwrap().public()],
        ..Settings::default()
    };
    let remembered: Script = |server, _, _| {
        let mut response = well(server, b"output");
        response.cached_result = true;
        vec![Some(Ok(ended(&response)))]
    };
    let done = run_with(remembered, settings);
    assert!(done.executed.is_none());
    assert!(done.server.was_asked().contains(&EXECUTE_ANEW));
    assert_eq!(done.warnings.len(), 1);
}

#[test]
fn wrong_bytes_are_no_output() {
    let done = run(|server, _, _| vec![Some(Ok(ended(&well(server, b"wrong!"))))]);
    assert!(done.executed.is_none());
    assert!(
        done.warnings[0].contains("not what their digest says"),
        "{:?}",
        done.warnings
    );
}

#[test]
fn what_no_worker_takes_is_cancelled() {
    let done = run(|_, _, _| vec![Some(Ok(under_way(Stage::Queued))), None]);
    assert!(done.executed.is_none());
    let cancelled = Asked::Cancel("operation".into());
    assert_eq!(done.server.was_asked().last(), Some(&cancelled));
    assert!(
        done.warnings[0].contains("no worker has taken a command"),
        "{:?}",
        done.warnings
    );
}
