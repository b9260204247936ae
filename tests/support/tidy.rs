//! Texts for snapshots: what differs from run to run gives way to what it is.

use super::World;

impl World {
    /// `text` with all that differs from run to run named by what it is.
    pub fn tidy(&self, text: &str) -> String {
        let text = text.replace(&*self.folder.path().to_string_lossy(), "[WORLD]");
        let mut tidy = String::new();
        for line in text.split_inclusive('\n') {
            let mut words: Vec<String> = line
                .split(' ')
                .map(|word| hide_hash(&hide_session(word)))
                .collect();
            for place in 1..words.len() {
                let unit = words[place].trim_end_matches([')', '\n', ',', ':']);
                if unit == "s"
                    && words[place - 1].contains(|character: char| character.is_ascii_digit())
                {
                    words[place - 1] = "[TIME]".into();
                }
            }
            tidy += &words.join(" ");
        }
        tidy
    }
}

/// A path in the folder of a process, without the process and its files' numbers.
fn hide_session(word: &str) -> String {
    match word.split_once("/tmp/") {
        Some((store, file)) if store.starts_with("[WORLD]") => {
            let end = file.find([':', ',', ')', '\n']).unwrap_or(file.len());
            format!("{store}/tmp/[FILE]{}", &file[end..])
        }
        _ => word.to_owned(),
    }
}

/// A word with a digest in it, or a part of one, shortened to what it is.
fn hide_hash(word: &str) -> String {
    let mut hidden = String::new();
    for part in word.split_inclusive(|character: char| !character.is_ascii_hexdigit()) {
        let hex = part.trim_end_matches(|character: char| !character.is_ascii_hexdigit());
        hidden += &if hex.len() >= 16 {
            part.replace(hex, "[HASH]")
        } else {
            part.to_owned()
        };
    }
    hidden
}
