//! Chromium, driven over WebDriver (<https://www.w3.org/TR/webdriver2/>). Knows nothing of the pages that it opens.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long something in a page may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// All that the browser asks the network, its workers too: an event a line.
const NET_LOG: &str = "net.json";

/// What a browser does that nobody asked it for is of no use in a test.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1000,900",
];

/// A browser of its own, with a profile of its own.
pub struct Chromium {
    driver: Child,
    session: String,
    profile: TempDir,
}

impl Chromium {
    pub fn start() -> Chromium {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver: {error}"));
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.map(Result::unwrap).find_map(|line| {
            let port = line.strip_suffix('.')?.rsplit_once("on port ")?.1;
            port.parse::<u16>().ok()
        });
        let driver_url = format!("http://127.0.0.1:{}", port.unwrap());
        let profile = tempfile::tempdir().unwrap();
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).into();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        flags.push(format!(
            "--log-net-log={}",
            profile.path().join(NET_LOG).display()
        ));
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": flags},
        }}});
        let made = call("POST", &format!("{driver_url}/session"), &wanted);
        Chromium {
            session: format!(
                "{driver_url}/session/{}",
                made["sessionId"].as_str().unwrap()
            ),
            driver,
            profile,
        }
    }

    /// Runs a script in every page from now on, before the page's own.
    pub fn before_each_page(&self, script: &str) {
        let command = "Page.addScriptToEvaluateOnNewDocument";
        self.post(
            "goog/cdp/execute",
            &json!({"cmd": command, "params": {"source": script}}),
        );
    }

    pub fn open(&self, url: &str) {
        self.post("url", &json!({"url": url}));
    }

    /// What a script returns.
    pub fn run(&self, script: &str) -> Value {
        self.run_with(script, json!([]))
    }

    pub fn run_with(&self, script: &str, arguments: Value) -> Value {
        // A function that may wait.
        let script = format!("return (async function() {{ {script} }}).apply(null, arguments)");
        self.post(
            "execute/sync",
            &json!({"script": script, "args": arguments}),
        )
    }

    /// Waits until a script returns true.
    #[track_caller]
    pub fn wait(&self, what: &str, script: &str) {
        let begin = Instant::now();
        while self.run(script) != json!(true) {
            assert!(begin.elapsed() < PATIENCE, "waited in vain: {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn click(&self, selector: &str) {
        let found = self.post(
            "element",
            &json!({"using": "css selector", "value": selector}),
        );
        let element = found
            .as_object()
            .and_then(|found| found.values().next())
            .unwrap();
        self.post(
            &format!("element/{}/click", element.as_str().unwrap()),
            &json!({}),
        );
    }

    /// Presses keys, one after the other, for whatever has the focus. Keys without characters are those of WebDriver.
    pub fn type_keys(&self, keys: &str) {
        let press = |key: char| {
            let key = key.to_string();
            [
                json!({"type": "keyDown", "value": key}),
                json!({"type": "keyUp", "value": key}),
            ]
        };
        let presses: Vec<Value> = keys.chars().flat_map(press).collect();
        self.post(
            "actions",
            &json!({"actions": [{"type": "key", "id": "keyboard", "actions": presses}]}),
        );
    }

    pub fn screenshot(&self, file: &Path) {
        let picture = call("GET", &format!("{}/screenshot", self.session), &Value::Null);
        fs::write(file, STANDARD.decode(picture.as_str().unwrap()).unwrap()).unwrap();
    }

    /// Ends the browser. The URLs that pages of an origin have asked for, and their workers.
    pub fn end(self, origin: &str) -> Vec<String> {
        self.quit();
        let log = fs::read_to_string(self.profile.path().join(NET_LOG)).unwrap();
        let url = |line: &str| {
            let event: Value = serde_json::from_str(line.trim_end_matches(',')).ok()?;
            let asked = &event["params"];
            let url = asked["url"]
                .as_str()
                .filter(|_| asked["initiator"] == *origin);
            url.map(str::to_owned)
        };
        log.lines().filter_map(url).collect()
    }

    /// It takes the browser with it.
    fn quit(&self) {
        let _ = ureq::delete(&self.session).call();
    }

    #[track_caller]
    fn post(&self, command: &str, body: &Value) -> Value {
        call("POST", &format!("{}/{command}", self.session), body)
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        self.quit();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

#[track_caller]
fn call(method: &str, url: &str, body: &Value) -> Value {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE * 2))
        .build()
        .into();
    let answer = match method {
        "GET" => agent.get(url).call(),
        _ => agent
            .post(url)
            .content_type("application/json")
            .send(body.to_string()),
    };
    let mut answer = answer.unwrap_or_else(|error| panic!("{url}: {error}"));
    let text = answer
        .body_mut()
        .with_config()
        .limit(100 << 20)
        .read_to_string()
        .unwrap();
    let mut said: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{url}: {error}: {text}"));
    assert!(said["value"]["error"].is_null(), "{url}: {text}");
    said["value"].take()
}
