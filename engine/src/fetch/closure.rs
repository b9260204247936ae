//! What a lock file records: all packages that a list of wanted ones depends on, computed anew by the host's apt
//! against lists of its own. The host's installed packages and configuration of suites have no part in it.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::apt;
use super::error::{Error, Result};
use super::mirror::Mirror;
use crate::recipe::{Lock, Package, RelativePath, Sha256};

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The closure of `want` in `suite`, without recommendations. `folder` is for apt's lists; they are used again when the
/// next closure is computed there. Essential packages count only where something names them.
pub fn closure(
    mirror: &Mirror,
    suite: &str,
    architecture: &str,
    want: &[String],
    folder: &Path,
) -> Result<Lock> {
    if !apt::is_here() {
        return Err(Error::NoApt("apt-get"));
    }
    // The names become arguments of apt's, which knows operators in them: `name-`, `name=version`, patterns with `?`.
    if let Some(bad) = want.iter().find(|name| !is_name(name)) {
        let log = format!("`{bad}` is not a package's name");
        return Err(Error::Unsatisfiable {
            suite: suite.to_owned(),
            log,
        });
    }
    let private = Private {
        folder,
        architecture,
    };
    private.lay(mirror, suite)?;
    apt::run(
        private.command("apt-get").args(["-q", "update"]),
        "download its lists",
    )?;
    let plan = private.plan(suite, want)?;
    let answer = apt::run(
        private
            .command("apt-cache")
            .args(["show", "--no-all-versions"])
            .args(
                plan.iter()
                    .map(|(name, version)| format!("{name}={version}")),
            ),
        "show the packages",
    )?;
    let mut packages = records(&answer)?;
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    packages.dedup();
    let whole = packages.len() == plan.len()
        && packages
            .iter()
            .all(|one| plan.get(&one.name) == Some(&one.version));
    if !whole {
        return Err(Error::AptAnswer(format!(
            "{} packages are to be installed, {} are described",
            plan.len(),
            packages.len()
        )));
    }
    Ok(Lock {
        suite: suite.to_owned(),
        architecture: architecture.to_owned(),
        packages,
    })
}

/// A package system that has nothing installed and one suite.
struct Private<'a> {
    folder: &'a Path,
    architecture: &'a str,
}

impl Private<'_> {
    fn lay(&self, mirror: &Mirror, suite: &str) -> Result<()> {
        for folder in ["lists/partial", "archives/partial"] {
            let path = self.folder.join(folder);
            fs::create_dir_all(&path).map_err(Error::io("make", &path))?;
        }
        // Where the keyring has another name, apt takes the keys that the host trusts.
        let signed = if Path::new(KEYRING).exists() {
            format!(" signed-by={KEYRING}")
        } else {
            String::new()
        };
        let source = format!(
            "deb [arch={}{signed}] {} {suite} main\n",
            self.architecture,
            mirror.base()
        );
        for (name, contents) in [("status", ""), ("sources.list", source.as_str())] {
            let path = self.folder.join(name);
            fs::write(&path, contents).map_err(Error::io("write", &path))?;
        }
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        let at =
            |option: &str, name: &str| format!("{option}={}", self.folder.join(name).display());
        let options = [
            at("Dir::Etc::SourceList", "sources.list"),
            "Dir::Etc::SourceParts=/dev/null".into(),
            "Dir::Etc::Preferences=/dev/null".into(),
            "Dir::Etc::PreferencesParts=/dev/null".into(),
            at("Dir::State::Lists", "lists"),
            at("Dir::State::status", "status"),
            at("Dir::State::extended_states", "extended_states"),
            at("Dir::Cache", ""),
            at("Dir::Cache::archives", "archives"),
            format!("APT::Architecture={}", self.architecture),
            format!("APT::Architectures::={}", self.architecture),
            "APT::Default-Release=".into(),
            "APT::Install-Recommends=0".into(),
            "APT::Install-Suggests=0".into(),
            "APT::Sandbox::User=".into(),
            "APT::Update::Post-Invoke=".into(),
            "APT::Update::Post-Invoke-Success=".into(),
            "Acquire::Languages=none".into(),
            // Suites that are no longer updated have lists past their date.
            "Acquire::Check-Valid-Until=false".into(),
            "Acquire::Retries=2".into(),
            // An update that got nothing is an error, not a warning above old lists.
            "APT::Update::Error-Mode=any".into(),
            "Debug::NoLocking=1".into(),
        ];
        let mut command = apt::command(program);
        command.args(options.iter().flat_map(|option| ["-o", option]));
        command
    }

    /// The versions that apt would install: `Inst make (4.4.1-2 Debian:13.1/stable [amd64])`.
    fn plan(&self, suite: &str, want: &[String]) -> Result<HashMap<String, String>> {
        let mut command = self.command("apt-get");
        command.args(["-s", "-y", "install"]).args(want);
        let answer =
            apt::run(&mut command, "resolve the packages").map_err(|error| match error {
                Error::Apt { log, .. } => Error::Unsatisfiable {
                    suite: suite.to_owned(),
                    log,
                },
                error => error,
            })?;
        let lines = answer.lines().filter_map(|line| line.strip_prefix("Inst "));
        let plan = lines.map(|line| {
            let (name, rest) = line
                .split_once(" (")
                .ok_or_else(|| Error::AptAnswer(line.to_owned()))?;
            let version = rest.split(' ').next().unwrap_or_default();
            Ok((name.to_owned(), version.to_owned()))
        });
        plan.collect()
    }
}

/// Debian policy, 5.6.1. A trailing `-` would be apt's operator; a trailing `+` is one only where no package has the name.
fn is_name(name: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let all = name
        .bytes()
        .all(|byte| alphanumeric(byte) || b"+-.".contains(&byte));
    all && name.bytes().next().is_some_and(alphanumeric) && !name.ends_with('-')
}

/// The packages in a list of control stanzas (deb822).
fn records(text: &str) -> Result<Vec<Package>> {
    let stanzas = text
        .split("\n\n")
        .filter(|stanza| !stanza.trim().is_empty());
    stanzas.map(record).collect()
}

fn record(stanza: &str) -> Result<Package> {
    let field = |name: &str| {
        let value = stanza
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let missing = || Error::AptAnswer(format!("a package has no field {name}:\n{stanza}"));
        value
            .map(|value| value.trim().to_owned())
            .ok_or_else(missing)
    };
    let name = field("Package")?;
    let bad = |what: &str| Error::AptAnswer(format!("package {name} has a malformed {what}"));
    Ok(Package {
        version: field("Version")?,
        sha256: Sha256::parse(&field("SHA256")?).map_err(|_| bad("SHA256"))?,
        size: field("Size")?.parse().map_err(|_| bad("Size"))?,
        path: RelativePath::parse(&field("Filename")?).map_err(|_| bad("Filename"))?,
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_names_are_not_apts_operators() {
        for good in [
            "g++",
            "make",
            "libstdc++6",
            "libc++-19-dev-wasm32",
            "0ad",
            "x.y",
        ] {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "",
            "make-",
            "-o",
            "make=1",
            "make/sid",
            "?name(x)",
            "Make",
            "a b",
            "make:amd64",
            "+",
            "++",
        ] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn a_stanza_is_a_package() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let sha = "0".repeat(64);
        let text = format!(
            "Package: m\nVersion: 1:2-3\nSHA256: {sha}\nSize: 12\nFilename: pool/m.deb\nDescription: x\n Size: 4\n\n"
        );
        let expected = Package {
            name: "m".into(),
            version: "1:2-3".into(),
            sha256: Sha256([0; 32]),
            size: 12,
            path: RelativePath::parse("pool/m.deb")?,
        };
        assert_eq!(records(&text)?, [expected]);
        assert!(records("Package: m\n").is_err());
        Ok(())
    }
}
