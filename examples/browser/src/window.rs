//! A window: one browser of its own profile, and what a user does with it.

use crate::{Entry, Level, base64, wire::Wire};
use serde_json::{Value, json};
use std::{
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

/// The key under which WebDriver hands out elements. Source: W3C WebDriver, web element identifier.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How long a condition may take to come true. Generous: it is spent in full only by a test that fails.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often a condition is asked again: the browser has no call that waits for one.
const PULSE: Duration = Duration::from_millis(15);

/// How a window is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether pages may run scripts. Default: true.
    pub javascript: bool,
    /// Width and height in CSS pixels. Default: 1280 by 800.
    pub size: (u32, u32),
    /// Whether the system prefers dark colours. Default: false.
    pub dark: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            javascript: true,
            size: (1280, 800),
            dark: false,
        }
    }
}

/// A browser window. Dropping it closes it.
#[derive(Debug)]
pub struct Window {
    wire: Wire,
    session: String,
}

impl Window {
    pub(crate) fn open(wire: Wire, options: Options) -> Result<Self, String> {
        let Options {
            javascript,
            size: (width, height),
            dark,
        } = options;
        let mut arguments = vec![
            "--headless=new".to_owned(),
            format!("--window-size={width},{height}"),
            // Tests run as root in containers, where the sandbox and /dev/shm do not work.
            "--no-sandbox".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            // Nothing but the server under test is asked for anything.
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
                .to_owned(),
            "--no-first-run".to_owned(),
            "--disable-gpu".to_owned(),
        ];
        if dark {
            arguments.push("--force-dark-mode".to_owned());
        }
        let scripts = if javascript { 1 } else { 2 };
        let mut chrome = json!({
            "args": arguments,
            "prefs": { "profile.managed_default_content_settings.javascript": scripts },
        });
        if let Some(chromium) = std::env::var_os("CHROMIUM") {
            chrome["binary"] = chromium.to_string_lossy().into();
        }
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": chrome,
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let opened = wire.send("POST", "/session", Some(capabilities))?;
        let session = opened["sessionId"].as_str().ok_or("no session")?.to_owned();
        Ok(Self { wire, session })
    }

    /// Opens a page and waits until it has loaded.
    pub fn goto(&self, url: &str) {
        self.post("url", json!({ "url": url }));
    }

    /// Loads the page again.
    pub fn reload(&self) {
        self.post("refresh", json!({}));
    }

    /// Returns the address of the page.
    pub fn url(&self) -> String {
        text(&self.get("url"))
    }

    /// Returns the title of the page.
    pub fn title(&self) -> String {
        text(&self.get("title"))
    }

    /// Clicks the first element that matches `css`, once there is one that can be clicked.
    pub fn click(&self, css: &str) {
        self.on_element(css, |element| {
            self.try_post(&format!("element/{element}/click"), json!({}))
        });
    }

    /// Types `text` at the end of what the first element that matches `css` holds.
    pub fn type_into(&self, css: &str, text: &str) {
        self.on_element(css, |element| {
            self.try_post(&format!("element/{element}/value"), json!({ "text": text }))
        });
    }

    /// Types `text` wherever the focus is. Keys without a character are those of WebDriver: `"\u{e007}"` is Enter.
    pub fn press(&self, text: &str) {
        let keys: Vec<Value> = text
            .chars()
            .flat_map(|key| {
                ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
            })
            .collect();
        self.post(
            "actions",
            json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": keys }] }),
        );
    }

    /// Returns the text that the user sees in the first element that matches `css`.
    pub fn text(&self, css: &str) -> String {
        text(&self.on_element(css, |element| {
            self.try_get(&format!("element/{element}/text"))
        }))
    }

    /// Returns an attribute of the first element that matches `css`.
    pub fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let value = self.on_element(css, |element| {
            self.try_get(&format!("element/{element}/attribute/{name}"))
        });
        value.as_str().map(str::to_owned)
    }

    /// Returns a property of the first element that matches `css`: what the page's scripts see.
    pub fn property(&self, css: &str, name: &str) -> Value {
        self.on_element(css, |element| {
            self.try_get(&format!("element/{element}/property/{name}"))
        })
    }

    /// Returns how many elements match `css` now.
    pub fn count(&self, css: &str) -> usize {
        let found = self.post("elements", json!({ "using": "css selector", "value": css }));
        found.as_array().map_or(0, Vec::len)
    }

    /// Waits until something matches `css`.
    pub fn wait_for(&self, css: &str) {
        self.wait_until(&format!("something matches {css}"), || self.count(css) > 0);
    }

    /// Waits until nothing matches `css`.
    pub fn wait_gone(&self, css: &str) {
        self.wait_until(&format!("nothing matches {css}"), || self.count(css) == 0);
    }

    /// Waits until the first element that matches `css` shows `expected` somewhere in its text.
    pub fn wait_text(&self, css: &str, expected: &str) {
        self.wait_until(&format!("{css} shows {expected:?}"), || {
            self.text(css).contains(expected)
        });
    }

    /// Waits until the address ends with `end`.
    pub fn wait_url(&self, end: &str) {
        self.wait_until(&format!("the address ends with {end}"), || {
            self.url().ends_with(end)
        });
    }

    /// Waits until `condition` holds.
    ///
    /// # Panics
    /// When it does not within 15 s: with `what`, the address, and what is on the page and the console.
    pub fn wait_until(&self, what: &str, condition: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !condition() {
            if Instant::now() > end {
                self.give_up(what);
            }
            sleep(PULSE);
        }
    }

    /// Runs `script` as the body of a function in the page and returns what it returns.
    pub fn run(&self, script: &str) -> Value {
        self.post("execute/sync", json!({ "script": script, "args": [] }))
    }

    /// Sets the size of the window in CSS pixels.
    pub fn resize(&self, width: u32, height: u32) {
        self.post("window/rect", json!({ "width": width, "height": height }));
    }

    /// Hides the window, as behind others. [`resize`](Self::resize) shows it again.
    pub fn minimize(&self) {
        self.post("window/minimize", json!({}));
    }

    /// Takes the network away, or gives it back.
    pub fn set_offline(&self, offline: bool) {
        let conditions = json!({ "offline": offline, "latency": 0, "throughput": -1 });
        self.post(
            "chromium/network_conditions",
            json!({ "network_conditions": conditions }),
        );
    }

    /// Writes what the window shows to `path` as a PNG.
    pub fn screenshot(&self, path: impl AsRef<Path>) {
        let image = base64::decode(&text(&self.get("screenshot"))).expect("a screenshot in base64");
        std::fs::write(path, image).expect("a place for the screenshot");
    }

    /// Returns what was written to the console since this was last asked, pages that were left included.
    pub fn console(&self) -> Vec<Entry> {
        let log = self.post("se/log", json!({ "type": "browser" }));
        log.as_array()
            .into_iter()
            .flatten()
            .map(Entry::read)
            .collect()
    }

    /// Asserts that nothing worse than information was written to the console: no error, no policy violation.
    pub fn assert_quiet(&self) {
        let loud: Vec<Entry> = self
            .console()
            .into_iter()
            .filter(|entry| entry.level > Level::Info)
            .collect();
        assert!(
            loud.is_empty(),
            "the console of {} is not quiet: {loud:#?}",
            self.url()
        );
    }

    /// Does something with the first element that matches `css`. The page may replace it at any moment and a patch may
    /// cover it for one: then it is tried again.
    fn on_element(&self, css: &str, command: impl Fn(&str) -> Result<Value, String>) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let found = self.try_post("element", json!({ "using": "css selector", "value": css }));
            let error = match found
                .and_then(|found| command(found[ELEMENT].as_str().unwrap_or_default()))
            {
                Ok(value) => return value,
                Err(error) => error,
            };
            let passing = [
                "no such element",
                "stale element",
                "element not interactable",
                "element click intercepted",
            ];
            if Instant::now() > end || !passing.iter().any(|kind| error.starts_with(kind)) {
                self.give_up(&format!("{css}: {error}"));
            }
            sleep(PULSE);
        }
    }

    fn give_up(&self, what: &str) -> ! {
        let page = self
            .try_get("source")
            .as_ref()
            .map(text)
            .unwrap_or_default();
        panic!(
            "in vain: {what}\nat {}\nconsole: {:#?}\npage: {page}",
            self.url(),
            self.console()
        );
    }

    fn get(&self, command: &str) -> Value {
        self.try_get(command)
            .unwrap_or_else(|error| panic!("GET {command}: {error}"))
    }

    fn post(&self, command: &str, body: Value) -> Value {
        self.try_post(command, body)
            .unwrap_or_else(|error| panic!("POST {command}: {error}"))
    }

    fn try_get(&self, command: &str) -> Result<Value, String> {
        self.wire
            .send("GET", &format!("/session/{}/{command}", self.session), None)
    }

    fn try_post(&self, command: &str, body: Value) -> Result<Value, String> {
        self.wire.send(
            "POST",
            &format!("/session/{}/{command}", self.session),
            Some(body),
        )
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let _ = self
            .wire
            .send("DELETE", &format!("/session/{}", self.session), None);
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
