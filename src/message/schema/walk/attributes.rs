//! Attributes, held against their declarations.

use super::{Listener, Walk};
use crate::message::{
    error::Error,
    schema::{model::Attribute as Declared, value::Base},
    xml::{XSI, names, tokens},
};

impl<'m, L: Listener> Walk<'m, '_, L> {
    /// Checks the attributes of an element, which begins at the last token.
    pub(super) fn attributes(&mut self, declared: &'m [Declared]) -> Result<(), Error> {
        if self.buffer.is_empty() && declared.is_empty() {
            return Ok(());
        }
        let buffer = std::mem::take(&mut self.buffer);
        for attribute in &buffer {
            if tokens::declared_prefix(attribute.name).is_some() {
                continue;
            }
            let (prefix, local) = names::split(attribute.name);
            let known = if prefix.is_empty() { declared.iter().find(|declared| declared.name == local) } else { None };
            match known {
                Some(declared) => self.attribute_value(declared, &attribute.value),
                None if prefix.is_empty() => self.unknown_attribute(attribute.name),
                None if self.scope.resolve(prefix)? == XSI => self.instance_attribute(attribute.name, local),
                None => self.unknown_attribute(attribute.name),
            }
        }
        for declared in declared.iter().filter(|declared| declared.required) {
            if !buffer.iter().any(|attribute| attribute.name == declared.name) {
                self.missing_attribute(declared.name);
            }
        }
        self.buffer = buffer;
        Ok(())
    }

    /// Attributes of an element that may have any.
    pub(super) fn free_attributes(&mut self) -> Result<(), Error> {
        let buffer = std::mem::take(&mut self.buffer);
        for attribute in buffer.iter().filter(|attribute| tokens::declared_prefix(attribute.name).is_none()) {
            let (prefix, local) = names::split(attribute.name);
            if !prefix.is_empty() && self.scope.resolve(prefix)? == XSI {
                self.instance_attribute(attribute.name, local);
            }
        }
        self.buffer = buffer;
        Ok(())
    }

    /// What stands in a document for its schema's sake. Where schemas lie may be said, though nobody looks; types and nil may not:
    /// no element of these schemas is nillable, and a message does not choose its types.
    fn instance_attribute(&mut self, name: &str, local: &str) {
        if !matches!(local, "schemaLocation" | "noNamespaceSchemaLocation") {
            self.instance(name);
        }
    }

    fn attribute_value(&mut self, declared: &Declared, value: &str) {
        let simple = &declared.simple;
        if let Err(wrong) = simple.check(value) {
            return self.wrong_attribute(declared.name, wrong);
        }
        if let Some(fixed) = declared.fixed.filter(|fixed| !simple.is_fixed(value, fixed)) {
            return self.not_fixed_attribute(declared.name, fixed);
        }
        if simple.base == Base::Id && !self.ids.insert(value.trim_matches(' ').to_owned()) {
            self.id_twice(declared.name);
        }
    }
}
