//! What others know a thing by: its name, its version, its package URL (<https://github.com/package-url/purl-spec>).

use packageurl::PackageUrl;
use pwb_engine::recipe::{Library, Lock, NodeKind, NodeName, NpmFile, PypiFile};

use crate::report::Failure;

/// What others know a thing by.
#[derive(Clone, Debug)]
pub struct Identity {
    pub name: String,
    /// As far as its file's name or a lock file says.
    pub version: Option<String>,
    pub purl: String,
}

impl Identity {
    /// Of a package of npm.
    pub fn npm(file: &NpmFile) -> Result<Identity, Failure> {
        let (scope, name) = match file.package.rsplit_once('/') {
            Some((scope, name)) => (Some(scope), name),
            None => (None, file.package.as_str()),
        };
        let identity = Identity::of("npm", scope, name, Some(&file.version), &[])?;
        let name = file.package.clone();
        Ok(Identity { name, ..identity })
    }

    /// Of a file of PyPI.
    pub fn pypi(file: &PypiFile) -> Result<Identity, Failure> {
        let more = [("file_name", file.name())];
        Identity::of("pypi", None, &file.project, Some(&file.version), &more)
    }

    /// Of a package of Debian: as the root's lock file has it, since the file's name leaves out a version's epoch; that is all
    /// there is of other fetches.
    pub fn debian(library: &Library, node: &str, file: &str) -> Result<Identity, Failure> {
        let mut parts = file.strip_suffix(".deb").unwrap_or(file).splitn(3, '_');
        let mut part = || parts.next().unwrap_or_default();
        let (name, version, architecture) = (part(), part(), part());
        let mut more = vec![("arch", architecture)];
        let root = node.rsplit_once('/');
        let lock = root.and_then(|(root, package)| Some((lock(library, root)?, package)));
        let locked = lock.and_then(|(lock, package)| Some((lock, lock.package(package)?)));
        let (name, version) = match locked {
            Some((lock, package)) => {
                more.push(("distro", &lock.suite));
                (package.name.as_str(), package.version.as_str())
            }
            None => (name, version),
        };
        Identity::of("deb", Some("debian"), name, Some(version), &more)
    }

    /// Of an archive of upstream's: by where it was published, else by its own name; `file` is a path or URL.
    pub fn archive(file: &str, url: Option<&str>, checksum: &str) -> Result<Identity, Failure> {
        let file = url.unwrap_or(file).split(['?', '#']).next();
        let file = file.unwrap_or_default().trim_end_matches('/');
        let file = file.rsplit('/').next().unwrap_or(file);
        let (name, version) = name_and_version(file);
        let place = match url {
            Some(url) => ("download_url", url),
            None => ("file_name", file),
        };
        let more = [("checksum", checksum), place];
        Identity::of("generic", None, name, version, &more)
    }

    /// Of what nobody has published.
    pub fn own(name: &str, checksum: Option<&str>) -> Result<Identity, Failure> {
        let more = checksum.map(|checksum| ("checksum", checksum));
        let more: Vec<_> = more.into_iter().collect();
        Identity::of("generic", None, name, None, &more)
    }

    fn of(
        kind: &str,
        namespace: Option<&str>,
        name: &str,
        version: Option<&str>,
        qualifiers: &[(&str, &str)],
    ) -> Result<Identity, Failure> {
        let purl = || {
            let mut purl = PackageUrl::new(kind.to_owned(), name.to_owned())?;
            if let Some(namespace) = namespace {
                purl.with_namespace(namespace.to_owned())?;
            }
            if let Some(version) = version {
                purl.with_version(version.to_owned())?;
            }
            for (key, value) in qualifiers {
                purl.add_qualifier((*key).to_owned(), (*value).to_owned())?;
            }
            Ok(purl.to_string())
        };
        let failed = |error: packageurl::Error| {
            Failure::Message(format!("`{name}` has no package URL: {error}"), None)
        };
        Ok(Identity {
            name: name.to_owned(),
            version: version.map(str::to_owned),
            purl: purl().map_err(failed)?,
        })
    }
}

/// The lock file of a root.
fn lock<'l>(library: &'l Library, root: &str) -> Option<&'l Lock> {
    match &library.node(&NodeName::parse(root)?)?.kind {
        NodeKind::Root(root) => Some(&*root.debian.as_ref()?.lock),
        _ => None,
    }
}

/// `Python-3.13.5.tar.xz`, `zlib_1.3.orig.tar.gz`: what upstream calls it, and the version behind it.
fn name_and_version(file: &str) -> (&str, Option<&str>) {
    const ENDS: [&str; 8] = [
        ".gz", ".xz", ".bz2", ".zst", ".tar", ".tgz", ".zip", ".orig",
    ];
    let mut stem = file;
    while let Some(shorter) = ENDS.iter().find_map(|end| stem.strip_suffix(end)) {
        if shorter.is_empty() {
            break;
        }
        stem = shorter;
    }
    let begins = |at: &usize| {
        let rest = stem[at + 1..].trim_start_matches('v');
        *at > 0 && rest.starts_with(|first: char| first.is_ascii_digit())
    };
    let mut signs = stem.match_indices(['-', '_']).map(|(at, _)| at);
    match signs.find(begins) {
        Some(at) => (&stem[..at], Some(&stem[at + 1..])),
        None => (stem, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_names_and_versions() {
        for (file, name, version) in [
            ("Python-3.13.5.tar.xz", "Python", Some("3.13.5")),
            (
                "zlib_1.3.dfsg+really1.3.1.orig.tar.gz",
                "zlib",
                Some("1.3.dfsg+really1.3.1"),
            ),
            (
                "sqlite-autoconf-3460100.tar.gz",
                "sqlite-autoconf",
                Some("3460100"),
            ),
            ("lua-v5.4.zip", "lua", Some("v5.4")),
            ("config.guess", "config.guess", None),
            ("2024-data.tar", "2024-data", None),
            ("é_1.tgz", "é", Some("1")),
            (".tar.gz", ".tar", None),
        ] {
            assert_eq!(name_and_version(file), (name, version), "{file}");
        }
    }
}
