mod titles;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::*;
use crate::redact::Cleaner;
use crate::session::discovery::{Surroundings, Walked, find};

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn db(&self) -> PathBuf {
        self.folder.path().join("index.db")
    }

    fn open(&self) -> Catalog {
        Catalog::open(&self.db()).unwrap()
    }

    fn session(&self, name: &str) -> PathBuf {
        self.folder.path().join(".claude/projects/p").join(name)
    }

    /// Adds a prompt and an answer.
    fn say(&self, name: &str, second: i64, prompt: &str, reply: &str) {
        let path = self.session(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        for (n, kind, content) in [(0, "user", prompt), (1, "assistant", reply)] {
            let id = format!("{second}-{n}");
            let time = jiff::Timestamp::from_second(1_780_000_000 + second + n).unwrap().to_string();
            let content = serde_json::json!([{"type": "text", "text": content}]);
            let record = serde_json::json!({
                "type": kind, "uuid": id, "parentUuid": null, "sessionId": "s", "cwd": "/home/dev/tool",
                "timestamp": time, "message": {"id": id, "role": kind, "content": content},
            });
            writeln!(file, "{record}").unwrap();
        }
    }

    fn walk(&self) -> Walked {
        find(&Surroundings { home: self.folder.path(), variable: &|_| None })
    }

    fn list(&self, catalog: &mut Catalog) -> Vec<Listed> {
        catalog.list(&self.walk(), &Cleaner::new()).unwrap()
    }

    fn names(&self, catalog: &mut Catalog) -> Vec<String> {
        self.list(catalog).iter().map(|session| session.name().unwrap().to_owned()).collect()
    }

    fn search(&self, catalog: &mut Catalog, query: &str) -> (Vec<Hit>, Update) {
        let (_, hits, update) = catalog.search(&self.walk(), query, 50, &Cleaner::new(), |_, _| {}).unwrap();
        (hits, update)
    }

    fn found(&self, catalog: &mut Catalog, query: &str) -> Vec<String> {
        let (hits, _) = self.search(catalog, query);
        hits.iter().map(|hit| hit.session.name().unwrap().to_owned()).collect()
    }
}

fn text(hit: &Hit) -> String {
    hit.snippet.iter().map(|s| if s.hit { format!("[{}]", s.text) } else { s.text.clone() }).collect()
}

#[test]
fn the_list_follows_the_files() {
    let home = Home::new();
    home.say("a.jsonl", 0, "first", "done");
    home.say("b.jsonl", 100, "second", "done");
    let mut catalog = home.open();
    assert_eq!(home.names(&mut catalog), ["second", "first"]);
    let first = home.list(&mut catalog).remove(1);
    assert_eq!((first.agent.as_str(), first.project.as_deref()), ("Claude Code", Some("tool")));
    assert_eq!(first.bytes, fs::metadata(&first.path).unwrap().len());
    assert_eq!(first.active.as_second() - first.started.unwrap().as_second(), 1);
    home.say("a.jsonl", 200, "again", "done");
    assert_eq!(home.names(&mut catalog), ["first", "second"], "the last active is the first");
    fs::remove_file(home.session("b.jsonl")).unwrap();
    assert_eq!(home.names(&mut catalog), ["first"]);
    fs::write(home.session("c.jsonl"), "no session\n").unwrap();
    assert_eq!(home.names(&mut catalog), ["first"]);
    // It is remembered as none, and is one when it changes.
    assert_eq!(rows::load(&mut catalog.db).unwrap().len(), 2);
    fs::remove_file(home.session("c.jsonl")).unwrap();
    home.say("c.jsonl", 300, "third", "done");
    assert_eq!(home.names(&mut catalog), ["third", "first"]);
}

#[test]
fn a_file_that_did_not_change_is_not_read_again() {
    let home = Home::new();
    home.say("a.jsonl", 0, "first", "done");
    let mut catalog = home.open();
    home.search(&mut catalog, "first");
    catalog.db.batch_execute("UPDATE sessions SET prompt = 'from the cache'").unwrap();
    assert_eq!(home.names(&mut home.open()), ["from the cache"]);
    assert_eq!(home.search(&mut catalog, "first").1, Update::default());
    home.say("a.jsonl", 10, "more", "done");
    assert_eq!(home.names(&mut catalog), ["first"]);
    assert_eq!(home.search(&mut catalog, "more").1.read, 1);
}

#[test]
fn a_replaced_file_of_the_same_length_and_time_is_seen() {
    let home = Home::new();
    home.say("a.jsonl", 0, "aaaa", "done");
    let path = home.session("a.jsonl");
    let mut catalog = home.open();
    assert_eq!(home.names(&mut catalog), ["aaaa"]);
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    let replaced = fs::read_to_string(&path).unwrap().replace("aaaa", "bbbb");
    fs::write(home.session("new"), replaced).unwrap();
    fs::rename(home.session("new"), &path).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    assert_eq!(home.names(&mut catalog), ["bbbb"]);
}

#[test]
fn what_lies_below_an_unreadable_folder_is_not_forgotten() {
    let home = Home::new();
    home.say("a.jsonl", 0, "first", "done");
    let mut catalog = home.open();
    home.list(&mut catalog);
    let mut walked = Walked { files: Vec::new(), unread: vec![home.session("")] };
    catalog.list(&walked, &Cleaner::new()).unwrap();
    assert_eq!(rows::load(&mut catalog.db).unwrap().len(), 1);
    walked.unread = vec![home.folder.path().join("elsewhere")];
    catalog.list(&walked, &Cleaner::new()).unwrap();
    assert!(rows::load(&mut catalog.db).unwrap().is_empty());
}

#[test]
fn prompts_and_replies_are_found_with_their_place() {
    let home = Home::new();
    home.say("a.jsonl", 0, "Please mend the parser", "The lexer was wrong, naïvely so.");
    home.say("a.jsonl", 10, "and the tests", "All 12 tests of the parser pass.");
    home.say("b.jsonl", 100, "write a poem", "Roses are red.");
    let mut catalog = home.open();
    let (hits, update) = home.search(&mut catalog, "tests pass");
    assert_eq!((update.read, update.failed, update.busy, hits.len()), (2, 0, false, 1));
    assert_eq!((hits[0].turn, hits[0].role, hits[0].passages), (2, Role::Reply, 1));
    assert_eq!(text(&hits[0]), "All 12 [tests] of the parser [pass].");
    let (hits, _) = home.search(&mut catalog, "parse");
    assert_eq!((hits.len(), hits[0].passages), (1, 2), "the beginning of a word counts");
    for (query, found) in [
        ("NAIVELY", 1),
        ("\"parser pass\"", 1),
        ("\"pass parser\"", 0),
        ("poem OR parser", 0),
        ("roses", 1),
        ("nothing-like-it", 0),
        ("* \" -", 0),
        ("", 0),
    ] {
        assert_eq!(home.found(&mut catalog, query).len(), found, "{query}");
    }
}

#[test]
fn a_long_session_without_an_answer_is_marked_once_it_was_read() {
    let home = Home::new();
    home.say("a.jsonl", 0, "ask", "said");
    let text = fs::read_to_string(home.session("a.jsonl")).unwrap();
    let (ask, said) = text.split_once('\n').unwrap();
    let mode = "{\"type\":\"mode\",\"mode\":\"plan\",\"sessionId\":\"s\"}\n";
    fs::write(home.session("a.jsonl"), format!("{ask}\n{}", mode.repeat(200_000))).unwrap();
    let mut catalog = home.open();
    let answered = |catalog: &mut Catalog| home.list(catalog)[0].answered;
    assert!(answered(&mut catalog), "nobody knows better");
    home.search(&mut catalog, "ask");
    assert!(!answered(&mut catalog));
    for line in [mode, said] {
        let mut file = fs::OpenOptions::new().append(true).open(home.session("a.jsonl")).unwrap();
        writeln!(file, "{}", line.trim()).unwrap();
        home.search(&mut catalog, "ask");
        assert_eq!(answered(&mut catalog), line == said);
    }
}

#[test]
fn what_is_written_without_blanks_is_found_wherever_it_stands() {
    let home = Home::new();
    home.say("a.jsonl", 1, "東京都の天気を調べてください", "今日の東京はHTTPサーバーの話をしました");
    home.say("b.jsonl", 2, "京都へ行く", "서버가 빌드실패를 알립니다");
    let mut catalog = home.open();
    for (query, wanted) in [
        ("天気", &["a"][..]),
        ("京都", &["a", "b"]),
        ("京都へ", &["b"]),
        ("HTTPサーバー", &["a"]),
        ("http", &["a"]),
        ("ーバ", &["a"]),
        ("실패", &["b"]),
        ("天都", &[]),
        ("\"天気 調\"", &[]),
    ] {
        let (hits, _) = home.search(&mut catalog, query);
        let name = |hit: &Hit| hit.session.path.file_stem().unwrap().to_string_lossy().into_owned();
        let mut found: Vec<_> = hits.iter().map(name).collect();
        found.sort();
        assert_eq!(found, wanted, "{query}");
    }
    let (hits, _) = home.search(&mut catalog, "天気");
    assert_eq!(text(&hits[0]), "東京都の[天気]を調べてください");
}

#[test]
fn marks_in_a_text_mark_nothing() {
    let home = Home::new();
    home.say("a.jsonl", 0, "x", "one \u{1}two\u{2} three");
    let (hits, _) = home.search(&mut home.open(), "three");
    assert_eq!(text(&hits[0]), "one  two  [three]");
}

#[test]
fn secrets_are_neither_kept_nor_found() {
    let home = Home::new();
    let secret = format!("ghp{}{}", "_", "a1B2c3D4e5".repeat(4).split_at(36).0);
    home.say("a.jsonl", 0, &format!("use {secret} please"), &format!("{secret} is in use"));
    let mut catalog = home.open();
    assert!(home.found(&mut catalog, &secret).is_empty());
    assert_eq!(home.found(&mut catalog, "please").len(), 1);
    catalog.db.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let bytes = fs::read(home.db()).unwrap();
    assert!(memchr::memmem::find(&bytes, secret.as_bytes()).is_none());
}

#[test]
fn an_update_that_died_is_completed_by_the_next() {
    let home = Home::new();
    home.say("a.jsonl", 0, "alpha", "beta");
    let mut catalog = home.open();
    assert_eq!(home.found(&mut catalog, "beta").len(), 1);
    home.say("a.jsonl", 10, "gamma", "delta");
    home.list(&mut catalog);
    // As a process leaves it that dies after its first piece: some passages, no mark.
    catalog
        .db
        .batch_execute(
            "UPDATE sessions SET resume_check = NULL; DELETE FROM passages;
             INSERT INTO passages (session, part, turn, role, text) SELECT id, 0, 1, 'prompt', 'half' FROM sessions;",
        )
        .unwrap();
    drop(catalog);
    let mut catalog = home.open();
    let (hits, update) = home.search(&mut catalog, "delta");
    assert_eq!((hits.len(), update.read), (1, 1));
    assert!(home.found(&mut catalog, "half").is_empty(), "nothing stays of the half");
    assert_eq!(home.found(&mut catalog, "beta").len(), 1);
}

#[test]
fn one_process_reads_and_others_say_so() {
    let home = Home::new();
    home.say("a.jsonl", 0, "alpha", "beta");
    let mut catalog = home.open();
    let lock = open::lock(&home.db(), "reading", true).unwrap();
    let (hits, update) = home.search(&mut catalog, "beta");
    assert_eq!((hits.len(), update.busy), (0, true));
    drop(lock);
    assert_eq!(home.found(&mut catalog, "beta").len(), 1);
}

#[test]
fn none_that_is_half_made_is_met() {
    for _ in 0..20 {
        let home = Home::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| home.open());
            }
        });
    }
}

#[test]
fn many_open_it_at_once() {
    let home = Home::new();
    for n in 0..30 {
        home.say(&format!("{n}.jsonl"), n, "alpha", "beta");
    }
    let lengths: Vec<usize> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    let mut catalog = home.open();
                    home.search(&mut catalog, "beta");
                    home.list(&mut catalog).len()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(lengths, [30; 6]);
    assert_eq!(home.found(&mut home.open(), "beta").len(), 30);
}

#[test]
fn what_is_damaged_or_of_another_version_is_built_anew() {
    type Damage = fn(&Path);
    let damage: [(&str, Damage); 4] = [
        ("garbage", |path| fs::write(path, "no database ".repeat(2_000)).unwrap()),
        ("an empty file", |path| fs::write(path, "").unwrap()),
        ("another version", |path| {
            let mut db = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
            db.batch_execute("PRAGMA user_version = 7; DROP TABLE passages_fts;").unwrap();
        }),
        ("a torn page", |path| {
            let mut bytes = fs::read(path).unwrap();
            let from = bytes.len() / 3;
            bytes[from..].fill(0x5a);
            fs::write(path, bytes).unwrap();
        }),
    ];
    for (what, damage) in damage {
        let home = Home::new();
        home.say("a.jsonl", 0, "alpha", "beta");
        let mut catalog = home.open();
        home.search(&mut catalog, "beta");
        catalog.db.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        drop(catalog);
        damage(&home.db());
        let mut catalog = home.open();
        assert_eq!(home.found(&mut catalog, "beta").len(), 1, "{what}");
        assert_eq!(home.names(&mut catalog), ["alpha"], "{what}");
    }
}

#[test]
fn damage_met_while_it_is_open_is_mended() {
    let home = Home::new();
    home.say("a.jsonl", 0, "alpha", "beta");
    let mut catalog = home.open();
    home.search(&mut catalog, "beta");
    catalog.db.batch_execute("DROP TABLE passages_fts").unwrap();
    assert_eq!(home.found(&mut catalog, "beta").len(), 1);
    assert_eq!(home.found(&mut home.open(), "beta").len(), 1);
}

#[test]
fn all_files_are_private() {
    let home = Home::new();
    home.say("a.jsonl", 0, "alpha", "beta");
    let mut catalog = home.open();
    home.search(&mut catalog, "beta");
    for entry in fs::read_dir(home.folder.path()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_str().unwrap().starts_with("index.db") {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        }
    }
}

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
    let mut catalog = Home::new().open();
    for table in ["sessions", "passages"] {
        let mut expected = format!("    {table} (id) {{\n");
        let sql =
            format!("SELECT name, type AS kind, \"notnull\" AS required FROM pragma_table_info('{table}')");
        for column in diesel::sql_query(sql).load::<Column>(&mut catalog.db).unwrap() {
            let kind = match column.kind.as_str() {
                "TEXT" => "Text",
                "INTEGER" | "BIGINT" => "BigInt",
                "BLOB" => "Binary",
                "BOOLEAN" => "Bool",
                other => panic!("no mapping for {other}"),
            };
            let kind = if column.required { kind.to_owned() } else { format!("Nullable<{kind}>") };
            expected += &format!("        {} -> {kind},\n", column.name);
        }
        assert!(include_str!("schema.rs").contains(&(expected.clone() + "    }\n")), "{expected}");
    }
}

/// A long session, read through.
fn long(home: &Home, catalog: &mut Catalog) -> u64 {
    for n in 0..300 {
        home.say("a.jsonl", n * 10, &format!("prompt-{n} of many"), &format!("reply-{n} ").repeat(40));
    }
    assert_eq!(home.search(catalog, "prompt-7").1.read, 1);
    fs::metadata(home.session("a.jsonl")).unwrap().len()
}

/// All that is stored of what was said, in order.
fn passages(catalog: &mut Catalog) -> Vec<(i64, String, String)> {
    use super::schema::passages::dsl;
    dsl::passages.select((dsl::turn, dsl::role, dsl::text)).order(dsl::id).load(&mut catalog.db).unwrap()
}

#[test]
fn of_a_session_that_grew_only_what_is_new_is_read() {
    let home = Home::new();
    let mut catalog = home.open();
    let size = long(&home, &mut catalog);
    for n in 300..330 {
        home.say("a.jsonl", n * 10, &format!("prompt-{n} of many"), "done");
        let (hits, update) = home.search(&mut catalog, &format!("prompt-{n}"));
        assert_eq!((hits.len(), hits[0].turn, update.read), (1, n as u32 + 1, 1));
        assert!(update.bytes < size / 2, "{} of {size} bytes", update.bytes);
    }
    let grown = passages(&mut catalog);
    let fresh = Home { folder: tempfile::tempdir().unwrap() };
    fs::create_dir_all(fresh.session("a.jsonl").parent().unwrap()).unwrap();
    fs::copy(home.session("a.jsonl"), fresh.session("a.jsonl")).unwrap();
    let mut other = fresh.open();
    fresh.search(&mut other, "prompt");
    assert_eq!(grown, passages(&mut other), "as if it had been read at once");
}

#[test]
fn a_session_that_was_written_anew_is_read_from_its_beginning() {
    let home = Home::new();
    let mut catalog = home.open();
    let size = long(&home, &mut catalog);
    let path = home.session("a.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    // Changed in place, and longer.
    fs::write(&path, text.replacen("prompt-0 of", "another-0 of", 1)).unwrap();
    home.say("a.jsonl", 9000, "the last", "done");
    let (hits, update) = home.search(&mut catalog, "another-0");
    assert_eq!(hits.len(), 1);
    assert!(update.bytes > size);
    // Replaced by a copy: another file.
    let copy = home.session("b");
    fs::copy(&path, &copy).unwrap();
    fs::rename(&copy, &path).unwrap();
    home.say("a.jsonl", 9100, "the very last", "done");
    assert!(home.search(&mut catalog, "very").1.bytes > size);
    // Cut.
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    home.search(&mut catalog, "prompt");
    assert!(home.found(&mut catalog, "very").is_empty());
}
