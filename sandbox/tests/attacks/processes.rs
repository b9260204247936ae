//! Processes outside, and the one that guards the sandbox.

use std::process::{Command, Stdio};

use super::all_failed;
use super::support::Sandbox;

#[test]
fn others_are_out_of_reach() {
    let mut victim = Command::new("sleep")
        .arg("600")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    for sandbox in Sandbox::each() {
        if let Some(user) = sandbox.user {
            // One of the same user: only the namespace is in between.
            victim.kill().unwrap();
            victim.wait().unwrap();
            victim = Command::new("setpriv")
                .args([&format!("--reuid={user}"), "--clear-groups", "sleep", "600"])
                .spawn()
                .unwrap();
        }
        let attempts = sandbox.attack(&["others", &victim.id().to_string()]);
        let of = |whose: &str| {
            let named = attempts.iter().filter(|name| name.contains(whose));
            named.cloned().collect::<Vec<_>>()
        };
        all_failed(&of("host's"), &["ESRCH"]);
        // It may be limited: its end is the command's own.
        let mut guards = of("init's");
        guards.retain(|name| !name.starts_with("limit"));
        all_failed(&guards, &["EPERM"]);
        assert!(victim.try_wait().unwrap().is_none());
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
}
