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
