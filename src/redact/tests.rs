//! Secrets are built from parts: a literal in this file would stop the commit at every scanner.

use proptest::prelude::*;

use super::Cleaner;
use super::rules::MASK;

/// A run of letters and digits, long enough for every rule, the same every time.
fn noise(len: usize) -> String {
    "a1B2c3D4e5F6g7H8i9J0".chars().cycle().take(len).collect()
}

fn upper(len: usize) -> String {
    noise(len).to_uppercase()
}

/// Prefix and body: the body must disappear.
fn tokens() -> Vec<(String, String)> {
    let token = |prefix: &[&str], body: String| (prefix.concat(), body);
    vec![
        token(&["sk-", "ant-"], format!("api03-{}", noise(80))),
        token(&["sk-", "proj-"], noise(48)),
        token(&["sk", "-"], noise(48)),
        token(&["gh", "p_"], noise(36)),
        token(&["gh", "s_"], noise(36)),
        token(&["github", "_pat_"], format!("{}_{}", noise(22), noise(59))),
        token(&["gl", "pat-"], noise(20)),
        token(&["AK", "IA"], upper(16)),
        token(&["AS", "IA"], upper(16)),
        token(&["AI", "za"], noise(35)),
        token(&["xo", "xb-"], format!("{}-{}", "1234567890", noise(24))),
        token(&["np", "m_"], noise(36)),
        token(&["pypi", "-AgE"], noise(60)),
        token(&["hf", "_"], noise(34)),
        token(&["sk_", "live_"], noise(24)),
        token(&["SG", "."], format!("{}.{}", noise(22), noise(43))),
        token(&["hv", "s."], noise(30)),
        token(&["ts", "key-"], format!("auth-{}", noise(24))),
        token(&["AGE-SECRET", "-KEY-1"], upper(58)),
        token(&["gl", "ptt-"], noise(40)),
        token(&["xo", "xd-"], format!("{}%2B{}", noise(30), noise(20))),
        token(&["discord", ".com/api/webhooks/"], format!("{}/{}-_{}", "1234567890", noise(30), noise(30))),
        token(&["discord", "app.com/api/webhooks/"], format!("{}/{}", "1234567890", noise(60))),
        token(&["wh", "sec_"], format!("{}+/{}=", noise(20), noise(20))),
        token(&["AT", "ATT3x"], noise(180)),
        token(&["lin_", "oauth_"], noise(64)),
        token(&["op", "s_eyJ"], noise(80)),
        token(&["shp", "pa_"], noise(32)),
        token(&["DefaultEndpointsProtocol=https;Account", "Key="], format!("{}==", noise(86))),
        token(&["Shared", "AccessKey="], format!("{}=", noise(43))),
        token(&["https://a.blob.example/c?sv=1&s", "ig="], format!("{}%3D", noise(43))),
        token(&["aws_secret_", "access_key = "], format!("{}/+{}", noise(20), noise(18))),
        token(&["AWS_SECRET_", "ACCESS_KEY="], noise(40)),
        token(&["\"Secret", "AccessKey\": \""], noise(40)),
    ]
}

fn jwt() -> String {
    let part = |n| format!("ey{}{}", "J", noise(n));
    format!("{}.{}.{}", part(20), part(40), noise(43))
}

fn clean(text: &str) -> String {
    Cleaner::new().text(text).as_str().to_owned()
}

#[test]
fn tokens_with_a_vendors_prefix_are_masked_wherever_they_stand() {
    let around = [
        ("", ""),
        ("export KEY=", "\n"),
        ("{\"key\": \"", "\"}"),
        ("\\n", "\\n"),
        ("\u{1b}[32m", "\u{1b}[0m"),
        ("url?token%3D", "&x=1"),
        ("«", "»"),
        ("   12→", ""),
    ];
    for (prefix, body) in tokens() {
        for (before, after) in around {
            let text = format!("{before}{prefix}{body}{after}");
            let seen = clean(&text);
            assert!(!seen.contains(&body), "{before:?} … {after:?} lets {prefix} through");
            assert!(seen.starts_with(before) && seen.ends_with(after), "{seen}");
        }
    }
}

#[test]
fn json_web_tokens_are_masked() {
    let token = jwt();
    let seen = clean(&format!("cookie={token}; path=/"));
    assert_eq!(seen, format!("cookie=ey{}{MASK}; path=/", "J"));
}

#[test]
fn the_value_of_an_authorization_header_is_masked_and_its_scheme_stays() {
    let secret = noise(24);
    for (text, wanted) in [
        (format!("Authorization: Bearer {secret}"), format!("Authorization: Bearer {MASK}")),
        (format!("authorization: Basic {secret}=="), format!("authorization: Basic {MASK}")),
        (format!("-H 'Authorization: token {secret}'"), format!("-H 'Authorization: token {MASK}'")),
        (format!("\"Authorization\": \"Bearer {secret}\""), format!("\"Authorization\": \"Bearer {MASK}\"")),
        (
            format!("\\\"Authorization\\\": \\\"{secret}\\\""),
            format!("\\\"Authorization\\\": \\\"{MASK}\\\""),
        ),
        (format!("x-api-key: {secret}"), format!("x-api-key: {MASK}")),
        (
            format!("Authorization: Token token=\"{secret}\", id=1\nnext"),
            format!("Authorization: Token {MASK}\nnext"),
        ),
        (format!("Authorization: Bearer 12|{secret}"), format!("Authorization: Bearer {MASK}")),
        (format!("send Bearer 12|{secret} along"), format!("send Bearer {MASK} along")),
        (
            format!("-H 'Authorization: Digest username=\"me\", response=\"{secret}\"' url"),
            format!("-H 'Authorization: Digest {MASK}' url"),
        ),
        (
            format!("{{\"Authorization\": \"OAuth a=\\\"{secret}\\\", b=1\", \"c\": 2}}"),
            format!("{{\"Authorization\": \"OAuth {MASK}\", \"c\": 2}}"),
        ),
        (format!("Authorization: MyScheme {secret} rest"), format!("Authorization: MyScheme {MASK} rest")),
        (format!("\"Authorization\":\t\"Basic {secret}\""), format!("\"Authorization\":\t\"Basic {MASK}\"")),
        (
            format!("{{\"name\":\"Authorization\",\"value\":\"Basic {secret}\"}}"),
            format!("{{\"name\":\"Authorization\",\"value\":\"Basic {MASK}\"}}"),
        ),
        (
            format!("[\"Authorization\", \"Basic {secret}\"]"),
            format!("[\"Authorization\", \"Basic {MASK}\"]"),
        ),
        (
            format!("headers[\"Authorization\"] = \"Basic {secret}\""),
            format!("headers[\"Authorization\"] = \"Basic {MASK}\""),
        ),
        (
            format!("Header.Set('Authorization', 'token {secret}')"),
            format!("Header.Set('Authorization', 'token {MASK}')"),
        ),
        (format!("send Bearer {secret} along"), format!("send Bearer {MASK} along")),
    ] {
        assert_eq!(clean(&text), wanted);
    }
}

#[test]
fn the_password_in_a_url_is_masked() {
    let word = ["hun", "ter2"].concat();
    for (text, wanted) in [
        (format!("postgres://me:{word}@db.example/x"), format!("postgres://me:{MASK}@db.example/x")),
        (format!("redis://:{word}@localhost"), format!("redis://:{MASK}@localhost")),
        (format!("\"http:\\/\\/me:{word}@host\\/\""), format!("\"http:\\/\\/me:{MASK}@host\\/\"")),
        (format!("https://me:{word}@{word}@host"), format!("https://me:{MASK}@host")),
        (format!("postgres://me:{word}/{word}@db/x"), format!("postgres://me:{MASK}@db/x")),
    ] {
        assert_eq!(clean(&text), wanted);
    }
    for text in [
        "http://localhost:5173/@vite/client",
        "http://[::1]:5173/@vite/client",
        "http://localhost:$PORT/@scope/name",
        "ssh://git@host:org/repo@v1",
        "https://host/@name:tag/x@2",
    ] {
        assert_eq!(clean(text), text);
    }
}

#[test]
fn a_private_key_that_is_cut_off_is_masked_whatever_stands_around_its_lines() {
    let line = noise(64);
    let (_, begin, _) = key_block("");
    for (before, after) in
        [("certs/k.pem:3:", ""), ("", "$"), ("   │ 3 │ ", ""), ("'", "\\n' +"), ("\u{1b}[32m", "\u{1b}[0m")]
    {
        let dressed = format!("{before}{line}{after}\n");
        let cut = format!("{before}{begin}{after}\n{dressed}{dressed}done here\n");
        let seen = clean(&cut);
        assert!(!seen.contains(&line[..40]), "{before}: {seen}");
        assert!(seen.ends_with("done here\n") && seen.lines().count() == 4, "{before}: {seen}");
    }
    let folded = format!("key: {begin} {line} {line} done");
    assert_eq!(clean(&folded), format!("key: {begin}{MASK} done"));
}

#[test]
fn the_private_lines_of_a_key_of_putty_are_masked_and_the_public_ones_stay() {
    let line = noise(64);
    let key = |private: &str| {
        format!(
            "Public-Lines: 1\npublic\nPrivate-Lines: 2\n{private}\nPrivate-MAC: {}\nall done\n",
            noise(64)
        )
    };
    let seen = clean(&key(&format!("{line}\n{}", &line[..40])));
    assert!(!seen.contains(&line[..20]), "{seen}");
    assert!(
        seen.starts_with("Public-Lines: 1\npublic\nPrivate-Lines: 2\n") && seen.ends_with("\nall done\n"),
        "{seen}"
    );
    assert_eq!(clean("Private-Lines: none"), "Private-Lines: none");
}

#[test]
fn the_end_of_a_private_key_is_masked_without_its_beginning() {
    let line = noise(64);
    let (_, _, end) = key_block("");
    let cut = format!("$ tail -4 k.pem\n{line}\n{line}\nab==\n{end}\ndone\n");
    assert_eq!(clean(&cut), format!("$ tail -4 k.pem\n{MASK}\n{MASK}\n{MASK}\n{end}\ndone\n"));
    let numbered = format!("  11→fn main() {{\n  12→{line}\n  13→{end}");
    assert_eq!(clean(&numbered), format!("  11→fn main() {{\n{MASK}\n  13→{end}"));
    let spelled = format!("\"{line}\\n{line}\\n{end}\"");
    assert_eq!(clean(&spelled), format!("\"{MASK}{end}\""));
    let alone = format!("the line {end} ends a key");
    assert_eq!(clean(&alone), alone);
}

#[test]
fn what_a_terminal_coloured_inside_a_token_is_masked() {
    let secret = noise(36);
    let token = ["gh", "p_"].concat();
    let (prefix, rest) = token.split_at(2);
    let coloured = format!("one\u{1b}[0m\n{prefix}\u{1b}[01;31m{rest}\u{1b}[m{secret}\nthree");
    assert_eq!(clean(&coloured), format!("one\n{token}{MASK}\nthree"));
    let kept = format!("\u{1b}[32mfine\u{1b}[0m {token}{secret}");
    assert_eq!(clean(&kept), format!("\u{1b}[32mfine\u{1b}[0m {token}{MASK}"));
}

#[test]
fn the_value_of_a_field_that_is_named_as_a_credential_is_masked() {
    let cleaner = Cleaner::new();
    let value = format!("Basic {}", noise(24));
    let shown = |name: &str| cleaner.field(name, &value, 100).to_string();
    assert_eq!(shown("authorization"), format!("Basic {MASK}"));
    assert_eq!(shown("description"), value);
}

fn key_block(body: &str) -> (String, String, String) {
    let begin = ["-----BEGIN", " RSA PRIVATE", " KEY-----"].concat();
    let end = ["-----END", " RSA PRIVATE", " KEY-----"].concat();
    (format!("{begin}\n{body}\n{end}"), begin, end)
}

#[test]
fn a_private_key_is_masked_line_by_line_so_that_lines_are_still_counted() {
    let line = noise(64);
    let (block, begin, end) = key_block(&format!("{line}\n{line}"));
    assert_eq!(clean(&format!("a\n{block}\nb")), format!("a\n{begin}\n{MASK}\n{MASK}\n{end}\nb"));
}

#[test]
fn a_private_key_without_an_end_is_masked_as_far_as_it_looks_like_one() {
    let line = noise(64);
    let (block, ..) = key_block(&format!("{line}\n{line}"));
    let torn = block.rsplit_once('\n').unwrap().0;
    for text in [torn.to_owned(), torn.replace('\n', "\n    12→"), torn.replace('\n', "\n+")] {
        let seen = clean(&format!("{text}\nplain words follow"));
        assert!(!seen.contains(&line), "{seen}");
        assert!(seen.ends_with("\nplain words follow"));
    }
}

#[test]
fn a_secret_at_the_end_of_a_very_long_word_is_masked() {
    let secret = noise(24);
    for (text, wanted) in [
        (
            format!("x-api-key=authorization=bearer {secret}"),
            format!("x-api-key=authorization=bearer {MASK}"),
        ),
        (
            format!("{}\nauthorization: {secret}", "authorization=".repeat(50)),
            format!("{}\nauthorization: {MASK}", "authorization=".repeat(50)),
        ),
        (
            format!("SG.SG.{} SG.{}.{}", "a.".repeat(99), noise(22), noise(43)),
            format!("SG.SG.{} SG.{MASK}", "a.".repeat(99)),
        ),
    ] {
        assert_eq!(clean(&text), wanted);
    }
}

#[test]
fn what_only_resembles_a_secret_stays() {
    let marker = ["-----BEGIN", " PRIVATE", " KEY-----"].concat();
    for text in [
        "the task-list and risk-management-of-large-projects1",
        "class=\"sk-cube-grid-animation-and-more-1\"",
        "authorization: getAuthorizationHeader2020x(request)",
        "Authorization: Bearer <token>",
        "http://localhost:8080/a@b",
        "see https://example.com/x:y@z",
        "AKIA is a prefix",
        "eyJ is how they begin",
        "git@github.com:owner/repo.git",
        "postgres://${DB_USER}:${DB_PASS}@localhost/x and http://me:$PASS@host",
        &format!("if line == \"{marker}\" {{\n    return true;\n}}\n"),
    ] {
        assert_eq!(clean(text), text);
    }
}

#[test]
fn a_secret_torn_by_the_cut_is_masked_before_it_is_cut() {
    let secret = format!("gh{}{}", "p_", noise(36));
    let text = format!("{} {secret} {}", "x".repeat(90), "y ".repeat(100_000));
    for max in 80..140 {
        let seen = Cleaner::new().start(&text, max);
        assert!(seen.as_str().len() <= max);
        assert!(!seen.as_str().contains("a1B2"), "{max}: {seen}");
    }
}

#[test]
fn text_shortened_by_masks_does_not_show_a_secret_torn_far_behind_the_cut() {
    let (block, ..) = key_block(vec![noise(64); 800].join("\n").as_str());
    let secret = format!("gh{}{}", "p_", noise(36));
    for shift in 0..60 {
        let text = format!("{block}\n{}{secret} {}", "z ".repeat(13_000 + shift), "tail ".repeat(50_000));
        let seen = Cleaner::new().start(&text, 60_000);
        assert!(!seen.as_str().contains("a1B2"));
    }
}

#[test]
fn lines_are_cleaned_together_and_stay_as_many() {
    let line = noise(64);
    let (block, begin, end) = key_block(&line);
    let lines = Cleaner::new().lines(block.lines());
    let lines: Vec<_> = lines.iter().map(|line| line.as_str()).collect();
    assert_eq!(lines, [&*begin, MASK, &*end]);
    assert_eq!(Cleaner::new().lines(["", "a", ""]).len(), 3);
}

#[test]
fn a_headline_is_cut_at_a_word() {
    let cleaner = Cleaner::new();
    assert_eq!(cleaner.headline("  add a flag\n", 240).as_str(), "add a flag");
    assert_eq!(cleaner.headline("one two three four", 12).as_str(), "one two…");
    assert_eq!(cleaner.headline(&"ä".repeat(50), 10).as_str(), format!("{}…", "ä".repeat(9)));
}

#[test]
fn repeated_anchors_cost_linear_time() {
    // Would take minutes if it were quadratic.
    let (_, begin, end) = key_block("");
    for part in [
        "eyJ",
        "sk-",
        "://",
        "://a:",
        "Authorization: ",
        "xoxb-",
        "AKIA",
        "bearer ",
        // Such as make one word of it all.
        "SG.",
        "XOXB-",
        "GITHUB_PAT_",
        "authorization=",
        "x-api-key=Authorization=",
        "authorization=bearer",
        "eyJa.eyJ",
        &begin,
        &format!("{begin}\n"),
        &end,
        &format!("a{end}\n"),
        "authorization: a ",
        "authorization: digest ",
        "authorization: digest a",
        "authorization\",\"",
        "\u{1b}[1m",
        "\u{1b}[1;",
        ":AA",
        "key-",
    ] {
        let text = part.repeat(4_000_000 / part.len());
        assert!(!clean(&text).is_empty());
    }
}

proptest! {
    #[test]
    fn no_secret_survives_whatever_surrounds_it(
        before in ".{0,40}", after in ".{0,40}", which in 0..tokens().len(),
    ) {
        let (prefix, body) = tokens().swap_remove(which);
        let seen = clean(&format!("{before} {prefix}{body} {after}"));
        prop_assert!(!seen.contains(&body));
    }

    #[test]
    fn cleaning_never_changes_the_number_of_lines(text in "(?s).{0,200}") {
        prop_assert_eq!(clean(&text).split('\n').count(), text.split('\n').count());
    }
}
