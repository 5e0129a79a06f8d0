//! A database one bit of which is another: what opens can be used, all of it.

use super::*;

const SHARES: [&str; 3] = [
    "0193a8a0-0000-7000-8000-000000000001",
    "0193a8a0-0000-7000-8000-000000000002",
    "0193a8a0-0000-7000-8000-000000000003",
];
const ANOTHER: &str = "0193a8a0-ffff-7000-8000-ffffffffffff";

fn over() -> Outcome {
    Outcome { status: "stopped", reason: None, remedy: None, at: now() }
}

fn filled(path: &std::path::Path) {
    let mut db = open(path, now()).unwrap().db;
    for id in SHARES {
        insert(&mut db, &new_share(id, Some(id))).unwrap();
        mark_wanted(&mut db, id, &up()).unwrap();
    }
    end(&mut db, SHARES[1], &over()).unwrap();
    kv_set_all(&mut db, &[("last_alive", now().to_string()), ("time_left", "{}".to_owned())]).unwrap();
}

/// All that a daemon does with its database.
fn used(db: &mut SqliteConnection) -> QueryResult<()> {
    list(db)?;
    list_active(db)?;
    kv_get(db, "last_alive")?;
    kv_set_all(db, &[("last_alive", now().to_string())])?;
    for id in SHARES {
        history(db, id)?;
        find(db, id)?;
        find_by_key(db, id)?;
        mark_up(db, id, &up())?;
        mark_down(db, id, &down())?;
        end(db, id, &over())?;
    }
    insert(db, &new_share(ANOTHER, Some("another")))?;
    mark_wanted(db, ANOTHER, &up())?;
    assert_eq!(find_by_key(db, "another")?.unwrap().id, ANOTHER);
    end(db, ANOTHER, &over())?;
    assert_eq!(history(db, ANOTHER)?.len(), 1);
    ended_before(db, now())?;
    delete(db, ANOTHER)?;
    Ok(())
}

/// Bytes of the header, with what the file is.
const HEADER: usize = 100;

/// Those of the header, and `PANKO_FLIPPED` more, spread over all that is written: 300 by default. All are some 30,000.
#[test]
fn with_any_bit_flipped_it_opens_whole_or_is_set_aside_or_is_of_a_newer_version() {
    let most = std::env::var("PANKO_FLIPPED").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    filled(&path);
    let whole = fs::read(&path).unwrap();
    // In an empty page it says nothing.
    let written: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] != 0).collect();
    let bits = written.len() * 8;
    let of_header = written.iter().filter(|at| **at < HEADER).count() * 8;
    let (mut aside, mut as_it_was) = (0, 0);
    for bit in (0..of_header).chain((0..bits.min(most)).map(|n| n * 7919 % bits)) {
        let (at, mut bytes) = (written[bit / 8], whole.clone());
        bytes[at] ^= 1 << (bit % 8);
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("state.db");
        fs::write(&path, &bytes).unwrap();
        match open(&path, now()) {
            Ok(mut opened) => {
                aside += usize::from(opened.set_aside.is_some());
                as_it_was += usize::from(opened.set_aside.is_none());
                used(&mut opened.db).unwrap_or_else(|error| panic!("byte {at}, bit {}: {error}", bit % 8));
            }
            Err(DbError::Newer { .. }) => {
                assert_eq!(fs::read(&path).unwrap(), bytes, "byte {at}: it was touched");
            }
            Err(error) => panic!("byte {at}, bit {}: {error}", bit % 8),
        }
    }
    assert!(aside > 0 && as_it_was > 0, "{aside} set aside, {as_it_was} opened");
}

#[test]
fn what_is_left_of_a_database_that_was_cut_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    filled(&path);
    let whole = fs::read(&path).unwrap();
    for bytes in [&whole[..whole.len() / 2], &whole[..100], b"", &[0x5a; 4096][..]] {
        fs::write(&path, bytes).unwrap();
        let mut opened = open(&path, now()).unwrap();
        assert_eq!(opened.set_aside.is_some(), !bytes.is_empty(), "{} bytes", bytes.len());
        used(&mut opened.db).unwrap();
        drop(opened);
        fs::remove_file(&path).unwrap();
    }
}
