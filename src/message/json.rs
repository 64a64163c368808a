//! Messages as JSON, for people and programs that do not want XML: the same names, the order taken from the schema.
//!
//! `{"CEB505Message": {"@guid": "…", "@version": "1.0", "Logistics": [{"guid": "…", …}], "BaseTransfer": {…}}}`: what may be there
//! more than once is a list, a value is a text. A signature is left out, since it holds for the bytes it was made over alone; what
//! an extension holds has no form here and is refused.

use serde_json::{Map, Value};

use super::{
    Message, Pack,
    error::{Error, Problem},
    schema::Model,
    xml::{
        self,
        tree::{Document, Element, Space},
        writer::Writer,
    },
};

/// More levels than any message has.
const DEEPEST: usize = 8;

const EXTENSION: &str = "Message";

fn model() -> Result<&'static Model, Error> {
    Pack::newest().and_then(|pack| pack.model().ok()).ok_or_else(|| Problem::NotInPack.into())
}

/// A business message as JSON; of an envelope open it first.
///
/// # Errors
/// When it cannot be read, is no business message, or has an extension with content.
pub fn to_json(xml: &[u8]) -> Result<Value, Error> {
    let document = Document::read(xml)?;
    let root = document.root();
    Message::of(root)?;
    let mut object = Map::new();
    for name in ["guid", "version"] {
        if let Some(value) = document.attribute(name) {
            object.insert(format!("@{name}"), value.into());
        }
    }
    fill(model()?, root, &mut object)?;
    Ok(Value::Object(Map::from_iter([(root.name().to_owned(), Value::Object(object))])))
}

fn fill(model: &Model, element: Element<'_, '_>, object: &mut Map<String, Value>) -> Result<(), Error> {
    for child in element.children().filter(|child| child.space() != Space::Ds) {
        let value = value(model, child)?;
        let name = child.name();
        if model.repeats(name) {
            let list = object.entry(name.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
            list.as_array_mut().ok_or_else(|| child.error(Problem::ElementTwice))?.push(value);
        } else if object.insert(name.to_owned(), value).is_some() {
            return Err(child.error(Problem::ElementTwice));
        }
    }
    Ok(())
}

fn value(model: &Model, element: Element<'_, '_>) -> Result<Value, Error> {
    if element.children().next().is_none() {
        return Ok(element.text().into());
    }
    if element.name() == EXTENSION {
        return Err(element.error(Problem::Value));
    }
    let mut object = Map::new();
    fill(model, element, &mut object)?;
    Ok(Value::Object(object))
}

/// The message that JSON names, in canonical form, not signed. What stands beside it (`DxpMsg`) is passed over.
///
/// # Errors
/// When there is not exactly one business message, a name is none of its elements, a value is neither text nor number, or holds a
/// character that XML does not allow. Whether the message is valid is for [`examine`](super::examine) to say.
pub fn from_json(json: &Value) -> Result<Vec<u8>, Error> {
    let unknown = || Error::from(Problem::UnknownMessage);
    let known = |name: &str| Message::from_wire_type(name).filter(|message| message.wire_type().starts_with("CEB"));
    let mut found = json.as_object().ok_or_else(unknown)?.iter().filter_map(|(name, value)| Some((known(name)?, value)));
    let (Some((message, value)), None) = (found.next(), found.next()) else { return Err(unknown()) };
    let object = value.as_object().ok_or_else(unknown)?;
    let model = model()?;
    let id = model.global(Space::Ceb, message.wire_type()).ok_or_else(unknown)?;
    let mut writer = Writer::new("ceb:", 4_096);
    writer.begin(message.wire_type());
    writer.attribute("xmlns:ceb", xml::CEB);
    writer.attribute("xmlns:ds", xml::DS);
    writer.attribute("xmlns:xsi", xml::XSI);
    for (key, name) in [("@guid", "guid"), ("@version", "version")] {
        if let Some(value) = object.get(key) {
            writer.attribute(name, &text(name, value)?);
        }
    }
    writer.opened();
    write(model, &mut writer, id, object, 1)?;
    writer.close(message.wire_type());
    writer.finish()
}

/// Writes what an object holds in the order of the schema.
fn write(model: &Model, writer: &mut Writer, id: usize, object: &Map<String, Value>, level: usize) -> Result<(), Error> {
    let order = model.order(id);
    let is_known = |name: &str| name.starts_with('@') && level == 1 || order.iter().any(|(_, known)| *known == name);
    if let Some(other) = object.keys().find(|name| !is_known(name)) {
        return Err(Error::new(Problem::Value, other.clone()));
    }
    if level > DEEPEST {
        return Err(Problem::TooDeep.into());
    }
    for (child, name) in order {
        match object.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::Array(list)) => {
                list.iter().try_for_each(|value| one(model, writer, (child, name), value, level))?;
            }
            Some(value) => one(model, writer, (child, name), value, level)?,
        }
    }
    Ok(())
}

fn one(model: &Model, writer: &mut Writer, (id, name): (usize, &'static str), value: &Value, level: usize) -> Result<(), Error> {
    match value {
        Value::Object(object) => {
            writer.open(name);
            write(model, writer, id, object, level + 1)?;
            writer.close(name);
        }
        value => writer.leaf(name, &text(name, value)?),
    }
    Ok(())
}

fn text(name: &'static str, value: &Value) -> Result<String, Error> {
    match value {
        Value::String(text) => Ok(text.clone()),
        // Only whole ones are surely written as they were meant.
        Value::Number(number) if number.is_i64() => Ok(number.to_string()),
        _ => Err(Error::new(Problem::Value, name)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_message_is_refused() {
        let problem = |json: Value| from_json(&json).unwrap_err().problem();
        for other in [json!([]), json!({}), json!({"CEB402Message": {}}), json!({"DxpMsg": {}}), json!({"CEB303Message": "text"})] {
            assert_eq!(problem(other), Problem::UnknownMessage);
        }
        assert_eq!(problem(json!({"CEB303Message": {}, "CEB304Message": {}})), Problem::UnknownMessage);
        assert_eq!(problem(json!({"CEB303Message": {"Inventory": []}})), Problem::Value);
        assert_eq!(problem(json!({"CEB303Message": {"@guid": ["a"]}})), Problem::Value);
        assert_eq!(problem(json!({"CEB303Message": {"BaseTransfer": {"copCode": 1.5}}})), Problem::Value);
        assert_eq!(problem(json!({"CEB303Message": {"BaseTransfer": {"copCode": "a\u{8}"}}})), Problem::Character);
        assert_eq!(problem(json!({"CEB303Message": {"Signature": {}}})), Problem::Value);
    }

    #[test]
    fn the_order_is_the_schemas() {
        let order = json!({"CEB303Message": {"BaseTransfer": {"dxpId": "D", "copCode": "C"}, "Order": [{"OrderList": [{"qty": 2, "gnum": "1"}],
            "OrderHead": {"note": null, "orderNo": "A<1>", "appType": 1}}], "@version": "1.0"}, "DxpMsg": {}});
        let text = String::from_utf8(from_json(&order).unwrap()).unwrap();
        let body = &text[text.find("<ceb:Order>").unwrap()..];
        assert_eq!(
            body,
            "<ceb:Order><ceb:OrderHead><ceb:appType>1</ceb:appType><ceb:orderNo>A&lt;1&gt;</ceb:orderNo></ceb:OrderHead><ceb:OrderList>\
             <ceb:gnum>1</ceb:gnum><ceb:qty>2</ceb:qty></ceb:OrderList></ceb:Order><ceb:BaseTransfer><ceb:copCode>C</ceb:copCode>\
             <ceb:dxpId>D</ceb:dxpId></ceb:BaseTransfer></ceb:CEB303Message>"
        );
    }
}
