//! What stands behind the documents of a request: who transmits it, who else is to get it, and what else was agreed on.

use super::{
    canonical,
    error::{Error, Problem},
    xml::{canonical::Part, writer::Writer},
};
use crate::party::{Extension, Sender, Subscription};

/// The most BaseSubscribe in a message (schema 2022-05: 0..5).
const MAX_SUBSCRIPTIONS: usize = 5;

/// The most bytes of an extension's content: the rest of a message must find room beside it.
const MAX_CONTENT: usize = 64 * 1024;

/// BaseTransfer, BaseSubscribe and ExtendMessage, in this order; the signature comes before the last.
pub fn write(writer: &mut Writer, sender: &Sender) -> Result<(), Error> {
    writer.open("BaseTransfer");
    writer.leaf("copCode", &sender.party.code);
    writer.leaf("copName", &sender.party.name);
    writer.leaf("dxpMode", "DXP");
    writer.leaf("dxpId", &sender.dxp_id);
    writer.close("BaseTransfer");
    if sender.subscriptions.len() > MAX_SUBSCRIPTIONS {
        return Err(Error::new(Problem::Count, "BaseSubscribe"));
    }
    for subscription in &sender.subscriptions {
        subscribe(writer, subscription);
    }
    sender.extension.as_ref().map_or(Ok(()), |extension| extend(writer, extension))
}

fn subscribe(writer: &mut Writer, subscription: &Subscription) {
    writer.open("BaseSubscribe");
    writer.leaf("status", &subscription.status);
    writer.leaf("dxpMode", "DXP");
    writer.leaf("dxpAddress", &subscription.dxp_address);
    writer.optional("note", subscription.note.as_deref());
    writer.close("BaseSubscribe");
}

fn extend(writer: &mut Writer, extension: &Extension) -> Result<(), Error> {
    writer.open("ExtendMessage");
    writer.leaf("name", &extension.name);
    writer.leaf("version", &extension.version);
    writer.open("Message");
    if !extension.content.trim().is_empty() {
        writer.raw(&content(&extension.content)?);
    }
    writer.close("Message");
    writer.close("ExtendMessage");
    Ok(())
}

/// One element in canonical form. Of namespaces it has none: in canonical form a declaration may not be repeated, and what is signed
/// must be canonical as it stands.
fn content(text: &str) -> Result<Vec<u8>, Error> {
    let unfit = |problem| Error::new(problem, "ExtendMessage");
    if text.len() > MAX_CONTENT {
        return Err(unfit(Problem::TooLarge));
    }
    let bytes = canonical(text.trim().as_bytes(), Part::Whole)?;
    let mut tags = bytes.split(|byte| *byte == b'<').filter_map(|piece| piece.split(|byte| *byte == b'>').next());
    let has_namespace = tags.any(|tag| {
        let names = tag.split(|byte| *byte == b'"').step_by(2);
        names.into_iter().any(|name| name.contains(&b':') || name.windows(5).any(|window| window == b"xmlns"))
    });
    if has_namespace { Err(unfit(Problem::Prefix)) } else { Ok(bytes) }
}

/// Whether what a sender adds to its messages fits them: told when the configuration is read, not at the first message.
///
/// # Errors
/// When there are too many subscriptions, one has an unknown status or no address, or the extension is no element of its own.
pub fn check_sender(sender: &Sender) -> Result<(), Error> {
    write(&mut Writer::new("ceb:", 1_024), sender)?;
    let fits = |text: &str, most: usize| (1..=most).contains(&text.chars().count());
    for subscription in &sender.subscriptions {
        if !["ALL", "DATA", "RET"].contains(&subscription.status.as_str()) {
            return Err(Error::new(Problem::Value, "status"));
        }
        if !fits(&subscription.dxp_address, 100) {
            return Err(Error::new(Problem::Value, "dxpAddress"));
        }
        if subscription.note.as_ref().is_some_and(|note| note.chars().count() > 1_000) {
            return Err(Error::new(Problem::Value, "note"));
        }
    }
    let named = |extension: &Extension| fits(&extension.name, 30) && fits(&extension.version, 30);
    if sender.extension.as_ref().is_some_and(|extension| !named(extension)) {
        return Err(Error::new(Problem::Value, "ExtendMessage"));
    }
    Ok(())
}

const EXTENSION: &[u8] = b"<ceb:ExtendMessage>";
const EXTENSION_END: &[u8] = b"</ceb:ExtendMessage>";

/// Where a signature goes into a composed message: behind everything else but an extension, before the root's end tag.
#[must_use]
pub fn signature_position(unsigned: &[u8]) -> usize {
    let end = unsigned.windows(2).rposition(|pair| pair == b"</").unwrap_or(unsigned.len());
    match unsigned.get(..end) {
        Some(before) if before.ends_with(EXTENSION_END) => {
            before.windows(EXTENSION.len()).rposition(|window| window == EXTENSION).unwrap_or(end)
        }
        _ => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extended(content: &str) -> Result<String, Error> {
        let extension = Extension { name: "local".to_owned(), version: "1".to_owned(), content: content.to_owned() };
        let mut writer = Writer::new("ceb:", 0);
        extend(&mut writer, &extension)?;
        Ok(String::from_utf8(writer.finish()?).unwrap())
    }

    #[test]
    fn an_extension_is_one_element_of_no_namespace() {
        let whole = "<ceb:ExtendMessage><ceb:name>local</ceb:name><ceb:version>1</ceb:version><ceb:Message>CONTENT</ceb:Message></ceb:ExtendMessage>";
        assert_eq!(extended(" ").unwrap(), whole.replace("CONTENT", ""));
        assert_eq!(extended("<a b='1'>\n<c/>x:y</a>\n").unwrap(), whole.replace("CONTENT", "<a b=\"1\">\n<c></c>x:y</a>"));
        assert_eq!(extended("<a b=\"x:y\"/>").unwrap(), whole.replace("CONTENT", "<a b=\"x:y\"></a>"));
        for unfit in ["<a", "<a/><b/>", "text", "<a xmlns='u:a'/>", "<a xmlns:p='u:a'/>", "<a xml:lang='zh'/>", "<!DOCTYPE a><a/>"] {
            assert!(extended(unfit).is_err(), "{unfit}");
        }
        assert!(extended(&format!("<a>{}</a>", "x".repeat(MAX_CONTENT))).is_err());
    }

    #[test]
    fn what_a_sender_adds_is_checked() {
        let subscription = |status: &str, address: &str| Subscription { status: status.into(), dxp_address: address.into(), note: None };
        let sender = |subscriptions| Sender { subscriptions, ..Sender::default() };
        assert_eq!(check_sender(&sender(vec![subscription("ALL", "D"); 5])), Ok(()));
        assert_eq!(check_sender(&sender(vec![subscription("ALL", "D"); 6])).unwrap_err().problem(), Problem::Count);
        assert_eq!(check_sender(&sender(vec![subscription("all", "D")])).unwrap_err().subject(), "status");
        assert_eq!(check_sender(&sender(vec![subscription("RET", "")])).unwrap_err().subject(), "dxpAddress");
        let extension = Some(Extension { name: "a".repeat(31), version: "1".into(), content: String::new() });
        assert_eq!(check_sender(&Sender { extension, ..Sender::default() }).unwrap_err().problem(), Problem::Value);
    }

    #[test]
    fn a_signature_goes_before_an_extension() {
        let message = b"<ceb:M><ceb:BaseTransfer></ceb:BaseTransfer><ceb:ExtendMessage><a></a></ceb:ExtendMessage></ceb:M>";
        assert!(message[signature_position(message)..].starts_with(b"<ceb:ExtendMessage>"));
        assert_eq!(signature_position(b"<ceb:M></ceb:M>"), 7);
    }
}
