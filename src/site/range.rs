//! Which part of a file a `Range` header asks for (RFC 9110, section 14). Pure.

use std::ops::Range;

use http_range_header::{EndPosition, RangeUnsatisfiableError, StartPosition, parse_range_header};

/// What is asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Asked {
    /// All of it: several parts too, which a server may send as a whole, and what is no range.
    Whole,
    /// These bytes, at least one.
    Part(Range<u64>),
    /// What the file does not have.
    Beyond,
}

impl Asked {
    /// What a header's value asks of a file that has so many bytes.
    pub fn of(header: &str, length: u64) -> Asked {
        let ranges = match parse_range_header(header) {
            Ok(found) => found.ranges,
            Err(RangeUnsatisfiableError::ZeroSuffix) => return Asked::Beyond,
            Err(_) => return Asked::Whole,
        };
        let [range] = &ranges[..] else {
            return Asked::Whole;
        };
        let start = match range.start {
            StartPosition::Index(start) => start,
            StartPosition::FromLast(count) => length.saturating_sub(count),
        };
        let end = match range.end {
            EndPosition::Index(last) if last < start => return Asked::Whole,
            EndPosition::Index(last) => last.saturating_add(1).min(length),
            EndPosition::LastByte => length,
        };
        match start < end {
            true => Asked::Part(start..end),
            false => Asked::Beyond,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_file() {
        for (header, asked) in [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=0-9", Asked::Part(0..10)),
            ("bytes=2-4", Asked::Part(2..5)),
            ("bytes=9-", Asked::Part(9..10)),
            ("bytes=5-100", Asked::Part(5..10)),
            ("bytes=5-18446744073709551615", Asked::Part(5..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-10", Asked::Part(0..10)),
            ("bytes=-11", Asked::Part(0..10)),
            ("bytes=10-", Asked::Beyond),
            ("bytes=10-20", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
            ("bytes=4-2", Asked::Whole),
            ("bytes=0-1,4-5", Asked::Whole),
            ("bytes=", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=1", Asked::Whole),
            ("items=0-1", Asked::Whole),
            ("", Asked::Whole),
        ] {
            assert_eq!(Asked::of(header, 10), asked, "{header:?}");
        }
        assert_eq!(Asked::of("bytes=0-", 0), Asked::Beyond);
        assert_eq!(Asked::of("bytes=-5", 0), Asked::Beyond);
    }
}
