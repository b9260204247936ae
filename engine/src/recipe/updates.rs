//! Where a recipe says that newer versions of a download are told of. Pure: the page is read by others.

use super::version::Version;

/// What stands for the version in `find`.
pub(super) const HOLE: &str = "{version}";

/// A page that tells of versions.
#[derive(Debug, Clone)]
pub struct Updates {
    /// Its URL.
    pub page: String,
    /// What stands before and after a version, on the page and in the places alike.
    before: String,
    after: String,
    /// Only these versions.
    within: Option<Version>,
}

impl Updates {
    /// None where `find` does not have `{version}` once, and something around it.
    pub(super) fn new(page: String, find: &str, within: Option<&str>) -> Option<Updates> {
        let (before, after) = find.split_once(HOLE)?;
        let alone = before.is_empty() && after.is_empty();
        (!alone && !after.contains(HOLE)).then(|| Updates {
            page,
            before: before.to_owned(),
            after: after.to_owned(),
            within: within.map(Version::new),
        })
    }

    /// The first version that a text has where `find` says.
    pub fn version_in<'t>(&self, text: &'t str) -> Option<&'t str> {
        self.versions(text).next()
    }

    /// The newest version that the page tells of, if it is newer than this one. An early one counts only if this one is early.
    pub fn newer<'t>(&self, page: &'t str, current: &str) -> Option<&'t str> {
        let current = Version::new(current);
        let fits = |version: &Version| {
            (current.is_early() || !version.is_early())
                && self
                    .within
                    .as_ref()
                    .is_none_or(|series| version.is_within(series))
        };
        let found = self.versions(page).map(|text| (Version::new(text), text));
        let newer = found.filter(|(version, _)| *version > current && fits(version));
        newer.max_by(|a, b| a.0.cmp(&b.0)).map(|(_, text)| text)
    }

    fn versions<'s, 't: 's>(&'s self, text: &'t str) -> impl Iterator<Item = &'t str> + 's {
        let starts: Box<dyn Iterator<Item = usize>> = match self.before.is_empty() {
            false => Box::new(
                text.match_indices(&self.before)
                    .map(|(at, found)| at + found.len()),
            ),
            // Where a run of digits begins.
            true => Box::new(
                text.char_indices()
                    .scan(' ', |last, (at, c)| {
                        let begins = !last.is_ascii_alphanumeric() && *last != '.';
                        *last = c;
                        Some(begins.then_some(at))
                    })
                    .flatten(),
            ),
        };
        starts.filter_map(|at| self.version_at(&text[at..]))
    }

    /// The version that a text begins with, up to what has to follow it.
    fn version_at<'t>(&self, text: &'t str) -> Option<&'t str> {
        let in_version = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
        let end = text.find(|c| !in_version(c)).unwrap_or(text.len());
        let end = match self.after.is_empty() {
            true => text[..end].trim_end_matches(['.', '_']).len(),
            false => (1..=end).find(|end| text[*end..].starts_with(&self.after))?,
        };
        let version = &text[..end];
        version
            .starts_with(|c: char| c.is_ascii_digit())
            .then_some(version)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn newer(find: &str, within: Option<&str>, page: &str, current: &str) -> Option<String> {
        let updates = Updates::new(String::new(), find, within).unwrap();
        updates.newer(page, current).map(str::to_owned)
    }

    #[test]
    fn the_newest_of_a_page() {
        let page = r#"<a href="zlib-1.2.9.tar.gz">zlib-1.2.9.tar.gz</a> <a href="zlib-1.3.10.tar.gz">
            <a href="zlib-1.3.9.tar.gz"> <a href="zlib-1.4rc1.tar.gz"> zlib-2.tar.xz zlib-.tar.gz zlib-x.tar.gz"#;
        assert_eq!(
            newer("zlib-{version}.tar.gz", None, page, "1.3.1").unwrap(),
            "1.3.10"
        );
        assert_eq!(
            newer("zlib-{version}.tar.gz", Some("1.2"), page, "1.2.1").unwrap(),
            "1.2.9"
        );
        assert_eq!(
            newer("zlib-{version}.tar.gz", None, page, "1.4rc0").unwrap(),
            "1.4rc1"
        );
        assert_eq!(newer("zlib-{version}.tar.gz", None, page, "1.3.10"), None);
        assert_eq!(
            newer("{version}.tar.xz", None, "v1.tar.xz 3.5.tar.xz", "2").unwrap(),
            "3.5"
        );
        assert_eq!(
            newer("/v{version}", None, "x/tags/v1.2. y/v1.3", "1").unwrap(),
            "1.3"
        );
    }

    #[test]
    fn versions_end_where_find_says() {
        let updates = Updates::new(String::new(), "-{version}-src", None).unwrap();
        assert_eq!(updates.version_in("a-b-1.2_3-src.zip"), Some("1.2_3"));
        assert!(Updates::new(String::new(), "{version}", None).is_none());
        assert!(Updates::new(String::new(), "a", None).is_none());
        assert!(Updates::new(String::new(), "{version}/{version}", None).is_none());
    }
}
