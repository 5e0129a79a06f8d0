//! Tools by what they do, whatever an agent calls them and their arguments: what kind of steps a call is,
//! and the form it takes with its result.

use std::borrow::Cow;

use super::output::told_exit;
use super::patch::{self, Patched, What};
use super::said::{Call, Returned};
use crate::redact::CleanText;
use crate::session::agent::Desk;
use crate::session::diff::{self, Raw, Tag};
use crate::session::found;
use crate::session::given;
use crate::session::hits::{self, Told};
use crate::session::json::{self, Obj};
use crate::session::model::{Output, StepKind, TodoItem, TodoState, Tool};
use crate::session::numbers::unnumbered;
use crate::session::paths;

/// What a tool does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Shell,
    Read,
    Write,
    Edit,
    Patch,
    Find(&'static str),
    Fetch,
    Search,
    Todo,
    Plan,
    Agent,
    Other,
}

/// Names of arguments, the first that is there counts.
pub(super) const PATH: &[&str] =
    &["file_path", "path", "filePath", "absolute_path", "target_file", "notebook_path"];
pub(super) const COMMAND: &[&str] = &["command", "cmd", "script"];
pub(super) const OLD: &[&str] = &["old_string", "oldText", "old_str", "oldString", "old"];
pub(super) const NEW: &[&str] = &["new_string", "newText", "new_str", "newString", "new"];
pub(super) const CONTENT: &[&str] = &["content", "file_text", "contents"];
pub(super) const PATTERN: &[&str] = &["pattern", "query", "glob_pattern", "glob", "regex"];
pub(super) const WITHIN: &[&str] = &["path", "dir_path", "directory", "target_directory"];
pub(super) const QUERY: &[&str] = &["query", "q", "search_term", "pattern"];
pub(super) const BRIEF: &[&str] = &["prompt", "message", "task"];
pub(super) const TODOS: &[&str] = &["todos", "plan", "items"];
const TODO: &[&str] = &["content", "step", "description", "title", "text"];

fn form(name: &str) -> Form {
    let plain: String = name.chars().filter(|c| c.is_ascii_alphanumeric()).take(40).collect();
    match plain.to_ascii_lowercase().as_str() {
        "bash" | "shell" | "shellcommand" | "execcommand" | "localshell" | "runshellcommand" | "execute"
        | "shellexec" | "exec" | "runterminalcmd" | "runcommand" | "powershell" => Form::Shell,
        "read" | "readfile" | "view" | "viewimage" | "readmediafile" => Form::Read,
        "write" | "writefile" | "create" | "createfile" => Form::Write,
        "edit" | "replace" | "multiedit" | "editfile" | "strreplace" | "strreplacefile" | "searchreplace" => {
            Form::Edit
        }
        "applypatch" | "patch" => Form::Patch,
        "glob" | "find" | "findfiles" => Form::Find("Glob"),
        "grep" | "searchfilecontent" | "grepsearch" | "rg" => Form::Find("Grep"),
        "ls" | "list" | "listdirectory" | "listdir" => Form::Find("LS"),
        "webfetch" | "fetch" | "fetchurl" | "openpage" => Form::Fetch,
        "websearch" | "googlewebsearch" => Form::Search,
        "todowrite" | "updateplan" | "todolist" | "writetodos" | "settodolist" => Form::Todo,
        "exitplanmode" => Form::Plan,
        "task" | "agent" | "spawnagent" => Form::Agent,
        _ => Form::Other,
    }
}

/// The kinds of the steps of a call, in order: one, or one a file of a patch.
pub(super) fn kinds(call: &Call<'_>) -> Vec<StepKind> {
    let form = form(&call.name);
    if matches!(form, Form::Patch | Form::Shell)
        && let Some(patch) = patch_of(call)
    {
        return patch::files(&patch).iter().map(|_| StepKind::Edit).collect();
    }
    vec![match form {
        Form::Shell => StepKind::Run,
        Form::Read | Form::Find(_) | Form::Fetch | Form::Search => StepKind::Read,
        Form::Write | Form::Edit | Form::Patch => StepKind::Edit,
        Form::Agent => StepKind::Agent,
        Form::Todo | Form::Plan | Form::Other => StepKind::Other,
    }]
}

/// Whether the call sends a sub-agent.
pub(super) fn sends(call: &Call<'_>) -> bool {
    form(&call.name) == Form::Agent
}

/// The patch a call applies: its whole input, an argument, or in a command line; with a file in it.
fn patch_of<'a>(call: &'a Call<'_>) -> Option<Cow<'a, str>> {
    const BEGIN: &str = "*** Begin Patch";
    if !call.input.contains(BEGIN) {
        return None;
    }
    let patch = match Obj::parse(&call.input) {
        None => Cow::Borrowed(&*call.input),
        Some(input) => match first(&input, &["input", "patch", "patchText"]) {
            Some(patch) => Cow::Owned(patch.into_owned()),
            None => {
                let script = script(&input);
                let (program, _) = script.split_once([' ', '\n'])?;
                let at = script.find(BEGIN).filter(|_| matches!(program, "apply_patch" | "applypatch"))?;
                Cow::Owned(script.get(at..)?.to_owned())
            }
        },
    };
    (!patch::files(&patch).is_empty()).then_some(patch)
}

fn first<'a>(input: &Obj<'a>, names: &[&str]) -> Option<Cow<'a, str>> {
    names.iter().find_map(|name| input.text(name))
}

/// The command line of a shell's call: of `bash -lc script` the script, of other lists their words.
fn script(input: &Obj<'_>) -> String {
    let Some(command) = COMMAND.iter().find_map(|name| input.raw(name)) else { return String::new() };
    if let Some(text) = json::text(command) {
        return text.into_owned();
    }
    let words: Vec<Cow<'_, str>> = json::list(command).into_iter().filter_map(json::text).collect();
    if let [shell, flag, script] = &words[..]
        && matches!(shell.rsplit('/').next(), Some("bash" | "sh" | "zsh"))
        && matches!(flag.as_ref(), "-c" | "-lc" | "-l")
    {
        return script.clone().into_owned();
    }
    words.join(" ")
}

/// A call and what came of it.
#[derive(Clone, Copy)]
pub(super) struct Done<'a> {
    pub call: &'a Call<'a>,
    pub result: Option<&'a Returned<'a>>,
    /// The working folder.
    pub root: &'a str,
}

/// A step's name and form.
pub(super) struct Formed {
    pub name: CleanText,
    pub tool: Tool,
}

/// The forms of a call, as many as [`kinds`] says.
pub(super) fn formed(done: Done<'_>, desk: &Desk<'_>) -> Vec<Formed> {
    let call = done.call;
    let form = form(&call.name);
    if matches!(form, Form::Patch | Form::Shell)
        && let Some(patch) = patch_of(call)
    {
        return patch::files(&patch).into_iter().map(|file| done.patched(file, desk)).collect();
    }
    let input = Obj::parse(&call.input).unwrap_or_default();
    let name = desk.cleaner.start(names(&call.name).0, 200);
    vec![Formed { name, tool: done.tool(form, &input, desk) }]
}

/// Whether the text of an error is shown by the tool's form already.
pub(super) fn shows_errors(tool: &Tool) -> bool {
    matches!(tool, Tool::Shell { .. } | Tool::Other { .. } | Tool::Agent { .. })
}

/// The tool's own name, and the server of an MCP tool.
fn names(name: &str) -> (&str, Option<&str>) {
    match name.strip_prefix("mcp__").and_then(|rest| rest.split_once("__")) {
        Some((server, tool)) => (tool, Some(server)),
        None => (name, None),
    }
}

impl Done<'_> {
    fn tool(&self, form: Form, input: &Obj<'_>, desk: &Desk<'_>) -> Tool {
        let clean = |names: &[&str]| desk.cleaner.start(&first(input, names).unwrap_or_default(), 4096);
        match form {
            Form::Shell => Tool::Shell {
                command: desk.long(&script(input)),
                description: first(input, &["description", "justification"])
                    .filter(|text| !text.trim().is_empty())
                    .map(|text| desk.cleaner.start(&text, 2000)),
                background: input.flag("run_in_background") || input.flag("is_background"),
                exit: self.exit().filter(|code| *code != 0),
                output: self.output(desk),
            },
            Form::Read => {
                let (from, text) = unnumbered(self.good_text());
                let asked = || input.number("offset").filter(|from| *from > 0);
                let from = from.or_else(asked).unwrap_or(1);
                Tool::Read { path: self.path(input, PATH, desk), from, content: desk.text(&text) }
            }
            Form::Write => {
                let (created, diff) = self.written(input);
                Tool::Write { path: self.path(input, PATH, desk), created, diff: diff::cleaned(diff, desk) }
            }
            Form::Edit => Tool::Edit {
                path: self.path(input, PATH, desk),
                diff: diff::cleaned(self.edited(input), desk),
            },
            Form::Find(verb) => self.find(verb, input, desk),
            Form::Search if first(input, QUERY).is_none() && input.text("url").is_some() => {
                Tool::Fetch { url: clean(&["url"]), asked: None, content: self.good_output(desk) }
            }
            Form::Fetch => Tool::Fetch {
                asked: first(input, &["prompt"])
                    .filter(|_| input.text("url").is_some())
                    .map(|asked| desk.cleaner.start(&asked, 4096)),
                url: clean(&["url", "prompt"]),
                content: self.good_output(desk),
            },
            Form::Search => {
                let (links, results) = found::pages(self.good_text(), desk);
                Tool::WebSearch { query: clean(QUERY), links, results }
            }
            Form::Todo => todo(input, desk),
            Form::Plan => {
                let plan = ["plan", "text"].iter().find_map(|name| input.says(name));
                Tool::Plan { text: desk.long(&plan.unwrap_or_default()) }
            }
            Form::Agent => Tool::Agent {
                description: clean(&["description", "agent_name", "name"]),
                kind: first(input, &["subagent_type", "agent_type"])
                    .map(|kind| desk.cleaner.start(&kind, 200)),
                prompt: desk.long(&first(input, BRIEF).unwrap_or_default()),
                report: self.output(desk),
                items: Vec::new(),
                tokens: None,
            },
            Form::Patch | Form::Other => self.other(input, desk),
        }
    }

    fn patched(&self, file: Patched<'_>, desk: &Desk<'_>) -> Formed {
        let from = self.relative(file.path, desk);
        let path = match file.to {
            Some(to) => desk.clean(&format!("{from} → {}", self.relative(to, desk))),
            None => from,
        };
        let diff = diff::cleaned(file.hunks.into_iter().map(diff::reduced).collect(), desk);
        let (name, tool) = match file.what {
            What::Add => ("apply_patch", Tool::Write { path, created: true, diff }),
            What::Update => ("apply_patch", Tool::Edit { path, diff }),
            What::Delete => {
                let object = Some(path);
                (
                    "Delete",
                    Tool::Other {
                        server: None,
                        object,
                        input: vec![],
                        output: Output::default(),
                        told: vec![],
                    },
                )
            }
        };
        Formed { name: desk.clean(name), tool }
    }

    /// The recorded hunks, else the old text compared with the new.
    fn edited(&self, input: &Obj<'_>) -> Vec<Raw> {
        if let Some(result) = self.result.filter(|result| !result.hunks.is_empty()) {
            return result.hunks.clone();
        }
        let edits = input.list("edits");
        let single = edits.is_empty().then(|| input.clone());
        let edits = edits.into_iter().filter_map(Obj::of).chain(single);
        let text = |edit: &Obj<'_>, names| first(edit, names).unwrap_or_default().into_owned();
        edits.flat_map(|edit| diff::compared(&text(&edit, OLD), &text(&edit, NEW))).collect()
    }

    fn written(&self, input: &Obj<'_>) -> (bool, Vec<Raw>) {
        let text = self.result.map(|result| result.text.to_ascii_lowercase()).unwrap_or_default();
        let created = text.contains("created") || text.contains("new file");
        let content = first(input, CONTENT).unwrap_or_default();
        let hunks = match self.result.filter(|result| !result.hunks.is_empty() && !created) {
            Some(result) => result.hunks.clone(),
            None => vec![Raw::all(Tag::Added, &content, created.then_some((1, 1)))],
        };
        (created, hunks)
    }

    fn find(&self, verb: &'static str, input: &Obj<'_>, desk: &Desk<'_>) -> Tool {
        let within = first(input, WITHIN).map(|path| self.relative(&path, desk));
        let pattern = first(input, PATTERN).map(|pattern| desk.cleaner.start(&pattern, 4096));
        // `LS` has nothing but a path.
        let (pattern, within) = match (pattern, within) {
            (None, Some(path)) => (path, None),
            (pattern, within) => (pattern.unwrap_or_default(), within),
        };
        let told = hits::of(verb, self.good_text());
        let Told { matches, files } = told;
        Tool::Find { verb, pattern, within, matches, files, hits: self.good_output(desk) }
    }

    fn other(&self, input: &Obj<'_>, desk: &Desk<'_>) -> Tool {
        let mut fields = given::all(input, desk);
        if input.0.is_empty() && !self.call.input.is_empty() && self.call.input != "{}" {
            fields.push((desk.clean("input"), desk.cleaner.start(&self.call.input, 16 << 10)));
        }
        let result = self.result.filter(|result| !result.declined);
        Tool::Other {
            server: names(&self.call.name).1.map(|server| desk.cleaner.start(server, 200)),
            object: given::subject(input, desk),
            input: fields,
            output: self.output(desk),
            told: result.map(|result| given::object(&result.text, desk)).unwrap_or_default(),
        }
    }

    fn path(&self, input: &Obj<'_>, names: &[&str], desk: &Desk<'_>) -> CleanText {
        self.relative(&first(input, names).unwrap_or_default(), desk)
    }

    /// `path` relative to the session's working folder, where it lies inside it.
    fn relative(&self, path: &str, desk: &Desk<'_>) -> CleanText {
        desk.cleaner.start(&paths::shown(path, self.root, self.root), 4096)
    }

    /// What came back, an error too.
    fn output(&self, desk: &Desk<'_>) -> Output {
        let result = self.result.filter(|result| !result.declined);
        result.map(|result| desk.text(&result.text)).unwrap_or_default()
    }

    /// What came back, if it is no error.
    fn good_output(&self, desk: &Desk<'_>) -> Output {
        desk.text(self.good_text())
    }

    fn good_text(&self) -> &str {
        let result = self.result.filter(|result| !result.failed && !result.declined);
        result.map_or("", |result| &result.text)
    }

    /// The exit code, as recorded or as a failed command's output tells.
    fn exit(&self) -> Option<i32> {
        let result = self.result?;
        result.exit.or_else(|| result.failed.then(|| told_exit(&result.text)).flatten())
    }
}

fn todo(input: &Obj<'_>, desk: &Desk<'_>) -> Tool {
    let list = TODOS.iter().map(|name| input.list(name)).find(|list| !list.is_empty()).unwrap_or_default();
    let item = |todo: Obj<'_>| TodoItem {
        text: desk.cleaner.start(&first(&todo, TODO).unwrap_or_default(), 2000),
        state: match todo.text("status").as_deref() {
            Some("completed" | "done") => TodoState::Done,
            Some("in_progress" | "doing" | "active") => TodoState::Doing,
            _ => TodoState::Later,
        },
    };
    let items = list.into_iter().take(200).filter_map(Obj::of).map(item).collect();
    Tool::Todo { items, change: None }
}
