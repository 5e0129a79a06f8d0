//! The terminal interface: `panko` without a verb. The shares, live, with what ails them and what can be done.
//!
//! Elm style: what happens is a `update::Msg`, `update::update` takes it into the `model::Model` and says what is
//! to be done, `view::draw` shows it. All three are pure; this file and the threads it starts are the shell around
//! them. A client as the command line is: it speaks the control protocol.

mod deed;
mod model;
mod update;
mod view;
mod watch;

#[cfg(test)]
mod tests;

use std::io::{self, Write as _};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{Event, KeyEventKind};
use jiff::Timestamp;
use ratatui::DefaultTerminal;
use ratatui::widgets::TableState;
use rustix::process::{Signal, getpid, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::paths::Paths;
use model::{Model, Size};
use update::{Deed, Effect, Msg, update};

/// The screen is drawn at least so often: countdowns go on.
const TICK: Duration = Duration::from_secs(1);

/// Shows the shares until a person leaves; they stay up.
///
/// # Errors
/// What the terminal says.
pub fn run(paths: &Paths) -> io::Result<()> {
    // Before the screen changes, and so before anything could fail to change it back.
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT])?;
    let (out, messages) = mpsc::channel();
    start("daemon", {
        let (paths, out) = (paths.clone(), out.clone());
        move || watch::watch(&paths, &out)
    })?;
    start("signals", {
        let out = out.clone();
        move || {
            for _ in signals.forever() {
                if out.send(Msg::End).is_err() {
                    return;
                }
            }
        }
    })?;
    let mut terminal = ratatui::try_init()?;
    let ended = start("keys", {
        let out = out.clone();
        move || read_keys(&out)
    })
    .and_then(|()| Shell { paths, out, messages, scrolled: TableState::default() }.run(&mut terminal));
    ratatui::try_restore().and(ended)
}

/// Starts a thread that ends with the process.
fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

fn read_keys(out: &Sender<Msg>) {
    loop {
        let msg = match crossterm::event::read() {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => Msg::Key(key),
            Ok(Event::Resize(width, height)) => Msg::Resized(Size { width, height }),
            Ok(_) => continue,
            // The terminal is gone.
            Err(_) => Msg::End,
        };
        let over = msg == Msg::End;
        if out.send(msg).is_err() || over {
            return;
        }
    }
}

struct Shell<'a> {
    paths: &'a Paths,
    out: Sender<Msg>,
    messages: Receiver<Msg>,
    scrolled: TableState,
}

impl Shell<'_> {
    fn run(mut self, terminal: &mut DefaultTerminal) -> io::Result<()> {
        let size = terminal.size()?;
        let mut model = Model::new(Size { width: size.width, height: size.height });
        loop {
            let now = Timestamp::now();
            terminal.draw(|frame| view::draw(&model, now, frame, &mut self.scrolled))?;
            let mut next = match self.messages.recv_timeout(TICK) {
                Ok(msg) => Some(msg),
                Err(RecvTimeoutError::Timeout) => Some(Msg::Tick),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            // All that waits, before the screen is drawn again.
            while let Some(msg) = next {
                match update(&mut model, msg, Timestamp::now()) {
                    Some(Effect::Quit) => return Ok(()),
                    Some(Effect::Suspend) => suspend(terminal)?,
                    Some(Effect::Do(deed)) => self.begin(deed)?,
                    Some(Effect::Open(url)) => browse(&url, &mut model),
                    Some(Effect::Copy(url)) => copy(&url, &mut model)?,
                    None => {}
                }
                next = self.messages.try_recv().ok();
            }
        }
    }

    /// In a thread of its own: what the daemon answers comes as a message.
    fn begin(&self, deed: Deed) -> io::Result<()> {
        let (paths, out) = (self.paths.clone(), self.out.clone());
        start("deed", move || {
            // Nobody listens once a person has left: nothing is to be told.
            let _ = out.send(deed::run(&paths, deed));
        })
    }
}

fn browse(url: &str, model: &mut Model) {
    let now = Timestamp::now();
    match open::that_detached(url) {
        Ok(()) => model.say(format!("opened {url}"), false, now),
        Err(_) => model.say(format!("no browser could be started: open {url} yourself"), true, now),
    }
}

fn copy(url: &str, model: &mut Model) -> io::Result<()> {
    crossterm::execute!(io::stdout(), CopyToClipboard::to_clipboard_from(url))?;
    model.say(format!("sent to the clipboard: {url}"), false, Timestamp::now());
    Ok(())
}

/// Gives the terminal back to the shell until it continues this process.
fn suspend(terminal: &mut DefaultTerminal) -> io::Result<()> {
    ratatui::try_restore()?;
    io::stdout().flush()?;
    kill_process(getpid(), Signal::TSTP)?;
    *terminal = ratatui::try_init()?;
    terminal.clear()
}
