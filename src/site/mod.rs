//! A target's result as a web site, for browsers. Knows nothing of how it was made, nor of what is in it.

mod answer;
mod coding;
mod files;
mod packed;
mod range;
mod server;

pub use files::Files;
pub use server::{Address, serve};

/// What is sent with every answer. The first two are what browsers want of a page before they give it threads and precise clocks
/// ([cross-origin isolation](https://web.dev/articles/coop-coep)).
pub const HEADERS: [(&str, &str); 4] = [
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
];
