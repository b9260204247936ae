//! What a WebAssembly module consists of, and how two differ: sizes of sections and functions. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use wasmparser::{BinaryReaderError, KnownCustom, Name, Parser, Payload, TypeRef};

use crate::paths::grown;

/// How many functions are named.
const FUNCTIONS: usize = 10;

/// What a module consists of; sizes are in bytes.
#[derive(Debug, Default)]
pub struct Module<'a> {
    /// The contents by section; a custom one's name is in quotes, and there may be several of it.
    sections: BTreeMap<String, Vec<&'a [u8]>>,
    /// `functions`, `imports`, `exports`.
    numbers: BTreeMap<&'static str, u64>,
    /// Sizes by function, where the module names them.
    functions: BTreeMap<String, u64>,
}

impl<'a> Module<'a> {
    /// The module that these bytes are, if they are one.
    pub fn read(bytes: &'a [u8]) -> Option<Module<'a>> {
        match Parser::is_core_wasm(bytes) {
            true => Module::parse(bytes).ok(),
            false => None,
        }
    }

    fn parse(bytes: &'a [u8]) -> Result<Module<'a>, BinaryReaderError> {
        let mut module = Module::default();
        let (mut names, mut bodies, mut imported) = (BTreeMap::new(), Vec::new(), 0_usize);
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            if let Some((id, range)) = payload.as_section() {
                let name = match &payload {
                    Payload::CustomSection(section) => format!("\"{}\"", section.name()),
                    _ => section_name(id),
                };
                let range = range.start as usize..range.end as usize;
                let contents = bytes.get(range).unwrap_or_default();
                module.sections.entry(name).or_default().push(contents);
            }
            match payload {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let is_function = matches!(import?.ty, TypeRef::Func(_));
                        imported += usize::from(is_function);
                        *module.numbers.entry("imports").or_default() += 1;
                    }
                }
                Payload::ExportSection(section) => {
                    module.numbers.insert("exports", section.count().into());
                }
                Payload::FunctionSection(section) => {
                    module.numbers.insert("functions", section.count().into());
                }
                Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes().len() as u64),
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(subsections) = section.as_known() {
                        for subsection in subsections {
                            if let Name::Function(map) = subsection? {
                                for naming in map {
                                    let naming = naming?;
                                    names.insert(naming.index as usize, naming.name);
                                }
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        for (number, size) in bodies.into_iter().enumerate() {
            if let Some(name) = names.get(&(imported + number)) {
                *module.functions.entry((*name).to_owned()).or_default() += size;
            }
        }
        Ok(module)
    }
}

/// The specification's name of a section (core specification, Modules).
fn section_name(id: u8) -> String {
    const NAMES: [&str; 14] = [
        "custom",
        "type",
        "import",
        "function",
        "table",
        "memory",
        "global",
        "export",
        "start",
        "element",
        "code",
        "data",
        "data count",
        "tag",
    ];
    let known = NAMES.get(usize::from(id));
    known.map_or_else(|| format!("section {id}"), |name| (*name).to_owned())
}

/// A size or number that differs.
#[derive(Debug, PartialEq)]
pub struct Growth {
    /// Of what.
    pub name: String,
    /// What it was; 0 also where it was not there.
    pub old: u64,
    /// What it is.
    pub new: u64,
}

/// How two modules differ.
#[derive(Debug, PartialEq)]
pub struct Comparison {
    /// Sections, by bytes; the ones that grew or shrank the most first, and those that changed and did not grow last.
    pub sections: Vec<Growth>,
    /// Functions, imports, exports: how many.
    pub numbers: Vec<Growth>,
    /// Functions, by bytes, if both modules name them; as the sections.
    pub functions: Vec<Growth>,
}

impl Comparison {
    pub fn of(old: &Module<'_>, new: &Module<'_>) -> Comparison {
        let named = !old.functions.is_empty() && !new.functions.is_empty();
        Comparison {
            sections: sections(old, new),
            numbers: growths(&old.numbers, &new.numbers),
            functions: match named {
                true => growths(&old.functions, &new.functions),
                false => Vec::new(),
            },
        }
    }

    /// For a person, a line each.
    pub fn lines(&self) -> Vec<String> {
        let line = |what: &str, one: &Growth, unit: &str| {
            let changed = if one.old == one.new { "changed, " } else { "" };
            format!(
                "{what}{}: {changed}{}",
                one.name,
                grown(one.old, one.new, unit)
            )
        };
        let numbers = self.numbers.iter().map(|one| line("", one, ""));
        let sections = self
            .sections
            .iter()
            .map(|one| line("section ", one, " bytes"));
        let shown = self.functions.iter().take(FUNCTIONS);
        let functions = shown.map(|one| line("function ", one, " bytes"));
        let more = self.functions.len().saturating_sub(FUNCTIONS);
        let more = (more > 0).then(|| format!("and {more} more functions"));
        sections
            .chain(numbers)
            .chain(functions)
            .chain(more)
            .collect()
    }

    pub fn to_json(&self) -> Value {
        let growths = |growths: &[Growth]| -> Value {
            let growth = |one: &Growth| json!({"name": one.name, "old": one.old, "new": one.new});
            growths.iter().map(growth).collect()
        };
        json!({
            "sections": growths(&self.sections),
            "numbers": growths(&self.numbers),
            "functions": growths(&self.functions),
        })
    }
}

fn sections(old: &Module<'_>, new: &Module<'_>) -> Vec<Growth> {
    let sizes = |module: &Module<'_>| -> BTreeMap<String, u64> {
        let size = |parts: &Vec<&[u8]>| parts.iter().map(|part| part.len() as u64).sum();
        let sections = module.sections.iter();
        sections
            .map(|(name, parts)| (name.clone(), size(parts)))
            .collect()
    };
    let (old_sizes, new_sizes) = (sizes(old), sizes(new));
    let mut found = growths(&old_sizes, &new_sizes);
    for (name, contents) in &new.sections {
        let (before, size) = (old.sections.get(name), new_sizes[name]);
        if before.is_some_and(|before| before != contents) && old_sizes[name] == size {
            found.push(Growth {
                name: name.clone(),
                old: size,
                new: size,
            });
        }
    }
    found
}

fn growths<K: AsRef<str> + Ord>(old: &BTreeMap<K, u64>, new: &BTreeMap<K, u64>) -> Vec<Growth> {
    let names: BTreeSet<&K> = old.keys().chain(new.keys()).collect();
    let growth = |name: &K| Growth {
        name: name.as_ref().to_owned(),
        old: old.get(name).copied().unwrap_or(0),
        new: new.get(name).copied().unwrap_or(0),
    };
    let all = names.into_iter().map(growth);
    let mut found: Vec<Growth> = all.filter(|one| one.old != one.new).collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.new.abs_diff(one.old)));
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A module of sections: id and contents each.
    fn module(sections: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        for (id, contents) in sections {
            bytes.extend([*id, contents.len() as u8]);
            bytes.extend(*contents);
        }
        bytes
    }

    /// One with a function `f` that has so many `nop`s, imports one, exports it, and has these producers.
    fn sample(nops: u8, producers: &[u8]) -> Vec<u8> {
        let mut code = vec![1, nops + 2, 0];
        code.extend(std::iter::repeat_n(1, usize::from(nops)));
        code.push(0x0b);
        let producers = [b"\x09producers", producers].concat();
        module(&[
            (1, b"\x01\x60\0\0"),
            (2, b"\x01\x01m\x01i\0\0"),
            (3, b"\x01\0"),
            (7, b"\x01\x01f\0\x01"),
            (10, &code),
            (0, b"\x04name\x01\x07\x02\0\x01i\x01\x01f"),
            (0, &producers),
        ])
    }

    #[test]
    fn what_grew_is_named() {
        let (old, new) = (sample(1, b"\0a"), sample(9, b"\0b"));
        let (old, new) = (Module::read(&old).unwrap(), Module::read(&new).unwrap());
        assert_eq!(new.numbers["functions"], 1);
        assert_eq!((new.numbers["imports"], new.numbers["exports"]), (1, 1));
        let comparison = Comparison::of(&old, &new);
        let expected = [
            "section code: 5 -> 13 bytes, +8",
            "section \"producers\": changed, 12 bytes as before",
            "function f: 3 -> 11 bytes, +8",
        ];
        assert_eq!(comparison.lines(), expected);
        assert!(Comparison::of(&old, &old).lines().is_empty());
    }

    proptest! {
        #[test]
        fn a_damaged_module_is_none_or_one(place in 0..100_usize, byte: u8, length in 0..100_usize) {
            let mut bytes = sample(9, b"\0a");
            let place = place % bytes.len();
            bytes[place] = byte;
            bytes.truncate(length.max(place));
            let _ = Module::read(&bytes);
        }
    }

    #[test]
    fn what_is_no_module_is_none() {
        let whole = sample(1, b"\0a");
        for bytes in [
            &b""[..],
            b"\0asm",
            b"#!/bin/sh",
            &whole[..40],
            b"\0asm\x0d\0\x01\0",
        ] {
            assert!(Module::read(bytes).is_none(), "{bytes:?}");
        }
    }
}
