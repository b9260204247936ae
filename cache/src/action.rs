//! An action, and its key: the digest of its canonical encoding.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use prost::Message;

use crate::digest::Digest;
use crate::directory::TreeDigest;
use crate::error::{Error, Result};
use crate::key::ActionKey;
use crate::path::TreePath;
use crate::store::Store;
use crate::{google, reapi};

/// What an action's key is made of: all that a process can see, and nothing of the machine it runs on.
///
/// Its messages are REAPI's, with one liberty: output paths count from the input root, not from the working directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Action {
    /// argv.
    pub arguments: Vec<String>,
    /// The whole environment.
    pub environment: BTreeMap<String, String>,
    /// Where the process starts, from the input root.
    pub working_directory: TreePath,
    /// The directories it is asked for, from the input root.
    pub outputs: BTreeSet<TreePath>,
    /// What a worker must be or do.
    pub platform: BTreeMap<String, String>,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// The whole file system the process sees.
    pub input_root: TreeDigest,
}

impl Action {
    /// The key, and the messages it was hashed from: `Command`, then `Action`. Kept in the store they are the key's
    /// manifest, so an explanation is read from the very bytes that were hashed.
    pub fn encode(&self) -> (ActionKey, [(Digest, Vec<u8>); 2]) {
        let of = |bytes: &[u8]| Digest::of(bytes).to_message();
        let [command, action] = self.messages(self.input_root.digest().to_message(), of);
        let named = |bytes: Vec<u8>| (Digest::of(&bytes), bytes);
        let (command, action) = (named(command), named(action));
        (ActionKey::from_digest(action.0), [command, action])
    }

    /// The messages `Command` and `Action`, in which blobs are called what `name` calls them, and the input root this.
    #[allow(deprecated)] // Servers of API 2.1 and before look for the platform in the command.
    pub fn messages(
        &self,
        input_root: reapi::Digest,
        name: impl Fn(&[u8]) -> reapi::Digest,
    ) -> [Vec<u8>; 2] {
        let property = |(name, value): (&String, &String)| reapi::platform::Property {
            name: name.clone(),
            value: value.clone(),
        };
        let variable = |(name, value): (&String, &String)| reapi::command::EnvironmentVariable {
            name: name.clone(),
            value: value.clone(),
        };
        let platform = Some(reapi::Platform {
            properties: self.platform.iter().map(property).collect(),
        });
        let command = reapi::Command {
            arguments: self.arguments.clone(),
            environment_variables: self.environment.iter().map(variable).collect(),
            platform: platform.clone(),
            working_directory: self.working_directory.to_string(),
            output_paths: self.outputs.iter().map(TreePath::to_string).collect(),
            ..Default::default()
        }
        .encode_to_vec();
        let action = reapi::Action {
            command_digest: Some(name(&command)),
            input_root_digest: Some(input_root),
            timeout: self.timeout.map(|limit| google::Duration {
                seconds: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
                nanos: limit.subsec_nanos() as i32,
            }),
            platform,
            ..Default::default()
        }
        .encode_to_vec();
        [command, action]
    }

    /// The action whose key this is, read back from the store; `None` if its messages are not (or no longer) there.
    pub fn load(store: &Store, key: ActionKey) -> Result<Option<Action>> {
        let Some(bytes) = store.message(key.digest())? else {
            return Ok(None);
        };
        let (action, command) = message(key.digest(), &bytes)?;
        let Some(command) = store.message(command)? else {
            return Ok(None);
        };
        from_messages(key.digest(), action, &command).map(Some)
    }

    /// The action that the messages `Action`, whose digest is `digest`, and `Command` encode. There is one encoding of each
    /// action; others are refused.
    pub fn decode(digest: Digest, action: &[u8], command: &[u8]) -> Result<Action> {
        let (message, named) = message(digest, action)?;
        if named != Digest::of(command) {
            return Err(Error::Missing(named));
        }
        from_messages(digest, message, command)
    }
}

/// The message, and the digest of its command.
fn message(digest: Digest, bytes: &[u8]) -> Result<(reapi::Action, Digest)> {
    let action =
        reapi::Action::decode(bytes).map_err(|error| malformed(digest, error.to_string()))?;
    let command = action
        .command_digest
        .as_ref()
        .and_then(Digest::from_message);
    let command = command.ok_or_else(|| malformed(digest, "it names no command"))?;
    Ok((action, command))
}

fn from_messages(digest: Digest, action: reapi::Action, command: &[u8]) -> Result<Action> {
    let command = reapi::Command::decode(command)
        .map_err(|error| malformed(Digest::of(command), error.to_string()))?;
    let root = action.input_root_digest.as_ref();
    let root = root.and_then(Digest::from_message);
    let variable = |variable: reapi::command::EnvironmentVariable| (variable.name, variable.value);
    let property = |property: reapi::platform::Property| (property.name, property.value);
    let timeout = |limit: google::Duration| {
        let seconds = u64::try_from(limit.seconds).ok()?;
        let nanos = u32::try_from(limit.nanos).ok()?;
        (nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos))
    };
    let limit = action.timeout.map(timeout);
    if limit == Some(None) {
        return Err(malformed(digest, "its timeout is no time"));
    }
    let read = Action {
        arguments: command.arguments,
        environment: command
            .environment_variables
            .into_iter()
            .map(variable)
            .collect(),
        working_directory: TreePath::parse(&command.working_directory)?,
        outputs: command
            .output_paths
            .iter()
            .map(|path| TreePath::parse(path))
            .collect::<std::result::Result<_, _>>()?,
        platform: action
            .platform
            .unwrap_or_default()
            .properties
            .into_iter()
            .map(property)
            .collect(),
        timeout: limit.flatten(),
        input_root: TreeDigest::from_digest(
            root.ok_or_else(|| malformed(digest, "it has no input root"))?,
        ),
    };
    match read.encode().0.digest() == digest {
        true => Ok(read),
        false => Err(malformed(digest, "it is not encoded as keys are")),
    }
}

fn malformed(digest: Digest, why: impl Into<String>) -> Error {
    Error::Malformed {
        digest,
        what: "Action",
        why: why.into(),
    }
}
