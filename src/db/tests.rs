use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use jiff::Timestamp;

use super::*;
use crate::share::{Cause, Failure, Status};

mod flipped;

fn now() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap()
}

fn fresh() -> (tempfile::TempDir, SqliteConnection) {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(&folder.path().join("state.db"), now()).unwrap();
    assert_eq!(opened.set_aside, None);
    (folder, opened.db)
}

fn new_share(id: &str, key: Option<&str>) -> NewShare {
    let options =
        crate::share::ShareOptions { idempotency_key: key.map(str::to_owned), ..Default::default() };
    NewShare {
        id: id.to_owned(),
        session_path: format!("/s/{id}.jsonl"),
        session_name: id.to_owned(),
        public_url: String::new(),
        provider_name: "local".to_owned(),
        local_port: 0,
        started_at: now().to_string(),
        status: "starting".to_owned(),
        token: Some("t".to_owned()),
        options: serde_json::to_string(&options).unwrap(),
        source_len: Some(7),
        source_identity: None,
    }
}

fn up() -> Up {
    Up { public_url: "https://a-b.example/s/t/".to_owned(), local_port: 40_123 }
}

fn down() -> Down {
    let failure = Failure::new(Cause::RateLimited, "lost", "wait");
    Down { status: Status::Error, failure: Some(failure), not_before: Some(now()) }
}

#[test]
fn a_share_is_wanted_only_from_its_answer_to_its_end() {
    let (_folder, mut db) = fresh();
    insert(&mut db, &new_share("one", None)).unwrap();
    assert!(list_active(&mut db).unwrap().is_empty());

    assert!(!mark_up(&mut db, "one", &up()).unwrap(), "nobody was answered yet");
    assert!(mark_wanted(&mut db, "one", &up()).unwrap());
    let row = find(&mut db, "one").unwrap().unwrap();
    assert_eq!((row.status.as_str(), row.wanted, row.local_port), ("active", true, 40_123));
    assert_eq!(list_active(&mut db).unwrap(), [row]);

    mark_down(&mut db, "one", &down()).unwrap();
    let row = find(&mut db, "one").unwrap().unwrap();
    assert!(row.wanted, "a failure is not a person's wish");
    assert_eq!((row.reason.as_deref(), row.remedy.as_deref()), (Some("lost"), Some("wait")));
    assert_eq!(row.not_before, Some(now().to_string()));
    mark_up(&mut db, "one", &up()).unwrap();
    let row = find(&mut db, "one").unwrap().unwrap();
    assert_eq!((row.reason, row.remedy, row.not_before), (None, None, None));

    let how = Outcome { status: "stopped", reason: None, remedy: None, at: now() };
    assert!(end(&mut db, "one", &how).unwrap());
    assert!(list_active(&mut db).unwrap().is_empty());
    assert_eq!(find(&mut db, "one").unwrap().unwrap().ended_at, Some(now().to_string()));
    assert!(!end(&mut db, "two", &how).unwrap(), "there is no such share");
}

#[test]
fn what_was_ended_is_not_revived_by_late_news() {
    let (_folder, mut db) = fresh();
    insert(&mut db, &new_share("one", None)).unwrap();
    mark_wanted(&mut db, "one", &up()).unwrap();
    end(&mut db, "one", &Outcome { status: "stopped", reason: None, remedy: None, at: now() }).unwrap();
    let ended = find(&mut db, "one").unwrap();
    assert!(!mark_up(&mut db, "one", &up()).unwrap());
    assert!(!mark_down(&mut db, "one", &down()).unwrap());
    assert!(!mark_wanted(&mut db, "one", &up()).unwrap());
    assert_eq!(find(&mut db, "one").unwrap(), ended);
}

#[test]
fn an_idempotency_key_finds_its_share() {
    let (_folder, mut db) = fresh();
    insert(&mut db, &new_share("one", Some("k'1"))).unwrap();
    insert(&mut db, &new_share("two", None)).unwrap();
    assert_eq!(find_by_key(&mut db, "k'1").unwrap().unwrap().id, "one");
    assert_eq!(find_by_key(&mut db, "k2").unwrap(), None);
}

#[test]
fn only_what_ended_long_ago_is_due_for_deletion() {
    let (_folder, mut db) = fresh();
    for id in ["old", "new", "wanted"] {
        insert(&mut db, &new_share(id, None)).unwrap();
    }
    mark_wanted(&mut db, "wanted", &up()).unwrap();
    for (id, at) in [("old", 1_000), ("new", 3_000)] {
        let at = Timestamp::from_second(at).unwrap();
        end(&mut db, id, &Outcome { status: "stopped", reason: None, remedy: None, at }).unwrap();
    }
    assert_eq!(ended_before(&mut db, Timestamp::from_second(2_000).unwrap()).unwrap(), ["old"]);
    assert!(delete(&mut db, "old").unwrap());
    assert!(!delete(&mut db, "old").unwrap());
    assert_eq!(list(&mut db).unwrap().len(), 2);
}

#[test]
fn the_history_of_a_share_is_kept_in_order_bounded_and_deleted_with_it() {
    let (_folder, mut db) = fresh();
    insert(&mut db, &new_share("one", None)).unwrap();
    let event = |id: &str, n: usize| ShareEvent {
        share_id: id.to_owned(),
        at: now().to_string(),
        status: "active".to_owned(),
        phase: "active".to_owned(),
        public_url: Some(format!("https://{n}.example")),
        reason: None,
    };
    note(&mut db, &event("other", 0)).unwrap();
    for n in 0..510 {
        note(&mut db, &event("one", n)).unwrap();
    }
    let kept = history(&mut db, "one").unwrap();
    assert_eq!(kept, (10..510).map(|n| event("one", n)).collect::<Vec<_>>());
    delete(&mut db, "one").unwrap();
    assert!(history(&mut db, "one").unwrap().is_empty());
    assert_eq!(history(&mut db, "other").unwrap().len(), 1);
}

#[test]
fn the_store_of_keys_sets_gets_and_deletes() {
    let (_folder, mut db) = fresh();
    assert_eq!(kv_get(&mut db, "a").unwrap(), None);
    kv_set(&mut db, "a", "1").unwrap();
    kv_set(&mut db, "a", "2").unwrap();
    assert_eq!(kv_get(&mut db, "a").unwrap().as_deref(), Some("2"));
    assert!(kv_delete(&mut db, "a").unwrap());
    assert!(!kv_delete(&mut db, "a").unwrap());
}

#[test]
fn many_keys_are_set_together_or_not_at_all() {
    let (_folder, mut db) = fresh();
    let both = |value: &str| [("a", value.to_owned()), ("b", value.to_owned())];
    kv_set_all(&mut db, &both("1")).unwrap();
    let refused = "BEFORE INSERT ON daemon_state WHEN NEW.key = 'b' BEGIN SELECT RAISE(ABORT, 'no'); END";
    db.batch_execute(&format!("CREATE TRIGGER refused {refused}")).unwrap();
    kv_set_all(&mut db, &both("2")).unwrap_err();
    for key in ["a", "b"] {
        assert_eq!(kv_get(&mut db, key).unwrap().as_deref(), Some("1"), "{key}");
    }
}

#[test]
fn a_database_of_the_original_keeps_its_rows_as_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let mut theirs = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    theirs
        .batch_execute(
            "CREATE TABLE shares(id TEXT PRIMARY KEY, session_path TEXT NOT NULL, session_name TEXT NOT NULL,
                public_url TEXT NOT NULL, provider_name TEXT NOT NULL, local_port INTEGER NOT NULL,
                started_at TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'active');
             CREATE TABLE daemon_state(key TEXT PRIMARY KEY, value TEXT NOT NULL);
             INSERT INTO shares VALUES('old','/s.jsonl','s','https://a.example','ngrok',4040,'2026-01-31T12:00:00Z','active');
             INSERT INTO daemon_state VALUES('k','v');",
        )
        .unwrap();
    drop(theirs);

    let mut db = open(&path, now()).unwrap().db;
    let row = find(&mut db, "old").unwrap().unwrap();
    assert_eq!((row.status.as_str(), row.wanted, row.token), ("stopped", false, None));
    assert_eq!(row.public_url, "https://a.example");
    assert!(row.remedy.is_some_and(|remedy| !remedy.is_empty()));
    assert_eq!(kv_get(&mut db, "k").unwrap().as_deref(), Some("v"));
}

#[test]
fn a_database_of_a_newer_panko_is_refused_and_untouched() {
    let (folder, mut db) = fresh();
    db.batch_execute("PRAGMA journal_mode = DELETE; INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000');")
        .unwrap();
    drop(db);
    let path = folder.path().join("state.db");
    let before = fs::read(&path).unwrap();
    assert!(matches!(open(&path, now()), Err(DbError::Newer { version, .. }) if version == "20990101000000"));
    assert!(fs::read(&path).unwrap() == before, "the file was written to");
}

#[test]
fn a_newer_database_is_untouched_also_after_a_crash() {
    let (folder, mut db) = fresh();
    db.batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000');").unwrap();
    // As kill -9 leaves it: the change stands in the log alone.
    let crashed = tempfile::tempdir().unwrap();
    for name in ["state.db", "state.db-wal"] {
        fs::copy(folder.path().join(name), crashed.path().join(name)).unwrap();
    }
    let read = || ["state.db", "state.db-wal"].map(|name| fs::read(crashed.path().join(name)).unwrap());
    let before = read();
    assert!(!before[1].is_empty());
    assert!(matches!(open(&crashed.path().join("state.db"), now()), Err(DbError::Newer { .. })));
    assert!(read() == before, "the files were written to");
}

#[test]
fn a_row_that_cannot_be_read_is_damage() {
    let (folder, mut db) = fresh();
    insert(&mut db, &new_share("one", None)).unwrap();
    db.batch_execute("UPDATE shares SET remedy = CAST(x'80ff' AS TEXT)").unwrap();
    drop(db);
    let mut opened = open(&folder.path().join("state.db"), now()).unwrap();
    assert!(opened.set_aside.is_some());
    assert!(list(&mut opened.db).unwrap().is_empty());
}

#[test]
fn changes_are_written_once_and_a_lost_row_is_wanted_again_with_them() {
    let (_folder, mut db) = fresh();
    let event = |n: i64| ShareEvent {
        share_id: "one".to_owned(),
        at: Timestamp::from_second(n).unwrap().to_string(),
        status: "active".to_owned(),
        phase: "active".to_owned(),
        public_url: None,
        reason: None,
    };
    let changes = Changes { row: Some(RowChange::Up(up())), events: [event(1), event(2)].into() };
    let lost = NewShare { status: "starting".to_owned(), ..new_share("one", None) };
    for n in 0..2 {
        write_anew(&mut db, std::slice::from_ref(&lost), Timestamp::from_second(n).unwrap()).unwrap();
        write(&mut db, "one", &changes).unwrap();
    }
    let row = find(&mut db, "one").unwrap().unwrap();
    assert_eq!((row.wanted, row.status.as_str(), row.public_url), (true, "active", up().public_url));
    let told = history(&mut db, "one").unwrap();
    assert_eq!(told[1..], [event(1), event(2)]);
    assert_eq!((told[0].status.as_str(), told[0].at.as_str()), ("starting", "1970-01-01T00:00:00Z"));
    // One that ended stays ended, and its end is the last that is told of it.
    let how = Outcome { status: "stopped", reason: None, remedy: None, at: now() };
    end(&mut db, "one", &how).unwrap();
    write(&mut db, "one", &Changes { events: [event(3)].into(), ..changes }).unwrap();
    assert!(!find(&mut db, "one").unwrap().unwrap().wanted);
    let told: Vec<_> = history(&mut db, "one").unwrap().into_iter().map(|event| event.status).collect();
    assert_eq!(told, ["starting", "active", "active", "active", "stopped"]);
}

#[test]
fn an_end_stands_in_the_history_once_with_its_cause() {
    let (_folder, mut db) = fresh();
    insert(&mut db, &new_share("one", None)).unwrap();
    let how = |reason: &str| Outcome {
        status: "stopped",
        reason: Some(reason.to_owned()),
        remedy: None,
        at: now(),
    };
    assert!(end(&mut db, "one", &how("its time is over")).unwrap());
    assert!(end(&mut db, "one", &how("stopped")).unwrap());
    let told = history(&mut db, "one").unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].status.as_str(), told[0].reason.as_deref()), ("stopped", Some("its time is over")));
}

#[test]
fn a_damaged_database_is_set_aside_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let garbage: Vec<u8> = (0..20_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    fs::write(&path, &garbage).unwrap();
    let mut opened = open(&path, now()).unwrap();
    assert_eq!(fs::read(opened.set_aside.unwrap()).unwrap(), garbage);
    assert!(list(&mut opened.db).unwrap().is_empty());
}

#[test]
fn all_three_files_are_private_from_creation() {
    let (folder, mut db) = fresh();
    kv_set(&mut db, "a", "1").unwrap();
    let modes: BTreeMap<_, _> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name(), entry.metadata().unwrap().permissions().mode() & 0o777))
        .collect();
    assert!(modes.len() >= 2 && modes.values().all(|mode| *mode == 0o600), "{modes:?}");
}

#[test]
fn what_is_no_regular_file_is_neither_followed_nor_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link.db");
    symlink(folder.path().join("target.db"), &link).unwrap();
    assert!(matches!(open(&link, now()), Err(DbError::NotAFile { what: "a symbolic link", .. })));
    assert!(!folder.path().join("target.db").exists());
    let dir = folder.path().join("dir.db");
    fs::create_dir(&dir).unwrap();
    assert!(matches!(open(&dir, now()), Err(DbError::NotAFile { what: "a folder", .. })));
}

/// `schema.rs` is what `diesel print-schema` makes of the migrations; here it is held against them.
#[test]
fn schema_rs_is_what_the_migrations_make() {
    #[derive(QueryableByName)]
    struct Column {
        #[diesel(sql_type = diesel::sql_types::Text)]
        name: String,
        #[diesel(sql_type = diesel::sql_types::Text)]
        kind: String,
        #[diesel(sql_type = diesel::sql_types::Bool)]
        required: bool,
    }
    let (_folder, mut db) = fresh();
    let mut expected = String::from("// @generated automatically by Diesel CLI.\n\n");
    for (table, key) in [("daemon_state", "key"), ("share_events", "id"), ("shares", "id")] {
        expected += &format!("diesel::table! {{\n    {table} ({key}) {{\n");
        let sql =
            format!("SELECT name, type AS kind, \"notnull\" AS required FROM pragma_table_info('{table}')");
        for column in diesel::sql_query(sql).load::<Column>(&mut db).unwrap() {
            let kind = match column.kind.as_str() {
                // Diesel's own rule for SQLite, as diesel.toml asks for it: a row id has 64 bits.
                "INTEGER" if column.name == key => "BigInt",
                "TEXT" => "Text",
                "INTEGER" => "Integer",
                "BIGINT" => "BigInt",
                "BOOLEAN" => "Bool",
                other => panic!("no mapping for {other}"),
            };
            let kind = if column.required { kind.to_owned() } else { format!("Nullable<{kind}>") };
            expected += &format!("        {} -> {kind},\n", column.name);
        }
        expected += "    }\n}\n\n";
    }
    expected += "diesel::allow_tables_to_appear_in_same_query!(daemon_state, share_events, shares,);\n";
    assert_eq!(
        include_str!("schema.rs"),
        expected,
        "run `diesel migration run` (see CONTRIBUTING in ARCHITECTURE.md)"
    );
}

#[test]
fn an_end_that_is_noted_is_recorded_whatever_stands_in_its_note() {
    let (folder, mut db) = fresh();
    let ends = folder.path().join("ends");
    assert!(ends::noted(&ends).unwrap().is_empty(), "there is no folder");
    fs::create_dir(&ends).unwrap();
    let ids: Vec<uuid::Uuid> = (0..4).map(|_| uuid::Uuid::new_v4()).collect();
    for id in &ids[..3] {
        insert(&mut db, &new_share(&id.to_string(), None)).unwrap();
        mark_wanted(&mut db, &id.to_string(), &up()).unwrap();
    }
    let how = Outcome { status: "error", reason: Some("why".to_owned()), remedy: None, at: now() };
    ends::note(&ends, ids[0], &how).unwrap();
    fs::write(ends.join(ids[1].simple().to_string()), "{").unwrap();
    symlink("/dev/zero", ends.join(ids[2].simple().to_string())).unwrap();
    ends::note(&ends, ids[3], &how).unwrap();
    fs::write(ends.join("thesis.txt"), "mine").unwrap();
    assert_eq!(
        fs::metadata(ends.join(ids[0].simple().to_string())).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let noted = ends::noted(&ends).unwrap();
    assert_eq!(noted.len(), 4);
    ends::apply(&ends, &noted, &mut db).unwrap();
    assert_eq!(list_active(&mut db).unwrap(), []);
    let row = find(&mut db, &ids[0].to_string()).unwrap().unwrap();
    assert_eq!(
        (row.status.as_str(), row.reason.as_deref(), row.ended_at),
        ("error", Some("why"), Some(now().to_string()))
    );
    assert_eq!(find(&mut db, &ids[1].to_string()).unwrap().unwrap().status, "stopped");
    let left: Vec<_> = fs::read_dir(&ends).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["thesis.txt"], "what is not ours stays");

    // One that is recorded is not recorded twice.
    ends::note(&ends, ids[0], &Outcome { reason: None, ..how }).unwrap();
    ends::apply(&ends, &[ids[0]], &mut db).unwrap();
    assert_eq!(find(&mut db, &ids[0].to_string()).unwrap().unwrap().reason.as_deref(), Some("why"));
}
