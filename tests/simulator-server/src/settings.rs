//! Settings that are changed member by member.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The current settings with the members given in their place.
///
/// # Errors
/// If the type does not know a member, or cannot read it.
pub fn merged<T: Serialize + DeserializeOwned>(current: &T, changes: Value) -> serde_json::Result<T> {
    fn merge(into: &mut Value, changes: Value) {
        match (into, changes) {
            (Value::Object(into), Value::Object(changes)) => {
                for (name, change) in changes {
                    merge(into.entry(name).or_insert(Value::Null), change);
                }
            }
            (into, change) => *into = change,
        }
    }
    let mut value = serde_json::to_value(current)?;
    merge(&mut value, changes);
    serde_json::from_value(value)
}
