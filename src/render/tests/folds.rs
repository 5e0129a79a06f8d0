//! What is long stands behind "n more lines", or on a page of its own.

use super::blocks::show;
use super::fixture::*;
use crate::session::model::*;

#[test]
fn long_output_folds_after_24_lines() {
    let text: String = (1..=76).map(|n| format!("{n}\n")).collect();
    let html = show(&[item(shell(1, "seq 76", &text))]);
    assert!(
        html.contains("<details class=\"more\"><summary>52 more lines</summary><pre class=\"out\">25\n"),
        "{html}"
    );
}

#[test]
fn diffs_and_values_fold_as_output_does_but_not_for_three_lines() {
    let lines = |n: usize, sign: &str| (0..n).map(|n| format!("{sign}{n}\n")).collect::<String>();
    let folded = |html: String| {
        let (_, rest) = html.split_once("<details class=\"more\"><summary>")?;
        Some((rest.split_once('<')?.0.to_owned(), html))
    };
    let edited = |n| folded(show(&[item(edit(1, "a", &[(Some((1, 1)), lines(n, "+").as_str())]))]));
    let (more, html) = edited(40).unwrap();
    assert_eq!((more.as_str(), html.matches("<tr").count()), ("16 more lines", 40));
    assert_eq!(html.split_once("<details class=\"more\">").unwrap().0.matches("<tr").count(), 24);
    assert!(edited(28).is_some() && edited(27).is_none());
    let failed = |n: usize| {
        let step = edit(1, "a", &[(Some((1, 1)), "-a\n+b")]);
        folded(show(&[item(Step { outcome: Outcome::Failed(clean(&lines(n, ""))), ..step })]))
    };
    assert_eq!(failed(40).unwrap().0, "16 more lines", "what an edit failed of");
    assert!(failed(27).is_none());
    let printed = |n| folded(show(&[item(shell(1, "seq", &lines(n, "")))]));
    assert!(printed(28).is_some() && printed(27).is_none());
    let given = |n| {
        let input = vec![(clean("q"), clean(&lines(n, "")))];
        let tool = Tool::Other { server: None, object: None, input, output: output("x"), told: Vec::new() };
        folded(show(&[item(step(1, StepKind::Other, "Probe", tool))]))
    };
    assert_eq!(given(40).unwrap().0, "16 more lines");
    assert!(given(28).is_some() && given(27).is_none());
}

#[test]
fn cut_output_links_to_the_page_of_its_step() {
    let mut cut = shell(12, "yes", "y\ny\n");
    if let Tool::Shell { output, .. } = &mut cut.tool {
        output.bytes = 4_000;
        output.lines = 2_000;
    }
    let html = show(&[item(cut)]);
    assert!(html.contains("<a href=\"s12\">1,998 more lines, on their own page</a>"), "{html}");
}
