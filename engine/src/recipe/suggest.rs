//! The nearest known name to one that is not known. Pure.

/// Names listed in full at most; more would only be noise.
const LISTED: usize = 12;

/// The name most like this one, where one is like it at all.
pub(super) fn nearest<'a>(
    unknown: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = unknown.chars().count();
    let allowed = (length / 3).max(1).min(length.saturating_sub(1));
    known
        .into_iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&unknown.to_lowercase(), &name.to_lowercase()),
                name,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// What to say of a name that is not known: the nearest, else all where they are few.
pub(super) fn help<'a>(
    unknown: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(name) = nearest(unknown, known.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let names: Vec<_> = known.into_iter().collect();
    known_names(&names)
}

/// All the names, where they are few.
pub(super) fn known_names(names: &[&str]) -> Option<String> {
    match names.len() {
        1 => Some(format!("there is only {}", list(names, "and"))),
        2..=LISTED => Some(format!("there are {}", list(names, "and"))),
        _ => None,
    }
}

/// `a`, `b` and `c`
pub(super) fn list(names: &[&str], and: &str) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} {and} {last}", rest.join(", ")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn nearest_is_near() {
        assert_eq!(nearest("zlibb", ["bzip2", "zlib"]), Some("zlib"));
        assert_eq!(nearest("tragets", ["options", "targets"]), Some("targets"));
        assert_eq!(nearest("python", ["bzip2", "zlib"]), None);
        assert_eq!(nearest("a", ["b"]), None);
    }

    #[test]
    fn lists_the_few() {
        assert_eq!(
            help("python", ["bzip2", "zlib"]).unwrap(),
            "there are `bzip2` and `zlib`"
        );
        assert_eq!(help("python", ["a"; 13]), None);
        assert_eq!(help("python", []), None);
    }
}
