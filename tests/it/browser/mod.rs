//! The page in a real browser: what opens, what keys do, what loads, what assistive technology gets, and that
//! nothing is asked of anybody else.

mod access;
mod find;
mod forms;
mod hostile;
mod keys;
mod live;
mod media;
mod plain;
mod reading;
mod set;
mod show;
mod size;
mod windows;

use std::path::Path;

use crate::support::browser::Browser;
use crate::support::daemon::Home;
use crate::support::sessions;
use crate::support::wait::{SOON, until};
use crate::support::{http, sessions::example};

/// A shared session in front of a browser. The daemon is dropped last.
struct Reader {
    browser: Browser,
    url: String,
    home: Home,
}

impl Reader {
    /// The example session, opened; `None` where there is no browser.
    #[track_caller]
    fn of_example() -> Option<Self> {
        let reader = Self::of(|_| example())?;
        reader.browser.open(&reader.url);
        Some(reader)
    }

    /// A session of `turns` prompts, opened when it is read to its end.
    #[track_caller]
    fn of_turns(turns: usize) -> Option<Self> {
        let reader = Self::of(|home| {
            let path = home.path("long.jsonl");
            sessions::write(&path, turns, 600);
            path
        })?;
        until(SOON, "the session is read to its end", || {
            !http::get(&reader.url).text().contains("still being read")
        });
        reader.browser.open(&reader.url);
        Some(reader)
    }

    /// A session that `make` makes or names, shared and not opened yet.
    #[track_caller]
    fn of<P: AsRef<Path>>(make: impl FnOnce(&Home) -> P) -> Option<Self> {
        let browser = Browser::start()?;
        let home = Home::started();
        let session = make(&home);
        let url = home.share(session.as_ref(), "local")["public_url"].as_str().unwrap().to_owned();
        Some(Self { browser, url, home })
    }

    /// Nothing complained, and nobody else was asked for anything.
    #[track_caller]
    fn end(mut self) {
        self.browser.assert_quiet(&self.url);
        drop(self.home);
    }
}

/// Whether an element is there and in view, in JavaScript.
fn in_view(selector: &str) -> String {
    format!(
        "(r => !!r && r.height > 0 && r.top >= -1 && r.top < innerHeight)(document.querySelector('{selector}')?.getBoundingClientRect())"
    )
}
