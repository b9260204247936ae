//! The messages of the Remote Execution API v2 that keys and trees are made of, field for field
//! (`build/bazel/remote/execution/v2/remote_execution.proto`). prost writes fields in tag order, which is the canonical
//! encoding; whoever fills a list sorts it as the specification says.

/// `Digest`.
#[derive(Clone, Eq, Hash, PartialEq, prost::Message)]
pub struct Digest {
    /// Lower-case hexadecimal.
    #[prost(string, tag = "1")]
    pub hash: String,
    /// Bytes.
    #[prost(int64, tag = "2")]
    pub size_bytes: i64,
}

/// `Directory`: every list sorted by name.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Directory {
    /// Files.
    #[prost(message, repeated, tag = "1")]
    pub files: Vec<FileNode>,
    /// Sub-directories.
    #[prost(message, repeated, tag = "2")]
    pub directories: Vec<DirectoryNode>,
    /// Symbolic links.
    #[prost(message, repeated, tag = "3")]
    pub symlinks: Vec<SymlinkNode>,
}

/// `FileNode`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FileNode {
    /// One path component.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The contents.
    #[prost(message, optional, tag = "2")]
    pub digest: Option<Digest>,
    /// The only mode bit there is.
    #[prost(bool, tag = "4")]
    pub is_executable: bool,
}

/// `DirectoryNode`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DirectoryNode {
    /// One path component.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The digest of the `Directory`.
    #[prost(message, optional, tag = "2")]
    pub digest: Option<Digest>,
}

/// `SymlinkNode`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SymlinkNode {
    /// One path component.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Where it points, as written.
    #[prost(string, tag = "2")]
    pub target: String,
}

/// `Action`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Action {
    /// The digest of the [`Command`].
    #[prost(message, optional, tag = "1")]
    pub command_digest: Option<Digest>,
    /// The digest of the root [`Directory`].
    #[prost(message, optional, tag = "2")]
    pub input_root_digest: Option<Digest>,
    /// How long it may take.
    #[prost(message, optional, tag = "6")]
    pub timeout: Option<Duration>,
    /// Where it may run; a copy of the command's.
    #[prost(message, optional, tag = "10")]
    pub platform: Option<Platform>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Duration {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// The rest, in nanoseconds.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// `Command`: environment variables sorted by name, output paths sorted.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Command {
    /// argv.
    #[prost(string, repeated, tag = "1")]
    pub arguments: Vec<String>,
    /// The whole environment.
    #[prost(message, repeated, tag = "2")]
    pub environment_variables: Vec<Pair>,
    /// Where it may run.
    #[prost(message, optional, tag = "5")]
    pub platform: Option<Platform>,
    /// Relative to the input root.
    #[prost(string, tag = "6")]
    pub working_directory: String,
    /// Relative to the working directory.
    #[prost(string, repeated, tag = "7")]
    pub output_paths: Vec<String>,
}

/// `Platform`: properties sorted by name, then value.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Platform {
    /// The properties.
    #[prost(message, repeated, tag = "1")]
    pub properties: Vec<Pair>,
}

/// `Command.EnvironmentVariable` and `Platform.Property`, which have one shape.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Pair {
    /// The name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// `ActionResult`, as far as calls of a compiler have one.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ActionResult {
    /// Files, by path.
    #[prost(message, repeated, tag = "2")]
    pub output_files: Vec<OutputFile>,
    /// Directories that were made.
    #[prost(message, repeated, tag = "3")]
    pub output_directories: Vec<OutputDirectory>,
    /// Exit code.
    #[prost(int32, tag = "4")]
    pub exit_code: i32,
    /// What was written to standard output.
    #[prost(message, optional, tag = "6")]
    pub stdout_digest: Option<Digest>,
    /// What was written to standard errors.
    #[prost(message, optional, tag = "8")]
    pub stderr_digest: Option<Digest>,
    /// When it ran.
    #[prost(message, optional, tag = "9")]
    pub execution_metadata: Option<ExecutedActionMetadata>,
    /// Symbolic links.
    #[prost(message, repeated, tag = "12")]
    pub output_symlinks: Vec<OutputSymlink>,
}

/// `OutputFile`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OutputFile {
    /// Relative to the working directory, which is the root here.
    #[prost(string, tag = "1")]
    pub path: String,
    /// The contents.
    #[prost(message, optional, tag = "2")]
    pub digest: Option<Digest>,
    /// The mode's one bit.
    #[prost(bool, tag = "4")]
    pub is_executable: bool,
    /// The mode as it was.
    #[prost(message, optional, tag = "7")]
    pub node_properties: Option<NodeProperties>,
}

/// `OutputDirectory`; here it has nothing in it yet.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OutputDirectory {
    /// As in [`OutputFile`].
    #[prost(string, tag = "1")]
    pub path: String,
}

/// `OutputSymlink`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OutputSymlink {
    /// As in [`OutputFile`].
    #[prost(string, tag = "1")]
    pub path: String,
    /// Where it points, as written.
    #[prost(string, tag = "2")]
    pub target: String,
}

/// `NodeProperties`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NodeProperties {
    /// `google.protobuf.UInt32Value`.
    #[prost(message, optional, tag = "3")]
    pub unix_mode: Option<Mode>,
}

/// `google.protobuf.UInt32Value`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Mode {
    /// Permission bits.
    #[prost(uint32, tag = "1")]
    pub value: u32,
}

/// `ExecutedActionMetadata`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ExecutedActionMetadata {
    /// The time that the command took by itself.
    #[prost(message, optional, tag = "12")]
    pub virtual_execution_duration: Option<Duration>,
}
