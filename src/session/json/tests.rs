//! Reading what strangers wrote.

use fearless_simd::{Level, dispatch};

use super::*;

#[test]
fn a_lone_surrogate_becomes_a_replacement_and_a_pair_stays() {
    let line = br#"{"a":"\ud83d\ude00 \ud83d x \\ud83d"}"#;
    assert_eq!(repaired(line), r#"{"a":"\ud83d\ude00 \ufffd x \\ud83d"}"#);
}

#[test]
fn repairing_keeps_every_offset() {
    let line = b"{\"a\":\"\xff\x00\xe2\x82\"}";
    let mended = repaired(line);
    assert_eq!(mended.len(), line.len());
    assert!(Obj::parse(&mended).is_some());
}

#[test]
fn a_field_of_another_type_is_an_absent_field() {
    let obj = Obj::parse(r#"{"a":[1],"b":"x","b":"y","c":{"d":7}}"#).unwrap();
    assert_eq!(obj.text("a"), None);
    assert_eq!(obj.text("b").as_deref(), Some("y"));
    assert_eq!(obj.obj("c").and_then(|c| c.number("d")), Some(7));
}

#[test]
fn a_depth_bomb_is_skipped_without_stack() {
    let bomb = format!("{{\"x\":{}{},\"type\":\"user\"}}", "[".repeat(300_000), "]".repeat(300_000));
    let obj = Obj::parse(&bomb).unwrap();
    assert_eq!(obj.text("type").as_deref(), Some("user"));
}

/// Where `serde_json` says that the first value of `text` ends.
fn end(text: &str) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(values.byte_offset())
}

/// What this processor has, and what each of its kind has.
const LEVELS: [fn() -> Level; 2] = [Level::new, Level::baseline];

#[test]
fn a_control_character_is_found_wherever_it_stands() {
    for len in [0, 1, 15, 16, 63, 64, 65, 127, 128, 200] {
        for at in 0..=len {
            let mut bytes = vec![b' '; len];
            let has = bytes.get_mut(at).map(|byte| *byte = 0x1f).is_some();
            assert_eq!(scan::by_steps::has_control(&bytes), has, "{at} of {len}");
            for level in LEVELS.map(|level| level()) {
                let found = dispatch!(level, simd => scan::by_blocks::has_control(simd, &bytes));
                assert_eq!(found, has, "{level:?}: {at} of {len}");
            }
        }
    }
}

/// Where we say so: by either way to look for it.
fn read_end(text: &str) -> Option<usize> {
    let mut reader = Reader::new(text);
    let end = reader.raw().map(|_| reader.at());
    let bytes = text.as_bytes();
    let at = text.find(|c| c != ' ').unwrap_or_default();
    match bytes.get(at) {
        Some(b'"') => {
            let first = memchr::memchr2(b'"', b'\\', &bytes[at + 1..]);
            let whole = (bytes.len() - at - 1) / 16 * 16;
            assert_eq!(scan::near(&bytes[at + 1..]), first.filter(|first| *first < whole.min(48)), "{text}");
            let end = end.map(|end| end - 1);
            assert_eq!(scan::by_steps::string_end(bytes, at + 1), end, "{text}");
            for level in LEVELS.map(|level| level()) {
                let by_blocks = dispatch!(level, simd => scan::by_blocks::string_end(simd, bytes, at + 1));
                assert_eq!(by_blocks, end, "{level:?}: {text}");
            }
        }
        Some(b'{' | b'[') if end.is_some_and(|end| self::end(text) == Some(end)) => {
            assert_eq!(scan::by_steps::container_end(bytes, at), end, "{text}");
            for level in LEVELS.map(|level| level()) {
                let by_blocks = dispatch!(level, simd => scan::by_blocks::container_end(simd, bytes, at));
                assert_eq!(by_blocks, end, "{level:?}: {text}");
            }
        }
        _ => {}
    }
    end
}

#[test]
fn a_value_ends_where_it_ends_wherever_blocks_of_64_bytes_begin() {
    let tricky = [
        r#""""#,
        r#""\\""#,
        r#""\\\\\\""#,
        r#""\"""#,
        r#"{"a":"}]\"[{","b":[[],{}],"c\\":{"d":"\\\""}}"#,
        r#"[1,-2.5e7,true,false,null,"é\u00e9"]"#,
        "{}",
        "[[[[]]]]",
        "17",
        "null",
    ];
    for value in tricky {
        for shift in 0..70 {
            // The first run puts the value anywhere in a block, the second stretches it over several.
            for text in
                [format!("{}{value} ,", " ".repeat(shift)), format!("[\"{}\",{value}]", "\\\\".repeat(shift))]
            {
                assert_eq!(read_end(&text), end(&text), "{text}");
            }
        }
    }
}

#[test]
fn what_does_not_end_is_no_value() {
    let whole = r#"{"a":"x\"y","b":[1,{"c":"\\"}],"d":null}"#;
    for cut in 0..whole.len() {
        assert_eq!(read_end(&whole[..cut]), None, "{}", &whole[..cut]);
    }
    for broken in ["nul", "tru e", "]", "}", ",", "[1}x", "-x", "'a'", "\u{feff}1", ""] {
        assert!(Obj::parse(&format!("{{\"k\":{broken}}}")).is_none(), "{broken}");
    }
}

#[test]
fn keys_commas_and_colons_are_looked_at_where_a_level_is_read() {
    for broken in
        [r#"{"a" 1}"#, r#"{"a":1 "b":2}"#, r#"{"a":1,}"#, "{a:1}", r#"{"a":1}}"#, r#"{,"a":1}"#, "[1]"]
    {
        assert!(Obj::parse(broken).is_none(), "{broken}");
    }
    assert_eq!(Obj::parse(" { \"a\" : 1 , \"b\\u0062\" : [ ] } ").unwrap().number("a"), Some(1));
    assert!(Obj::parse(r#"{"b\u0062":[]}"#).unwrap().raw("bb").is_some());
}

#[test]
fn a_control_character_in_a_string_is_found_and_one_between_values_is_none() {
    assert!(is_sound("{\"a\":\t1}\r"));
    assert!(!is_sound("{\"a\":\"\t\"}"));
    assert!(!is_sound("{\"a\":\"\u{0}\"}"));
}

proptest::proptest! {
    /// Any text of the characters that matter: where it is JSON, both readers agree.
    #[test]
    fn json_is_read_as_others_read_it(text in "[\\[\\]{}\"\\\\:, 1ax]{0,200}", pad in 0usize..70) {
        let text = format!("{}{text}", " ".repeat(pad));
        // A number ends for them at any byte that is none of its own, for us at one that may follow.
        let ended = |end: usize| text[end..].starts_with([',', ']', '}', ' ']) || end == text.len();
        if let Some(end) = end(&text).filter(|end| ended(*end)) {
            proptest::prop_assert_eq!(read_end(&text), Some(end));
        }
    }

    #[test]
    fn a_document_of_any_shape_is_read_as_others_read_it(value in document(), pad in 0usize..70) {
        let text = format!("{}{value}tail", " ".repeat(pad));
        proptest::prop_assert_eq!(read_end(&text), end(&text));
        if let serde_json::Value::Object(map) = &value {
            let read = Obj::parse(text.strip_suffix("tail").unwrap()).unwrap();
            proptest::prop_assert_eq!(read.0.len(), map.len());
            for (key, raw) in read.0 {
                let parsed: serde_json::Value = serde_json::from_str(raw.get()).unwrap();
                proptest::prop_assert_eq!(Some(&parsed), map.get(&*key));
            }
        }
    }
}

fn document() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|x| json!(f64::from(x) / 4.0)),
        "[\\\\\"{}\\[\\]é\u{0}-\u{1f}a-z]{0,90}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::hash_map("[\\\\\"a-z]{0,12}", inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
