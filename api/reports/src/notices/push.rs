//! An envelope on its way to a push service: with the tokens of those whom it tells.
//!
//! Owns what is added. What was frozen stays as it is; tokens are those of the moment.

use std::collections::HashMap;

use serde_json::{Value, json};
use uuid::Uuid;

/// Who is told by an envelope now: all who must act, then who should know, or whose digest it is.
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

/// The envelope with these tokens; none when it reaches nobody.
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
