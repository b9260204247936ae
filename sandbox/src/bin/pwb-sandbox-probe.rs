//! The tests' other half: runs a spec from a file (outside), and tries what must not work (inside). Not installed.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount, umount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use nix::sys::stat::{Mode, SFlag, mknod};
use nix::unistd::{chroot, sethostname};
use pwb_sandbox::{Access, Call, Calling, Calls, Error, Spec};
use serde_json::{Value, json};

fn main() -> ExitCode {
    pwb_sandbox::enter_if_asked();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["run", spec, result] => run(spec, result),
        ["serve", spec, result] => serve(spec, result),
        ["call"] => UnixStream::connect("/dev/pwb-launcher").map(drop),
        ["flood", spec, threads, count] => flood(spec, threads, count),
        ["doctor", store, result] => doctor(store, result),
        ["remove", path] => pwb_sandbox::remove_tree(Path::new(path)),
        ["attempt", what] => return attempt(what),
        _ => Err(io::Error::other("unknown words")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = io::Write::write_all(&mut io::stderr(), format!("{error}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn read(spec: &str) -> io::Result<Spec> {
    Ok(serde_json::from_slice(&fs::read(spec)?)?)
}

/// Writes `{output, exit}` or `{output, error, kind, hint}`.
fn run(spec: &str, result: &str) -> io::Result<()> {
    let mut output = Vec::new();
    let ran = pwb_sandbox::run(&read(spec)?, &mut |bytes| output.extend_from_slice(bytes));
    let mut record = match ran {
        Ok(exit) => json!({ "exit": exit }),
        Err(error) => failure(&error),
    };
    record["output"] = Value::from(String::from_utf8_lossy(&output));
    fs::write(result, record.to_string())
}

/// Runs a spec and takes its calls as the programs' names say. Adds what was seen to the record: `calls`, and for watched
/// ones `accesses` and `ends`.
fn serve(spec: &str, result: &str) -> io::Result<()> {
    let mut spec = read(spec)?;
    let calls = Calls::listen(&spec.scratch)?;
    let programs =
        ["answered", "passed", "watched", "dropped"].map(|name| format!("/usr/bin/{name}").into());
    spec.calling = Some(Calling {
        socket: calls.path().to_owned(),
        programs: programs.into(),
    });
    let seen = Mutex::new(Seen::default());
    let mut output = Vec::new();
    let ran = std::thread::scope(|scope| {
        scope.spawn(|| {
            while let Ok(Some(call)) = calls.next() {
                scope.spawn(|| attend(call, &seen));
            }
        });
        let ran = pwb_sandbox::run(&spec, &mut |bytes| output.extend_from_slice(bytes));
        calls.close().map(|()| ran)
    })?;
    let mut record = ran.map_or_else(|error| failure(&error), |exit| json!({ "exit": exit }));
    let seen = seen.into_inner().map_err(|_| io::Error::other("panic"))?;
    record["output"] = Value::from(String::from_utf8_lossy(&output));
    (record["calls"], record["accesses"], record["ends"]) =
        (seen.calls.into(), seen.accesses.into(), seen.ends.into());
    fs::write(result, record.to_string())
}

#[derive(Default)]
struct Seen {
    calls: Vec<String>,
    accesses: Vec<String>,
    ends: Vec<String>,
}

/// What goes wrong here shows in the command's end.
fn attend(call: Call, seen: &Mutex<Seen>) -> io::Result<()> {
    let shell = Path::new("/usr/bin/sh");
    let add = |list: fn(&mut Seen) -> &mut Vec<String>, line: String| {
        list(&mut seen.lock().unwrap_or_else(PoisonError::into_inner)).push(line);
    };
    let yes = |is: bool, word: &'static str| if is { word } else { "" };
    let words = call.arguments[1..]
        .iter()
        .map(|word| String::from_utf8_lossy(word));
    add(
        |seen| &mut seen.calls,
        format!(
            "{} {} {} {}{}{}{}",
            call.program.display(),
            call.cwd.display(),
            call.umask,
            yes(call.no_input, "no-input "),
            yes(call.inherits, "inherits "),
            yes(call.one_output, "one-output "),
            words.collect::<Vec<_>>().join(" "),
        ),
    );
    match call.program.file_name().and_then(|name| name.to_str()) {
        Some("answered") => call.answer(7, b"output\n", b"errors\n"),
        Some("passed") => call.pass(shell),
        Some("watched") => {
            let watched = call.watch(shell, &mut |access| {
                let follows = |follow| if follow { "" } else { "!" };
                add(
                    |seen| &mut seen.accesses,
                    match access {
                        Access::Look { path, follow } => {
                            format!("look{} {}", follows(follow), path.display())
                        }
                        Access::Write { path, follow } => {
                            format!("write{} {}", follows(follow), path.display())
                        }
                        Access::Run(path) => format!("run {}", path.display()),
                        Access::List(path) => format!("list {}", path.display()),
                        Access::Beyond(why) => format!("beyond {why}"),
                    },
                );
            })?;
            let text = |bytes| String::from_utf8_lossy(bytes).replace('\n', "/");
            add(
                |seen| &mut seen.ends,
                format!(
                    "{:?} {} {}{}",
                    watched.code,
                    text(&watched.output),
                    text(&watched.errors),
                    yes(watched.outlived, " outlived")
                ),
            );
            watched.finish()
        }
        _ => Ok(()),
    }
}

fn failure(error: &Error) -> Value {
    json!({ "error": error.to_string(), "kind": format!("{:?}", error.kind()), "hint": error.hint() })
}

/// Runs a spec many times at once; the output of each must be what `echo` of its argument gives.
fn flood(spec: &str, threads: &str, count: &str) -> io::Result<()> {
    let spec = read(spec)?;
    let count: usize = count.parse().map_err(io::Error::other)?;
    let next = AtomicUsize::new(0);
    let work = || {
        while let number = next.fetch_add(1, Ordering::Relaxed)
            && number < count
        {
            let mut spec = spec.clone();
            spec.scratch = spec.scratch.join(number.to_string());
            fs::create_dir_all(&spec.scratch)?;
            spec.argv.push(number.to_string());
            let mut output = Vec::new();
            let exit = pwb_sandbox::run(&spec, &mut |bytes| output.extend_from_slice(bytes))
                .map_err(io::Error::other)?;
            if output != format!("{number}\n").as_bytes() {
                return Err(io::Error::other(format!(
                    "{exit:?} {}",
                    String::from_utf8_lossy(&output)
                )));
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads = (0..threads.parse().unwrap_or(1))
            .map(|_| scope.spawn(work))
            .collect::<Vec<_>>();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("panic")))
        })
    })
}

fn doctor(store: &str, result: &str) -> io::Result<()> {
    let findings = pwb_sandbox::doctor::probe(Path::new(store));
    let lines = findings
        .into_iter()
        .map(|found| json!([found.what, found.ok, found.detail, found.advice]));
    fs::write(result, Value::from_iter(lines).to_string())
}

/// Tries one forbidden thing; exits with its errno, or 0 where it worked.
fn attempt(what: &str) -> ExitCode {
    let nothing = None::<&str>;
    let result = match what {
        "mount" => mount(
            Some("none"),
            "/tmp",
            Some("tmpfs"),
            MsFlags::empty(),
            nothing,
        ),
        "remount" => mount(
            nothing,
            "/",
            nothing,
            MsFlags::MS_REMOUNT | MsFlags::MS_BIND,
            nothing,
        ),
        "umount" => umount("/proc"),
        "unshare" => unshare(CloneFlags::CLONE_NEWUSER),
        "unshare-fs" => unshare(CloneFlags::CLONE_FS),
        "chroot" => chroot("/tmp"),
        "hostname" => sethostname("other"),
        "suid-mknod" => mknod(
            "/tmp/made",
            SFlag::S_IFREG,
            Mode::from_bits_truncate(0o4755),
            0,
        ),
        "device" => mknod(
            "/tmp/device",
            SFlag::S_IFCHR,
            Mode::from_bits_truncate(0o666),
            0x0103,
        ),
        "suid-open" => suid_open(),
        "vsock" => socket(
            AddressFamily::Vsock,
            SockType::Stream,
            SockFlag::empty(),
            None,
        )
        .map(drop),
        "inet" => socket(
            AddressFamily::Inet,
            SockType::Stream,
            SockFlag::empty(),
            None,
        )
        .map(drop),
        "connect" => {
            return verdict(
                TcpStream::connect_timeout(&address(), Duration::from_secs(3)).map(drop),
            );
        }
        "send" => {
            return verdict(
                UdpSocket::bind("0.0.0.0:0")
                    .and_then(|udp| udp.send_to(b"x", address()))
                    .map(drop),
            );
        }
        "sysctl" => return verdict(fs::write("/proc/sys/kernel/core_pattern", "core")),
        _ => Err(Errno::ENOTSUP),
    };
    verdict(result.map_err(io::Error::from))
}

fn suid_open() -> nix::Result<()> {
    use nix::fcntl::{OFlag, open};
    open(
        "/tmp/opened",
        OFlag::O_CREAT | OFlag::O_WRONLY,
        Mode::from_bits_truncate(0o4755),
    )
    .map(drop)
}

/// An address of the documentation range: whether anything answers does not matter, only that there is no way out.
fn address() -> SocketAddr {
    ([192, 0, 2, 1], 9).into()
}

fn verdict(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ExitCode::from(u8::try_from(error.raw_os_error().unwrap_or(255)).unwrap_or(255))
        }
    }
}
