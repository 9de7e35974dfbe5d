//! The JSON contracts (design.md §6): types of their own, so that the inside may change while the
//! contract stays. Schemas are made from these types.

mod check;
mod egress;
mod inspect;
mod rules;
mod trace;

pub use check::CheckV1;
pub use egress::EgressV1;
pub use inspect::{
    CountV1, InspectV1, ListingV1, MissingV1, NotUnderstoodV1, ReadFileV1, UnattachedV1, VpcV1,
};
pub use rules::RulesV1;
pub use trace::{TraceDocument, TraceV1, TracesV1};

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use super::clean::is_hostile;
use crate::packet::Packet;
use crate::topology::ResourceRef;

/// Writes a document with a line break at its end.
pub fn write(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(&mut *out, Safe(PrettyFormatter::new()));
    document.serialize(&mut serializer)?;
    out.write_all(b"\n")
}

/// The JSON Schema of a document type, as JSON text.
pub fn schema<T: JsonSchema>() -> String {
    let schema = schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>();
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// A resource in a document.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Resource")]
pub(super) struct ResourceV1 {
    /// Kind, e.g. `vswitch`.
    kind: &'static str,
    /// Id.
    id: String,
    /// Name given by the customer.
    name: Option<String>,
}

impl From<&ResourceRef> for ResourceV1 {
    fn from(r: &ResourceRef) -> Self {
        Self {
            kind: r.kind.name(),
            id: r.id.to_string(),
            name: r.name.as_ref().map(|name| name.to_string()),
        }
    }
}

/// A packet that shows the claim.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Packet")]
pub(super) struct PacketV1 {
    /// Source address.
    src: String,
    /// Destination address.
    dst: String,
    /// `tcp`, `udp`, `icmp`, `gre`.
    protocol: &'static str,
    /// Source port; 0 without ports.
    src_port: u16,
    /// Destination port; 0 without ports.
    dst_port: u16,
}

impl From<&Packet> for PacketV1 {
    fn from(packet: &Packet) -> Self {
        Self {
            src: packet.src.to_string(),
            dst: packet.dst.to_string(),
            protocol: packet.protocol.name(),
            src_port: packet.src_port,
            dst_port: packet.dst_port,
        }
    }
}

/// Indents, and escapes characters that JSON allows in strings but a terminal should not see.
struct Safe(PrettyFormatter<'static>);

impl Formatter for Safe {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        for piece in text.split_inclusive(is_hostile) {
            let end = piece.chars().next_back().filter(|c| is_hostile(*c));
            let kept = piece.len() - end.map_or(0, char::len_utf8);
            out.write_all(piece.get(..kept).unwrap_or_default().as_bytes())?;
            for unit in end.into_iter().flat_map(|c| c.encode_utf16(&mut [0; 2]).to_vec()) {
                write!(out, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

/// Checks a document against the schema of its type.
#[cfg(test)]
pub(super) fn assert_valid<T: JsonSchema + Serialize>(document: &T) -> serde_json::Value {
    let mut out = Vec::new();
    write(&mut out, document).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema::<T>()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_raw_control_character_leaves() {
        let mut out = Vec::new();
        let text = "a\u{1b}[31m\u{202e}\u{9b}\n\"\\ 数\u{e0041}";
        write(&mut out, &[text]).unwrap();
        let written = String::from_utf8(out).unwrap();
        assert!(!written.trim_end().replace('\n', "").chars().any(is_hostile), "{written}");
        let back: Vec<String> = serde_json::from_str(&written).unwrap();
        assert_eq!(back, [text]);
    }
}
