//! Recipes that are broken in one way each, and what a person reads of them: `tests/broken`, from which `docs/errors.md` is
//! made. `PWB_BLESS=1` writes messages and page anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pwb_engine::recipe::{Code, Diagnostic, Library};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/broken");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors.md");

const HEAD: &str = "# Errors of recipes

Every error and warning that `pwb check`, or any other command, may give has a code, which `--message-format json` tells. Here is
what each of them is about, with a recipe that has it and what pwb says of that. This page is made of `tests/broken` by the tests.
";

/// Codes of names on the command line: no recipe has them.
const ELSEWHERE: [Code; 1] = [Code::UnknownTarget];

struct Case {
    recipe: PathBuf,
    text: String,
    lock: Option<String>,
    findings: Vec<Diagnostic>,
}

/// All cases, by name.
fn cases() -> Vec<Case> {
    let files = fs::read_dir(CASES).unwrap_or_else(|error| panic!("{CASES}: {error}"));
    let files = files.map(|entry| entry.unwrap().path());
    let mut recipes: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "ron"))
        .collect();
    recipes.sort();
    recipes.into_iter().map(case).collect()
}

/// A recipe, with the lock file of its name, if there is one.
fn case(recipe: PathBuf) -> Case {
    let named = |path: &Path| {
        (
            path.file_name().unwrap().to_str().unwrap().to_owned(),
            fs::read(path).unwrap(),
        )
    };
    let lock = recipe.with_extension("lock");
    let mut files = vec![named(&recipe)];
    if lock.exists() {
        files.push(named(&lock));
    }
    let findings = match Library::load(files.clone()) {
        Err(errors) => errors.into_iter().collect(),
        Ok(library) => [library.warnings(), &library.unused(files.clone())].concat(),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Case {
        text: text(&files[0].1),
        lock: files.get(1).map(|(_, bytes)| text(bytes)),
        recipe,
        findings,
    }
}

impl Case {
    fn message(&self) -> String {
        let parts: Vec<_> = self.findings.iter().map(ToString::to_string).collect();
        parts.join("\n\n") + "\n"
    }
}

fn bless() -> bool {
    std::env::var_os("PWB_BLESS").is_some()
}

#[test]
fn each_has_its_message() {
    let cases = cases();
    assert!(cases.len() >= 30, "{} cases", cases.len());
    let mut differ = String::new();
    for case in &cases {
        let beside = case.recipe.with_extension("txt");
        let message = case.message();
        assert!(
            !case.findings.is_empty(),
            "{}: nothing is wrong",
            case.recipe.display()
        );
        if bless() {
            fs::write(&beside, &message).unwrap();
        }
        let expected = fs::read_to_string(&beside).unwrap_or_default();
        if expected != message {
            differ += &format!("{}\n{message}instead of\n{expected}\n", beside.display());
        }
    }
    assert!(differ.is_empty(), "{differ}");
}

#[test]
fn there_is_one_of_every_code() {
    let cases = cases();
    let seen: BTreeSet<Code> = cases
        .iter()
        .flat_map(|case| &case.findings)
        .map(|finding| finding.code)
        .collect();
    let without = Code::ALL
        .iter()
        .filter(|code| !seen.contains(code) && !ELSEWHERE.contains(code));
    assert_eq!(without.collect::<Vec<_>>(), Vec::<&Code>::new());
}

#[test]
fn the_page_of_errors_is_made_of_them() {
    let cases = cases();
    let mut page = HEAD.to_owned();
    for code in Code::ALL {
        page += &format!("\n## {code}\n\n{}\n", code.about());
        let of_code = cases.iter().filter(|case| {
            case.findings
                .first()
                .is_some_and(|first| first.code == *code)
        });
        for case in of_code {
            page += &format!("\n```ron\n{}\n```\n", case.text.trim_end());
            if let Some(lock) = &case.lock {
                page += &format!("\nwith the lock file\n\n```ron\n{}\n```\n", lock.trim_end());
            }
            page += &format!("\n```text\n{}```\n", case.message());
        }
    }
    if bless() {
        fs::write(PAGE, &page).unwrap();
    }
    let written = fs::read_to_string(PAGE).unwrap_or_default();
    let stale = page
        .lines()
        .zip(written.lines())
        .find(|(page, written)| page != written);
    assert!(
        page == written,
        "docs/errors.md is stale: PWB_BLESS=1 writes it anew: {stale:?}"
    );
}
