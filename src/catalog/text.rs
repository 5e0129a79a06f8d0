//! The full text: what was said in each session, read through windows and written in pieces.
//!
//! A session is marked as read through by the same transaction that writes its last piece, and its first
//! piece takes the mark away: an update that dies leaves an unmarked session, which the next one reads again.
//! One process at a time does this. Parsing goes on beside writing, on as many threads as there are cores,
//! and never holds more than a few pieces.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};

use diesel::prelude::*;
use rayon::prelude::*;

use super::schema::{passages, sessions};
use super::{Catalog, CatalogError, open, words};
use crate::redact::Cleaner;
use crate::session::discovery::Identity;
use crate::session::model::{Item, Window};
use crate::session::{OpenError, Progress, Session, Source};

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
    /// Another process is at it: what it has not come to yet is not found.
    pub busy: bool,
}

#[derive(Queryable)]
struct Waiting {
    id: i64,
    path: Vec<u8>,
}

#[derive(Insertable)]
#[diesel(table_name = passages)]
struct Passage {
    session: i64,
    turn: i64,
    role: &'static str,
    text: String,
}

/// A part of what was said in a session.
#[derive(Default)]
struct Piece {
    session: i64,
    first: bool,
    bytes: usize,
    passages: Vec<Passage>,
    /// The file that was read, with the last piece.
    whole: Option<Identity>,
}

enum Told {
    Piece(Piece),
    Failed,
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
        .select((sessions::id, sessions::path))
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
    if piece.first {
        diesel::delete(passages::table.filter(passages::session.eq(piece.session))).execute(db)?;
    }
    for passage in &piece.passages {
        diesel::insert_into(passages::table).values(passage).execute(db)?;
    }
    if let Some(whole) = piece.whole {
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
    let path: PathBuf = Path::new(OsStr::from_bytes(&waiting.path)).to_owned();
    let mut reader =
        Reader { piece: Piece { session: waiting.id, first: true, ..Piece::default() }, tell, heard: true };
    if reader.session(&path, cleaner).is_err() {
        reader.tell(Told::Failed);
    }
}

struct Reader<'a> {
    piece: Piece,
    tell: &'a SyncSender<Told>,
    /// Whether anybody listens still.
    heard: bool,
}

impl Reader<'_> {
    fn session(&mut self, path: &Path, cleaner: &Cleaner) -> Result<(), OpenError> {
        // Taken before the file is opened: what changes meanwhile is seen later.
        let identity = Identity::of(&fs::metadata(path)?);
        let session = Session::open(Source::open(path)?, cleaner.clone())?;
        while self.heard && session.advance(STRETCH)? == Progress::More {}
        if let Some(title) = &session.overview().title {
            self.add(0, Role::Title, title.as_str());
        }
        let mut no = 0;
        while let Some(window) = session.window(no)?.filter(|_| self.heard) {
            self.window(&window);
            no += 1;
        }
        self.piece.whole = Some(identity);
        self.send();
        Ok(())
    }

    fn window(&mut self, window: &Window) {
        for turn in &window.turns {
            if let Some(prompt) = &turn.prompt {
                if let Some(command) = &prompt.command {
                    self.add(turn.no, Role::Prompt, command.as_str());
                } else {
                    self.add(turn.no, Role::Prompt, prompt.text.as_str());
                }
            }
            for item in &turn.items {
                match item {
                    Item::Reply { text, .. } => self.add(turn.no, Role::Reply, text.as_str()),
                    Item::Aside { prompt, .. } => self.add(turn.no, Role::Aside, prompt.text.as_str()),
                    Item::Thinking { .. }
                    | Item::Step(_)
                    | Item::Marker(_)
                    | Item::Context { .. }
                    | Item::Unknown { .. } => {}
                }
            }
        }
    }

    fn add(&mut self, turn: u32, role: Role, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        self.piece.bytes += text.len();
        let text = words::unmarked(text);
        let (session, turn, role) = (self.piece.session, i64::from(turn), role.as_str());
        self.piece.passages.push(Passage { session, turn, role, text });
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
