use auth_core::FailureKind;
use serde_json::Value;

/// A response that is documented somewhere, as an input of
/// [`response`](crate::response()).
#[derive(Debug)]
pub struct Documented {
    /// Unlike that of every other.
    pub id: String,
    /// The input.
    pub input: Vec<u8>,
    /// What it is by its source; `None` if it holds tokens.
    pub kind: Option<FailureKind>,
}

/// The documented responses of providers and proxies.
pub fn responses() -> Vec<Documented> {
    include_str!("../../../auth-tests/data/responses.jsonl").lines().map(seed).collect()
}

fn seed(line: &str) -> Documented {
    let case: Value = serde_json::from_str(line).expect("a line of JSON");
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let mut input = format!("{}\n", case["status"]);
    for (name, value) in case["headers"].as_object().expect("headers") {
        input += &format!("{name}: {}\n", text(value));
    }
    input += "\n";
    input += &text(&case["body"]);
    let kind =
        case["expect"]["kind"].as_str().map(|kind| FailureKind::from_name(kind).expect("a kind"));
    Documented { id: text(&case["id"]), input: input.into_bytes(), kind }
}
