//! What all items share: their keys, and a JSON document that is packed when it is long.

use std::collections::HashMap;
use std::io::{Read, Write};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// An item as DynamoDB has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Partition key.
pub(crate) const PK: &str = "pk";
/// Sort key.
pub(crate) const SK: &str = "sk";
/// When DynamoDB may delete the item, in seconds (template.yaml, TimeToLiveSpecification).
const EXPIRES_AT: &str = "expires_at";
/// A document as text, so that a person can read it in the AWS console.
const JSON: &str = "json";
/// A document as gzip.
const PACKED: &str = "json_gzip";

/// The longest document kept as text, in bytes.
const PLAIN_MAX: usize = 16 * 1024;
/// The longest packed document, in bytes. An item may have 400 KB (AWS: DynamoDB quotas); the rest is for the other
/// attributes.
pub(crate) const PACKED_MAX: usize = 380 * 1024;

/// An item that does not hold what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadItem {
    /// An attribute is missing or of another type.
    #[error("the item has no usable attribute {0}")]
    Missing(&'static str),
    /// The document cannot be unpacked.
    #[error("the item's document cannot be unpacked")]
    Unpack(#[source] std::io::Error),
    /// The document is not what it should be.
    #[error("the item's document cannot be read")]
    Parse(#[from] serde_json::Error),
    /// The document is too long for an item even when packed.
    #[error("the document has {0} bytes packed, more than an item can hold")]
    TooLong(usize),
}

/// An item that has only its key.
pub(crate) fn keyed(pk: &str, sk: &str) -> Item {
    HashMap::from([(PK.to_owned(), text(pk)), (SK.to_owned(), text(sk))])
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// A moment that conditions can compare, to the nanosecond.
pub(crate) fn moment(at: Timestamp) -> AttributeValue {
    number(at.as_nanosecond())
}

/// Lets DynamoDB delete the item some time after `at`.
pub(crate) fn expire(item: &mut Item, at: Timestamp) {
    item.insert(EXPIRES_AT.to_owned(), number(at.as_second().saturating_add(1)));
}

pub(crate) fn get_text<'a>(item: &'a Item, name: &'static str) -> Result<&'a str, BadItem> {
    let value = item.get(name).and_then(|value| value.as_s().ok());
    value.map(String::as_str).ok_or(BadItem::Missing(name))
}

pub(crate) fn get_number(item: &Item, name: &'static str) -> Result<u64, BadItem> {
    let value = item.get(name).and_then(|value| value.as_n().ok());
    value.and_then(|value| value.parse().ok()).ok_or(BadItem::Missing(name))
}

/// Puts a document into the item.
pub(crate) fn put_document(item: &mut Item, document: &impl Serialize) -> Result<(), BadItem> {
    match pack(document)? {
        Document::Plain(json) => put_plain(item, json),
        Document::Packed(bytes) if bytes.len() > PACKED_MAX => return Err(BadItem::TooLong(bytes.len())),
        Document::Packed(bytes) => put_packed(item, bytes),
    }
    Ok(())
}

/// The document that [`put_document`] put there.
pub(crate) fn document<T: DeserializeOwned>(item: &Item) -> Result<T, BadItem> {
    match item.get(JSON).and_then(|value| value.as_s().ok()) {
        Some(json) => Ok(serde_json::from_str(json)?),
        None => unpack(packed(item)?),
    }
}

/// A document as it goes into items.
pub(crate) enum Document {
    Plain(String),
    Packed(Vec<u8>),
}

pub(crate) fn pack(document: &impl Serialize) -> Result<Document, BadItem> {
    let json = serde_json::to_string(document)?;
    if json.len() <= PLAIN_MAX {
        return Ok(Document::Plain(json));
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(json.as_bytes())
        .and_then(|()| encoder.finish())
        .map_err(BadItem::Unpack)
        .map(Document::Packed)
}

pub(crate) fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, BadItem> {
    let mut json = String::new();
    GzDecoder::new(bytes).read_to_string(&mut json).map_err(BadItem::Unpack)?;
    Ok(serde_json::from_str(&json)?)
}

pub(crate) fn put_plain(item: &mut Item, json: String) {
    item.insert(JSON.to_owned(), text(json));
}

pub(crate) fn put_packed(item: &mut Item, bytes: Vec<u8>) {
    item.insert(PACKED.to_owned(), AttributeValue::B(Blob::new(bytes)));
}

pub(crate) fn packed(item: &Item) -> Result<&[u8], BadItem> {
    let bytes = item.get(PACKED).and_then(|value| value.as_b().ok());
    bytes.map(|blob| blob.as_ref()).ok_or(BadItem::Missing(JSON))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_document_is_readable_and_a_long_one_is_packed() {
        for (length, attribute) in [(10, JSON), (100_000, PACKED)] {
            let document_in = "x".repeat(length);
            let mut item = keyed("a", "b");
            put_document(&mut item, &document_in).unwrap();
            assert!(item.contains_key(attribute), "{length}");
            assert_eq!(document::<String>(&item).unwrap(), document_in);
        }
    }

    #[test]
    fn an_item_without_a_document_says_so() {
        let error = document::<String>(&keyed("a", "b")).unwrap_err();
        assert_eq!(error.to_string(), "the item has no usable attribute json");
    }
}
