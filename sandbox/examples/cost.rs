//! What a sandbox costs: `cost ROOT COUNT THREADS COMMAND...` runs the command that often and prints CPU and wall time a run.
//!
//! Compare with `cost - ...`, which spawns the command without a sandbox.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use pwb_sandbox::{Mount, Source, Spec, Status, Stdio};

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    pwb_sandbox::enter_if_asked();
    let mut words = std::env::args().skip(1);
    let usage = || Failure::from("usage: cost ROOT COUNT THREADS COMMAND...");
    let root = words.next().ok_or_else(usage)?;
    let count: usize = words.next().ok_or_else(usage)?.parse()?;
    let threads: usize = words.next().ok_or_else(usage)?.parse()?;
    let argv: Vec<String> = words.collect();
    let folder = std::env::temp_dir().join(format!("pwb-cost-{}", std::process::id()));

    let (start, before, machine) = (Instant::now(), used()?, machine());
    let next = AtomicUsize::new(0);
    let work = |lane: usize| -> Result<(), Failure> {
        let lane = folder.join(lane.to_string());
        std::fs::create_dir_all(&lane)?;
        while next.fetch_add(1, Ordering::Relaxed) < count {
            if root == "-" {
                plain(&argv)?
            } else {
                sandboxed(Path::new(&root), &argv, &lane)?
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| -> Result<(), Failure> {
        let lanes: Vec<_> = (0..threads)
            .map(|lane| scope.spawn(move || work(lane)))
            .collect();
        lanes
            .into_iter()
            .try_for_each(|lane| lane.join().map_err(|_| "a thread panicked")?)
    })?;
    let wall = start.elapsed();
    pwb_sandbox::leave();
    let cpu = used()? - before;
    // Namespaces are torn down by kernel threads, which only the machine's total shows.
    std::thread::sleep(Duration::from_millis(500));
    let each = |time: Duration| time.as_secs_f64() * 1000.0 / count as f64;
    let machine = self::machine().saturating_sub(machine);
    println!(
        "a run: {:.2} ms CPU, {:.2} ms CPU of the whole machine, {:.2} ms wall",
        each(cpu),
        each(machine),
        each(wall)
    );
    Ok(pwb_sandbox::remove_tree(&folder)?)
}

fn sandboxed(root: &Path, argv: &[String], lane: &Path) -> Result<(), Failure> {
    let make = |name: &str| -> Result<PathBuf, Failure> {
        let path = lane.join(name);
        std::fs::create_dir_all(&path)?;
        Ok(path)
    };
    let spec = Spec {
        root: root.to_owned(),
        mounts: vec![
            Mount {
                target: "/src".into(),
                source: Source::ReadOnly(make("src")?),
            },
            Mount {
                target: "/build".into(),
                source: Source::Writable(make("build")?),
            },
        ],
        calling: None,
        argv: argv.to_vec(),
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        cwd: "/build".into(),
        stdio: Stdio::Captured,
        network: false,
        timeout: None,
        scratch: make("scratch")?,
    };
    let mut output = Vec::new();
    let exit = pwb_sandbox::run(&spec, &mut |bytes| output.extend_from_slice(bytes))?;
    if exit.status == Status::Code(0) {
        Ok(())
    } else {
        Err(format!("{exit:?} {}", String::from_utf8_lossy(&output)).into())
    }
}

fn plain(argv: &[String]) -> Result<(), Failure> {
    let (program, words) = argv.split_first().ok_or("no command")?;
    let output = Command::new(program).args(words).output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(output.status.to_string().into())
    }
}

/// CPU time of this process and all its children.
fn used() -> Result<Duration, Failure> {
    let time = |time: TimeVal| {
        Duration::from_micros((time.tv_sec() * 1_000_000 + time.tv_usec()).cast_unsigned())
    };
    let who = [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN];
    let used = who.into_iter().map(|who| {
        Ok(getrusage(who).map(|used| time(used.user_time()) + time(used.system_time()))?)
    });
    used.sum()
}

/// Busy time of all processors, in `USER_HZ` ticks of 10 ms.
fn machine() -> Duration {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .map(|field| field.parse().unwrap_or(0));
    // user nice system idle iowait irq softirq: all but the two idle ones.
    let ticks: u64 = fields
        .take(7)
        .enumerate()
        .filter(|(index, _)| ![3, 4].contains(index))
        .map(|(_, ticks)| ticks)
        .sum();
    Duration::from_millis(ticks * 10)
}
