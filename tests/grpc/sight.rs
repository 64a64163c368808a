//! Customs' own words: whole to whose they are, masked to staff, and whole to staff who say why, which is an entry.

use tongguan::{
    declaration::{DeclarationId, DocumentId, Kind},
    dossier::{Document, LastWord},
    grpc::proto::{
        self, GetFollowUpRequest, GetRequest, GetWaybillRequest, PushWaybillsRequest, SearchRequest, TimelineRequest,
        push_waybills_response::Result::Kept,
    },
    party::Role,
};
use tonic::Code;
use uuid::Uuid;

use super::{
    following::manifest,
    samples::{CARRIER, waybill},
    world::{World, world},
};

const SAID: &str = "请联系 13912345678 补交";
const SHOWN: &str = "请联系 ＊＊＊ 补交";

fn word(document: Option<&proto::Document>) -> &str {
    document.and_then(|document| document.last_word.as_ref()).map_or("", |word| word.info.as_str())
}

fn order_word(got: &proto::GetResponse) -> &str {
    word(got.documents.iter().find(|document| document.kind() == proto::DocumentKind::Order))
}

impl World {
    /// Customs says something about a document.
    async fn said_of(&self, document: Document) {
        let word = LastWord { code: "2".into(), at: self.now(), info: SAID.into() };
        self.set(Document { last_word: Some(word), ..document }).await;
    }
}

async fn staffed() -> (World, DeclarationId) {
    let world = world(&[
        ("acme", "acme", Role::Seller),
        ("van", "van", Role::Carrier),
        ("desk", "house", Role::Operator),
        ("audit", "house", Role::Auditor),
        ("chief", "house", Role::Administrator),
    ])
    .await;
    let id = world.declared("A1").await;
    world.said_of(world.document(id, Kind::Order).await).await;
    (world, id)
}

#[tokio::test]
async fn a_declaration_is_masked_to_staff_unless_they_say_why() {
    let (world, id) = staffed().await;
    let asked = |why: &str| GetRequest { declaration_id: id.to_string(), reveal_why: why.into() };
    for why in ["", "对账"] {
        let own = world.declarations("acme").get(asked(why)).await.unwrap().into_inner();
        assert_eq!((order_word(&own), own.masked), (SAID, false), "whose it is sees it whole, and nobody need say why");
    }
    for name in ["desk", "chief"] {
        let got = world.declarations(name).get(asked("")).await.unwrap().into_inner();
        assert_eq!((order_word(&got), got.masked), (SHOWN, true), "{name}");
        assert!(!format!("{got:?}").contains("13912345678"), "{got:?}");
        let story = world.audit_log(name).timeline(TimelineRequest { number: "A1".into(), ..Default::default() }).await.unwrap();
        assert!(!format!("{:?}", story.into_inner()).contains("13912345678"));
        let unreasoned = world.declarations(name).get(asked(" ")).await.unwrap_err();
        assert_eq!(unreasoned.code(), Code::InvalidArgument, "{name}");
        let nobodys = GetRequest { declaration_id: Uuid::nil().to_string(), reveal_why: "对账".into() };
        assert_eq!(world.declarations(name).get(nobodys).await.unwrap_err().code(), Code::NotFound);
    }
    assert!(world.revealed().await.is_empty(), "nothing was shown yet");
    for name in ["desk", "chief"] {
        let got = world.declarations(name).get(asked("对账")).await.unwrap().into_inner();
        assert_eq!((order_word(&got), got.masked), (SAID, false), "{name}");
    }
    assert_eq!(world.revealed().await, vec![(id.to_string(), "对账".to_owned()); 2]);
}

#[tokio::test]
async fn auditors_unmask_for_a_reason_in_the_story() {
    let (world, id) = staffed().await;
    assert_eq!(
        world.declarations("audit").get(GetRequest { declaration_id: id.to_string(), ..Default::default() }).await.unwrap_err().code(),
        Code::PermissionDenied
    );
    let asked = |why: &str| TimelineRequest { number: "A1".into(), reveal_why: why.into() };
    let mut log = world.audit_log("audit");
    let masked = log.timeline(asked("")).await.unwrap().into_inner().declaration.unwrap();
    assert_eq!((order_word(&masked), masked.masked), (SHOWN, true));
    let whole = log.timeline(asked("投诉 13912345678")).await.unwrap().into_inner();
    let got = whole.declaration.as_ref().unwrap();
    assert_eq!((order_word(got), got.masked), (SAID, false));
    // The reason is an entry, and what it names a person by is not in it.
    assert_eq!(world.revealed().await, [(id.to_string(), "投诉 ＊＊＊".to_owned())]);
    let told = whole.entries.iter().find(|entry| entry.act == "reveal").unwrap();
    assert_eq!((told.actor.as_str(), told.role.as_str(), told.tenant.as_str()), ("audit", "auditor", "acme"));
    let found = log.search(SearchRequest { act: "reveal".into(), ..SearchRequest::default() }).await.unwrap().into_inner();
    assert!(found.entries.iter().all(|entry| entry.why == "投诉 ＊＊＊"), "{found:?}");
}

#[tokio::test]
async fn so_are_waybills_and_what_is_submitted_on_its_own() {
    let (world, _) = staffed().await;
    let push = PushWaybillsRequest { item_id: "1".into(), waybill: Some(waybill("WA1")) };
    let mut answers = world.logistics("van").push_waybills(tokio_stream::iter([push])).await.unwrap().into_inner();
    let Some(Kept(kept)) = answers.message().await.unwrap().unwrap().result else { panic!("it was refused") };
    let found = world.store.waybill(None, CARRIER, "WA1").await.unwrap().unwrap();
    world.said_of(found.document.unwrap()).await;
    let asked = |why: &str| GetWaybillRequest { carrier: CARRIER.into(), waybill_no: "WA1".into(), reveal_why: why.into() };
    for (name, why, shown) in [("van", "", SAID), ("desk", "", SHOWN), ("desk", "核对", SAID)] {
        let got = world.logistics(name).get_waybill(asked(why)).await.unwrap().into_inner();
        assert_eq!((word(got.document.as_ref()), got.masked), (shown, shown == SHOWN), "{name}");
    }
    let manifest = world.logistics("van").push_manifest(manifest(1)).await.unwrap().into_inner();
    let id = DocumentId(Uuid::try_parse(&manifest.id).unwrap());
    let part = world.store.follow_up(None, id).await.unwrap().unwrap().parts.remove(0).0;
    world.said_of(part.document.unwrap()).await;
    let asked = |why: &str| GetFollowUpRequest { id: manifest.id.clone(), reveal_why: why.into() };
    for (name, why, shown) in [("van", "", SAID), ("chief", "", SHOWN), ("chief", "核对", SAID)] {
        let got = world.declarations(name).get_follow_up(asked(why)).await.unwrap().into_inner();
        assert_eq!((word(got.parts[0].document.as_ref()), got.masked), (shown, shown == SHOWN), "{name}");
    }
    let mut revealed = world.revealed().await;
    revealed.sort();
    let mut expected = [(kept.waybill_id, "核对".to_owned()), (manifest.id, "核对".to_owned())];
    expected.sort();
    assert_eq!(revealed, expected);
}
