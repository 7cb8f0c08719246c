use serde_json::Value;

/// The documented answers of providers and proxies, each with its name, as
/// inputs of [`answer`](crate::answer).
pub fn answers() -> Vec<(String, Vec<u8>)> {
    include_str!("../../../auth-tests/data/answers.jsonl").lines().map(seed).collect()
}

fn seed(line: &str) -> (String, Vec<u8>) {
    let case: Value = serde_json::from_str(line).expect("a line of JSON");
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let mut input = format!("{}\n", case["status"]);
    for (name, value) in case["headers"].as_object().expect("headers") {
        input += &format!("{name}: {}\n", text(value));
    }
    input += "\n";
    input += &text(&case["body"]);
    (text(&case["id"]), input.into_bytes())
}
