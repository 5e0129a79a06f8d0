//! The entries of a session, kept in 24 bytes each: what few of them have (asides, images, a line number that
//! somebody asks for) stands in lists of its own.

use std::ops::Range;

use jiff::Timestamp;

/// What an entry is to the flow of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Opens a turn.
    Prompt,
    /// Shows items, or only brings results to calls.
    Flow,
    /// The context was compacted; its summary may follow as the next entry.
    Boundary,
    /// The summary after a boundary.
    Summary,
    /// A record of a sub-agent inside the same file: shown by the step that sent it.
    Side,
    /// A line that is not JSON.
    Broken,
    /// A line too long to be decoded.
    TooLong,
    /// A record that shows nothing, but has fields that nobody knows.
    Strange,
}

impl Kind {
    const ALL: [Kind; 8] = [
        Kind::Prompt,
        Kind::Flow,
        Kind::Boundary,
        Kind::Summary,
        Kind::Side,
        Kind::Broken,
        Kind::TooLong,
        Kind::Strange,
    ];

    /// Shown with the number of its line.
    fn is_numbered(self) -> bool {
        matches!(self, Kind::Broken | Kind::TooLong)
    }
}

/// Where a record is, and what was counted before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub offset: u64,
    /// Milliseconds since 1970; `i64::MIN` if unknown.
    pub(super) millis: i64,
    pub len: u32,
    /// Number of its line, from 1; 0 where nobody asks for it: of what is a record.
    pub line: u32,
    /// Steps of the main agent before this record.
    pub steps: u32,
    /// Asides before this record.
    pub asides: u32,
    /// Images before this record.
    pub images: u32,
    pub kind: Kind,
    /// Another model answers from this record on.
    pub switch: bool,
}

impl Entry {
    pub(crate) fn at(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.millis).ok().filter(|_| self.millis != i64::MIN)
    }
}

/// An entry as it is kept.
#[derive(Clone, Copy, Debug)]
struct Kept {
    /// The offset, and in the lowest byte the kind and whether the model is another.
    place: u64,
    millis: i64,
    len: u32,
    steps: u32,
}

const SWITCH: u8 = 0x80;

impl Kept {
    fn of(entry: &Entry) -> Self {
        let flags = entry.kind as u8 | if entry.switch { SWITCH } else { 0 };
        let place = entry.offset << u8::BITS | u64::from(flags);
        Self { place, millis: entry.millis, len: entry.len, steps: entry.steps }
    }

    fn offset(&self) -> u64 {
        self.place >> u8::BITS
    }

    fn flags(&self) -> u8 {
        self.place.to_le_bytes()[0]
    }

    fn kind(&self) -> Kind {
        Kind::ALL.get(usize::from(self.flags() & !SWITCH)).copied().unwrap_or(Kind::Flow)
    }
}

/// Things that few entries have, counted.
#[derive(Debug, Default)]
struct Rare {
    /// An entry that has some, and how many there are up to and with it.
    counts: Vec<(u32, u32)>,
}

impl Rare {
    fn add(&mut self, entry: u32, count: u32) {
        if count > 0 {
            self.counts.push((entry, self.total().saturating_add(count)));
        }
    }

    fn total(&self) -> u32 {
        self.counts.last().map_or(0, |(_, total)| *total)
    }

    fn before(&self, entry: u32) -> u32 {
        let at = self.counts.partition_point(|(has, _)| *has < entry);
        at.checked_sub(1).and_then(|at| self.counts.get(at)).map_or(0, |(_, total)| *total)
    }

    /// The entry that has the one of this number, from 1.
    fn holder(&self, no: u32) -> Option<u32> {
        let at = self.counts.partition_point(|(_, total)| *total < no);
        self.counts.get(at).filter(|_| no > 0).map(|(entry, _)| *entry)
    }
}

/// All entries, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Entries {
    kept: Vec<Kept>,
    asides: Rare,
    images: Rare,
    /// Line numbers of the entries that are shown with them.
    lines: Vec<(u32, u32)>,
}

impl Entries {
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Adds an entry that has so many asides and images. Returns its number.
    pub(super) fn push(&mut self, entry: &Entry, asides: u32, images: u32) -> u32 {
        let no = u32::try_from(self.kept.len()).unwrap_or(u32::MAX);
        self.kept.push(Kept::of(entry));
        self.asides.add(no, asides);
        self.images.add(no, images);
        if entry.kind.is_numbered() {
            self.lines.push((no, entry.line));
        }
        no
    }

    pub(super) fn get(&self, no: u32) -> Option<Entry> {
        let kept = self.kept.get(no as usize)?;
        let line = || {
            let at = self.lines.binary_search_by_key(&no, |(entry, _)| *entry).ok()?;
            self.lines.get(at).map(|(_, line)| *line)
        };
        let kind = kept.kind();
        Some(Entry {
            offset: kept.offset(),
            millis: kept.millis,
            len: kept.len,
            line: if kind.is_numbered() { line().unwrap_or(0) } else { 0 },
            steps: kept.steps,
            asides: self.asides.before(no),
            images: self.images.before(no),
            kind,
            switch: kept.flags() & SWITCH != 0,
        })
    }

    /// When an entry was written, in milliseconds since 1970; `i64::MIN` if unknown.
    pub(super) fn millis(&self, no: u32) -> i64 {
        self.kept.get(no as usize).map_or(i64::MIN, |kept| kept.millis)
    }

    /// Steps of the main agent before an entry, and whether it is a sub-agent's.
    pub(super) fn before(&self, no: u32) -> (u32, bool) {
        self.kept.get(no as usize).map_or((0, true), |kept| (kept.steps, kept.kind() == Kind::Side))
    }

    pub(super) fn range(&self, range: Range<usize>) -> Option<Vec<Entry>> {
        (range.start <= range.end && range.end <= self.kept.len())
            .then(|| range.filter_map(|no| self.get(no as u32)).collect())
    }

    /// The stretch of the file from the first byte of these entries to the last.
    pub(super) fn stretch(&self, range: Range<u32>) -> (u64, u64) {
        let kept = self.kept.get(range.start as usize..range.end as usize).unwrap_or_default();
        let from = kept.iter().map(Kept::offset).min().unwrap_or_default();
        let to = kept.iter().map(|kept| kept.offset() + u64::from(kept.len)).max().unwrap_or_default();
        (from, to)
    }

    /// Asides in all.
    pub(super) fn asides(&self) -> u32 {
        self.asides.total()
    }

    /// Images in all.
    pub(super) fn images(&self) -> u32 {
        self.images.total()
    }

    /// The entry with the aside of this number.
    pub(super) fn with_aside(&self, no: u32) -> Option<u32> {
        self.asides.holder(no)
    }

    /// The entry with the image of this number.
    pub(super) fn with_image(&self, no: u32) -> Option<u32> {
        self.images.holder(no)
    }

    /// The last entry with fewer than `no` steps before it.
    pub(super) fn before_step(&self, no: u32) -> Option<u32> {
        Some(self.kept.partition_point(|kept| kept.steps < no).checked_sub(1)? as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_comes_back_as_it_was_put_in() {
        let mut entries = Entries::default();
        let mut put = Vec::new();
        for (n, kind) in (0..70u32).zip(Kind::ALL.into_iter().cycle()) {
            let entry = Entry {
                offset: u64::from(n) << 40,
                millis: if n % 3 == 0 { i64::MIN } else { i64::from(n) },
                len: n * 1_000,
                line: n + 1,
                steps: n / 2,
                asides: entries.asides(),
                images: entries.images(),
                kind,
                switch: n % 5 == 0,
            };
            assert_eq!(entries.push(&entry, n % 3, u32::from(n % 10 == 9) * 2), n);
            put.push(entry);
        }
        for (no, put) in (0..).zip(&put) {
            let line = if put.kind.is_numbered() { put.line } else { 0 };
            let put = Entry { line, ..*put };
            assert_eq!(format!("{:?}", entries.get(no).unwrap()), format!("{put:?}"), "{no}");
        }
        assert!(entries.get(70).is_none());
        assert_eq!((entries.asides(), entries.images()), (69, 14));
        assert_eq!(
            (entries.with_image(1), entries.with_image(2), entries.with_image(3)),
            (Some(9), Some(9), Some(19))
        );
        assert_eq!(
            (entries.with_aside(0), entries.with_aside(3), entries.with_aside(70)),
            (None, Some(2), None)
        );
        assert_eq!(entries.before_step(1), Some(1));
        assert!(entries.range(3..71).is_none());
    }
}
