//! The driver process, and the windows that it opens.

use crate::{Options, Window, wire::Wire};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// What to do when the browser is missing: a test that is skipped in silence proves nothing.
const INSTALL: &str = "this test needs Chromium and its driver: `apt-get install chromium chromium-driver`, \
                       or set CHROMEDRIVER (and CHROMIUM) to where they are";

/// A running `chromedriver`. Dropping it ends it, with all its windows.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    wire: Wire,
}

impl Browser {
    /// Starts the driver on a free port. `CHROMEDRIVER` names another one than that of the `PATH`.
    ///
    /// # Panics
    /// When there is no driver: with how to install it.
    pub fn start() -> Self {
        let program = std::env::var_os("CHROMEDRIVER").unwrap_or_else(|| "chromedriver".into());
        let mut driver = Command::new(program)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver does not start ({error}); {INSTALL}"));
        let mut lines = BufReader::new(driver.stdout.take().expect("a piped output")).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| port_of(&line));
        let port = port.unwrap_or_else(|| panic!("chromedriver ended without a port; {INSTALL}"));
        // It may write more than a pipe holds.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            driver,
            wire: Wire { port },
        }
    }

    /// Opens a window of its own profile: it shares no cookies with any other.
    ///
    /// # Panics
    /// When Chromium does not start.
    pub fn window(&self, options: Options) -> Window {
        Window::open(self.wire, options)
            .unwrap_or_else(|error| panic!("Chromium does not start ({error}); {INSTALL}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked to, it takes its browsers along; killed, it might leave them behind.
        let _ = self.wire.send("GET", "/shutdown", None);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn port_of(line: &str) -> Option<u16> {
    line.strip_prefix("ChromeDriver was started successfully on port ")?
        .trim_end_matches('.')
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::port_of;

    #[test]
    fn the_port_is_read_from_the_line_that_names_it() {
        assert_eq!(
            port_of("ChromeDriver was started successfully on port 41237."),
            Some(41237)
        );
        assert_eq!(port_of("Starting ChromeDriver 156.0 (abc) on port 0"), None);
        assert_eq!(port_of("Only local connections are allowed."), None);
    }
}
