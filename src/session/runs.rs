//! Splits a text file into runs of lines that belong together. Who speaks in a line, its reader says.
//!
//! At the end of the file the last run counts as whole: if it grows later, what is new is a run of its own.

use super::error::ReadError;
use super::lines::{Fed, Lines, Place, Sink, Splitter};
use super::source::Source;

/// Bytes of one run; a longer one is cut into several.
const LONGEST: usize = 1 << 20;

/// Says whether a line begins a new run, after the line before it that is not blank; `apart`: blank ones lie between.
pub(super) type Begins = fn(before: &[u8], line: &[u8], apart: bool) -> bool;

/// The splitter's place in the file.
#[derive(Debug)]
pub(super) struct Runs {
    lines: Lines,
    run: Run,
}

/// The run that is collected.
#[derive(Debug)]
struct Run {
    begins: Begins,
    place: Place,
    bytes: Vec<u8>,
    /// The last line of it that is not blank.
    last: Vec<u8>,
    /// Blank ones follow it.
    apart: bool,
}

impl Runs {
    pub(super) fn new(begins: Begins) -> Self {
        let place = Place { offset: 0, line: 1 };
        Self {
            lines: Lines::new(),
            run: Run { begins, place, bytes: Vec::new(), last: Vec::new(), apart: false },
        }
    }
}

impl Splitter for Runs {
    fn count(&self) -> u64 {
        self.lines.count()
    }

    fn feed(&mut self, source: &Source, sink: &mut dyn Sink) -> Result<Fed, ReadError> {
        let fed = self.lines.feed(source, &mut Collecting { run: &mut self.run, sink })?;
        if fed == Fed::End {
            self.run.end(sink);
        }
        Ok(fed)
    }
}

impl Run {
    fn end(&mut self, sink: &mut dyn Sink) {
        if !self.bytes.is_empty() {
            sink.line(self.place, &self.bytes);
            self.bytes.clear();
        }
    }

    fn add(&mut self, place: Place, line: &[u8], sink: &mut dyn Sink) {
        let blank = line.trim_ascii().is_empty();
        let begins = !blank && (self.begins)(&self.last, line, self.apart);
        self.apart = blank;
        if begins || self.bytes.len() + line.len() > LONGEST {
            self.end(sink);
        }
        if self.bytes.is_empty() {
            if blank {
                return;
            }
            self.place = place;
        } else {
            self.bytes.push(b'\n');
        }
        self.bytes.extend_from_slice(line);
        if !blank {
            self.last = line.to_vec();
        }
    }
}

/// Takes lines into a run.
struct Collecting<'a> {
    run: &'a mut Run,
    sink: &'a mut dyn Sink,
}

impl Sink for Collecting<'_> {
    fn line(&mut self, place: Place, bytes: &[u8]) {
        self.run.add(place, bytes, self.sink);
    }

    fn too_long(&mut self, place: Place, len: u64) {
        self.run.end(self.sink);
        self.sink.too_long(place, len);
    }

    /// A last line without a line feed is offered again when the file has grown.
    fn tail(&mut self, place: Place, bytes: &[u8]) -> usize {
        self.run.add(place, bytes, self.sink);
        bytes.len()
    }
}
