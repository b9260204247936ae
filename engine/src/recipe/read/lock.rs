//! Reads a lock file.

use std::collections::BTreeMap;

use super::super::code::Code;
use super::super::digest::Sha256;
use super::super::lock::{Lock, Package};
use super::super::reader::{Raw, Reader};
use super::super::sink::Sink;
use super::super::source::Spanned;
use super::super::syntax::{LockSyntax, PackageSyntax};
use super::recipe::Files;

/// Reads the lock file at a path of the folder. None, with errors added, where it cannot be read.
pub(in super::super) fn read_lock(path: &str, bytes: &[u8], sink: &mut Sink) -> Option<Lock> {
    let (file, source) = sink.open(path, bytes).ok()?;
    let before = sink.errors.len();
    let files = Files::new();
    let lock = Reader::new(sink, &files, "", file, source.text()).lock();
    lock.filter(|_| sink.errors.len() == before)
}

impl<'a> Reader<'a, '_> {
    fn lock(&mut self) -> Option<Lock> {
        if self.is_blank() {
            self.error(
                Code::Empty,
                self.start(),
                "the lock file is empty",
                "`Lock(…)` is wanted here",
            );
            return None;
        }
        let shape: LockSyntax<'a> = self.read(self.all())?;
        let suite = self.text(shape.suite)?.value;
        let architecture = self.text(shape.architecture)?.value;
        let mut packages: BTreeMap<String, (Spanned<String>, Package)> = BTreeMap::new();
        for raw in self.list(Some(shape.packages)) {
            let Some((name, package)) = self.package(raw) else {
                continue;
            };
            match packages.get(&name.value) {
                Some((first, _)) => {
                    let first = first.span;
                    self.twice("package", &name, first);
                }
                None => drop(packages.insert(name.value.clone(), (name, package))),
            }
        }
        let packages = packages.into_values().map(|(_, package)| package).collect();
        Some(Lock {
            suite,
            architecture,
            packages,
        })
    }

    fn package(&mut self, raw: Raw<'a>) -> Option<(Spanned<String>, Package)> {
        let shape: PackageSyntax<'a> = self.read(raw)?;
        let name = self.filled(shape.name, "the package's name");
        let version = self.filled(shape.version, "the version");
        let sha256 = self.digest(shape.sha256, Sha256::parse);
        let size = self.read(shape.size);
        let path = self.relative_path(shape.path)?.value;
        let (name, version) = (name?, version?.value);
        let package = Package {
            name: name.value.clone(),
            version,
            sha256: sha256?,
            size: size?,
            path,
        };
        Some((name, package))
    }
}
