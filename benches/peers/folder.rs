//! A large local folder as the input of one action: 10,000 files of 500 MB in all, found for the first time, again, touched, edited.
//!
//! What it cannot cost less than stands beside it: the hash of each file and a hard link to it, and the status of each.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use nix::sys::resource::UsageWho;
use rayon::prelude::*;

use crate::cost::{Cost, used};
use crate::{Peer, cell};

/// Folders, and files in each.
const FOLDERS: usize = 100;
const FILES: usize = 100;
/// Bytes of a file: 50 kB on the average.
const SIZES: [usize; 4] = [5_000, 20_000, 55_000, 120_000];

/// Writes the files below `folder/src`.
fn write(folder: &Path) -> io::Result<()> {
    (0..FOLDERS * FILES).into_par_iter().try_for_each(|number| {
        let at = folder.join("src").join((number / FILES).to_string());
        fs::create_dir_all(&at)?;
        // No two files are the same.
        let line = format!("line of file {number}\n");
        let size = SIZES[number % SIZES.len()];
        fs::write(
            at.join(format!("file{number}")),
            line.repeat(size / line.len()),
        )
    })
}

/// The rows of the table.
pub fn measure(peers: &mut [Box<dyn Peer>]) {
    println!("| | first | no-op | touched | edited |\n| --- | --- | --- | --- | --- |");
    let folder = tempfile::tempdir().unwrap();
    write(folder.path()).unwrap();
    // What was written just now is read again by whoever looks at times.
    std::thread::sleep(Duration::from_secs(3));
    let files = files(&folder.path().join("src")).unwrap();
    let links = folder.path().join("links");
    let least = own(|| hash_and_link(&files, &links).unwrap());
    let walk = (0..5).map(|_| own(|| look(&folder.path().join("src")).unwrap()));
    let walk = walk.min_by_key(|cost| cost.cpu).unwrap();
    let cells = [least, walk, walk, walk].map(cell).join(" | ");
    println!("| b3sum and links; stat | {cells} |");
    for peer in peers {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        if !peer.write_folder(folder.path()) {
            continue;
        }
        std::thread::sleep(Duration::from_secs(3));
        let file = folder.path().join("src/50/file5050");
        let build = |change: &dyn Fn(usize)| {
            let costs = (0..3).map(|round| {
                change(round);
                peer.build(folder.path())
            });
            costs.min_by_key(|cost| cost.cpu).unwrap()
        };
        let first = peer.build(folder.path());
        std::thread::sleep(Duration::from_secs(3));
        peer.build(folder.path());
        let again = build(&|_| {});
        let touched = build(&|_| {
            let file = File::options().append(true).open(&file).unwrap();
            file.set_modified(SystemTime::now()).unwrap();
        });
        let edited = build(&|round| fs::write(&file, format!("edited {round}\n")).unwrap());
        let cells = [first, again, touched, edited].map(cell).join(" | ");
        println!("| {} | {cells} |", peer.name());
        crate::unlock(folder.path());
    }
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => files.extend(self::files(&entry.path())?),
            false => files.push(entry.path()),
        }
    }
    Ok(files)
}

fn hash_and_link(files: &[PathBuf], links: &Path) -> io::Result<()> {
    fs::create_dir(links)?;
    files.par_iter().enumerate().try_for_each(|(number, file)| {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(file)?)?;
        fs::hard_link(file, links.join(number.to_string()))
    })
}

/// The status of all that is in a folder, on all cores.
fn look(folder: &Path) -> io::Result<()> {
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries
        .par_iter()
        .with_min_len(64)
        .try_for_each(|entry| match entry.metadata()?.is_dir() {
            true => look(&entry.path()),
            false => Ok(()),
        })
}

fn own(work: impl FnOnce()) -> Cost {
    let (begin, before) = (Instant::now(), used(UsageWho::RUSAGE_SELF));
    work();
    Cost {
        wall: begin.elapsed(),
        cpu: used(UsageWho::RUSAGE_SELF) - before,
    }
}
