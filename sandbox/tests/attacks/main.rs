//! A sandbox attacked from inside, as root and as an ordinary user: `src/bin/pwb-sandbox-attacker` tries, and says what came of it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bounds;
mod calls;
mod files;
mod kernel;
mod net;
mod processes;
#[path = "../support/mod.rs"]
mod support;

/// All attempts of a group failed, with one of these errors.
#[track_caller]
fn all_failed(attempts: &[String], with: &[&str]) {
    assert!(!attempts.is_empty());
    for attempt in attempts {
        let (_, verdict) = attempt.rsplit_once(": ").unwrap();
        assert!(with.contains(&verdict), "{attempt}");
    }
}

/// The verdict on one attempt.
#[track_caller]
fn verdict<'a>(attempts: &'a [String], name: &str) -> &'a str {
    let of = |attempt: &'a String| attempt.strip_prefix(name)?.strip_prefix(": ");
    attempts.iter().find_map(of).unwrap()
}
