//! Folders and files of the store that may not be read, or not be written to.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{World, listing, node};

/// What may be taken away, with the mode that leaves nothing or only reading.
const PLACES: [&str; 8] = [
    "cas",
    "trees",
    "tmp",
    "locks",
    "logs",
    "builds",
    "index.sqlite",
    "gate",
];

#[test]
fn whatever_permission_is_denied_it_is_named_and_nothing_is_lost() {
    let world = World::ordinary(&[]);
    let nodes = |number: u32| {
        vec![
            node("a", &[], "echo a > /out/a"),
            node(
                "b",
                &[("/in", "a:/out")],
                &format!("cat /in/a > /out/b; echo {number} >> /out/b"),
            ),
        ]
    };
    world.nodes(&nodes(0));
    let before = world.realize("t/a");
    world.realize("t/b");
    let mut told = String::new();
    for (number, place) in (1..).zip(PLACES) {
        let path = world.path("store").join(place);
        let usual = fs::metadata(&path).unwrap().permissions();
        world.nodes(&nodes(number));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        let said = world.say(&["realize", "t/b"]);
        fs::set_permissions(&path, usual).unwrap();
        let error = world.tidy(&said.err);
        let end = error
            .lines()
            .skip_while(|line| !line.starts_with("error"))
            .collect::<Vec<_>>();
        told += &format!("== {place}: {:?}\n{}\n", said.code, end.join("\n"));
        let said = world.well(&["realize", "t/b"]);
        assert_eq!(listing(&said.result())["out/b"], format!("a\n{number}\n"));
        assert_eq!(world.realize("t/a"), before);
    }
    insta::assert_snapshot!("rights", told);
    world.well(&["store", "verify"]);
}
