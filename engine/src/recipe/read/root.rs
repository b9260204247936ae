//! Reads a `Root` node. Its lock file is another's (`lock`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::code::Code;
use super::super::lock::Lock;
use super::super::name::{NodeName, Reference};
use super::super::node::{Debian, Root, Winner};
use super::super::path::SandboxPath;
use super::super::reader::{Raw, Reader};
use super::super::source::Spanned;
use super::super::suggest;
use super::super::syntax::{DebianSyntax, FileSyntax, RootSyntax, TextSyntax};

impl<'a> Reader<'a, '_> {
    pub(super) fn root(&mut self, raw: Raw<'a>) -> Option<Root> {
        let shape: RootSyntax<'a> = self.read(raw)?;
        let debian = match shape.debian {
            Some(debian) => Some(self.debian(debian)?),
            None => None,
        };
        let layers = self.layers(shape.layers);
        let mut places = Vec::new();
        let links = self.by_path(shape.links, "link", |reader, value| {
            reader
                .filled(value, "the link's target")
                .map(|target| target.value)
        });
        let links = keep_places(links, &mut places);
        let files = self.by_path(shape.files, "file", |reader, value| reader.content(value));
        let files = keep_places(files, &mut places);
        self.disjoint(&places, "links and files");

        let known: Vec<_> = layers
            .all()
            .into_iter()
            .map(|layer| layer.value.clone())
            .collect();
        let wins = self.by_path(shape.wins, "path", |reader, value| {
            reader.winner(value, &known)
        });
        let wins_at = wins
            .iter()
            .map(|(path, winner)| (path.value.clone(), winner.span))
            .collect();
        let wins = wins
            .into_iter()
            .map(|(path, winner)| (path.value, winner.value))
            .collect();
        let mut drop = Vec::new();
        for path in self.list(shape.drop) {
            let path = self.sandbox_path(path);
            drop.extend(path.and_then(|path| self.not_root(path)));
        }
        let drop = drop.into_iter().map(|path| path.value).collect();
        let compilers = self.by_path(shape.compilers, "compiler", |reader, value| {
            reader.sandbox_path(value).map(|path| path.value)
        });
        Some(Root {
            compilers: compilers
                .into_iter()
                .map(|(path, program)| (path.value, program))
                .collect(),
            debian,
            layers,
            links,
            files,
            wins,
            wins_at,
            drop,
        })
    }

    fn debian(&mut self, raw: Raw<'a>) -> Option<Debian> {
        let shape: DebianSyntax<'a> = self.read(raw)?;
        let suite = self.filled(shape.suite, "the suite");
        let architecture = self.filled(shape.architecture, "the architecture");
        let lock_path = self.relative_path(shape.lock);
        let mut want: Vec<Spanned<String>> = Vec::new();
        for name in self.list(Some(shape.want)) {
            let Some(name) = self.filled(name, "the package's name") else {
                continue;
            };
            match want.iter().find(|first| first.value == name.value) {
                Some(first) => self.twice("package", &name, first.span),
                None => want.push(name),
            }
        }
        let lock = Arc::new(Lock::default());
        Some(Debian {
            suite: suite?,
            architecture: architecture?,
            want,
            lock_path: lock_path?,
            lock,
        })
    }

    fn content(&mut self, raw: Raw<'a>) -> Option<Arc<[u8]>> {
        match raw.head() {
            "Text" => {
                let TextSyntax(text) = self.read(raw)?;
                self.text(text).map(|text| text.value.into_bytes().into())
            }
            "File" => {
                let FileSyntax(path) = self.read(raw)?;
                let path = self.relative_path(path)?;
                if let Some(bytes) = self.files.get(path.as_str()) {
                    return Some(bytes.as_slice().into());
                }
                let known = self
                    .files
                    .keys()
                    .map(String::as_str)
                    .filter(|path| !path.ends_with(".ron"));
                let message = format!("there is no file `{path}` in the recipes folder");
                let error =
                    self.sink
                        .finding(Code::MissingFile, path.span, message, "no such file");
                self.sink
                    .add(error.help(suggest::help(path.as_str(), known)));
                None
            }
            _ => {
                self.unknown_kind(raw, "a file's content", &["Text", "File"]);
                None
            }
        }
    }

    /// A layer as it is written above, else a package's name.
    fn winner(&mut self, raw: Raw<'a>, layers: &[Reference]) -> Option<Spanned<Winner>> {
        let text = self.filled(raw, "the winner")?;
        let (name, path) = match text.split_once(':') {
            Some((name, path)) => (name, Some(path)),
            None => (text.as_str(), None),
        };
        let node = NodeName::resolve(self.recipe, name);
        let is_it = |layer: &&Reference| {
            Some(&layer.node) == node.as_ref()
                && layer.path.as_ref().map(SandboxPath::as_str) == path
        };
        let winner = layers.iter().find(is_it).cloned().map(Winner::Layer);
        Some(text.map(|name| winner.unwrap_or(Winner::Package(name))))
    }

    fn by_path<T>(
        &mut self,
        raw: Option<Raw<'a>>,
        what: &str,
        mut read: impl FnMut(&mut Reader<'a, '_>, Raw<'a>) -> Option<T>,
    ) -> Vec<(Spanned<SandboxPath>, T)> {
        let mut found = Vec::new();
        for (key, value) in self.entries(raw, what) {
            let value = read(self, value);
            let path = self
                .as_sandbox_path(&key)
                .and_then(|path| self.not_root(path));
            found.extend(path.zip(value));
        }
        found
    }

    fn not_root(&mut self, path: Spanned<SandboxPath>) -> Option<Spanned<SandboxPath>> {
        if path.is_root() {
            self.error(
                Code::BadPath,
                path.span,
                "`/` itself cannot be named here",
                "a path below it is wanted",
            );
            return None;
        }
        Some(path)
    }
}

fn keep_places<T>(
    found: Vec<(Spanned<SandboxPath>, T)>,
    places: &mut Vec<Spanned<SandboxPath>>,
) -> BTreeMap<SandboxPath, T> {
    places.extend(found.iter().map(|(path, _)| path.clone()));
    found
        .into_iter()
        .map(|(path, value)| (path.value, value))
        .collect()
}
