//! Versions as upstreams write them, in order. Pure.

/// A version; a later one is greater: `1.9 < 1.10 < 1.10a < 1.10.1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(Vec<Part>);

/// Texts come before numbers; a number is its digits, of which more are greater.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Text(String),
    Number(usize, String),
}

/// What is not for everybody yet, as versions say it.
const EARLY: [&str; 9] = [
    "a", "alpha", "b", "beta", "c", "dev", "pre", "preview", "rc",
];

impl Version {
    /// Takes any text.
    pub fn new(text: &str) -> Version {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let digits = first.is_ascii_digit();
            let same = |c: char| c.is_ascii_alphanumeric() && c.is_ascii_digit() == digits;
            let end = rest.find(|c| !same(c)).unwrap_or(rest.len());
            let part = &rest[..end];
            if digits {
                let digits = part.trim_start_matches('0').to_owned();
                parts.push(Part::Number(digits.len(), digits));
            } else if !part.is_empty() {
                parts.push(Part::Text(part.to_ascii_lowercase()));
            }
            // What is neither a letter nor a digit only divides.
            rest = &rest[end.max(first.len_utf8())..];
        }
        Version(parts)
    }

    /// Whether it comes before a release: an alpha, a beta, a candidate.
    pub fn is_early(&self) -> bool {
        let early =
            |part: &Part| matches!(part, Part::Text(text) if EARLY.contains(&text.as_str()));
        self.0.iter().any(early)
    }

    /// Whether it is of this series: `3.13.5` and `3.13` are of `3.13`, `3.130` is not.
    pub fn is_within(&self, series: &Version) -> bool {
        self.0.starts_with(&series.0)
    }
}

/// The text with another version in it: `1.3` does not stand in `11.3`, `1.30` or `1.3.1`.
pub fn replace_version(text: &str, old: &str, new: &str) -> String {
    let (mut made, mut at) = (String::new(), 0);
    for (start, found) in text.match_indices(old) {
        let end = start + found.len();
        let (before, after) = (text[..start].chars().rev(), text[end..].chars());
        if !number_goes_on(before) && !number_goes_on(after) {
            made += &text[at..start];
            made += new;
            at = end;
        }
    }
    made + &text[at..]
}

/// With a digit, or a dot and a digit.
fn number_goes_on(mut chars: impl Iterator<Item = char>) -> bool {
    let first = match chars.next() {
        Some('.') => chars.next(),
        first => first,
    };
    first.is_some_and(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_replaced_where_it_is_whole() {
        let text = "a/1.3/v1.3-1.3.1_11.3 1.30 1.3.tar 0.1.3 x1.3";
        let expected = "a/2/v2-1.3.1_11.3 1.30 2.tar 0.1.3 x2";
        assert_eq!(replace_version(text, "1.3", "2"), expected);
        assert_eq!(replace_version("日1本", "1", "2.0"), "日2.0本");
    }

    #[test]
    fn later_is_greater() {
        let order = [
            "1.9",
            "1.09.1",
            "1.10",
            "1.10a",
            "1.10.1",
            "2",
            "20240101",
            "20240101000000000000000000000000000000001",
        ];
        for pair in order.windows(2) {
            assert!(Version::new(pair[0]) < Version::new(pair[1]), "{pair:?}");
        }
        assert_eq!(Version::new("1_2-3"), Version::new("1.2.3"));
    }

    #[test]
    fn what_is_early_and_what_is_within() {
        for early in ["1.0rc1", "3.14.0a2", "1.0-beta", "2.0.dev3", "1.0-RC.1"] {
            assert!(Version::new(early).is_early(), "{early}");
        }
        for release in ["1.0", "1.0.2u", "2.41+deb13u4"] {
            assert!(!Version::new(release).is_early(), "{release}");
        }
        let series = Version::new("3.13");
        assert!(
            Version::new("3.13.5").is_within(&series) && Version::new("3.13").is_within(&series)
        );
        assert!(
            !Version::new("3.130.1").is_within(&series) && !Version::new("3").is_within(&series)
        );
    }
}
