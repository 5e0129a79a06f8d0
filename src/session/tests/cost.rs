//! What a session cost, from its records.

use serde_json::{Value, json};

use super::{lines, record};

/// A reply of one message with these tokens.
fn used(no: u32, model: &str, usage: Value) -> String {
    let text = json!([{ "type": "text", "text": format!("reply {no}") }]);
    let mut record: Value = serde_json::from_str(&record::model(no, model, text)).unwrap();
    record["message"]["id"] = json!(format!("only{no}"));
    record["message"]["usage"] = usage;
    record.to_string()
}

fn cost(records: &[String]) -> Option<f64> {
    lines(records).overview().cost.dollars()
}

#[test]
fn each_message_costs_once_what_its_model_costs_and_one_without_a_price_leaves_no_sum() {
    let opus = used(2, "claude-opus-4-5-20251101", json!({ "input_tokens": 1_000, "output_tokens": 10_000 }));
    let kept = json!({ "input_tokens": 0, "output_tokens": 0, "cache_creation_input_tokens": 3_000,
        "cache_creation": { "ephemeral_5m_input_tokens": 1_000, "ephemeral_1h_input_tokens": 2_000 },
        "speed": "standard", "service_tier": "standard" });
    let haiku = used(4, "claude-haiku-4-5-20251001", kept);
    let go = record::user(0, json!("go"));
    let both = [go.clone(), opus.clone(), opus.clone(), haiku];
    assert_eq!(cost(&both), Some(0.005 + 0.25 + 0.001_25 + 0.004), "told twice, it counts once");

    let fast = json!({ "input_tokens": 10, "output_tokens": 10, "speed": "fast" });
    for unpriced in [used(6, "claude-opus-4-5", fast), used(6, "somebody's", json!({ "output_tokens": 1 }))] {
        let records = [go.clone(), opus.clone(), unpriced];
        assert_eq!(cost(&records), None, "{}", records[2]);
    }
    let synthetic = used(6, "<synthetic>", json!({ "input_tokens": 0, "output_tokens": 0 }));
    assert_eq!(cost(&[go.clone(), opus, synthetic]), Some(0.255), "it used nothing");
    assert_eq!(cost(&[go]), None, "nothing was used");
}

#[test]
fn the_sum_of_a_codex_session_has_a_price_while_one_model_answers() {
    let line = |no: u32, kind: &str, payload: Value| {
        json!({ "timestamp": format!("2026-01-05T10:00:{no:02}.000Z"), "type": kind, "payload": payload })
            .to_string()
    };
    let message = |no: u32, role: &str, kind: &str, text: &str| {
        let content = json!([{ "type": kind, "text": text }]);
        line(no, "response_item", json!({ "type": "message", "role": role, "content": content }))
    };
    let total = |no: u32, output: u32| {
        let usage = json!({ "input_tokens": 10_000, "cached_input_tokens": 8_000, "output_tokens": output });
        line(no, "event_msg", json!({ "type": "token_count", "info": { "total_token_usage": usage } }))
    };
    let meta = json!({ "id": "0199", "timestamp": "2026-01-05T10:00:00.000Z", "cwd": "/home/ada/tally",
        "originator": "codex_cli_rs", "cli_version": "0.80.0" });
    let mut records = vec![
        line(0, "session_meta", meta),
        line(1, "turn_context", json!({ "cwd": "/home/ada/tally", "model": "gpt-5.1-codex" })),
        message(2, "user", "input_text", "go"),
        message(3, "assistant", "output_text", "done"),
        total(4, 500),
        total(5, 1_000),
    ];
    assert_eq!(cost(&records), Some(0.002_5 + 0.001 + 0.01), "the last sum alone counts");
    records.extend([
        line(6, "turn_context", json!({ "cwd": "/home/ada/tally", "model": "gpt-5.2-codex" })),
        message(7, "assistant", "output_text", "done again"),
        total(8, 2_000),
    ]);
    assert_eq!(cost(&records), None, "nobody says which of two models used how much");
}
