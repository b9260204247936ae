//! What is kept of something that may be without end: the beginning and the end, and how much is missing in between.

use std::io::{self, Write};

/// A command's output as it is kept.
pub(super) struct Kept<W> {
    file: W,
    /// How many bytes of the beginning there is room for still.
    room: usize,
    /// As many bytes of the end as are kept.
    most: usize,
    end: Vec<u8>,
    left_out: u64,
}

impl<W: Write> Kept<W> {
    /// Keeps `beginning` bytes and the last `end` ones.
    pub fn new(file: W, beginning: usize, end: usize) -> Kept<W> {
        Kept {
            file,
            room: beginning,
            most: end,
            end: Vec::new(),
            left_out: 0,
        }
    }

    /// Takes what comes next.
    pub fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (first, rest) = bytes.split_at(bytes.len().min(self.room));
        self.room -= first.len();
        self.file.write_all(first)?;
        self.end.extend(rest);
        // Not at every byte too many: the rest is moved.
        if self.end.len() > 2 * self.most {
            self.trim();
        }
        Ok(())
    }

    /// Writes the end.
    pub fn finish(mut self) -> io::Result<()> {
        self.trim();
        if self.left_out > 0 {
            let left_out = self.left_out;
            writeln!(self.file, "\n[pwb: {left_out} bytes are left out here]")?;
        }
        self.file.write_all(&self.end)
    }

    fn trim(&mut self) {
        let extra = self.end.len().saturating_sub(self.most);
        self.end.drain(..extra);
        self.left_out += extra as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(parts: &[&str]) -> String {
        let mut file = Vec::new();
        let mut kept = Kept::new(&mut file, 4, 3);
        for part in parts {
            kept.take(part.as_bytes()).unwrap();
        }
        kept.finish().unwrap();
        String::from_utf8(file).unwrap()
    }

    #[test]
    fn what_fits_is_kept_whole() {
        assert_eq!(kept(&[]), "");
        assert_eq!(kept(&["abc"]), "abc");
        assert_eq!(kept(&["ab", "cde", "fg"]), "abcdefg");
    }

    #[test]
    fn of_more_the_two_ends_are_kept() {
        let expected = "abcd\n[pwb: 1 bytes are left out here]\nfgh";
        assert_eq!(kept(&["abcdefgh"]), expected);
        assert_eq!(kept(&["abc", "de", "f", "g", "h"]), expected);
        let flood = "x".repeat(1000);
        assert_eq!(
            kept(&["abcd", &flood, "end"]),
            "abcd\n[pwb: 1000 bytes are left out here]\nend"
        );
    }

    #[test]
    fn no_more_is_held_than_twice_the_end() {
        let mut kept = Kept::new(Vec::new(), 4, 3);
        for _ in 0..1000 {
            kept.take(b"ab").unwrap();
            assert!(kept.end.len() <= 6);
        }
    }
}
