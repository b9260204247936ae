//! More files of one content than a file may have links.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::time::Instant;

use crate::support::{World, node};
use crate::table::row;

/// ext4's limit is 65,000 (`EXT4_LINK_MAX`); where there is none, there is nothing to see.
const MANY: usize = 66_000;

#[test]
fn a_file_that_can_have_no_more_links_is_copied() {
    let script = "for name in 1 2 3 4 5 6 7 8 9; do echo same > /out/$name; done";
    let world = World::new(&[
        node("one", &[], "echo same > /out/one"),
        node("nine", &[], script),
        node("reader", &[("/in", "nine:/out")], "cat /in/* > /out/all"),
    ]);
    let object = world.realize("t/one").join("out/one");
    let links = world.path("links");
    fs::create_dir(&links).unwrap();
    let taken = |number: usize| fs::hard_link(&object, links.join(number.to_string()));
    let full = (0..MANY).find_map(|number| taken(number).err());
    if let Some(error) = &full {
        assert_eq!(error.kind(), ErrorKind::TooManyLinks);
        // Room for four.
        (0..4).for_each(|number| fs::remove_file(links.join(number.to_string())).unwrap());
    }
    let nine = world.realize("t/nine");
    let inodes = (1..=9).map(|name| {
        fs::metadata(nine.join(format!("out/{name}")))
            .unwrap()
            .ino()
    });
    let inode = fs::metadata(&object).unwrap().ino();
    let copies = inodes.filter(|found| *found != inode).count();
    assert_eq!(copies, if full.is_some() { 5 } else { 0 });
    let all = world.realize("t/reader").join("out/all");
    assert_eq!(fs::read_to_string(all).unwrap(), "same\n".repeat(9));
    world.well(&["store", "verify"]);
}

#[test]
#[ignore = "takes a minute: .ci/faults runs it"]
fn a_folder_with_one_file_66_000_times() {
    let begin = Instant::now();
    let world = World::new(&[
        r#""src": Source(path: "src"),"#.to_owned(),
        node(
            "count",
            &[("/src", "src")],
            "ls /src | grep -c . > /out/count; cat /src/* | grep -c same >> /out/count",
        ),
        node("copy", &[("/src", "src")], "cp -r /src/. /out"),
    ]);
    let folder = world.path("src");
    fs::create_dir(&folder).unwrap();
    (0..MANY).for_each(|number| fs::write(folder.join(number.to_string()), "same\n").unwrap());
    let count = world.realize("t/count").join("out/count");
    assert_eq!(
        fs::read_to_string(count).unwrap(),
        format!("{MANY}\n{MANY}\n")
    );
    let copy = world.realize("t/copy").join("out");
    assert_eq!(fs::read_dir(copy).unwrap().count(), MANY);
    world.well(&["store", "verify"]);
    row(
        "more files of one content than links",
        &format!("{MANY} files"),
        "imported, mounted, made by a command, verified",
        begin,
    );
}
