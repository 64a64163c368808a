//! From schema files to a model. A construct that is not known here is refused, by file and line: a schema is never half understood.

use std::collections::HashMap;

use super::{
    Refusal,
    content::{Particle, automaton},
    model::{Attribute, Complex, Content, Element, Kind, Model, Symbol},
    source::{File, Node},
    value::{Base, Simple, White},
};
use crate::message::xml::tree::Space;

type Name = (Space, &'static str);

/// Compiles files that may include and import each other.
pub fn compile(texts: &[(&'static str, &'static str)]) -> Result<Model, Refusal> {
    let files = texts.iter().map(|(name, text)| File::read(name, text)).collect::<Result<Vec<_>, _>>()?;
    let mut compiler = Compiler::default();
    for file in &files {
        compiler.list(file, texts)?;
    }
    for file in &files {
        for node in file.root.children.iter().filter(|node| node.name == "element") {
            compiler.global(file, node)?;
        }
    }
    Ok(compiler.model)
}

#[derive(Default)]
struct Compiler<'f> {
    model: Model,
    elements: HashMap<Name, usize>,
    types: HashMap<Name, (&'f File, &'f Node)>,
    kinds: HashMap<Name, Kind>,
}

fn known(file: &File, node: &Node, attributes: &[&str], children: &[&str]) -> Result<(), Refusal> {
    if let Some(name) = node.attributes().find(|name| !attributes.contains(name)) {
        return Err(file.refuse(node, format!("xs:{} {name}", node.name)));
    }
    match node.children.iter().find(|child| !children.contains(&child.name)) {
        Some(child) => Err(file.refuse(child, format!("xs:{} in xs:{}", child.name, node.name))),
        None => Ok(()),
    }
}

fn space(file: &File) -> Result<Space, Refusal> {
    match Space::of(file.root.get("targetNamespace").unwrap_or_default()) {
        Space::None | Space::Other => Err(file.refuse(&file.root, "a target namespace that is none of the three")),
        space => Ok(space),
    }
}

fn number<T: std::str::FromStr>(file: &File, node: &Node, attribute: &str, default: T) -> Result<T, Refusal> {
    let text = node.get(attribute);
    text.map_or(Ok(default), |text| text.parse().map_err(|_| file.refuse(node, format!("{attribute}=\"{text}\""))))
}

fn flag(file: &File, node: &Node, attribute: &str) -> Result<bool, Refusal> {
    match node.get(attribute) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(file.refuse(node, format!("{attribute}=\"{other}\""))),
    }
}

fn named(file: &File, node: &Node) -> Result<&'static str, Refusal> {
    node.lasting("name").ok_or_else(|| file.refuse(node, format!("xs:{} without a name", node.name)))
}

impl<'f> Compiler<'f> {
    /// Lists what stands at the top of a file.
    fn list(&mut self, file: &'f File, texts: &[(&str, &str)]) -> Result<(), Refusal> {
        let root = &file.root;
        known(
            file,
            root,
            &["targetNamespace", "elementFormDefault", "version"],
            &["include", "import", "element", "complexType", "simpleType"],
        )?;
        if root.get("elementFormDefault") != Some("qualified") {
            return Err(file.refuse(root, "an elementFormDefault other than qualified"));
        }
        let space = space(file)?;
        for node in &root.children {
            match node.name {
                "include" | "import" => {
                    let allowed: &[_] = if node.name == "include" { &["schemaLocation"] } else { &["namespace", "schemaLocation"] };
                    known(file, node, allowed, &[])?;
                    let location = node.get("schemaLocation").unwrap_or_default();
                    // A pack may have a file from another pack's folder: it goes by its name alone.
                    let file_name = location.rsplit('/').next().unwrap_or(location);
                    if !texts.iter().any(|(name, _)| *name == file_name) {
                        return Err(file.refuse(node, format!("xs:{} of \"{location}\"", node.name)));
                    }
                }
                "element" => {
                    let name = named(file, node)?;
                    let id = self.model.elements.len();
                    let element = Element { space, name, kind: Kind::Any, fixed: None, filled: false, repeats: false };
                    self.model.elements.push(element);
                    self.model.globals.push(id);
                    if self.elements.insert((space, name), id).is_some() {
                        return Err(file.refuse(node, format!("a second xs:element {name}")));
                    }
                }
                _ => {
                    let name = named(file, node)?;
                    if self.types.insert((space, name), (file, node)).is_some() {
                        return Err(file.refuse(node, format!("a second type {name}")));
                    }
                }
            }
        }
        Ok(())
    }

    fn global(&mut self, file: &'f File, node: &'f Node) -> Result<(), Refusal> {
        let name = (space(file)?, named(file, node)?);
        let id = self.elements.get(&name).copied();
        let declared = self.declared(file, node, &["name", "type", "default", "fixed"])?;
        if let Some(element) = id.and_then(|id| self.model.elements.get_mut(id)) {
            let repeats = element.repeats;
            *element = Element { repeats, ..declared };
        }
        Ok(())
    }

    /// What an element's declaration says.
    fn declared(&mut self, file: &'f File, node: &'f Node, allowed: &[&str]) -> Result<Element, Refusal> {
        known(file, node, allowed, &["complexType", "simpleType"])?;
        let kind = match (node.lasting("type"), node.children.as_slice()) {
            (Some(name), []) => self.named_type(file, node, name)?,
            (None, []) => Kind::Any,
            (None, [child]) => self.inner_type(file, child)?,
            _ => return Err(file.refuse(node, "an element of two types")),
        };
        let fixed = node.lasting("fixed");
        let filled = fixed.is_some() || node.get("default").is_some();
        match kind {
            Kind::Simple(id) if filled => {
                let is_string = |simple: &Simple| fixed.is_none() || simple.base == Base::String;
                let fits = |simple: &Simple| fixed.or(node.get("default")).is_some_and(|value| simple.check(value).is_ok());
                if !self.model.simples.get(id).is_some_and(|simple| is_string(simple) && fits(simple)) {
                    return Err(file.refuse(node, "a fixed or default value that does not fit"));
                }
            }
            _ if filled => return Err(file.refuse(node, "a fixed or default value of what is no simple type")),
            _ => {}
        }
        Ok(Element { space: space(file)?, name: named(file, node)?, kind, fixed, filled, repeats: false })
    }

    fn named_type(&mut self, file: &'f File, node: &Node, name: &'static str) -> Result<Kind, Refusal> {
        let (uri, local) = file.resolve(node, name)?;
        if File::is_builtin(uri) {
            let base = Base::named(local).ok_or_else(|| file.refuse(node, format!("the type {name}")))?;
            return Ok(self.simple(Simple::of(base)));
        }
        let key = (Space::of(uri), local);
        if let Some(kind) = self.kinds.get(&key) {
            return Ok(*kind);
        }
        let (home, found) = self.types.get(&key).copied().ok_or_else(|| file.refuse(node, format!("the type {name}")))?;
        if found.name == "complexType" {
            // Known before it is read, so that it may hold itself.
            let id = self.model.complexes.len();
            self.model.complexes.push(Complex { attributes: Vec::new(), content: Content::Empty });
            self.kinds.insert(key, Kind::Complex(id));
            let complex = self.complex(home, found)?;
            if let Some(place) = self.model.complexes.get_mut(id) {
                *place = complex;
            }
            return Ok(Kind::Complex(id));
        }
        let kind = self.inner_type(home, found)?;
        self.kinds.insert(key, kind);
        Ok(kind)
    }

    fn inner_type(&mut self, file: &'f File, node: &'f Node) -> Result<Kind, Refusal> {
        if node.name == "simpleType" {
            let simple = self.restriction(file, node)?;
            return Ok(self.simple(simple));
        }
        let complex = self.complex(file, node)?;
        self.model.complexes.push(complex);
        Ok(Kind::Complex(self.model.complexes.len() - 1))
    }

    fn simple(&mut self, simple: Simple) -> Kind {
        self.model.simples.push(simple);
        Kind::Simple(self.model.simples.len() - 1)
    }

    fn restriction(&mut self, file: &'f File, node: &'f Node) -> Result<Simple, Refusal> {
        known(file, node, &["name"], &["restriction"])?;
        let [restriction] = node.children.as_slice() else { return Err(file.refuse(node, "a simple type without one restriction")) };
        let facets = ["length", "minLength", "maxLength", "totalDigits", "fractionDigits", "whiteSpace"];
        known(file, restriction, &["base"], &facets)?;
        let base = restriction.lasting("base").ok_or_else(|| file.refuse(restriction, "a restriction without a base"))?;
        let mut simple = self.simple_named(file, restriction, base)?;
        for facet in &restriction.children {
            known(file, facet, &["value"], &[])?;
            let count = || number(file, facet, "value", usize::MAX);
            match (facet.name, simple.base) {
                ("whiteSpace", Base::String) => {
                    simple.white = match facet.get("value") {
                        Some("preserve") => White::Preserve,
                        Some("replace") => White::Replace,
                        Some("collapse") => White::Collapse,
                        _ => return Err(file.refuse(facet, "a whiteSpace of that value")),
                    }
                }
                ("length", Base::String) => (simple.min_length, simple.max_length) = (count()?, count()?),
                ("minLength", Base::String) => simple.min_length = count()?,
                ("maxLength", Base::String) => simple.max_length = count()?,
                ("totalDigits", Base::Decimal | Base::Int | Base::Integer) => simple.total_digits = Some(count()?),
                ("fractionDigits", Base::Decimal) => simple.fraction_digits = Some(count()?),
                (name, base) => return Err(file.refuse(facet, format!("xs:{name} of {base:?}"))),
            }
        }
        Ok(simple)
    }

    fn simple_named(&mut self, file: &'f File, node: &Node, name: &'static str) -> Result<Simple, Refusal> {
        let found = match self.named_type(file, node, name)? {
            Kind::Simple(id) => self.model.simples.get(id).cloned(),
            Kind::Complex(_) | Kind::Any => None,
        };
        found.ok_or_else(|| file.refuse(node, format!("{name}, which is no simple type")))
    }

    fn complex(&mut self, file: &'f File, node: &'f Node) -> Result<Complex, Refusal> {
        known(file, node, &["name", "mixed"], &["sequence", "choice", "simpleContent", "attribute"])?;
        let mixed = flag(file, node, "mixed")?;
        let mut body = node.children.iter().filter(|child| child.name != "attribute");
        let (mut content, mut carrier) = (Content::Empty, node);
        match body.next() {
            Some(simple) if simple.name == "simpleContent" => (content, carrier) = self.simple_content(file, simple)?,
            Some(group) => {
                let particle = self.particle(file, group)?;
                content = Content::Elements { automaton: automaton(&particle).map_err(|what| file.refuse(group, what))?, mixed };
            }
            None if mixed => {
                let nothing = automaton(&Particle::Sequence(Vec::new())).map_err(|what| file.refuse(node, what))?;
                content = Content::Elements { automaton: nothing, mixed };
            }
            None => {}
        }
        if let Some(second) = body.next() {
            return Err(file.refuse(second, format!("a second xs:{} in a type", second.name)));
        }
        let mut attributes = Vec::new();
        for attribute in carrier.children.iter().filter(|child| child.name == "attribute") {
            attributes.push(self.attribute(file, attribute)?);
        }
        Ok(Complex { attributes, content })
    }

    /// Text, and where its attributes are declared.
    fn simple_content(&mut self, file: &'f File, node: &'f Node) -> Result<(Content, &'f Node), Refusal> {
        known(file, node, &[], &["extension"])?;
        let [extension] = node.children.as_slice() else { return Err(file.refuse(node, "a simple content without one extension")) };
        known(file, extension, &["base"], &["attribute"])?;
        let base = extension.lasting("base").ok_or_else(|| file.refuse(extension, "an extension without a base"))?;
        let simple = self.simple_named(file, extension, base)?;
        self.model.simples.push(simple);
        Ok((Content::Text(self.model.simples.len() - 1), extension))
    }

    fn attribute(&mut self, file: &'f File, node: &'f Node) -> Result<Attribute, Refusal> {
        known(file, node, &["name", "type", "use", "fixed"], &["simpleType"])?;
        let simple = match (node.lasting("type"), node.children.as_slice()) {
            (Some(name), []) => self.simple_named(file, node, name)?,
            (None, [child]) => self.restriction(file, child)?,
            _ => return Err(file.refuse(node, "an attribute without one type")),
        };
        let required = match node.get("use") {
            None | Some("optional") => false,
            Some("required") => true,
            Some(other) => return Err(file.refuse(node, format!("use=\"{other}\""))),
        };
        let fixed = node.lasting("fixed");
        if fixed.is_some() && simple.base != Base::String {
            return Err(file.refuse(node, "a fixed value of what is no string"));
        }
        Ok(Attribute { name: named(file, node)?, required, fixed, simple })
    }

    fn particle(&mut self, file: &'f File, node: &'f Node) -> Result<Particle, Refusal> {
        let least = number(file, node, "minOccurs", 1)?;
        let most = if node.get("maxOccurs") == Some("unbounded") { None } else { Some(number(file, node, "maxOccurs", 1)?) };
        let occurrence = ["minOccurs", "maxOccurs"];
        let particle = match node.name {
            "sequence" | "choice" => {
                known(file, node, &occurrence, &["element", "any", "sequence", "choice"])?;
                let inner = node.children.iter().map(|child| self.particle(file, child)).collect::<Result<_, _>>()?;
                if node.name == "sequence" { Particle::Sequence(inner) } else { Particle::Choice(inner) }
            }
            "any" => Particle::One(any(file, node)?),
            _ => {
                let element = self.local(file, node)?;
                let Some(declared) = self.model.elements.get_mut(element) else {
                    return Err(file.refuse(node, "an element that is not there"));
                };
                declared.repeats |= most != Some(1);
                Particle::One(Symbol::Element { space: declared.space, name: declared.name, element })
            }
        };
        if most.is_some_and(|most| most < least || most == 0) {
            return Err(file.refuse(node, "an occurrence from more to less"));
        }
        Ok(if (least, most) == (1, Some(1)) { particle } else { Particle::Repeated { least, most, particle: Box::new(particle) } })
    }

    /// An element in a content model: declared there, or by reference.
    fn local(&mut self, file: &'f File, node: &'f Node) -> Result<usize, Refusal> {
        if let Some(name) = node.lasting("ref") {
            known(file, node, &["ref", "minOccurs", "maxOccurs"], &[])?;
            let (uri, local) = file.resolve(node, name)?;
            let found = self.elements.get(&(Space::of(uri), local)).copied();
            return found.ok_or_else(|| file.refuse(node, format!("the element {name}")));
        }
        let element = self.declared(file, node, &["name", "type", "default", "fixed", "minOccurs", "maxOccurs"])?;
        self.model.elements.push(element);
        Ok(self.model.elements.len() - 1)
    }
}

fn any(file: &File, node: &Node) -> Result<Symbol, Refusal> {
    known(file, node, &["namespace", "processContents", "minOccurs", "maxOccurs"], &[])?;
    let other_than = match node.get("namespace") {
        None | Some("##any") => None,
        Some("##other") => Some(space(file)?),
        Some(other) => return Err(file.refuse(node, format!("namespace=\"{other}\""))),
    };
    match node.get("processContents") {
        Some("skip") => Ok(Symbol::Any { other_than, skip: true }),
        Some("lax") => Ok(Symbol::Any { other_than, skip: false }),
        other => Err(file.refuse(node, format!("processContents=\"{}\"", other.unwrap_or("strict")))),
    }
}
