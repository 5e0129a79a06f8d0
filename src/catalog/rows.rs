//! The `sessions` table: a file, and what a look at it told.

use diesel::prelude::*;
use jiff::Timestamp;

use super::schema::{passages, sessions};
use crate::redact::CleanText;
use crate::session::discovery::{Glance, Identity};
use crate::session::model::TitleBy;

/// Rows written or deleted by one statement.
const MANY: usize = 500;

/// A row.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = sessions)]
#[diesel(check_for_backend(diesel::sqlite::Sqlite))]
pub(super) struct Row {
    pub id: i64,
    pub path: Vec<u8>,
    size: i64,
    mtime: i64,
    inode: i64,
    device: i64,
    pub agent: Option<String>,
    title: Option<String>,
    titled_by: Option<i64>,
    pub prompt: Option<String>,
    pub project: Option<String>,
    started: Option<i64>,
    ended: Option<i64>,
    answered: bool,
    read_through: bool,
    whole_title: Option<String>,
    whole_titled_by: Option<i64>,
    whole_answered: Option<bool>,
}

/// A row as it is written.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = sessions, treat_none_as_null = true)]
pub(super) struct NewRow {
    path: Vec<u8>,
    size: i64,
    mtime: i64,
    inode: i64,
    device: i64,
    agent: Option<String>,
    title: Option<String>,
    titled_by: Option<i64>,
    prompt: Option<String>,
    project: Option<String>,
    started: Option<i64>,
    ended: Option<i64>,
    answered: bool,
    read_through: bool,
}

impl Row {
    /// The file as it was read.
    pub fn identity(&self) -> Identity {
        Identity {
            size: self.size.cast_unsigned(),
            mtime: self.mtime,
            inode: self.inode.cast_unsigned(),
            device: self.device.cast_unsigned(),
        }
    }

    /// Its title: that of the whole where that was read; else the better of what it was and of what stands at the
    /// beginning and the end now.
    pub fn title(&mut self) -> Option<String> {
        let is_whole = self.read_through || self.whole_titled_by > self.titled_by;
        if is_whole { self.whole_title.take() } else { self.title.take() }
    }

    /// Whether the agent ever answered.
    pub fn answered(&self) -> bool {
        let whole = self.whole_answered.filter(|answered| *answered || self.read_through);
        whole.unwrap_or(self.answered)
    }

    pub fn started(&self) -> Option<Timestamp> {
        self.started.and_then(|millis| Timestamp::from_millisecond(millis).ok())
    }

    /// The last time the session tells, else that of its file.
    pub fn active(&self) -> Timestamp {
        let told = self.ended.and_then(|millis| Timestamp::from_millisecond(millis).ok());
        told.or_else(|| Timestamp::from_nanosecond(self.mtime.into()).ok()).unwrap_or_default()
    }
}

impl NewRow {
    /// Of the file at `path`; `glance` is `None` if it is no session.
    pub fn new(path: Vec<u8>, identity: Identity, glance: Option<Glance>) -> Self {
        let session = glance.is_some();
        let Glance { agent, title, prompt, project, started, ended, answered, .. } =
            glance.unwrap_or_default();
        let text = |text: Option<CleanText>| text.map(|text| text.as_str().to_owned());
        let (by, title) = title.unzip();
        NewRow {
            path,
            size: identity.size.cast_signed(),
            mtime: identity.mtime,
            inode: identity.inode.cast_signed(),
            device: identity.device.cast_signed(),
            agent: session.then(|| agent.to_owned()),
            title: text(title),
            titled_by: by.map(rank),
            prompt: text(prompt),
            project: text(project),
            started: started.map(Timestamp::as_millisecond),
            ended: ended.map(Timestamp::as_millisecond),
            answered,
            // There is nothing to be read in what is no session.
            read_through: !session,
        }
    }
}

/// Who gave a title, as a number: the greatest counts.
pub(super) fn rank(by: TitleBy) -> i64 {
    match by {
        TitleBy::Summary => 1,
        TitleBy::Agent => 2,
        TitleBy::Person => 3,
    }
}

/// All rows.
pub(super) fn load(db: &mut SqliteConnection) -> QueryResult<Vec<Row>> {
    sessions::table.select(Row::as_select()).load(db)
}

/// Writes rows, in place of older ones of the same paths.
pub(super) fn put(db: &mut SqliteConnection, rows: &[NewRow]) -> QueryResult<()> {
    db.immediate_transaction(|db| {
        for row in rows {
            // What was read of another file at this path says nothing of this one.
            let other = sessions::inode
                .ne(row.inode)
                .or(sessions::device.ne(row.device))
                .or(sessions::size.gt(row.size));
            diesel::update(sessions::table.filter(sessions::path.eq(&row.path).and(other)))
                .set((
                    sessions::whole_title.eq(None::<String>),
                    sessions::whole_titled_by.eq(None::<i64>),
                    sessions::whole_answered.eq(None::<bool>),
                ))
                .execute(db)?;
            diesel::insert_into(sessions::table)
                .values(row)
                .on_conflict(sessions::path)
                .do_update()
                .set(row)
                .execute(db)?;
        }
        Ok(())
    })
}

/// Deletes rows with all that was said in them.
pub(super) fn delete(db: &mut SqliteConnection, ids: &[i64]) -> QueryResult<()> {
    for ids in ids.chunks(MANY) {
        db.immediate_transaction(|db| {
            diesel::delete(passages::table.filter(passages::session.eq_any(ids))).execute(db)?;
            diesel::delete(sessions::table.filter(sessions::id.eq_any(ids))).execute(db)
        })?;
    }
    Ok(())
}
