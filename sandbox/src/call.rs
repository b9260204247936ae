//! A program inside that asks before it runs: the launcher, which stands in its place, waits for the caller's order.
//!
//! Knows who asks, and how to answer, pass on or watch; what a good answer would be is the caller's business.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{Shutdown, getsockopt, sockopt::PeerCredentials};
use nix::unistd::Pid;

use crate::watch::{self, Access};
use crate::{outlet, room, sys};

/// Where the launcher finds its caller.
pub(crate) const SOCKET: &str = "/dev/pwb-launcher";
/// The launcher: see `launcher/main.rs`.
pub(crate) const LAUNCHER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/launcher"));

/// The launcher's orders.
const ANSWER: i32 = 0;
const BECOME: i32 = 1;
const WATCHED: i32 = 2;
const REFUSED: i32 = 3;

/// As much as a program may say, in bytes: it is held in memory.
const LOUDEST: u64 = 1 << 30;

/// Takes the calls of one sandbox.
#[derive(Debug)]
pub struct Calls {
    listener: UnixListener,
    path: PathBuf,
    /// The calls that are attended to; `None` once no more are.
    live: Mutex<Option<Vec<Weak<UnixStream>>>>,
}

/// A program that waits to be run.
#[derive(Debug)]
pub struct Call {
    stream: Arc<UnixStream>,
    process: OwnedFd,
    /// The path, inside, at which the launcher stands.
    pub program: PathBuf,
    /// argv, its first word included.
    pub arguments: Vec<Vec<u8>>,
    /// The environment, each entry as `NAME=value`.
    pub environment: Vec<Vec<u8>>,
    /// The working directory inside.
    pub cwd: PathBuf,
    /// The mask for new files, as `/proc` writes it.
    pub umask: String,
    /// Whether standard input is at its end: `/dev/null`, or a pipe that nobody writes to, as `make` gives all but one of its
    /// children.
    pub no_input: bool,
    /// Whether a file other than the first three is open for reading: nobody sees what is read from it.
    pub inherits: bool,
    /// Whether standard output and errors are one file.
    pub one_output: bool,
    /// Whether both are files, pipes, sockets or `/dev/null`. To anything else an answer cannot be written.
    pub plain_output: bool,
    /// The sandbox' root directory, to look at and write to what the program sees.
    pub root: Arc<File>,
    output: File,
    errors: File,
}

/// A program that was watched to its end.
#[derive(Debug)]
pub struct Watched {
    /// Its exit code; `None` if a signal killed it.
    pub code: Option<i32>,
    /// What it wrote to standard output, and to standard errors if those were another file.
    pub output: Vec<u8>,
    /// What it wrote to standard errors.
    pub errors: Vec<u8>,
    /// Whether processes that it started live on.
    pub outlived: bool,
    call: Call,
    notices: OwnedFd,
}

impl Calls {
    /// Listens in `folder`.
    pub fn listen(folder: &Path) -> io::Result<Calls> {
        let path = folder.join("calls");
        // A socket's name must be short, and the folder's may not be.
        let handle = File::open(folder)?;
        let listener = UnixListener::bind(sys::by_descriptor(&handle).join("calls"))?;
        let live = Mutex::new(Some(Vec::new()));
        Ok(Calls {
            listener,
            path,
            live,
        })
    }

    /// The socket, to be mounted into the sandbox.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for the next call; `None` after [`Calls::close`]. A caller that cannot be looked at, mostly since it was killed
    /// meanwhile, ends with an error of its own, and the next one is waited for.
    pub fn next(&self) -> io::Result<Option<Call>> {
        loop {
            // Whoever calls meanwhile waits in the listener's queue.
            let stream = match room::find(|| self.accept()) {
                Ok((stream, _)) => stream,
                Err(error) => match error.kind() {
                    io::ErrorKind::InvalidInput => return Ok(None),
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => continue,
                    _ => return Err(error),
                },
            };
            let stream = Arc::new(stream);
            match room::find(|| Call::read(&stream, &self.path)) {
                Ok(call) => {
                    let mut live = self.live();
                    let Some(live) = &mut *live else {
                        return Ok(None);
                    };
                    live.retain(|stream| stream.strong_count() > 0);
                    live.push(Arc::downgrade(&stream));
                    return Ok(Some(call));
                }
                // Whoever is gone is not told.
                Err(error) => drop(refuse(&stream, &error)),
            }
        }
    }

    fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let accepted = self.listener.accept();
        // Without room the kernel does not look whether the listener is closed.
        if accepted.is_err() && self.live().is_none() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        accepted
    }

    fn live(&self) -> MutexGuard<'_, Option<Vec<Weak<UnixStream>>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets whoever waits for a call go, and whoever waits for a caller's word: one that lies may have seen to it that its
    /// socket outlives it.
    pub fn close(&self) -> io::Result<()> {
        let mut live = self.live();
        for stream in live.take().iter().flatten().filter_map(Weak::upgrade) {
            // One that is closed is closed.
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        Ok(nix::sys::socket::shutdown(
            sys::raw(&self.listener),
            Shutdown::Both,
        )?)
    }
}

impl Call {
    fn read(stream: &Arc<UnixStream>, socket: &Path) -> io::Result<Call> {
        let pid = getsockopt(&**stream, PeerCredentials)?.pid();
        let process = sys::open_process(Pid::from_raw(pid))?;
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let words = |name: &str| -> io::Result<Vec<Vec<u8>>> {
            let mut bytes = fs::read(folder.join(name))?;
            // Every word ends in NUL.
            bytes.pop();
            Ok(bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect())
        };
        let status = fs::read_to_string(folder.join("status"))?;
        let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
        let descriptor = |number| sys::descriptor_of(&process, number).map(File::from);
        let (output, errors) = (descriptor(1)?, descriptor(2)?);
        let call = Call {
            program: fs::read_link(folder.join("exe"))?,
            arguments: words("cmdline")?,
            environment: words("environ")?,
            cwd: fs::read_link(folder.join("cwd"))?,
            umask: umask.unwrap_or_default().trim().to_owned(),
            no_input: is_empty(&descriptor(0)?)?,
            inherits: inherits(&folder.join("fd"))?,
            plain_output: outlet::is_plain(&output)? && outlet::is_plain(&errors)?,
            one_output: identity(&output.metadata()?) == identity(&errors.metadata()?),
            root: Arc::new(File::open(folder.join("root"))?),
            stream: stream.clone(),
            process,
            output,
            errors,
        };
        // Its number may have become another's meanwhile, even a process' outside.
        let inside = fs::symlink_metadata(
            sys::by_descriptor(&call.root).join(SOCKET.trim_start_matches('/')),
        )?;
        let lives = !is_readable(&call.process)?;
        if !lives || identity(&inside) != identity(&fs::symlink_metadata(socket)?) {
            return Err(io::Error::other("it is gone"));
        }
        Ok(call)
    }

    /// Ends the program, which never ran, with this output and exit code.
    pub fn answer(mut self, code: i32, output: &[u8], errors: &[u8]) -> io::Result<()> {
        self.say(output, errors)?;
        self.order(ANSWER)?;
        self.order(code)
    }

    /// Lets the program run, unseen. `program` is where it really is.
    pub fn pass(mut self, program: &Path) -> io::Result<()> {
        self.order(BECOME)?;
        self.send(program.as_os_str().as_encoded_bytes())
    }

    /// Runs the program and tells what files it and its children touch, each before it happens. [`Watched::finish`] lets
    /// it go. A program that another one's watch covers already runs without: [`io::ErrorKind::ResourceBusy`].
    pub fn watch(mut self, program: &Path, see: &mut dyn FnMut(Access)) -> io::Result<Watched> {
        self.order(WATCHED)?;
        self.order(i32::from(self.one_output))?;
        self.send(&watch::filter())?;
        self.send(program.as_os_str().as_encoded_bytes())?;
        let notices = self.hear()?;
        if notices < 0 {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        let [output, errors] = [self.hear()?, self.hear()?];
        let notices = room::find(|| sys::descriptor_of(&self.process, notices))?;
        if fs::read_link(sys::by_descriptor(&notices))? != Path::new("anon_inode:seccomp notify") {
            return Err(io::Error::other("its word is not the launcher's"));
        }
        let opened = |number| room::find(|| self.opened(number));
        let [output, errors] = [opened(output)?, opened(errors)?];
        self.order(0)?;
        watch::attend(&notices, Some(self.stream.as_fd()), see)?;
        let [status, outlived] = [self.hear()?, self.hear()?];
        let output = all(output)?;
        let errors = if self.one_output {
            Vec::new()
        } else {
            all(errors)?
        };
        Ok(Watched {
            code: nix::libc::WIFEXITED(status).then(|| nix::libc::WEXITSTATUS(status)),
            output,
            errors,
            outlived: outlived != 0,
            call: self,
            notices,
        })
    }

    /// The launcher's file, from its beginning. Anything but a file might never end.
    fn opened(&self, number: i32) -> io::Result<File> {
        let theirs = File::from(sys::descriptor_of(&self.process, number)?);
        if !theirs.metadata()?.is_file() {
            return Err(io::Error::other("its word is not the launcher's"));
        }
        File::open(sys::by_descriptor(&theirs))
    }

    fn say(&mut self, output: &[u8], errors: &[u8]) -> io::Result<()> {
        for (file, bytes) in [(&self.output, output), (&self.errors, errors)] {
            match outlet::write(file, bytes, &self.stream) {
                // Whoever listened has heard enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                other => other?,
            }
        }
        Ok(())
    }

    fn order(&mut self, word: i32) -> io::Result<()> {
        order(&self.stream, word)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        send(&self.stream, bytes)
    }

    fn hear(&mut self) -> io::Result<i32> {
        let mut word = [0; 4];
        (&*self.stream).read_exact(&mut word)?;
        Ok(i32::from_ne_bytes(word))
    }
}

impl Watched {
    /// Passes the output on and lets the program's parent see its end. Returns when what it started has ended too.
    pub fn finish(mut self) -> io::Result<()> {
        self.call.say(&self.output, &self.errors)?;
        self.call.order(0)?;
        if self.outlived {
            // Nobody else lets their calls happen.
            watch::attend(&self.notices, None, &mut |_| {})?;
        }
        Ok(())
    }

    /// The sandbox' root directory.
    pub fn root(&self) -> &File {
        &self.call.root
    }
}

/// The whole of a file, unless that is too much.
fn all(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file.take(LOUDEST + 1).read_to_end(&mut bytes)? as u64 > LOUDEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

fn identity(data: &Metadata) -> (u64, u64) {
    (data.dev(), data.ino())
}

fn is_readable(descriptor: &OwnedFd) -> io::Result<bool> {
    let mut state = [PollFd::new(descriptor.as_fd(), PollFlags::POLLIN)];
    Ok(poll(&mut state, PollTimeout::ZERO)? > 0)
}

fn refuse(stream: &UnixStream, error: &io::Error) -> io::Result<()> {
    let text = format!("it cannot be seen who calls: {error} (--no-compile-cache does without)");
    order(stream, REFUSED)?;
    send(stream, text.as_bytes())
}

fn order(mut stream: &UnixStream, word: i32) -> io::Result<()> {
    stream.write_all(&word.to_ne_bytes())
}

fn send(mut stream: &UnixStream, bytes: &[u8]) -> io::Result<()> {
    order(
        stream,
        i32::try_from(bytes.len()).map_err(io::Error::other)?,
    )?;
    stream.write_all(bytes)
}

fn is_empty(input: &File) -> io::Result<bool> {
    let kind = input.metadata()?;
    if kind.file_type().is_char_device() {
        return Ok(kind.rdev() == fs::metadata("/dev/null")?.rdev());
    }
    let mut state = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
    poll(&mut state, PollTimeout::ZERO)?;
    Ok(kind.file_type().is_fifo() && state[0].revents() == Some(PollFlags::POLLHUP))
}

/// Whether a launcher has been given more to read than the first three files. It has one socket itself.
fn inherits(descriptors: &Path) -> io::Result<bool> {
    const READABLE: u32 = 0o400;
    let target = |number: &str| fs::read_link(descriptors.join(number));
    let mut innocent = vec![target("1")?, target("2")?, "/dev/null".into()];
    let mut sockets = 0;
    for entry in fs::read_dir(descriptors)? {
        let path = entry?.path();
        let number = path.file_name().and_then(|name| name.to_str());
        if matches!(number, Some("0" | "1" | "2")) {
            continue;
        }
        let target = fs::read_link(&path)?;
        if target
            .as_os_str()
            .as_encoded_bytes()
            .starts_with(b"socket:")
        {
            sockets += 1;
        } else if fs::symlink_metadata(&path)?.mode() & READABLE != 0 && !innocent.contains(&target)
        {
            return Ok(true);
        }
    }
    innocent.retain(|target| {
        target
            .as_os_str()
            .as_encoded_bytes()
            .starts_with(b"socket:")
    });
    Ok(sockets > 1 && innocent.is_empty())
}

impl Drop for Calls {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
