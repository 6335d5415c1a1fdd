//! An event as a small tree, from which its leaf is written: sorted keys, no nulls.
//!
//! What `serde_json::Value` is too, but built for every event that is recorded: short texts and all
//! names of fields lie in the node itself, fields are a list, and nulls never come in. It holds what
//! the domain serialises (texts, whole numbers, lists, objects) and refuses anything else.

use std::fmt;

use serde::ser::{self, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer};
use smol_str::{SmolStr, ToSmolStr};

/// One value of the tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Text(SmolStr),
    List(Vec<Node>),
    /// Fields in the order in which they came; none of them is null.
    Object(Vec<(SmolStr, Node)>),
}

/// A value that has no place in a leaf.
#[derive(Debug)]
pub(super) struct NoForm(String);

/// The tree of a value.
pub(super) fn tree(value: &impl Serialize) -> Result<Node, serde_json::Error> {
    value.serialize(Builder).map_err(|error| ser::Error::custom(error.0))
}

impl Node {
    /// Whether it is a list or an object without anything in it.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::List(items) => items.is_empty(),
            Self::Object(fields) => fields.is_empty(),
            _ => false,
        }
    }

    /// Puts the fields of every object in the order of their names.
    pub(super) fn sort(&mut self) {
        match self {
            Self::List(items) => items.iter_mut().for_each(Self::sort),
            Self::Object(fields) => {
                fields.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
                fields.iter_mut().for_each(|(_, field)| field.sort());
            }
            _ => {}
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Signed(value) => serializer.serialize_i64(*value),
            Self::Unsigned(value) => serializer.serialize_u64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(fields) => serializer.collect_map(fields.iter().map(|(name, field)| (name, field))),
        }
    }
}

struct Builder;

/// Collects fields and drops the nulls among them.
struct Fields {
    fields: Vec<(SmolStr, Node)>,
    name: SmolStr,
}

impl Fields {
    fn new(length: usize) -> Self {
        Self { fields: Vec::with_capacity(length), name: SmolStr::default() }
    }

    fn add(&mut self, name: SmolStr, value: &(impl Serialize + ?Sized)) -> Result<(), NoForm> {
        match value.serialize(Builder)? {
            Node::Null => {}
            value => self.fields.push((name, value)),
        }
        Ok(())
    }
}

struct Items(Vec<Node>);

impl Serializer for Builder {
    type Ok = Node;
    type Error = NoForm;
    type SerializeSeq = Items;
    type SerializeTuple = Impossible<Node, NoForm>;
    type SerializeTupleStruct = Impossible<Node, NoForm>;
    type SerializeTupleVariant = Impossible<Node, NoForm>;
    type SerializeMap = Fields;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Impossible<Node, NoForm>;

    fn serialize_bool(self, value: bool) -> Result<Node, NoForm> {
        Ok(Node::Bool(value))
    }
    fn serialize_i8(self, value: i8) -> Result<Node, NoForm> {
        self.serialize_i64(value.into())
    }
    fn serialize_i16(self, value: i16) -> Result<Node, NoForm> {
        self.serialize_i64(value.into())
    }
    fn serialize_i32(self, value: i32) -> Result<Node, NoForm> {
        self.serialize_i64(value.into())
    }
    fn serialize_i64(self, value: i64) -> Result<Node, NoForm> {
        Ok(Node::Signed(value))
    }
    fn serialize_u8(self, value: u8) -> Result<Node, NoForm> {
        self.serialize_u64(value.into())
    }
    fn serialize_u16(self, value: u16) -> Result<Node, NoForm> {
        self.serialize_u64(value.into())
    }
    fn serialize_u32(self, value: u32) -> Result<Node, NoForm> {
        self.serialize_u64(value.into())
    }
    fn serialize_u64(self, value: u64) -> Result<Node, NoForm> {
        Ok(Node::Unsigned(value))
    }
    fn serialize_f32(self, _: f32) -> Result<Node, NoForm> {
        refuse("a number with a fraction")
    }
    fn serialize_f64(self, _: f64) -> Result<Node, NoForm> {
        refuse("a number with a fraction")
    }
    fn serialize_char(self, value: char) -> Result<Node, NoForm> {
        Ok(Node::Text(value.to_smolstr()))
    }
    fn serialize_str(self, value: &str) -> Result<Node, NoForm> {
        Ok(Node::Text(value.into()))
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<Node, NoForm> {
        refuse("plain bytes")
    }
    fn serialize_none(self) -> Result<Node, NoForm> {
        Ok(Node::Null)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Node, NoForm> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Node, NoForm> {
        Ok(Node::Null)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Node, NoForm> {
        Ok(Node::Null)
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Node, NoForm> {
        Ok(Node::Text(SmolStr::new_static(variant)))
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Node, NoForm> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Node, NoForm> {
        let mut fields = Fields::new(1);
        fields.add(SmolStr::new_static(variant), value)?;
        Ok(Node::Object(fields.fields))
    }
    fn serialize_seq(self, length: Option<usize>) -> Result<Items, NoForm> {
        Ok(Items(Vec::with_capacity(length.unwrap_or(0))))
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, NoForm> {
        refuse("a tuple")
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, NoForm> {
        refuse("a tuple")
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, NoForm> {
        refuse("a tuple")
    }
    fn serialize_map(self, length: Option<usize>) -> Result<Fields, NoForm> {
        Ok(Fields::new(length.unwrap_or(20)))
    }
    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Fields, NoForm> {
        Ok(Fields::new(length))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, NoForm> {
        refuse("a variant with fields")
    }
    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<Node, NoForm> {
        Ok(Node::Text(value.to_smolstr()))
    }
}

fn refuse<T>(what: &str) -> Result<T, NoForm> {
    Err(NoForm(format!("{what} has no place in a leaf")))
}

impl SerializeSeq for Items {
    type Ok = Node;
    type Error = NoForm;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoForm> {
        self.0.push(value.serialize(Builder)?);
        Ok(())
    }
    fn end(self) -> Result<Node, NoForm> {
        Ok(Node::List(self.0))
    }
}

impl SerializeStruct for Fields {
    type Ok = Node;
    type Error = NoForm;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), NoForm> {
        self.add(SmolStr::new_static(name), value)
    }
    fn end(self) -> Result<Node, NoForm> {
        Ok(Node::Object(self.fields))
    }
}

impl SerializeMap for Fields {
    type Ok = Node;
    type Error = NoForm;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), NoForm> {
        match name.serialize(Builder)? {
            Node::Text(name) => self.name = name,
            _ => return refuse("a name that is no text"),
        }
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NoForm> {
        let name = std::mem::take(&mut self.name);
        self.add(name, value)
    }
    fn end(self) -> Result<Node, NoForm> {
        Ok(Node::Object(self.fields))
    }
}

impl std::error::Error for NoForm {}

impl fmt::Display for NoForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ser::Error for NoForm {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self(what.to_string())
    }
}
