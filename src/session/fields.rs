//! Fields of known records that this version does not know: kept visible, as unknown records and blocks are.
//!
//! A table per agent names the fields that are read, or known to be dull ([`Fields`]). What a record has beside
//! them is told in one quiet item at the end of its turn ([`Strange`]), but for what is private whoever writes it.
//! Only windows look: the index passes over what it does not need.
//!
//! Records that show nothing (metadata, news for the terminal, what the agent was told) have no place in a window. The
//! first that has a field nobody knows is given one ([`Kind::Strange`](super::index::Kind)), which names the field and
//! keeps to itself what is in it: such records hold what is the person's own affair.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::LazyLock;

use super::agent::Desk;
use super::index::hash;
use super::json::{self, Obj, RawValue};
use super::model::Item;
use super::private::{is_private_key, visible};
use crate::redact::CleanText;

/// Fields told of one turn; of further ones how many.
const MOST: usize = 12;
/// Characters of a value.
const VALUE: usize = 300;

/// The fields an agent is known to write, by kinds of records.
#[derive(Debug)]
pub(crate) struct Fields {
    kinds: HashMap<&'static str, Tree>,
    /// Keys that are never told of, at any depth.
    never: Vec<&'static str>,
}

/// The table of an agent, read when it is needed first.
pub(crate) type Table = LazyLock<Fields>;

/// The known fields of one object.
type Tree = HashMap<&'static str, Known>;

/// What is known of a field.
#[derive(Clone, Debug)]
enum Known {
    /// All of it.
    Whole,
    /// It holds objects with these fields.
    Inside(Tree),
    /// It holds objects of the kinds whose names begin so. An object of a kind nobody knows is told of here, or is
    /// `shown` as an unknown block anyway.
    Kinds { family: &'static str, shown: bool },
}

impl Fields {
    /// Reads a table. A line is `kind = path path …`; `#` begins a note, `!` a line of keys that are never told of.
    ///
    /// A kind is the `type` (else the `role`) of a record, with `.subtype` where it has one; `-` has neither, `*`
    /// stands for all. `a.b` is a field `b` of the objects in `a`, known with all that is in it. `a/x` says that the
    /// objects in `a` have kinds of their own, which the table calls `x/kind` (`x/*`: any other); `a/x?`, that those
    /// it does not name are shown as unknown blocks.
    pub(crate) fn of(table: &'static str) -> Self {
        let mut kinds: HashMap<&'static str, Tree> = HashMap::new();
        let mut never = Vec::new();
        let mut everywhere = Tree::new();
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            if let Some(keys) = line.strip_prefix('!') {
                never.extend(keys.split_whitespace());
                continue;
            }
            let Some((names, paths)) = line.split_once('=') else { continue };
            for name in names.split_whitespace() {
                let tree = if name == "*" { &mut everywhere } else { kinds.entry(name).or_default() };
                paths.split_whitespace().for_each(|path| insert(tree, path));
            }
        }
        for (_, tree) in kinds.iter_mut().filter(|(name, _)| !name.contains('/')) {
            for (key, known) in &everywhere {
                tree.entry(key).or_insert_with(|| known.clone());
            }
        }
        Self { kinds, never }
    }

    /// Tells of every field of `record` that is not known. Of a record whose kind is not known there are none: it
    /// is shown as such.
    fn strange<'a>(&self, record: &Obj<'a>, tell: &mut impl FnMut(String, RawValue<'a>)) {
        if let Some(tree) = self.kinds.get(kind(record).as_ref()) {
            self.within(tree, record, "", tell);
        }
    }

    /// What the first record in `bytes` calls itself, and what the fields of it are called that nobody knows; `None` if
    /// there are none.
    pub(crate) fn names(&self, bytes: &[u8]) -> Option<(String, Vec<String>)> {
        let (record, _) = std::str::from_utf8(bytes).ok().and_then(json::first::<Obj<'_>>)?;
        let mut names: Vec<String> = Vec::new();
        self.strange(&record, &mut |path, _| {
            if names.len() < MOST && !names.contains(&path) {
                names.push(path);
            }
        });
        (!names.is_empty()).then(|| (kind(&record).into_owned(), names))
    }

    /// What is told of a record that shows nothing: which of its fields nobody knows.
    pub(crate) fn named(&self, bytes: &[u8], desk: &Desk<'_>) -> Option<Item> {
        let (kind, names) = self.names(bytes)?;
        let field = |name: &String| (desk.cleaner.start(name, 80), desk.clean("not shown"));
        let what = desk.cleaner.start(&format!("unknown fields of {kind}"), 80);
        Some(Item::Unknown { what, fields: names.iter().map(field).collect() })
    }

    fn within<'a>(
        &self,
        tree: &Tree,
        object: &Obj<'a>,
        above: &str,
        tell: &mut impl FnMut(String, RawValue<'a>),
    ) {
        for (key, value) in &object.0 {
            if self.is_private(key) || is_empty(*value) {
                continue;
            }
            let path = || if above.is_empty() { key.to_string() } else { format!("{above}.{key}") };
            match tree.get(key.as_ref()) {
                None => tell(path(), *value),
                Some(Known::Whole) => {}
                Some(Known::Inside(tree)) => {
                    objects(*value).iter().for_each(|(_, object)| self.within(tree, object, &path(), tell));
                }
                Some(Known::Kinds { family, shown }) => {
                    for (raw, object) in objects(*value) {
                        match self.of_family(family, &kind(&object)) {
                            Some(tree) => self.within(tree, &object, &path(), tell),
                            None if *shown => {}
                            None => tell(path(), raw),
                        }
                    }
                }
            }
        }
    }

    fn of_family(&self, family: &str, kind: &str) -> Option<&Tree> {
        let named = |kind| self.kinds.get(format!("{family}/{kind}").as_str());
        named(kind).or_else(|| named("*"))
    }

    fn is_private(&self, key: &str) -> bool {
        is_private_key(key) || self.never.contains(&key)
    }
}

fn insert(tree: &mut Tree, path: &'static str) {
    let (key, rest) = path.split_once('.').map_or((path, None), |(key, rest)| (key, Some(rest)));
    let (key, family) = key.split_once('/').map_or((key, None), |(key, family)| (key, Some(family)));
    let known = tree.entry(key).or_insert(Known::Whole);
    if let Some(family) = family {
        let shown = family.ends_with('?');
        *known = Known::Kinds { family: family.trim_end_matches('?'), shown };
    } else if let Some(rest) = rest {
        if !matches!(known, Known::Inside(_)) {
            *known = Known::Inside(Tree::new());
        }
        if let Known::Inside(tree) = known {
            insert(tree, rest);
        }
    }
}

/// What an object calls itself.
fn kind<'a>(object: &Obj<'a>) -> Cow<'a, str> {
    let name = object.text("type").or_else(|| object.text("role")).unwrap_or(Cow::Borrowed("-"));
    match object.text("subtype") {
        Some(subtype) => Cow::Owned(format!("{name}.{subtype}")),
        None => name,
    }
}

/// The objects in a value: itself, or those of a list.
fn objects(value: RawValue<'_>) -> Vec<(RawValue<'_>, Obj<'_>)> {
    json::parts(value).into_iter().filter_map(|raw| Some((raw, Obj::of(raw)?))).collect()
}

fn is_empty(value: RawValue<'_>) -> bool {
    matches!(value.get(), "null" | "\"\"" | "[]" | "{}")
}

/// The fields nobody knows of the records of one turn.
#[derive(Debug, Default)]
pub(crate) struct Strange {
    found: Vec<Field>,
    /// Where a path stands in `found`.
    at: HashMap<String, usize>,
    /// Further paths.
    more: u64,
}

#[derive(Debug)]
struct Field {
    path: CleanText,
    value: CleanText,
    /// Hash of the value as it stands.
    hash: u64,
    times: u64,
    same: bool,
}

impl Strange {
    /// Looks at the first record in `bytes`.
    pub(crate) fn look(&mut self, fields: &Fields, bytes: &[u8], desk: &Desk<'_>) {
        let record = std::str::from_utf8(bytes).ok().and_then(json::first::<Obj<'_>>);
        let Some((record, _)) = record else { return };
        fields.strange(&record, &mut |path, value| self.add(path, value, fields, desk));
    }

    fn add(&mut self, path: String, value: RawValue<'_>, fields: &Fields, desk: &Desk<'_>) {
        let hash = hash(value.get());
        let next = self.found.len();
        match self.at.entry(path) {
            Entry::Occupied(at) => {
                if let Some(field) = self.found.get_mut(*at.get()) {
                    field.times += 1;
                    field.same &= field.hash == hash;
                }
            }
            Entry::Vacant(_) if next >= MOST => self.more += 1,
            Entry::Vacant(at) => {
                let path = desk.cleaner.start(at.key(), 80);
                let name = at.key().rsplit('.').next().unwrap_or_default();
                let shown = visible(value, VALUE, &|key| fields.is_private(key));
                let value = desk.cleaner.field(name, &shown, VALUE);
                at.insert(next);
                self.found.push(Field { path, value, hash, times: 1, same: true });
            }
        }
    }

    /// What was found as one item; from then on nothing was.
    pub(crate) fn take(&mut self, desk: &Desk<'_>) -> Option<Item> {
        let Strange { found, more, .. } = std::mem::take(self);
        let told = |field: Field| {
            let note = match field.times {
                1 => return (field.path, field.value),
                times if field.same => format!("{} ({times} times)", field.value),
                times => format!("{} (the first of {times})", field.value),
            };
            (field.path, desk.clean(&note))
        };
        let mut fields: Vec<_> = found.into_iter().map(told).collect();
        if more > 0 {
            fields.push((desk.clean("and more"), desk.clean(&more.to_string())));
        }
        (!fields.is_empty()).then(|| Item::Unknown { what: desk.clean("unknown fields"), fields })
    }
}
