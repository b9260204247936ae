//! Process 1 of the sandbox: puts the command's root together, enters it, gives up every privilege, starts the command, reaps.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::devices::{DEVICES, LINKS};
use crate::order::Order;
use crate::rooms::{Rooms, make, union};
use crate::{Trouble, sys, trouble};

const HOST: &std::ffi::CStr = c"pwb";

/// Runs the command to its end; its status as `wait(2)` has it.
pub fn live(order: &Order, rooms: &Rooms, parent: &UnixStream) -> Result<i32, Trouble> {
    let failed = |what: &'static str| move |error: io::Error| trouble("set", what, &error);
    sys::die_with_parent().map_err(failed("the death signal"))?;
    if is_closed(parent) {
        return Err(Trouble::Declined("its starter has died".to_owned()));
    }
    sys::own_mounts().map_err(failed("mounts of its own"))?;
    assemble(order, rooms)?;
    std::env::set_current_dir(&rooms.assembly)
        .and_then(|()| sys::enter_here())
        .map_err(|error| trouble("enter", &rooms.assembly, &error))?;
    let cwd = Path::new("/").join(&order.cwd);
    std::env::set_current_dir(&cwd).map_err(|error| trouble("go to", &cwd, &error))?;
    sys::identify(HOST).map_err(failed("the host's name"))?;
    sys::give_up().map_err(failed("privileges"))?;
    sys::filter(&order.filter).map_err(failed("the filter of system calls"))?;
    start(order)
}

/// Whether the other end is gone.
fn is_closed(stream: &UnixStream) -> bool {
    use std::io::Read;
    let peeked = stream
        .set_nonblocking(true)
        .and_then(|()| (&*stream).read(&mut [0]));
    let _ = stream.set_nonblocking(false);
    matches!(peeked, Ok(0))
}

fn assemble(order: &Order, rooms: &Rooms) -> Result<(), Trouble> {
    let root = &rooms.assembly;
    match &rooms.roots[..] {
        [only] => bind(only, root).and_then(|()| sys::seal(root)),
        several => union(several, None, root),
    }
    .map_err(|error| trouble("show", root, &error))?;
    for (output, room) in order.outputs.iter().zip(&rooms.outputs) {
        let target = plain(root, &output.path)?;
        bind(&room.shown, &target).map_err(|error| trouble("show", &target, &error))?;
    }
    let sealed = sys::MS_NOSUID | sys::MS_NODEV;
    let tmp = plain(root, "tmp".as_ref())?;
    sys::mount_at(None, &tmp, Some(c"tmpfs"), sealed, Some("mode=1777"))
        .map_err(|error| trouble("mount memory on", &tmp, &error))?;
    let proc = plain(root, "proc".as_ref())?;
    let flags = sealed | sys::MS_NOEXEC | sys::MS_RDONLY;
    sys::mount_at(None, &proc, Some(c"proc"), flags, None)
        .map_err(|error| trouble("mount", &proc, &error))?;
    devices(&plain(root, "dev".as_ref())?)
}

/// A folder of the root: a link there would lead out of it.
fn plain(root: &Path, below: &Path) -> Result<PathBuf, Trouble> {
    let mut at = root.to_owned();
    for name in below {
        at.push(name);
        let data = fs::symlink_metadata(&at).map_err(|error| trouble("stat", &at, &error))?;
        if !data.is_dir() {
            return Err(Trouble::Declined(format!("/{} leads through a file or a link", below.display())));
        }
    }
    Ok(at)
}

fn bind(source: &Path, target: &Path) -> io::Result<()> {
    sys::mount_at(Some(source), target, None, sys::MS_BIND | sys::MS_REC, None)
}

fn devices(dev: &Path) -> Result<(), Trouble> {
    let failed = |error: io::Error| trouble("fill", dev, &error);
    let flags = sys::MS_NOSUID | sys::MS_NODEV;
    sys::mount_at(None, dev, Some(c"tmpfs"), flags, Some("mode=755")).map_err(failed)?;
    for name in DEVICES {
        let (host, file) = (Path::new("/dev").join(name), dev.join(name));
        File::create(&file).map_err(failed)?;
        bind(&host, &file)
            .and_then(|()| sys::protect(&file))
            .map_err(|error| trouble("show", &host, &error))?;
    }
    for (name, target) in LINKS {
        symlink(target, dev.join(name)).map_err(failed)?;
    }
    let (pts, shm) = (dev.join("pts"), dev.join("shm"));
    make(&pts)?;
    make(&shm)?;
    fs::set_permissions(&shm, fs::Permissions::from_mode(0o1777)).map_err(failed)?;
    let flags = sys::MS_NOSUID | sys::MS_NOEXEC;
    let options = Some("newinstance,ptmxmode=0666,mode=620");
    sys::mount_at(None, &pts, Some(c"devpts"), flags, options).map_err(failed)
}

/// Starts the command and reaps until it ends.
fn start(order: &Order) -> Result<i32, Trouble> {
    let failed = |error: io::Error| trouble("start", "the command", &error);
    let words = |words: &[Vec<u8>]| -> Result<Vec<CString>, Trouble> {
        let word =
            |word: &Vec<u8>| CString::new(word.as_slice()).map_err(|error| failed(error.into()));
        words.iter().map(word).collect()
    };
    let (arguments, environment) = (words(&order.arguments)?, words(&order.environment)?);
    let files = words(&candidates(order))?;
    let null = OpenOptions::new()
        .read(true)
        .open("/dev/null")
        .map_err(failed)?;
    let (said, saying) = UnixStream::pair().map_err(failed)?;
    let child = match sys::fork().map_err(failed)? {
        0 => {
            use std::io::Write;
            drop(said);
            let error = sys::stand_on(&null)
                .err()
                .unwrap_or_else(|| sys::become_program(&files, &arguments, &environment));
            let _ = (&saying).write_all(error.to_string().as_bytes());
            sys::end(127)
        }
        child => child,
    };
    drop(saying);
    let status = sys::wait_for(child);
    // The socket was closed where the program has started.
    let mut unrunnable = String::new();
    let _ = io::Read::read_to_string(&mut (&said), &mut unrunnable);
    if unrunnable.is_empty() {
        return Ok(status);
    }
    let command = order
        .arguments
        .first()
        .map(|word| String::from_utf8_lossy(word));
    let command = command.unwrap_or_default();
    Err(Trouble::Declined(format!("cannot run {command}: {unrunnable}")))
}

/// The files that the command's first word may mean, best first.
fn candidates(order: &Order) -> Vec<Vec<u8>> {
    let command = order.arguments.first().cloned().unwrap_or_default();
    if command.contains(&b'/') {
        return vec![command];
    }
    let mut variables = order.environment.iter().rev();
    let searched = variables.find_map(|variable| variable.strip_prefix(b"PATH="));
    let folders = searched.unwrap_or_default().split(|byte| *byte == b':');
    folders
        .map(|folder| [folder, b"/", &command].concat())
        .collect()
}
