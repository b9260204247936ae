//! CPython at a browser's REPL: `pwb serve wasm32-emscripten-browser`, opened by Chromium on a machine without a network.
//!
//! It uses the store and the recipes of whoever runs it: `.ci/run` installs what is wanted, and calls it. With `PWB_SCREENSHOT` the page's
//! picture goes to that file.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/chromium.rs"]
mod chromium;

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chromium::Chromium;
use serde_json::json;

const TARGET: &str = "wasm32-emscripten-browser";

/// Says that this process has no network but its own.
const CUT: &str = "PWB_TEST_CUT";

/// The page draws its terminal on a canvas; the terminal itself knows what it shows.
const HOOK: &str = "
    let real;
    Object.defineProperty(window, 'Terminal', {
        get: () => real,
        set: terminal => { real = class extends terminal {
            constructor(...options) { super(...options); window.terminal = this; }
        } },
    });";

const SHOWN: &str = "
    const lines = window.terminal.buffer.active;
    const text = line => lines.getLine(line).translateToString(true);
    return Array.from({length: lines.length}, (_, line) => text(line)).join('\\n').trim();";

#[test]
#[ignore = "it wants the browser's target, Chromium, chromedriver and ip: .ci/run has them"]
fn python_answers_at_the_repl_with_the_network_cut() {
    if env::var_os(CUT).is_none() {
        return again_without_network();
    }
    let server = Server::start();
    let chromium = Chromium::start();
    chromium.before_each_page(HOOK);
    chromium.open(&server.url);
    assert_eq!(
        chromium.run("return window.crossOriginIsolated"),
        json!(true)
    );

    chromium.wait(
        "the REPL can be started",
        "return !document.getElementById('repl').disabled",
    );
    chromium.click("#repl");
    chromium.click("#terminal");
    let mut repl = Repl {
        chromium: &chromium,
        prompts: 0,
    };
    repl.answer("");
    assert_eq!(repl.say("print(1+1)"), "2");
    assert_eq!(repl.say("import json, sys, zlib"), "");
    assert_eq!(
        repl.say("json.loads('[1, {\"a\": null}]')"),
        "[1, {'a': None}]"
    );
    assert_eq!(
        repl.say("zlib.decompress(zlib.compress(b'x' * 9))"),
        "b'xxxxxxxxx'"
    );
    assert_eq!(repl.say("sys.platform"), "'emscripten'");
    let told = repl.say("1 +");
    assert!(told.contains("SyntaxError: invalid syntax"), "{told}");
    assert_eq!(repl.say("print('still there')"), "still there");
    if let Some(file) = env::var_os("PWB_SCREENSHOT") {
        chromium.screenshot(file.as_ref());
    }

    for (path, kind) in [
        ("python.wasm", "application/wasm"),
        ("python.worker.js", "text/javascript; charset=utf-8"),
    ] {
        let script =
            "return (await fetch(arguments[0], {cache: 'no-store'})).headers.get('content-type')";
        assert_eq!(chromium.run_with(script, json!([path])), json!(kind));
    }
    let script =
        "return (await fetch(arguments[0], {cache: 'no-store'})).headers.get('content-encoding')";
    assert_eq!(
        chromium.run_with(script, json!(["python.wasm"])),
        json!("zstd")
    );

    let requests = chromium.end(server.url.trim_end_matches('/'));
    for path in [
        "xterm/lib/xterm.js",
        "python.worker.js",
        "python.js",
        "python.wasm",
        "python.data",
    ] {
        let url = format!("{}{path}", server.url);
        assert!(requests.contains(&url), "{url}: {requests:?}");
    }
    for url in &requests {
        assert!(url.starts_with(&server.url), "the page asks {url}");
    }
}

/// Makes the target, and runs this test again in a network namespace that has a loopback and nothing else.
fn again_without_network() {
    let status = pwb(&["realize", TARGET]).status().unwrap();
    assert!(status.success(), "the target is not to be had");
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--net", "sh", "-euc"])
        .args([
            "PATH=$PATH:/usr/sbin:/sbin; ip link set lo up; exec \"$@\"",
            "sh",
        ])
        .arg(env::current_exe().unwrap())
        .args(["--ignored", "--nocapture"])
        .env(CUT, "1");
    assert!(command.status().unwrap().success());
}

fn pwb(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pwb"));
    command.args(arguments);
    command
}

/// `pwb serve`, killed at the end.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start() -> Server {
        let mut child = pwb(&["serve", TARGET, "--port", "0", "--offline"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut url)
            .unwrap();
        let url = url.trim_end().to_owned();
        Server { child, url }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Python's prompt in the page.
struct Repl<'a> {
    chromium: &'a Chromium,
    /// How many have been shown.
    prompts: usize,
}

impl Repl<'_> {
    /// Types a line, and reads what Python says to it.
    fn say(&mut self, line: &str) -> String {
        self.chromium.type_keys(&format!("{line}\u{e007}"));
        self.answer(line)
    }

    /// What stands between the last two prompts, without the line that was typed.
    fn answer(&mut self, line: &str) -> String {
        self.prompts += 1;
        let mut shown = String::new();
        for _ in 0..600 {
            shown = self
                .chromium
                .run(SHOWN)
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let parts: Vec<&str> = shown.split(">>>").collect();
            if parts.len() > self.prompts {
                let said = parts[self.prompts - 1].trim();
                return said.strip_prefix(line).unwrap_or(said).trim().to_owned();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("no answer to {line:?}: {shown}")
    }
}
