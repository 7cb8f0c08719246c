//! The JSON object in an agent's file.

use auth_core::internal::{object, wipe};
use auth_store::internal::{Problem, is_marked, json};
use serde::Deserialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// The members of the file, including those that are unknown here. Wiped on
/// drop.
#[derive(Clone, Default)]
pub(crate) struct Document {
    pub(crate) members: Map<String, Value>,
    /// Whether the file is indented, and so stays indented.
    pretty: bool,
}

impl Document {
    /// Reads a file's content. A byte-order mark before it says nothing: some editors
    /// write one, and RFC 8259 section 8.1 lets readers ignore it.
    pub(crate) fn parse(content: &[u8], expected: &'static str) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct Whole(#[serde(deserialize_with = "object")] Map<String, Value>);
        let damaged = |reason| Problem::Damaged { expected, reason, line: 0, column: 0 };
        if is_marked(content) {
            return Err(damaged("whoever was writing it has died, and its content is not here"));
        }
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        if !content.is_empty() && content.iter().all(|byte| *byte == 0) {
            return Err(damaged("it holds nothing but NUL, as after a power failure"));
        }
        let Whole(members) = json::parse(content, expected)?;
        Ok(Self { members, pretty: content.contains(&b'\n') })
    }

    /// The file's new content.
    pub(crate) fn to_bytes(&self, limit: usize) -> Result<Zeroizing<Vec<u8>>, Problem> {
        json::bounded(limit, |output| {
            if !self.pretty {
                return serde_json::to_writer(output, &self.members);
            }
            serde_json::to_writer_pretty(&mut *output, &self.members)?;
            output.write_all(b"\n").map_err(serde_json::Error::io)
        })
    }

    /// Edits the member `name`, which becomes an object unless it is one.
    pub(crate) fn edit<E>(
        &mut self,
        name: &str,
        edit: impl FnOnce(&mut Map<String, Value>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut object = match self.members.remove(name) {
            Some(Value::Object(object)) => object,
            _ => Map::new(),
        };
        let result = edit(&mut object);
        self.members.insert(name.to_owned(), Value::Object(object));
        result
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        self.members.values_mut().for_each(wipe);
    }
}

/// Removes a member and wipes its value. The others stay in their order.
pub(crate) fn cut(object: &mut Map<String, Value>, name: &str) {
    // `Map::remove` may put the last one in its place.
    let members = std::mem::take(object).into_iter();
    *object = members
        .filter_map(|(key, mut value)| {
            if key != name {
                return Some((key, value));
            }
            wipe(&mut value);
            None
        })
        .collect();
}

/// Replaces a member and wipes the old value.
pub(crate) fn put(object: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    if let Some(mut old) = object.insert(name.to_owned(), value.into()) {
        wipe(&mut old);
    }
}

/// A member that is a string and not empty; `None` if it is absent, null or
/// empty.
pub(crate) fn text<'a>(
    object: &'a Map<String, Value>,
    name: &str,
    wrong: &'static str,
) -> Result<Option<&'a str>, &'static str> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok((!text.is_empty()).then_some(text)),
        Some(_) => Err(wrong),
    }
}
