//! Legal holds over gRPC: by whom, on what, how often, and what the log says of it.

use tongguan::{
    grpc::proto::{self, DeskOrder, DeskReport, DeskVerdict},
    party::Role,
    store::{EntryFilter, Held},
};
use tonic::Code;
use uuid::Uuid;

use super::{
    samples::submit,
    world::{Retention, world},
};

fn order(items: &[&str], why: &str, dry_run: bool) -> Option<DeskOrder> {
    Some(DeskOrder { items: items.iter().map(ToString::to_string).collect(), why: why.into(), dry_run })
}

async fn place(caller: &mut Retention, order: Option<DeskOrder>) -> DeskReport {
    caller.place_legal_hold(proto::PlaceLegalHoldRequest { order }).await.unwrap().into_inner().report.unwrap()
}

async fn lift(caller: &mut Retention, order: Option<DeskOrder>) -> DeskReport {
    caller.lift_legal_hold(proto::LiftLegalHoldRequest { order }).await.unwrap().into_inner().report.unwrap()
}

fn verdicts(report: &DeskReport) -> Vec<DeskVerdict> {
    report.lines.iter().map(proto::DeskLine::verdict).collect()
}

#[tokio::test]
async fn legal_holds_are_placed_listed_and_lifted_by_auditors_and_told() {
    let world = world(&[("acme", "acme", Role::Seller), ("desk", "house", Role::Operator), ("audit", "house", Role::Auditor)]).await;
    let id = world.declarations("acme").submit(submit("L1", "WL1")).await.unwrap().into_inner().declaration_id;
    let mut auditor = world.retention("audit");
    let all = ["L1", "seller:91440101MA5TG08HXC", "month:2026-11"];
    let seen = place(&mut auditor, order(&all, "稽查", true)).await;
    assert_eq!((verdicts(&seen), seen.applied), (vec![DeskVerdict::Done; 3], false), "{seen:?}");
    assert!(world.store.legal_holds(None).await.unwrap().is_empty(), "a preview");
    let wrong = place(&mut auditor, order(&["L1", "NOBODY", "month:2026-13", "seller:"], "稽查", false)).await;
    assert_eq!((wrong.refused, wrong.applied), (3, false), "all or none: {wrong:?}");
    assert!(world.store.legal_holds(None).await.unwrap().is_empty());
    let done = place(&mut auditor, order(&all, "稽查", false)).await;
    assert_eq!((verdicts(&done), done.applied), (vec![DeskVerdict::Done; 3], true), "{done:?}");
    let again = place(&mut auditor, order(&all, "稽查", false)).await;
    assert_eq!((verdicts(&again), again.applied), (vec![DeskVerdict::Already; 3], false), "{again:?}");
    let held: Vec<_> = world.store.legal_holds(None).await.unwrap().into_iter().map(|hold| hold.held).collect();
    assert!(held.contains(&Held::Declaration(Uuid::try_parse(&id).unwrap())) && held.len() == 3, "{held:?}");
    let listed = world.retention("desk").list_legal_holds(proto::ListLegalHoldsRequest {}).await.unwrap().into_inner();
    let items: Vec<_> = listed.holds.iter().map(|hold| hold.item.as_str()).collect();
    assert!(items.contains(&id.as_str()) && items.contains(&"month:2026-11") && !listed.more, "{items:?}");
    assert!(listed.holds.iter().all(|hold| hold.placed_by == "audit" && hold.why == "稽查"));
    for caller in ["desk", "acme"] {
        let refused = world.retention(caller).place_legal_hold(proto::PlaceLegalHoldRequest { order: order(&all, "x", false) }).await;
        assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied, "{caller}");
    }
    let unsaid = auditor.lift_legal_hold(proto::LiftLegalHoldRequest { order: order(&all, " ", false) }).await;
    assert_eq!(unsaid.unwrap_err().code(), Code::InvalidArgument, "a reason is needed");
    let lifted = lift(&mut auditor, order(&all, "结案", false)).await;
    assert_eq!((verdicts(&lifted), lifted.applied), (vec![DeskVerdict::Done; 3], true), "{lifted:?}");
    assert_eq!(verdicts(&lift(&mut auditor, order(&all, "结案", false)).await), vec![DeskVerdict::Already; 3]);
    for act in ["legal_hold", "legal_hold_lift"] {
        let told = EntryFilter { act: Some(act.into()), pending: true, limit: 10, ..EntryFilter::default() };
        let told = world.store.entries(told).await.unwrap();
        assert_eq!(told.len(), 3, "{act}");
        assert!(told.iter().all(|placed| placed.entry.actor.name == "audit" && placed.entry.changes.len() == 1));
        assert!(told.iter().any(|placed| placed.entry.subject.to_string() == id), "under the declaration: {act}");
    }
}
