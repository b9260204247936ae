//! Sizes and ages as people write them.

use std::fmt;
use std::time::{Duration, SystemTime};

use indicatif::{HumanBytes, HumanDuration};
use serde::{Deserialize, Serialize, Serializer};

/// `1.50 GiB`
pub fn bytes(count: u64) -> String {
    HumanBytes(count).to_string()
}

/// A size in bytes: `500M`; K, M, G and T stand for powers of 1024.
pub fn size(text: &str) -> Result<u64, String> {
    let shift = match text.chars().last() {
        Some('K') => 10,
        Some('M') => 20,
        Some('G') => 30,
        Some('T') => 40,
        _ => 0,
    };
    let number = if shift == 0 {
        text
    } else {
        &text[..text.len() - 1]
    };
    let number: u64 = number.parse().map_err(|_| "it is to be like 500M")?;
    // The Remote Execution API has signed sizes.
    let size = number.checked_mul(1 << shift);
    size.filter(|size| i64::try_from(*size).is_ok())
        .ok_or_else(|| "it is too large".into())
}

/// A time: `90s`, `30m`, `12h`, `14d`, `2w`.
pub fn age(text: &str) -> Result<Duration, String> {
    let wrong = || "it is to be like 14d, 12h, 30m or 0s".to_owned();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 24 * 3600,
        Some('w') => 7 * 24 * 3600,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    let seconds = number
        .checked_mul(unit)
        .filter(|all| *all <= u64::from(u32::MAX));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| "it is too long".into())
}

/// So many of something: `1 file`, `2 files`.
pub fn many(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// `3 hours ago`
pub fn ago(time: SystemTime) -> String {
    match time.elapsed() {
        Ok(age) if age.as_secs() >= 60 => format!("{} ago", HumanDuration(age)),
        _ => "a moment ago".to_owned(),
    }
}

/// A size in the settings.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct Size(pub u64);

/// A time in the settings.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct Age(pub Duration);

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Size, String> {
        size(&text)
            .map(Size)
            .map_err(|why| format!("`{text}` is no size: {why}"))
    }
}

impl TryFrom<String> for Age {
    type Error = String;

    fn try_from(text: String) -> Result<Age, String> {
        age(&text)
            .map(Age)
            .map_err(|why| format!("`{text}` is no time: {why}"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(40, "T"), (30, "G"), (20, "M"), (10, "K"), (0, "")];
        write_in(to, self.0, &units.map(|(shift, unit)| (1 << shift, unit)))
    }
}

impl fmt::Display for Age {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(24 * 3600, "d"), (3600, "h"), (60, "m"), (1, "s")];
        write_in(to, self.0.as_secs(), &units)
    }
}

/// Writes a number in the largest unit that it is made of whole.
fn write_in(to: &mut fmt::Formatter<'_>, number: u64, units: &[(u64, &str)]) -> fmt::Result {
    let mut fitting = units
        .iter()
        .filter(|(size, _)| number.is_multiple_of(*size));
    match fitting.next() {
        Some((size, unit)) if number > 0 => write!(to, "{}{unit}", number / size),
        _ => write!(to, "{number}{}", units.last().map_or("", |(_, unit)| unit)),
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Serialize for Age {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_are_read_and_nonsense_is_not() {
        assert_eq!(size("2K").unwrap(), 2048);
        assert_eq!(size("1T").unwrap(), 1 << 40);
        assert_eq!(size("7").unwrap(), 7);
        assert_eq!(age("2w").unwrap(), age("14d").unwrap());
        assert_eq!(age("90s").unwrap(), Duration::from_secs(90));
        for nonsense in ["", "G", "-1G", "1.5G", "99999999999T", "1 G", "é"] {
            assert!(size(nonsense).is_err(), "{nonsense}");
        }
        for nonsense in ["", "d", "3", "-1d", "99999999999w", "1y", "1é"] {
            assert!(age(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["0", "1023", "50G", "1T", "1536M", "7K"] {
            assert_eq!(Size(size(text).unwrap()).to_string(), text);
        }
        for text in ["0s", "14d", "36h", "90m", "59s"] {
            assert_eq!(Age(age(text).unwrap()).to_string(), text);
        }
    }
}
