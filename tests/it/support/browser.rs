//! A real Chromium, driven through chromedriver: one session per test, which ends with it, and a record of
//! what the page asked for and complained about.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::process;
use super::wait::{SOON, until};

/// Marks everything a test's chromedriver starts, so that nothing of it is left behind.
const MARK: &str = "PANKO_TEST_BROWSER";
/// Headless, and silent: whatever leaves this machine is the page's doing.
const FLAGS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1280,1600",
];

/// How a page is looked at.
#[derive(Clone, Copy)]
pub struct Look {
    pub width: u32,
    pub height: u32,
    pub dark: bool,
}

/// A laptop's window, and a phone's.
pub const DESKTOP: Look = Look { width: 1280, height: 1600, dark: false };
pub const PHONE: Look = Look { width: 390, height: 844, dark: false };

impl Look {
    /// The same in the dark.
    pub fn dark(self) -> Self {
        Self { dark: true, ..self }
    }
}

/// A browser with one tab.
pub struct Browser {
    // A client can be dropped only after its session was closed.
    client: Option<Client>,
    runtime: Runtime,
    driver: Child,
    folder: TempDir,
    /// Requests and complaints seen so far.
    requests: Vec<String>,
    complaints: Vec<String>,
}

/// A command of Chromium's own, below `/session/<id>/`.
#[derive(Debug)]
struct Own(&'static str, Value);

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.0))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.1.to_string()))
    }
}

impl Browser {
    /// Starts a browser. `None`, and a word why, where there is no Chromium; on the build server that fails.
    #[track_caller]
    pub fn start() -> Option<Self> {
        Self::start_and(true)
    }

    /// The same; what it asks for and complains of is recorded if `listened_to`. The record keeps every answer in the
    /// tab's memory.
    #[track_caller]
    pub fn start_and(listened_to: bool) -> Option<Self> {
        let missing: Vec<_> = ["chromedriver", "chromium"]
            .into_iter()
            .filter(|program| Command::new(program).arg("--version").output().is_err())
            .collect();
        if !missing.is_empty() {
            assert!(!is_ci(), "{missing:?} missing");
            eprintln!("skipped: {missing:?} missing (Debian: chromium chromium-driver)");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("pkb").tempdir().unwrap();
        let (driver, port) = driver(&folder);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).into();
        flags.push(format!("--user-data-dir={}", folder.path().join("profile").display()));
        let wishes = json!({
            "goog:chromeOptions": {"args": flags},
        });
        let Value::Object(mut wishes) = wishes else { unreachable!() };
        if listened_to {
            wishes.insert("goog:loggingPrefs".to_owned(), json!({"browser": "ALL", "performance": "ALL"}));
        }
        let connected = runtime.block_on(async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(wishes).connect(&format!("http://127.0.0.1:{port}")).await
        });
        let (requests, complaints) = (Vec::new(), Vec::new());
        let mut browser = Self { client: None, runtime, driver, folder, requests, complaints };
        browser.client = Some(connected.unwrap());
        browser.look(DESKTOP);
        Some(browser)
    }

    fn client(&self) -> &Client {
        self.client.as_ref().unwrap()
    }

    #[track_caller]
    fn own(&self, path: &'static str, body: Value) -> Value {
        self.runtime.block_on(self.client().issue_cmd(Own(path, body))).unwrap()
    }

    /// A command of the developer tools.
    #[track_caller]
    pub fn tools(&self, command: &str, params: Value) -> Value {
        self.own("goog/cdp/execute", json!({"cmd": command, "params": params}))
    }

    /// Sets the size of the window and the scheme of the system.
    pub fn look(&self, look: Look) {
        let Look { width, height, dark } = look;
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.tools("Emulation.setDeviceMetricsOverride", size);
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.tools("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// Opens a page and waits until it is loaded.
    #[track_caller]
    pub fn goto(&self, url: &str) {
        self.runtime.block_on(self.client().goto(url)).unwrap();
    }

    /// The same, with scripts: waits until frames are drawn, for keys that come before are lost.
    #[track_caller]
    pub fn open(&self, url: &str) {
        self.goto(url);
        self.until_drawn();
    }

    /// Reloads the page, which has scripts.
    #[track_caller]
    pub fn reload(&self) {
        self.runtime.block_on(self.client().refresh()).unwrap();
        self.until_drawn();
    }

    #[track_caller]
    fn until_drawn(&self) {
        self.until(
            "frames are drawn",
            "(window.framed ??= (requestAnimationFrame(() => requestAnimationFrame(() => { window.framed = 2; })), 1)) === 2",
        );
    }

    /// The value of a JavaScript expression in the page.
    #[track_caller]
    pub fn eval(&self, expression: &str) -> Value {
        let script = format!("return ({expression})");
        self.runtime
            .block_on(self.client().execute(&script, vec![]))
            .unwrap_or_else(|e| panic!("{expression}: {e}"))
    }

    /// Runs a script with `done` in it, which takes the result.
    #[track_caller]
    pub fn run(&self, script: &str) -> Value {
        let script = format!("const done = arguments[arguments.length - 1]; {script}");
        self.runtime.block_on(self.client().execute_async(&script, vec![])).unwrap()
    }

    /// The value of an expression that gives a string.
    #[track_caller]
    pub fn text(&self, expression: &str) -> String {
        let value = self.eval(expression);
        value.as_str().unwrap_or_else(|| panic!("{expression} is {value}")).to_owned()
    }

    /// Asserts that a JavaScript expression holds now.
    #[track_caller]
    pub fn assert(&self, what: &str, expression: &str) {
        let value = self.eval(expression);
        assert!(value == true, "{what}: {expression} is {value}");
    }

    /// Waits until a JavaScript expression holds.
    #[track_caller]
    pub fn until(&self, what: &str, expression: &str) {
        let began = Instant::now();
        let mut last = Value::Null;
        while began.elapsed() < SOON {
            last = self.eval(expression);
            if last == true {
                return;
            }
            super::wait::pause();
        }
        panic!("waited {SOON:?} in vain until {what}: {expression} is {last}");
    }

    /// Presses keys, one after the other, as a person does.
    #[track_caller]
    pub fn press(&self, keys: &str) {
        let actions = keys.chars().fold(KeyActions::new("keyboard".to_owned()), |actions, value| {
            actions.then(KeyAction::Down { value }).then(KeyAction::Up { value })
        });
        self.runtime.block_on(self.client().perform_actions(actions)).unwrap();
    }

    /// Clicks on the first element of this selector, where it is.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        let found = self.client().find(fantoccini::Locator::Css(selector));
        let element = self.runtime.block_on(found).unwrap_or_else(|e| panic!("{selector}: {e}"));
        self.runtime.block_on(element.click()).unwrap_or_else(|e| panic!("{selector}: {e}"));
    }

    /// What the console said of errors since the last time, with the document that was asked for itself left
    /// out if `not_found` (a page of status 404 is one).
    fn listen(&mut self) {
        for entry in self.own("se/log", json!({"type": "browser"})).as_array().unwrap() {
            if entry["level"] == "SEVERE" || entry["level"] == "WARNING" {
                self.complaints.push(entry["message"].as_str().unwrap_or_default().to_owned());
            }
        }
        for entry in self.own("se/log", json!({"type": "performance"})).as_array().unwrap() {
            let event: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            if event["message"]["method"] == "Network.requestWillBeSent" {
                let url = event["message"]["params"]["request"]["url"].as_str().unwrap();
                // The tab is born with Chromium's own page in it.
                if !url.starts_with("chrome://") && !url.starts_with("chrome-untrusted://") {
                    self.requests.push(url.to_owned());
                }
            }
        }
    }

    /// The processes that are this browser. Those that show pages write their name over their environment: they are
    /// known by who started them.
    pub fn processes(&self) -> Vec<u32> {
        process::with_descendants(process::marked(MARK, &self.folder.path().display().to_string()))
    }

    /// The URLs asked for so far.
    pub fn requests(&mut self) -> &[String] {
        self.listen();
        &self.requests
    }

    /// Asserts that the console is clean and that every request went to the host of `url`.
    #[track_caller]
    pub fn assert_quiet(&mut self, url: &str) {
        self.assert_quiet_but(url, |_| false);
    }

    /// As [`Browser::assert_quiet`], complaints that `expected` knows aside.
    #[track_caller]
    pub fn assert_quiet_but(&mut self, url: &str, expected: impl Fn(&str) -> bool) {
        self.listen();
        let complaints: Vec<_> = self.complaints.iter().filter(|text| !expected(text)).collect();
        assert!(complaints.is_empty(), "the console says {complaints:#?}");
        let end = url.match_indices('/').nth(2).map_or(url.len(), |(at, _)| at + 1);
        let ours = |asked: &str| asked.starts_with(&url[..end]) || asked.starts_with("data:");
        let foreign: Vec<_> = self.requests.iter().filter(|asked| !ours(asked)).collect();
        assert!(foreign.is_empty(), "the page asked others: {foreign:#?}");
        assert!(self.requests.iter().any(|asked| ours(asked)), "no request was seen at all");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            let _ = self.runtime.block_on(client.close());
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        self.processes().into_iter().for_each(|pid| process::signal(pid, Signal::KILL));
        if !std::thread::panicking() {
            until(SOON, "nothing of the browser is left", || self.processes().is_empty());
        }
    }
}

/// Whether what is missing is a failure.
pub fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|ci| ci == "true")
}

/// A chromedriver on a port of its own choice. It chooses for IPv4 and wants the same for IPv6, where another may
/// have taken it meanwhile; then it ends before it says that it started, and another chooses anew.
fn driver(folder: &TempDir) -> (Child, u16) {
    (0..5).find_map(|_| try_driver(folder)).expect("chromedriver did not start")
}

fn try_driver(folder: &TempDir) -> Option<(Child, u16)> {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .env(MARK, folder.path())
        // What Chromium writes beside its profile goes with it.
        .env("HOME", folder.path())
        .env("TMPDIR", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(driver.stdout.take().unwrap());
    let port = out.lines().map_while(Result::ok).find_map(|line| {
        let (_, port) = line.split_once("started successfully on port ")?;
        port.trim_end_matches('.').parse().ok()
    });
    if port.is_none() {
        let _ = driver.kill();
        let _ = driver.wait();
    }
    Some((driver, port?))
}
