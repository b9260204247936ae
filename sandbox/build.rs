//! Builds the static programs that the library carries as bytes: the launcher, and `enter`.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=src/devices.rs");
    for name in ["launcher", "enter"] {
        println!("cargo::rerun-if-changed={name}");
        let output = PathBuf::from(env::var("OUT_DIR")?).join(name);
        let target = env::var("TARGET")?;
        let built = Command::new(env::var("RUSTC")?)
            .args(["--edition=2024", "--crate-type=bin", "--crate-name", name])
            .args(["--target", &target])
            .args(["-Cpanic=abort", "-Copt-level=2", "-Cstrip=symbols"])
            .args(["-Ctarget-feature=+crt-static", "-Crelocation-model=static"])
            .arg(format!("{name}/main.rs"))
            .arg("-o")
            .arg(&output)
            .status()?;
        if !built.success() {
            let message = format!(
                "{name} is linked with a static C library (Debian: libc6-dev, Fedora: glibc-static)"
            );
            return Err(message.into());
        }
    }
    Ok(())
}
