//! Tests of Markdown as prose.

use proptest::prelude::*;

use super::*;
use crate::redact::Cleaner;

fn show(source: &str) -> String {
    markdown(&Cleaner::new().text(source)).into_string()
}

#[test]
fn blocks_and_spans_have_their_elements() {
    insta::assert_snapshot!(show(
        "# Title\n\nA *b* **c** ~~d~~ `e` and\na new line  \nhard\n\n> quote\n\n- one\n- two\n\n3. three\n\n---\n\n```rust\nlet x = 1 < 2;\n```\n\n| a | b |\n|:-:|--:|\n| 1 | 2 |\n\n- [x] done\n- [ ] later\n\nnote[^n]\n\n[^n]: the note\n"
    ));
}

#[test]
fn raw_html_is_text() {
    let html = show("<div onclick=\"x\">\n<b>hi</b>\n</div>\n\ntext <script>x</script>");
    assert!(html.contains("&lt;div onclick=&quot;x&quot;&gt;"), "{html}");
    assert!(!html.contains("<div") && !html.contains("<script"), "{html}");
}

#[test]
fn only_whitelisted_schemes_become_links() {
    for (source, linked) in [
        ("[a](https://example.org/x)", true),
        ("[a](HTTP://example.org/x)", true),
        ("[a](mailto:a@example.org)", true),
        ("<https://example.org>", true),
        ("[a](javascript:alert(1))", false),
        ("[a](data:text/html,x)", false),
        ("[a](file:///etc/passwd)", false),
        ("[a](src/main.rs)", false),
        ("[a](//example.org)", false),
        ("[a](#p1)", false),
        ("[a](<java\nscript:x>)", false),
    ] {
        let html = show(source);
        assert_eq!(html.contains("<a "), linked, "{source} gave {html}");
        assert!(html.contains('a'), "the text stays");
        if linked {
            assert!(html.contains("rel=\"nofollow noopener noreferrer\""), "{html}");
        }
    }
}

#[test]
fn bare_addresses_become_links_but_for_code_and_what_is_a_link() {
    let html = show("See https://example.org/a_b_c*d (or http://x.example).");
    assert!(
        html.contains("<a href=\"https://example.org/a_b_c*d\" rel=\"nofollow noopener noreferrer\">"),
        "{html}"
    );
    assert!(html.contains(">http://x.example</a>)."), "{html}");
    for source in ["`https://example.org`", "```\nhttps://example.org\n```"] {
        assert!(!show(source).contains("<a "), "{source}");
    }
    let html = show("[https://example.org/a b](https://example.org/)");
    assert_eq!(html.matches("<a ").count(), 1, "{html}");
}

#[test]
fn images_are_links_and_never_loaded() {
    let html = show("![a chart](https://example.org/c.png) ![](https://example.org/d.png) ![local](c.png)");
    assert!(!html.contains("<img"), "{html}");
    assert!(html.contains(">a chart</a>") && html.contains(">https://example.org/d.png</a>"), "{html}");
    assert!(html.contains("local") && !html.contains("c.png\">local"), "{html}");
}

#[test]
fn links_do_not_nest() {
    let html = show("[![badge](https://example.org/b.svg)](https://example.org/)");
    assert_eq!(html.matches("<a ").count(), 1, "{html}");
    assert_eq!(html.matches("</a>").count(), 1, "{html}");
}

#[test]
fn what_would_nest_without_end_is_shown_as_it_is() {
    for source in ["> ".repeat(20_000), "- ".repeat(20_000), "1. ".repeat(20_000), ">".repeat(20_000)] {
        let html = show(&source);
        assert!(html.starts_with("<p class=\"plain\">"), "{}", &html[..80]);
    }
}

#[test]
fn what_is_too_long_is_shown_as_it_is() {
    let source = "*a* ".repeat(MAX_SOURCE);
    let html = show(&source);
    assert!(html.starts_with("<p class=\"plain\">*a* *a*"));
}

#[test]
fn a_table_cannot_grow_beyond_its_room() {
    let columns = 1_000;
    let head = format!("{}|\n{}|\n", "|a".repeat(columns), "|-".repeat(columns));
    let source = head + &"|x|\n".repeat(20_000);
    let html = show(&source);
    assert!(html.len() <= source.len() * MAX_GROWTH + MIN_ROOM + 1_000, "{} of {}", html.len(), source.len());
}

#[test]
fn nesting_by_indentation_is_cut_at_a_depth() {
    let source: String = (0..300).map(|n| format!("{}- x\n", "  ".repeat(n))).collect();
    let html = show(&source);
    let depth = html.match_indices("<ul ").count();
    assert!((2..=MAX_DEPTH).contains(&depth), "{depth}");
    assert_eq!(html.matches('x').count(), 300, "no text is lost");
}

#[test]
fn a_thematic_break_and_a_long_rule_are_not_nesting() {
    assert_eq!(marks("---------------------------------------------------------------"), 0);
    assert_eq!(marks("> - 1. x"), 3);
    assert_eq!(marks("2024 was good"), 0);
}

proptest! {
    #[test]
    fn tags_are_closed_in_order_whatever_the_text(source in "[-a<>\\[\\]()!*_`~#|:\n 1.>\"'&^\\\\]{0,200}") {
        crate::render::tests::strict::check(&show(&source));
    }
}

#[test]
fn a_block_of_code_without_code_is_none() {
    assert_eq!(show("a\n\n```text\n\n```\n\nb"), "<p>a</p>\n<p>b</p>\n");
    assert_eq!(show("- ```\n  ```\n"), "<ul dir=\"auto\">\n<li></li>\n</ul>\n");
}
