//! A project's page of a simple index (PEP 503), as every index of Python packages has it: the link to a file.

use percent_encoding::percent_decode_str;

/// Where the page at `page` says that the file of this name is.
pub(super) fn link(page: &str, html: &str, file: &str) -> Option<String> {
    let href = html.match_indices('<').find_map(|(at, _)| {
        let href = href(html.get(at + 1..)?)?;
        let path = href.split(['#', '?']).next()?;
        let name = path.rsplit('/').next()?;
        (percent_decode_str(name).decode_utf8_lossy() == file).then_some(href)
    })?;
    let url = href.split('#').next().unwrap_or(&href);
    Some(resolve(page, url))
}

/// The names of the files that a page has links to.
pub(super) fn names(html: &str) -> Vec<String> {
    let links = html
        .match_indices('<')
        .filter_map(|(at, _)| href(html.get(at + 1..)?));
    let name = |link: String| {
        let name = link.split(['#', '?']).next()?.rsplit('/').next()?;
        Some(percent_decode_str(name).decode_utf8_lossy().into_owned())
    };
    links.filter_map(name).collect()
}

/// The `href` of the tag that begins here, if it is a link.
fn href(tag: &str) -> Option<String> {
    let rest = tag.strip_prefix(['a', 'A'])?;
    let mut rest = rest.strip_prefix(|one: char| one.is_ascii_whitespace())?;
    loop {
        let (name, after) = rest
            .split_once('=')
            .filter(|(name, _)| !name.contains('>'))?;
        let after = after.trim_ascii_start();
        let (value, after) = match after.strip_prefix(['"', '\'']) {
            Some(quoted) => quoted.split_once(after.chars().next()?)?,
            None => {
                let end = after.find(|one: char| one.is_ascii_whitespace() || one == '>')?;
                after.split_at(end)
            }
        };
        if name
            .split_ascii_whitespace()
            .last()?
            .eq_ignore_ascii_case("href")
        {
            return Some(value.replace("&amp;", "&"));
        }
        rest = after;
    }
}

/// A link as the page at `page` means it (RFC 3986, 5.2).
fn resolve(page: &str, link: &str) -> String {
    if link
        .split(['/', '?'])
        .next()
        .is_some_and(|first| first.contains(':'))
    {
        return link.to_owned();
    }
    let scheme = page.find("://").unwrap_or(0);
    if link.starts_with("//") {
        return format!("{}:{link}", &page[..scheme]);
    }
    let page = page.split('?').next().unwrap_or(page);
    let host = scheme + "://".len();
    let (root, folder) = match page.get(host..).and_then(|rest| rest.find('/')) {
        Some(slash) => page.split_at(host + slash),
        None => (page, "/"),
    };
    let mut parts = Vec::new();
    if !link.starts_with('/') {
        parts.extend(folder.split('/').filter(|part| !part.is_empty()));
        if !folder.ends_with('/') {
            parts.pop();
        }
    }
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("{root}/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "http://index.example/root/simple/one/";

    #[test]
    fn the_link_of_that_very_name_is_followed() {
        let html = r#"<!DOCTYPE html><html><head><base-like><title>a > b</title></head>
            <a>no link</a> <abbr href="one-1.0.tar.gz">no link</abbr>
            <a href="../../files/one-1.0.tar.gz.metadata#sha256=00">one-1.0.tar.gz</a>
            <A data-requires-python="&gt;=3.8, > x" HREF='../../files/one-1.0%2Blocal.tar.gz?a=1&amp;b=2#sha256=00'>x</A>
            <a href=/files/one-1.0.tar.gz>x</a>"#;
        assert_eq!(
            link(PAGE, html, "one-1.0+local.tar.gz").as_deref(),
            Some("http://index.example/root/files/one-1.0%2Blocal.tar.gz?a=1&b=2")
        );
        assert_eq!(
            link(PAGE, html, "one-1.0.tar.gz").as_deref(),
            Some("http://index.example/files/one-1.0.tar.gz")
        );
        assert_eq!(link(PAGE, html, "one-1.1.tar.gz"), None);
    }

    #[test]
    fn what_is_cut_off_or_odd_has_no_link() {
        for html in [
            "<",
            "<a",
            "<a ",
            "<a href",
            "<a href=",
            "<a href=\"f",
            "<a =>",
            "<a x y>",
            "<ä href=f>",
        ] {
            assert_eq!(link(PAGE, html, "f"), None, "{html}");
        }
    }

    #[test]
    fn links_are_relative_to_the_page() {
        for (to, url) in [
            ("f", "http://index.example/root/simple/one/f"),
            ("./f", "http://index.example/root/simple/one/f"),
            ("../f", "http://index.example/root/simple/f"),
            ("../../../../f", "http://index.example/f"),
            ("/f", "http://index.example/f"),
            ("//other.example/f", "http://other.example/f"),
            ("https://other.example/f", "https://other.example/f"),
        ] {
            assert_eq!(resolve(PAGE, to), url);
        }
        assert_eq!(
            resolve("file:///srv/one/index.html", "f"),
            "file:///srv/one/f"
        );
        assert_eq!(
            resolve("http://index.example", "f"),
            "http://index.example/f"
        );
    }
}
