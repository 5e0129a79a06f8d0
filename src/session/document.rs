//! Splits a file that is one JSON object into the elements of one of its arrays, in pieces of bounded size.
//! An object beside the array may be an element too: the first, which tells of the whole. Only brackets and
//! quotes are looked at: what an element holds is its reader's matter.
//!
//! Such a file is written anew with every turn. While it grows at the end of the array it is followed; once
//! the end of the last element is no longer where it was, nothing more is read.

use super::error::ReadError;
use super::lines::{Fed, MAX_LINE, Place, Sink, Splitter};
use super::source::Source;

/// Bytes read at once.
const CHUNK: usize = 1 << 20;
/// Longest key that is compared.
const KEY: usize = 64;

/// Where the splitter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the array.
    Before,
    /// In the array, between its elements.
    Between,
    /// In an element.
    Element,
    /// Behind the array, or lost.
    Behind,
}

/// What a key announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Array,
    Head,
    Other,
}

/// Depth of the elements of the array, and of the head.
const ELEMENT: u32 = 2;
const HEAD: u32 = 1;

/// The splitter's place in the file.
#[derive(Debug)]
pub(super) struct Document {
    array: &'static str,
    head: Option<&'static str>,
    state: State,
    next: u64,
    /// Line feeds before `next`.
    feeds: u64,
    /// Depth of brackets: 1 in the file's object.
    depth: u32,
    string: bool,
    escaped: bool,
    /// The last string at depth 1, and what it is the key of.
    key: Vec<u8>,
    named: Named,
    /// The element that is collected, and the depth it stands at.
    place: Place,
    floor: u32,
    element: Vec<u8>,
    skipped: u64,
    /// Behind the last whole element: where, and after how many line feeds.
    whole: Option<(u64, u64)>,
    end: Option<u64>,
}

impl Document {
    /// Of the array of this name; `head` is the name of the object that is an element too.
    pub(super) fn new(array: &'static str, head: Option<&'static str>) -> Self {
        Self {
            array,
            head,
            state: State::Before,
            next: 0,
            feeds: 0,
            depth: 0,
            string: false,
            escaped: false,
            key: Vec::new(),
            named: Named::Other,
            place: Place { offset: 0, line: 1 },
            floor: ELEMENT,
            element: Vec::new(),
            skipped: 0,
            whole: None,
            end: None,
        }
    }

    /// Takes bytes that follow those taken before.
    pub(super) fn split(&mut self, bytes: &[u8], sink: &mut dyn Sink) {
        for byte in bytes {
            match self.state {
                State::Before => self.before(*byte),
                State::Between => self.between(*byte),
                State::Element => self.inside(*byte, sink),
                State::Behind => {}
            }
            self.next += 1;
            self.feeds += u64::from(*byte == b'\n');
        }
    }

    /// Follows strings and brackets. Returns whether `byte` closed the bracket at depth `floor`.
    fn follow(&mut self, byte: u8, floor: u32) -> bool {
        if self.string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.string = true,
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == floor;
            }
            _ => {}
        }
        false
    }

    fn announced(&self) -> Named {
        match self.key.as_slice() {
            key if key == self.array.as_bytes() => Named::Array,
            key if self.head.is_some_and(|head| key == head.as_bytes()) => Named::Head,
            _ => Named::Other,
        }
    }

    /// Begins an element that stands at depth `floor`.
    fn begin(&mut self, byte: u8, floor: u32) {
        self.place = Place { offset: self.next, line: self.feeds + 1 };
        self.state = State::Element;
        self.floor = floor;
        self.follow(byte, floor);
        self.element.push(byte);
    }

    fn before(&mut self, byte: u8) {
        let was_string = self.string;
        if !was_string && self.depth == 1 {
            match byte {
                b'"' => self.key.clear(),
                b':' => self.named = self.announced(),
                b',' => self.named = Named::Other,
                b'[' if self.named == Named::Array => self.state = State::Between,
                b'{' if self.named == Named::Head => return self.begin(byte, HEAD),
                _ => {}
            }
        }
        if self.follow(byte, 0) {
            self.state = State::Behind;
        }
        if was_string && self.string && self.depth == 1 && self.key.len() < KEY {
            self.key.push(byte);
        }
    }

    fn between(&mut self, byte: u8) {
        match byte {
            b'{' => self.begin(byte, ELEMENT),
            b']' => self.state = State::Behind,
            b',' => {}
            b if b.is_ascii_whitespace() => {}
            // No element of these files is anything but an object; or the file was written anew.
            _ => self.state = State::Behind,
        }
    }

    fn inside(&mut self, byte: u8, sink: &mut dyn Sink) {
        if self.element.len() < MAX_LINE {
            self.element.push(byte);
        } else {
            self.skipped += 1;
        }
        if !self.follow(byte, self.floor) {
            return;
        }
        let element = std::mem::take(&mut self.element);
        match std::mem::take(&mut self.skipped) {
            0 => sink.line(self.place, &element),
            skipped => sink.too_long(self.place, element.len() as u64 + skipped),
        }
        if self.floor == HEAD {
            self.named = Named::Other;
            self.state = State::Before;
            return;
        }
        self.state = State::Between;
        self.whole = Some((self.next + 1, self.feeds));
    }

    /// The end: offers what is left of an element, and goes back behind the last whole one.
    fn at_end(&mut self, len: u64, sink: &mut dyn Sink) {
        self.end = Some(len);
        match self.state {
            State::Element => sink.tail(self.place, &self.element),
            // Nothing is left, and so much was read.
            _ => sink.tail(Place { offset: self.next, line: self.feeds + 1 }, &[]),
        };
        let begun = Self::new(self.array, self.head);
        *self = match self.whole {
            // Not lost for good: a larger file may go on here.
            Some((next, feeds)) => {
                let state = State::Between;
                Self { state, next, feeds, depth: ELEMENT, whole: self.whole, end: self.end, ..begun }
            }
            None => Self { end: self.end, ..begun },
        };
    }
}

impl Splitter for Document {
    fn count(&self) -> u64 {
        self.feeds
    }

    fn feed(&mut self, source: &Source, sink: &mut dyn Sink) -> Result<Fed, ReadError> {
        let len = source.len()?;
        if self.end == Some(len) {
            return Ok(Fed::Unchanged);
        }
        if self.end.is_some_and(|end| len < end) {
            return Err(ReadError::Shrunk { now: len, known: self.end.unwrap_or_default() });
        }
        let left = usize::try_from(len.saturating_sub(self.next)).unwrap_or(usize::MAX);
        let mut chunk = vec![0; left.min(CHUNK)];
        let read = source.read_at(&mut chunk, self.next)?;
        if read == 0 {
            self.at_end(self.next, sink);
            return Ok(Fed::End);
        }
        self.split(chunk.get(..read).unwrap_or_default(), sink);
        Ok(Fed::Read(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Seen {
        lines: Vec<(u64, u64, String)>,
        torn: Option<u64>,
    }

    impl Sink for Seen {
        fn line(&mut self, place: Place, bytes: &[u8]) {
            self.lines.push((place.offset, place.line, String::from_utf8_lossy(bytes).into_owned()));
        }
        fn too_long(&mut self, _: Place, _: u64) {}
        fn tail(&mut self, place: Place, bytes: &[u8]) -> usize {
            self.torn = (!bytes.is_empty()).then_some(place.offset);
            0
        }
    }

    const FILE: &str = "{\n \"other\": {\"messages\": [{\"no\":1}]},\n \"messages\": [\n  {\"a\": \"}]\\\"{\"},\n  \
                        {\"b\": [{}, []]}\n ],\n \"x\": [{\"no\": 2}]\n}\n";

    #[test]
    fn elements_are_found_at_their_places_however_the_bytes_come() {
        for size in [1, 2, 3, 7, 1000] {
            let mut seen = Seen::default();
            let mut document = Document::new("messages", None);
            FILE.as_bytes().chunks(size).for_each(|piece| document.split(piece, &mut seen));
            let texts: Vec<&str> = seen.lines.iter().map(|(_, _, text)| text.as_str()).collect();
            assert_eq!(texts, ["{\"a\": \"}]\\\"{\"}", "{\"b\": [{}, []]}"], "in pieces of {size}");
            for (offset, line, text) in &seen.lines {
                assert!(FILE[*offset as usize..].starts_with(text));
                assert_eq!(*line, 1 + FILE[..*offset as usize].matches('\n').count() as u64);
            }
        }
    }

    #[test]
    fn an_element_that_is_not_finished_is_offered_and_read_again() {
        let mut seen = Seen::default();
        let mut document = Document::new("messages", None);
        let (start, rest) = ("{\"messages\":[{\"a\":1},{\"b\":", "2}]}");
        document.split(start.as_bytes(), &mut seen);
        document.at_end(start.len() as u64, &mut seen);
        assert_eq!((seen.lines.len(), seen.torn), (1, Some(21)));
        let whole = format!("{start}{rest}");
        document.split(&whole.as_bytes()[document.next as usize..], &mut seen);
        assert_eq!(seen.lines.len(), 2);
        assert_eq!(seen.lines[1].2, "{\"b\":2}");
    }

    #[test]
    fn the_head_is_the_first_element_wherever_it_stands() {
        let file = r#"{"x": {"info": {"no": 1}}, "info": {"id": "a", "messages": [{"no": 2}]}, "messages": [{"b": 1}]}"#;
        for size in [1, 5, 1000] {
            let mut seen = Seen::default();
            let mut document = Document::new("messages", Some("info"));
            file.as_bytes().chunks(size).for_each(|piece| document.split(piece, &mut seen));
            let texts: Vec<&str> = seen.lines.iter().map(|(_, _, text)| text.as_str()).collect();
            assert_eq!(
                texts,
                [r#"{"id": "a", "messages": [{"no": 2}]}"#, r#"{"b": 1}"#],
                "in pieces of {size}"
            );
        }
    }
}
