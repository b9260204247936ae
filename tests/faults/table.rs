//! The table that `.ci/faults` makes of what campaigns print.

use std::time::Instant;

/// Prints a row: what was done, how often, what came of it, and the minutes since it began.
pub fn row(fault: &str, often: &str, outcome: &str, begin: Instant) {
    let minutes = begin.elapsed().as_secs_f64() / 60.0;
    // Its own line, whatever the test's program has begun to say.
    println!("\n| {fault} | {often} | {outcome} | {minutes:.1} min |");
}

/// Prints what is no part of the table: how often each of these was seen.
pub fn detail<'a>(seen: impl IntoIterator<Item = (&'a String, &'a u32)>) {
    for (what, times) in seen {
        println!("{times} times: {what}");
    }
}
