//! How two texts differ, for a person: words within a line, or lines of a file. Pure.

use similar::{DiffOp, TextDiff};

/// The lines in which two texts differ, with what went as `[-old-]` and what came as `{+new+}`.
pub fn words(old: &str, new: &str) -> Vec<String> {
    let diff = TextDiff::from_words(old, new);
    let mut text = String::new();
    for op in diff.ops() {
        let old = diff.old_slices()[op.old_range()].concat();
        let new = diff.new_slices()[op.new_range()].concat();
        if let DiffOp::Equal { .. } = op {
            text += &old;
        } else {
            text += &marked("[-", &old, "-]");
            text += &marked("{+", &new, "+}");
        }
    }
    let changed = |line: &&str| line.contains("[-") || line.contains("{+");
    let lines = text.lines().filter(changed);
    lines.map(|line| line.trim().to_owned()).collect()
}

/// Marks each line of a text for itself.
fn marked(open: &str, text: &str, close: &str) -> String {
    let mark = |line: &str| match line {
        "" => String::new(),
        line => format!("{open}{line}{close}"),
    };
    text.split('\n').map(mark).collect::<Vec<_>>().join("\n")
}

/// The lines in which two files differ, with two lines around each; `None` unless both are text.
pub fn lines(old: &[u8], new: &[u8]) -> Option<Vec<String>> {
    let text = |bytes| {
        std::str::from_utf8(bytes)
            .ok()
            .filter(|text| !text.contains('\0'))
    };
    let diff = TextDiff::from_lines(text(old)?, text(new)?);
    let unified = diff.unified_diff().context_radius(2).to_string();
    Some(unified.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_differ_are_told_word_by_word() {
        let (old, new) = (
            "sh\n-euc\nmake all CC=gcc\nls",
            "sh\n-euc\nmake all CC=clang -j2\nls\n-l",
        );
        assert_eq!(
            words(old, new),
            ["make all [-CC=gcc-]{+CC=clang -j2+}", "{+-l+}"]
        );
        assert!(words(old, old).is_empty());
    }

    #[test]
    fn bytes_that_are_no_text_have_no_lines() {
        assert!(lines(b"a\0b", b"a").is_none() && lines(b"\xff", b"a").is_none());
        let told = lines(b"1\n2\n3\n4\n5\n", b"1\n2\n3\n4\nfive\n").unwrap_or_default();
        assert_eq!(told, ["@@ -3,3 +3,3 @@", " 3", " 4", "-5", "+five"]);
    }
}
