//! Where two files differ, by bytes. Pure.

use serde_json::{Value, json};

use crate::paths::count;

/// How many bytes are shown.
const ROW: usize = 16;

/// The first place in which two files differ.
#[derive(Debug, PartialEq)]
pub struct Difference {
    /// Counted from 0. Where one file ends sooner, and is the other's beginning, it is its end.
    at: usize,
    /// How many bytes differ; nobody knows where the files are not of one length.
    differing: Option<usize>,
    /// Where the rows begin: at a whole multiple of their length.
    row: usize,
    old: Vec<u8>,
    new: Vec<u8>,
}

impl Difference {
    /// `None` if they are the same.
    pub fn of(old: &[u8], new: &[u8]) -> Option<Difference> {
        let differs = |(one, other): &(&u8, &u8)| one != other;
        let at = match old.iter().zip(new).position(|pair| differs(&pair)) {
            Some(at) => at,
            None if old.len() == new.len() => return None,
            None => old.len().min(new.len()),
        };
        let row = at - at % ROW;
        let cut = |bytes: &[u8]| bytes[row..bytes.len().min(row + ROW)].to_vec();
        let same_length = old.len() == new.len();
        Some(Difference {
            at,
            differing: same_length.then(|| old.iter().zip(new).filter(differs).count()),
            row,
            old: cut(old),
            new: cut(new),
        })
    }

    /// For a person: where it is, and what is there in each.
    pub fn lines(&self) -> Vec<String> {
        let place = format!("byte {}", count(self.at as u64));
        let place = match self.differing {
            Some(1) => format!("{place} differs"),
            Some(many) => format!("{} bytes differ, the first is {place}", count(many as u64)),
            None => format!("{place} is the first that differs"),
        };
        vec![
            place,
            format!("-{:08x}  {}", self.row, row(&self.old)),
            format!("+{:08x}  {}", self.row, row(&self.new)),
        ]
    }

    pub fn to_json(&self) -> Value {
        json!({
            "first": self.at,
            "differing": self.differing,
            "row": self.row,
            "old": hex(&self.old, ""),
            "new": hex(&self.new, ""),
        })
    }
}

/// Digits, and the characters that are some, as `hexdump -C` has them.
fn row(bytes: &[u8]) -> String {
    let shown = |byte: &u8| match byte.is_ascii_graphic() || *byte == b' ' {
        true => char::from(*byte),
        false => '.',
    };
    let text: String = bytes.iter().map(shown).collect();
    format!("{:<width$}  |{text}|", hex(bytes, " "), width = ROW * 3 - 1)
}

fn hex(bytes: &[u8], between: &str) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(between)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_difference_is_shown_in_its_row() {
        let old: Vec<u8> = (0..40).collect();
        let mut new = old.clone();
        (new[35], new[39]) = (b'x', 0);
        let found = Difference::of(&old, &new).map(|found| found.lines());
        assert_eq!(
            found.unwrap_or_default(),
            [
                "2 bytes differ, the first is byte 35",
                "-00000020  20 21 22 23 24 25 26 27                          | !\"#$%&'|",
                "+00000020  20 21 22 78 24 25 26 00                          | !\"x$%&.|",
            ]
        );
        let shorter = Difference::of(b"ab", b"abc").map(|found| found.lines().remove(0));
        assert_eq!(
            shorter.unwrap_or_default(),
            "byte 2 is the first that differs"
        );
    }

    proptest! {
        #[test]
        fn all_before_it_is_the_same(
            old in prop::collection::vec(0..3_u8, 0..50),
            new in prop::collection::vec(0..3_u8, 0..50),
        ) {
            match Difference::of(&old, &new) {
                None => prop_assert_eq!(old, new),
                Some(found) => {
                    prop_assert_eq!(&old[..found.at], &new[..found.at]);
                    prop_assert_ne!(old.get(found.at), new.get(found.at));
                    prop_assert!(!found.lines().is_empty());
                }
            }
        }
    }
}
