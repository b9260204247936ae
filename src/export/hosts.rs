//! The files by which common hosts of static sites are told what pages need: the headers of `pwb serve`, types, and the index.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::json;

use crate::site::HEADERS;

/// Writes them into a site's folder. What the site has itself under such a name stays.
pub fn add(folder: &Path, index: &str) -> io::Result<()> {
    for (name, text) in [
        (".htaccess", htaccess(index)),
        ("_headers", headers()),
        ("_redirects", format!("/ /{index} 200\n")),
        ("vercel.json", vercel(index)),
    ] {
        let path = folder.join(name);
        if path.symlink_metadata().is_err() {
            fs::write(path, text)?;
        }
    }
    Ok(())
}

/// Apache, as CPython's documentation of its WebAssembly builds has it.
fn htaccess(index: &str) -> String {
    let mut text = format!("DirectoryIndex {index}\n");
    for (name, value) in HEADERS {
        text += &format!("Header set {name} {value}\n");
    }
    text + "AddType application/javascript js mjs\n\
        AddType application/wasm wasm\n\
        <IfModule mod_deflate.c>\n\
        AddOutputFilterByType DEFLATE text/html text/css application/javascript application/wasm\n\
        </IfModule>\n"
}

/// Netlify and Cloudflare Pages. They compress by themselves, and know the types.
fn headers() -> String {
    let mut text = "/*\n".to_owned();
    for (name, value) in HEADERS {
        text += &format!("  {name}: {value}\n");
    }
    text
}

/// Vercel.
fn vercel(index: &str) -> String {
    let headers = HEADERS.map(|(key, value)| json!({"key": key, "value": value}));
    let text = json!({
        "headers": [{"source": "/(.*)", "headers": headers}],
        "rewrites": [{"source": "/", "destination": format!("/{index}")}],
    });
    format!("{text:#}\n")
}
