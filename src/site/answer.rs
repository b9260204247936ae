//! The answer to a request, as RFC 9110 has it: conditions, ranges, codings, types.

use std::io;
use std::ops::Range;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
    RANGE, VARY,
};
use axum::http::{Method, Response, StatusCode};
use headers::{
    AcceptRanges, CacheControl, ContentLength, ContentRange, ETag, HeaderMapExt, IfMatch,
    IfNoneMatch, IfRange,
};
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::HEADERS;
use super::coding::Coding;
use super::files::{File, Files};
use super::packed::{Bytes, Packed};
use super::range::Asked;

/// Bytes read at a time.
const CHUNK: usize = 64 << 10;

/// The answer to a request.
pub async fn answer(files: &Files, packed: &Packed, request: Request) -> Response<Body> {
    let path = request.uri().path();
    let mut response = if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET and HEAD are answered here",
        );
        refusal
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        refusal
    } else {
        let decoded = percent_decode_str(path).decode_utf8().ok();
        match decoded.and_then(|path| files.find(&path)) {
            None => plain(
                StatusCode::NOT_FOUND,
                &format!("the site has nothing at {path}"),
            ),
            Some(file) => match of_file(&file, packed, request.method(), request.headers()).await {
                Ok(response) => response,
                Err(error) => {
                    let what = format!("cannot read {}: {error}", file.path.display());
                    plain(StatusCode::INTERNAL_SERVER_ERROR, &what)
                }
            },
        }
    };
    for (name, value) in HEADERS {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

async fn of_file(
    file: &File,
    packed: &Packed,
    method: &Method,
    asked: &HeaderMap,
) -> io::Result<Response<Body>> {
    let range = range(file, method, asked)?;
    let coding = match range {
        Asked::Whole => Coding::wanted(&all(asked, ACCEPT_ENCODING)),
        // A part is one of the file's own bytes.
        _ => Coding::Identity,
    };
    let bytes = packed.get(file, coding).await?;
    let tag = tag(file, bytes.coding)?;
    let mut response = match (conditions(asked, &tag), range) {
        (Some(status), _) => with(status, Body::empty()),
        (None, Asked::Whole) => contents(file, &bytes, 0..bytes.length, method).await?,
        (None, Asked::Part(part)) => {
            let found =
                ContentRange::bytes(part.clone(), bytes.length).map_err(io::Error::other)?;
            let mut response = contents(file, &bytes, part, method).await?;
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            response.headers_mut().typed_insert(found);
            response
        }
        (None, Asked::Beyond) => {
            let mut refusal = plain(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "the file has no such bytes",
            );
            refusal
                .headers_mut()
                .typed_insert(ContentRange::unsatisfied_bytes(bytes.length));
            return Ok(refusal);
        }
    };
    let headers = response.headers_mut();
    headers.typed_insert(tag);
    headers.typed_insert(AcceptRanges::bytes());
    // Another build has other contents under the same names: ask each time, which costs next to nothing.
    headers.typed_insert(CacheControl::new().with_no_cache());
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    Ok(response)
}

/// What part is asked for. A client that has a part of another version gets all of this one.
fn range(file: &File, method: &Method, asked: &HeaderMap) -> io::Result<Asked> {
    let header = asked.get(RANGE).and_then(|value| value.to_str().ok());
    let Some(header) = header.filter(|_| method == Method::GET) else {
        return Ok(Asked::Whole);
    };
    let tag = tag(file, Coding::Identity)?;
    let is_other = match asked.typed_try_get::<IfRange>() {
        Ok(None) => false,
        Ok(Some(version)) => version.is_modified(Some(&tag), None),
        Err(_) => true,
    };
    Ok(match is_other {
        true => Asked::Whole,
        false => Asked::of(header, file.digest.size()),
    })
}

/// The status of an answer without contents, where the client's conditions are for one.
fn conditions(asked: &HeaderMap, tag: &ETag) -> Option<StatusCode> {
    let wanted = asked.typed_get::<IfMatch>();
    if wanted.is_some_and(|wanted| !wanted.precondition_passes(tag)) {
        return Some(StatusCode::PRECONDITION_FAILED);
    }
    let known = asked.typed_get::<IfNoneMatch>()?;
    (!known.precondition_passes(tag)).then_some(StatusCode::NOT_MODIFIED)
}

async fn contents(
    file: &File,
    bytes: &Bytes,
    part: Range<u64>,
    method: &Method,
) -> io::Result<Response<Body>> {
    let mut opened = tokio::fs::File::open(&bytes.path).await?;
    opened.seek(io::SeekFrom::Start(part.start)).await?;
    let length = part.end - part.start;
    let body = match method {
        &Method::HEAD => Body::empty(),
        _ => Body::from_stream(ReaderStream::with_capacity(opened.take(length), CHUNK)),
    };
    let mut response = with(StatusCode::OK, body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type(file)?);
    headers.typed_insert(ContentLength(length));
    if bytes.coding != Coding::Identity {
        headers.insert(
            CONTENT_ENCODING,
            HeaderValue::from_static(bytes.coding.name()),
        );
    }
    Ok(response)
}

/// A strong tag: other bytes, another tag. Times say nothing, for all files of the store have the same.
fn tag(file: &File, coding: Coding) -> io::Result<ETag> {
    let hex = file.digest.hex();
    let text = match coding {
        Coding::Identity => format!("\"{hex}\""),
        _ => format!("\"{hex}-{}\"", coding.name()),
    };
    text.parse().map_err(io::Error::other)
}

/// By the file's name.
fn content_type(file: &File) -> io::Result<HeaderValue> {
    let kind = mime_guess::from_path(&file.path).first_or_octet_stream();
    let text = match kind.type_() {
        // A source map, by ECMA-426; it is known as plain text.
        _ if file.path.extension().is_some_and(|end| end == "map") => "application/json".to_owned(),
        mime_guess::mime::TEXT => format!("{kind}; charset=utf-8"),
        _ => kind.to_string(),
    };
    HeaderValue::try_from(text).map_err(io::Error::other)
}

/// All values of a header as one list.
fn all(headers: &HeaderMap, name: HeaderName) -> String {
    let values = headers.get_all(name).iter();
    let texts: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    texts.join(",")
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = with(status, Body::from(format!("{text}\n")));
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn with(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use pwb_cache::Digest;

    use super::*;

    #[test]
    fn types_by_name() {
        for (name, kind) in [
            ("python.html", "text/html; charset=utf-8"),
            ("python.js", "text/javascript; charset=utf-8"),
            ("python.mjs", "application/javascript"),
            ("xterm.css", "text/css; charset=utf-8"),
            ("python.wasm", "application/wasm"),
            ("python.data", "application/octet-stream"),
            ("python.js.map", "application/json"),
            ("a.svg", "image/svg+xml"),
            ("a.json", "application/json"),
            ("README", "application/octet-stream"),
        ] {
            let file = File {
                path: name.into(),
                digest: Digest::of(b""),
            };
            assert_eq!(content_type(&file).unwrap(), kind, "{name}");
        }
    }
}
