//! Adds to an envelope for a push service the tokens of the phones to reach.
//!
//! Owns what is added. It must not change the stored envelope; the tokens are those at the time of
//! sending.

use std::collections::HashMap;

use serde_json::{Value, json};
use uuid::Uuid;

/// Who gets this envelope now: first all who must act, then those who should know; for a digest,
/// its officer.
#[must_use]
pub fn told(envelope: &Value) -> Vec<Uuid> {
    let data = envelope.get("data").unwrap_or(&Value::Null);
    let id = |value: &Value| value.as_str().and_then(|id| Uuid::parse_str(id).ok());
    let list = |name: &str| {
        data.pointer(&format!("/recipients/{name}"))
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let must_act = list("must_act").filter_map(id);
    let should_know = list("should_know").filter_map(|one| id(one.get("officer_id")?));
    let digest = data.get("officer_id").and_then(id);
    must_act.chain(should_know).chain(digest).collect()
}

/// The envelope with these tokens; none if it would reach no phone.
#[must_use]
pub fn addressed(mut envelope: Value, tokens: &HashMap<Uuid, Vec<String>>) -> Option<String> {
    let addresses: Vec<Value> = told(&envelope)
        .into_iter()
        .filter_map(|officer| {
            let tokens = tokens.get(&officer)?;
            Some(json!({"officer_id": officer, "tokens": tokens}))
        })
        .collect();
    if addresses.is_empty() {
        return None;
    }
    envelope
        .get_mut("data")?
        .as_object_mut()?
        .insert("push_addresses".to_owned(), Value::Array(addresses));
    Some(envelope.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_is_addressed_and_nobody_else() {
        let ids = [1, 2, 3, 4].map(Uuid::from_u128);
        let envelope = json!({"data": {"recipients": {
            "must_act": [ids[0]], "should_know": [{"officer_id": ids[1], "as": "reporter"}],
            "in_digest": [{"officer_id": ids[2], "as": "former_desk"}],
        }}});
        assert_eq!(told(&envelope), ids[..2]);
        let tokens = HashMap::from([
            (ids[1], vec!["b".to_owned()]),
            (ids[2], vec!["c".to_owned()]),
        ]);
        let sent = addressed(envelope.clone(), &tokens).unwrap();
        let sent: Value = serde_json::from_str(&sent).unwrap();
        assert_eq!(
            sent["data"]["push_addresses"],
            json!([{"officer_id": ids[1], "tokens": ["b"]}])
        );
        assert_eq!(addressed(envelope, &HashMap::new()), None);
        let digest = json!({"data": {"officer_id": ids[3]}});
        assert_eq!(told(&digest), ids[3..]);
    }
}
