//! Runs a command on a machine that only offers a folder: the folder's `root` becomes the command's `/`, in the same sandbox
//! as on the machine that asks.
//!
//! A program of its own, static and without a dependency: it comes with the command's input and starts on any Linux. The
//! other side, with the forms of the order and the report, is `src/errand.rs`. Here is what it finds and leaves:
//!
//! ```text
//! order   what to run          root/   what it sees
//! out/    its outputs          work/   gone at the end
//! ```
//!
//! Standard output is the command's, both of its streams. Standard error has the report, and nothing else.

#[path = "../src/devices.rs"]
mod devices;
mod gather;
mod inside;
mod order;
mod rooms;
mod settle;
mod sys;

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::exit;
use std::time::{Duration, Instant};

use order::Order;
use rooms::Rooms;

/// Why a command was not run to its end and its outputs not gathered.
enum Trouble {
    /// The machine does not permit what is needed; it would be no better for another command.
    Refused(String),
    /// It is this command's: the one who asks can say it better.
    Declined(String),
}

/// The exit code where nothing was run.
const REFUSED: i32 = 125;

/// How the command has ended.
enum End {
    Code(i32),
    Signal(i32),
    TimedOut,
}

fn main() {
    let code = match errand() {
        Ok(end) => {
            let used = sys::used_by_children();
            let (word, number) = match end {
                End::Code(code) => ("exit", code),
                End::Signal(signal) => ("signal", signal),
                End::TimedOut => ("timeout", 0),
            };
            eprintln!("\npwb: {word} {number} {} {} {}", used[0], used[1], used[2]);
            match end {
                End::Code(code) => code,
                End::Signal(signal) => 128 + signal,
                End::TimedOut => REFUSED - 1,
            }
        }
        Err(trouble) => {
            eprintln!("\npwb: {}", trouble.to_line());
            REFUSED
        }
    };
    exit(code)
}

fn errand() -> Result<End, Trouble> {
    let order = Order::read("order")?;
    sys::plain_start();
    sys::isolate().map_err(|error| trouble("make namespaces", ".", &error))?;
    let rooms = Rooms::make(&order)?;
    let end = run(&order, &rooms)?;
    if matches!(end, End::Code(0)) {
        gather::outputs(&order, &rooms)?;
    }
    rooms.clear();
    Ok(end)
}

/// Forks process 1 of the sandbox, and waits for its end or the timeout's.
fn run(order: &Order, rooms: &Rooms) -> Result<End, Trouble> {
    let failed = |error: io::Error| trouble("start", "the sandbox", &error);
    let (mut ours, theirs) = UnixStream::pair().map_err(failed)?;
    let init = match sys::fork().map_err(failed)? {
        0 => {
            drop(ours);
            let said = match inside::live(order, rooms, &theirs) {
                Ok(status) => format!("+{status}"),
                Err(trouble) => trouble.to_line(),
            };
            // Nobody is there to hear that it cannot be said.
            let _ = (&theirs).write_all(said.as_bytes());
            sys::end(0)
        }
        init => init,
    };
    drop(theirs);
    let limit = order.timeout.map(|timeout| Instant::now() + timeout);
    let mut said = Vec::new();
    let in_time = listen(&mut ours, limit, &mut said).map_err(failed)?;
    if !in_time {
        sys::kill(init);
    }
    // Process 1 ends when all others have.
    sys::wait_for(init);
    let said = String::from_utf8_lossy(&said).into_owned();
    match said
        .strip_prefix('+')
        .and_then(|status| status.parse::<i32>().ok())
    {
        _ if !in_time => Ok(End::TimedOut),
        Some(status) if status & 0x7f == 0 => Ok(End::Code(status >> 8 & 0xff)),
        Some(status) => Ok(End::Signal(status & 0x7f)),
        None => Err(Trouble::from_line(&said)),
    }
}

/// Reads all that is said; false if the time is over before.
fn listen(stream: &mut UnixStream, limit: Option<Instant>, said: &mut Vec<u8>) -> io::Result<bool> {
    let mut part = [0; 512];
    loop {
        let left = limit.map(|limit| limit.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Ok(false);
        }
        stream.set_read_timeout(left)?;
        match stream.read(&mut part) {
            Ok(0) => return Ok(true),
            Ok(count) => said.extend(&part[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl Trouble {
    fn to_line(&self) -> String {
        let (word, text) = match self {
            Trouble::Refused(text) => ("refused", text),
            Trouble::Declined(text) => ("declined", text),
        };
        format!("{word} {}", text.replace('\n', " "))
    }

    fn from_line(line: &str) -> Trouble {
        match line.split_once(' ') {
            Some(("refused", text)) => Trouble::Refused(text.to_owned()),
            Some(("declined", text)) => Trouble::Declined(text.to_owned()),
            _ => Trouble::Declined("the sandbox has died".to_owned()),
        }
    }
}

/// What was tried, with what, and the system's answer.
fn trouble(verb: &str, what: impl AsRef<std::path::Path>, error: &io::Error) -> Trouble {
    Trouble::Refused(format!("cannot {verb} {}: {error}", what.as_ref().display()))
}
