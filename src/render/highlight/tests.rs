use super::*;

/// An engine that does as it is told.
struct Scripted(fn() -> Vec<Inks>);

impl Grammars for Scripted {
    fn named(&self, name: &str) -> Option<String> {
        Some(name.to_owned())
    }

    fn of_path(&self, path: &str) -> Option<String> {
        Some(path.to_owned())
    }

    fn inks(&self, _: &str, _: &str, _: u64) -> Vec<Inks> {
        (self.0)()
    }
}

fn show(language: &str, text: &str) -> String {
    let language = Language::named(language).unwrap_or_else(|| panic!("{language} is not known"));
    joined(&lines(Some(&language), text))
}

fn joined(lines: &[Html]) -> String {
    lines.iter().map(Html::as_str).collect::<Vec<_>>().join("\n")
}

/// What is left when the spans are taken away, unescaped.
fn stripped(html: &str) -> String {
    let mut text = html.replace("</span>", "");
    for class in ["c", "q", "k"] {
        text = text.replace(&format!("<span class=\"{class}\">"), "");
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

#[test]
fn comments_strings_and_words_of_the_language_have_an_ink() {
    insta::assert_snapshot!(show(
        "rust",
        "/// Says <so>.\npub fn say() -> &'static str {\n    \"so\" // now\n}"
    ));
    insta::assert_snapshot!(show("python", "def f(x):\n    '''Doc\n    goes on'''\n    return not x  # why"));
    insta::assert_snapshot!(show("bash", "for f in *.rs; do echo \"$f\"; done # all"));
}

#[test]
fn a_language_is_known_by_its_fence_and_by_its_file() {
    for (name, path) in [
        ("rs", "src/main.rs"),
        ("js", "a.js"),
        ("tsx", "a/b.tsx"),
        ("python", "x.py"),
        ("go", "cmd/x.go"),
        ("sh", "run.sh"),
        ("json", "package.json"),
        ("yaml", ".github/ci.yml"),
        ("toml", "Cargo.toml"),
        ("html", "index.html"),
        ("css", "a.css"),
        ("sql", "up.sql"),
        ("java", "A.java"),
        ("c", "a.c"),
        ("cpp", "a.cpp"),
        ("ruby", "a.rb"),
        ("php", "a.php"),
        ("swift", "a.swift"),
        ("kotlin", "a.kt"),
        ("dockerfile", "Dockerfile"),
        ("lua", "rc.lua"),
    ] {
        assert!(Language::named(name).is_some(), "fence {name}");
        assert_eq!(Language::of_path(path), Language::named(name), "{path}");
    }
    assert_eq!(Language::named("rust,no_run"), Language::named("rust"));
    for nobody in ["", "nosuchlanguage", "text", "markdown"] {
        assert_eq!(Language::named(nobody), None, "{nobody:?}");
    }
    assert_eq!(Language::of_path("README.md"), None);
    assert_eq!(Language::of_path("/"), None);
}

#[test]
fn an_engine_that_panics_or_talks_nonsense_costs_the_colours_only() {
    let code = "let é = 1;\nlet b = 2;";
    let language = Language("any".to_owned());
    let plain = |engine: fn() -> Vec<Inks>| joined(&drawn(&Scripted(engine), &language, code, |_| true));
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let after_panic = plain(|| panic!("on purpose"));
    std::panic::set_hook(hook);
    assert_eq!(after_panic, code);
    assert_eq!(plain(Vec::new), code);
    // Ranges inside a character, out of order, and beyond the line.
    assert_eq!(plain(|| vec![vec![(5..6, Ink::Quoted), (0..99, Ink::Comment)]]), code);
    let turned = plain(|| vec![vec![(7..8, Ink::Keyword), (0..3, Ink::Comment)]]);
    assert_eq!(stripped(&turned), code);
}

#[test]
fn what_is_too_much_is_plain_from_there_on() {
    let many = "let x = \"y\"; // z\n".repeat(8_000);
    let shown = show("rust", &many);
    assert_eq!(stripped(&shown), many);
    let (first, last) = (shown.lines().next().unwrap(), shown.lines().last().unwrap());
    assert!(first.contains("<span") && !last.contains("<span"), "{first} … {last}");
    let steps = engine::BUNDLED.inks("rust", "let x = 1;\nlet y = 2;\nlet z = 3;", 4);
    assert!(steps.len() < 3, "{steps:?}");
}

#[test]
fn nothing_a_stranger_writes_is_lost_or_hangs() {
    let nasty = [
        "\"".repeat(5_000),
        "(".repeat(5_000),
        "/*".repeat(3_000),
        "`${".repeat(3_000),
        "<a ".repeat(3_000),
        "\\\"'\n".repeat(2_000),
        "<script>alert(1)</script>\n".repeat(50),
        "a".repeat(100_000),
    ];
    for language in ["rust", "typescript", "python", "html", "bash", "json", "php", "css"] {
        for text in &nasty {
            assert_eq!(stripped(&show(language, text)), *text, "{language}");
        }
    }
}

#[test]
fn when_time_is_up_code_is_plain() {
    let asked = std::rc::Rc::new(std::cell::Cell::new(0));
    let counting = asked.clone();
    let is_time = move || {
        counting.set(counting.get() + 1);
        counting.get() < 4
    };
    let shown = while_there_is_time(is_time, || show("c", &"f((((((((x));\n".repeat(50)));
    assert!(asked.get() >= 4 && shown.lines().last().is_some_and(|line| !line.contains("<span")), "{shown}");
    let nobody = while_there_is_time(|| false, || show("rust", "let x = 1;"));
    assert_eq!(nobody, "let x = 1;");
    assert_ne!(show("rust", "let x = 1;"), nobody, "the next page has time of its own");
}

#[test]
fn endless_nesting_is_left_alone() {
    let steps = engine::BUNDLED.inks("c", &format!("{}\n", "(".repeat(900)).repeat(60), STEPS);
    assert!(steps.len() < 60, "{} lines", steps.len());
}

#[test]
fn beside_changed_lines_only_comments_are_muted() {
    let rust = Language::named("rust").unwrap();
    assert_eq!(
        joined(&muted(&rust, "let x = \"y\"; // z")),
        "let x = &quot;y&quot;; <span class=\"c\">// z</span>"
    );
}
