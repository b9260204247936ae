//! Builds the launcher: a static program of one file, which the library carries as bytes.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=launcher/main.rs");
    let output = PathBuf::from(env::var("OUT_DIR")?).join("launcher");
    let target = env::var("TARGET")?;
    let built = Command::new(env::var("RUSTC")?)
        .args([
            "--edition=2024",
            "--crate-name=launcher",
            "--crate-type=bin",
            "--target",
            &target,
        ])
        .args(["-Cpanic=abort", "-Copt-level=2", "-Cstrip=symbols"])
        .args(["-Ctarget-feature=+crt-static", "-Crelocation-model=static"])
        .arg("launcher/main.rs")
        .arg("-o")
        .arg(&output)
        .status()?;
    if built.success() {
        return Ok(());
    }
    Err(
        "the launcher is linked with a static C library (Debian: libc6-dev, Fedora: glibc-static)"
            .into(),
    )
}
