//! The full text: what was said in each session, read through windows and written in pieces.
//!
//! A session is marked as read through by the same transaction that writes its last piece, and its first
//! piece takes the mark away: an update that dies leaves an unmarked session, which the next one reads again.
//! Of a file that has only grown, no more is read than its last window and what was added (`resume`). One
//! process at a time does this. Parsing goes on beside writing, on as many threads as there are cores,
//! and never holds more than a few pieces.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};

use diesel::prelude::*;
use rayon::prelude::*;

use super::resume::Start;
use super::rows::rank;
use super::schema::{passages, sessions};
use super::{Catalog, CatalogError, open, words};
use crate::redact::{CleanText, Cleaner};
use crate::session::discovery::{Identity, summary};
use crate::session::model::{Item, TitleBy, Window};
use crate::session::{OpenError, Progress, Resume, Session, Source};

/// Bytes of text in one piece.
const PIECE: usize = 256 << 10;
/// Pieces that wait to be written.
const WAITING: usize = 8;
/// Pieces written by one transaction, if so many are there: most sessions are one small piece, and each
/// transaction costs the full-text table a segment.
const TOGETHER: usize = 64;
/// Bytes indexed at a time.
const STRETCH: usize = 16 << 20;

/// Who said a passage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Nobody: it is the session's title.
    Title,
    /// The person.
    Prompt,
    /// The person, while the agent worked.
    Aside,
    /// The agent.
    Reply,
}

impl Role {
    /// The word for it in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Title => "title",
            Role::Prompt => "prompt",
            Role::Aside => "aside",
            Role::Reply => "reply",
        }
    }

    pub(super) fn of(word: &str) -> Self {
        let all = [Role::Title, Role::Prompt, Role::Aside];
        all.into_iter().find(|role| role.as_str() == word).unwrap_or(Role::Reply)
    }
}

/// What an update of the full text did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// Sessions read through.
    pub read: usize,
    /// Sessions that could not be read; they are tried again next time.
    pub failed: usize,
    /// Bytes of sessions read.
    pub bytes: u64,
    /// Another process is at it: what it has not come to yet is not found.
    pub busy: bool,
}

#[derive(Queryable)]
struct Waiting {
    id: i64,
    path: Vec<u8>,
    agent: Option<String>,
    titled_by: Option<i64>,
    resume: (i64, i64, i64, Option<Vec<u8>>),
}

#[derive(Insertable)]
#[diesel(table_name = passages)]
struct Passage {
    session: i64,
    part: i64,
    turn: i64,
    role: &'static str,
    text: String,
}

/// A part of what was said in a session.
#[derive(Default)]
struct Piece {
    session: i64,
    /// With the first piece: passages of this part and later ones are replaced.
    from: Option<i64>,
    bytes: usize,
    passages: Vec<Passage>,
    /// With the last piece.
    whole: Option<Whole>,
}

/// What was read through.
struct Whole {
    identity: Identity,
    /// Bytes of it that were read.
    bytes: u64,
    /// Its title and who gave it, if what was read tells.
    title: Option<(Option<i64>, Option<String>)>,
    /// Whether the agent answered, if what was read tells.
    answered: Option<bool>,
    next: Option<Start>,
}

/// The part of a title.
const TITLE: i64 = -1;

enum Told {
    Piece(Piece),
    Failed,
}

impl Waiting {
    /// Where to read on, if it was read through before.
    fn start(&self) -> Option<Start> {
        let (offset, window, turn, check) = &self.resume;
        let at = Resume {
            offset: u64::try_from(*offset).ok()?,
            window: u32::try_from(*window).ok()?,
            turn: u32::try_from(*turn).ok()?,
        };
        Some(Start { at, check: check.as_deref()?.try_into().ok()? })
    }
}

impl Catalog {
    /// Reads through every listed session that changed since it was read. `progress` is told how many are
    /// done, and of how many.
    ///
    /// # Errors
    /// [`CatalogError`].
    pub fn read_through(
        &mut self,
        cleaner: &Cleaner,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Update, CatalogError> {
        let Some(_lock) = open::lock(&self.path, "reading", false)? else {
            return Ok(Update { busy: true, ..Update::default() });
        };
        let waiting = waiting(&mut self.db).map_err(|error| self.query_error(error))?;
        let mut update = Update::default();
        if waiting.is_empty() {
            return Ok(update);
        }
        progress(0, waiting.len());
        let written = std::thread::scope(|scope| {
            let (tell, told) = sync_channel(WAITING);
            let waiting = &waiting;
            scope.spawn(move || {
                waiting.par_iter().for_each_with(tell, |tell, session| read(session, cleaner, tell));
            });
            // Where this ends early, `told` goes, and with it the readers.
            while let Ok(first) = told.recv() {
                let some = std::iter::once(first).chain(told.try_iter()).take(TOGETHER);
                let done = self.db.immediate_transaction(|db| write(db, some))?;
                update.read += done.read;
                update.failed += done.failed;
                update.bytes += done.bytes;
                progress(update.read + update.failed, waiting.len());
            }
            Ok(())
        });
        written.map_err(|error| self.query_error(error))?;
        Ok(update)
    }
}

fn waiting(db: &mut SqliteConnection) -> QueryResult<Vec<Waiting>> {
    sessions::table
        .filter(sessions::read_through.eq(false).and(sessions::agent.is_not_null()))
        .select((
            sessions::id,
            sessions::path,
            sessions::agent,
            sessions::whole_titled_by,
            (sessions::resume_offset, sessions::resume_window, sessions::resume_turn, sessions::resume_check),
        ))
        .order(sessions::ended.desc())
        .load(db)
}

fn write(db: &mut SqliteConnection, some: impl Iterator<Item = Told>) -> QueryResult<Update> {
    let mut update = Update::default();
    for told in some {
        match told {
            Told::Failed => update.failed += 1,
            Told::Piece(piece) => {
                write_piece(db, &piece)?;
                update.read += usize::from(piece.whole.is_some());
                update.bytes += piece.whole.map_or(0, |whole| whole.bytes);
            }
        }
    }
    Ok(update)
}

fn write_piece(db: &mut SqliteConnection, piece: &Piece) -> QueryResult<()> {
    let session = sessions::table.filter(sessions::id.eq(piece.session));
    if diesel::update(session).set(sessions::read_through.eq(false)).execute(db)? == 0 {
        // Its file is gone, and another process has forgotten it.
        return Ok(());
    }
    if let Some(from) = piece.from {
        diesel::update(session).set(sessions::resume_check.eq(None::<Vec<u8>>)).execute(db)?;
        let old = passages::table.filter(passages::session.eq(piece.session));
        diesel::delete(old.filter(passages::part.ge(from))).execute(db)?;
        if piece.passages.iter().any(|passage| passage.part == TITLE) {
            diesel::delete(old.filter(passages::part.eq(TITLE))).execute(db)?;
        }
    }
    for passage in &piece.passages {
        diesel::insert_into(passages::table).values(passage).execute(db)?;
    }
    if let Some(Whole { identity: whole, next, title, answered, .. }) = &piece.whole {
        if answered.is_some() {
            diesel::update(session).set(sessions::whole_answered.eq(answered)).execute(db)?;
        }
        if let Some((by, title)) = title {
            diesel::update(session)
                .set((sessions::whole_title.eq(title), sessions::whole_titled_by.eq(by)))
                .execute(db)?;
        }
        if let Some(next) = next {
            diesel::update(session)
                .set((
                    sessions::resume_offset.eq(next.at.offset.cast_signed()),
                    sessions::resume_window.eq(i64::from(next.at.window)),
                    sessions::resume_turn.eq(i64::from(next.at.turn)),
                    sessions::resume_check.eq(&next.check[..]),
                ))
                .execute(db)?;
        }
        // Not if the row is of a newer file already: then it is read again.
        let same = sessions::size
            .eq(whole.size.cast_signed())
            .and(sessions::mtime.eq(whole.mtime))
            .and(sessions::inode.eq(whole.inode.cast_signed()))
            .and(sessions::device.eq(whole.device.cast_signed()));
        diesel::update(session.filter(same)).set(sessions::read_through.eq(true)).execute(db)?;
    }
    Ok(())
}

fn read(waiting: &Waiting, cleaner: &Cleaner, tell: &SyncSender<Told>) {
    let piece = Piece { session: waiting.id, ..Piece::default() };
    let mut reader = Reader { piece, base: Resume { offset: 0, window: 0, turn: 0 }, tell, heard: true };
    if reader.session(waiting, cleaner).is_err() {
        reader.tell(Told::Failed);
    }
}

struct Reader<'a> {
    piece: Piece,
    /// What was read before, and is not read again.
    base: Resume,
    tell: &'a SyncSender<Told>,
    /// Whether anybody listens still.
    heard: bool,
}

impl Reader<'_> {
    fn session(&mut self, waiting: &Waiting, cleaner: &Cleaner) -> Result<(), OpenError> {
        let path = Path::new(OsStr::from_bytes(&waiting.path));
        // Taken before the file is opened: what changes meanwhile is seen later.
        let identity = Identity::of(&fs::metadata(path)?);
        let session = match self.rest(waiting, path, cleaner) {
            Some(session) => session,
            None => {
                self.piece.from = Some(TITLE);
                Session::open(Source::open(path)?, cleaner.clone())?
            }
        };
        while self.heard && session.advance(STRETCH)? == Progress::More {}
        let title = self.title(&session, path)?;
        let by = title.as_ref().map(|(by, _)| rank(*by));
        // The rest of a session tells of a title unless a better one stands before it.
        let is_told = self.base.offset == 0 || (by.is_some() && by >= waiting.titled_by);
        let called =
            title.as_ref().map(|(_, title)| title.clone()).or_else(|| session.overview().title.clone());
        if let Some(called) = called.filter(|_| is_told) {
            self.add(TITLE, 0, Role::Title, called.as_str());
        }
        let mut no = 0;
        while let Some(window) = session.window(no)?.filter(|_| self.heard) {
            self.window(&window);
            no += 1;
        }
        let next = session.resume().and_then(|next| Start::at(path, next.after(self.base)));
        let title = is_told.then(|| (by, title.map(|(_, title)| title.as_str().to_owned())));
        let report = session.report();
        let answered = report.counts.replies + report.counts.calls + report.counts.thinking > 0;
        // Of the rest of a session an answer tells of all of it.
        let answered = Some(answered).filter(|answered| *answered || self.base.offset == 0);
        self.piece.whole = Some(Whole { identity, bytes: report.bytes, title, answered, next });
        self.send();
        Ok(())
    }

    /// The title that what was read tells. A summary in the rest of a session may be of a message before it.
    fn title(&self, session: &Session, path: &Path) -> Result<Option<(TitleBy, CleanText)>, OpenError> {
        if self.base.offset > 0
            && let Some(title) = summary(session, &File::open(path)?, u64::MAX)?
        {
            return Ok(Some((TitleBy::Summary, title)));
        }
        Ok(session.title())
    }

    /// The rest of a session that was read through, if its file has only grown.
    fn rest(&mut self, waiting: &Waiting, path: &Path, cleaner: &Cleaner) -> Option<Session> {
        let start = waiting.start()?;
        let file = start.of(path)?;
        let rest = Source::rest(file, start.at.offset).ok()?;
        let session = Session::rest(rest, cleaner.clone(), waiting.agent.as_deref()?)?;
        self.base = start.at;
        self.piece.from = Some(i64::from(start.at.window));
        Some(session)
    }

    fn window(&mut self, window: &Window) {
        let part = i64::from(self.base.window) + i64::from(window.no);
        for turn in &window.turns {
            let no = self.base.turn.saturating_add(turn.no);
            if let Some(prompt) = &turn.prompt {
                if let Some(command) = &prompt.command {
                    self.add(part, no, Role::Prompt, command.as_str());
                } else {
                    self.add(part, no, Role::Prompt, prompt.text.as_str());
                }
            }
            for item in &turn.items {
                match item {
                    Item::Reply { text, .. } => self.add(part, no, Role::Reply, text.as_str()),
                    Item::Aside { prompt, .. } => self.add(part, no, Role::Aside, prompt.text.as_str()),
                    Item::Thinking { .. }
                    | Item::Image { .. }
                    | Item::Step(_)
                    | Item::Marker(_)
                    | Item::Context { .. }
                    | Item::Unknown { .. } => {}
                }
            }
        }
    }

    fn add(&mut self, part: i64, turn: u32, role: Role, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        self.piece.bytes += text.len();
        let text = words::stored(text);
        let (session, turn, role) = (self.piece.session, i64::from(turn), role.as_str());
        self.piece.passages.push(Passage { session, part, turn, role, text });
        if self.piece.bytes >= PIECE {
            self.send();
        }
    }

    fn send(&mut self) {
        let next = Piece { session: self.piece.session, ..Piece::default() };
        let piece = std::mem::replace(&mut self.piece, next);
        self.tell(Told::Piece(piece));
    }

    fn tell(&mut self, told: Told) {
        self.heard &= self.tell.send(told).is_ok();
    }
}
