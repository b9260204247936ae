//! Random numbers that can be had again: a campaign says its seed, and `PWB_FAULTS_SEED` repeats it.

use fastrand::Rng;

/// Numbers of a campaign, and the seed that they come from.
pub fn seeded() -> (Rng, u64) {
    let seed = match std::env::var("PWB_FAULTS_SEED") {
        Ok(text) => text.parse().unwrap(),
        Err(_) => fastrand::u64(..1 << 32),
    };
    println!("PWB_FAULTS_SEED={seed}");
    (Rng::with_seed(seed), seed)
}
