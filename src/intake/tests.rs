use std::sync::Arc;

use super::{
    Refusal, Rules, Submission,
    prepare::{acceptance, key_of, prepare},
};
use crate::{
    check::{
        Parameters, Taken,
        sample::{TODAY, sample},
    },
    clock::{Clockwork, ManualClock, SeededEntropy, Timestamp, start_of},
    declaration::Kind,
    exemption::{Advisor, Library, Settings},
    lane::{Duty, Lane},
    party::{Actor, Party, Role, Sender, Tenant},
    state::State,
};

fn sender(name: &str, code: &str) -> Sender {
    let party = Party { code: code.into(), name: "样例".into() };
    Sender { name: name.into(), party, dxp_id: "DXPENT0000000001".into(), signer: name.into(), road: "national".into() }
}

fn rules(lanes: Vec<Lane>) -> Rules {
    let sample = sample();
    let senders = vec![sender("declarant", &sample.inventory.declarant.code), sender("carrier", &sample.inventory.carrier.code)];
    Rules {
        lanes,
        senders,
        advisor: Arc::new(Advisor::new(Library::sample().unwrap(), Settings::default(), Vec::new()).unwrap()),
        parameters: Parameters::default(),
    }
}

fn lane() -> Lane {
    Lane { order: Duty::Send(Some("declarant".into())), ..Lane::default() }
}

fn submission() -> Submission {
    Submission { draft: sample(), ..Submission::default() }
}

fn now() -> Timestamp {
    start_of(TODAY)
}

fn codes(refusal: Refusal) -> Vec<String> {
    let Refusal::Invalid { findings, total } = refusal else { panic!("{refusal}") };
    assert_eq!(findings.len(), total);
    findings.into_iter().map(|finding| finding.rule).collect()
}

#[test]
fn a_good_declaration_becomes_the_documents_that_we_send() {
    let clockwork = Clockwork::new(Arc::new(ManualClock::at(now())), Arc::new(SeededEntropy::new(5)));
    let actor = Actor { tenant: Tenant::local(), role: Role::Seller, name: "erp".into() };
    let prepare = |lane| prepare(&rules(vec![lane]), &submission(), &Taken::default(), now()).unwrap();
    let accept = |planned| acceptance(&planned, &submission(), &actor, &clockwork, now(), std::time::Duration::from_secs(60));

    let both = accept(prepare(lane()));
    let states: Vec<_> = both.documents.iter().map(|document| (document.kind, document.state, document.sender.as_str())).collect();
    assert_eq!(states, [(Kind::Order, State::Due, "declarant"), (Kind::Inventory, State::Waiting, "declarant")]);
    let [order, inventory] = both.documents.as_slice() else { panic!() };
    assert_eq!((order.gate_at, inventory.gate_at), (None, Some(now())));
    assert!(order.enterprise_no.is_none() && inventory.enterprise_no.as_ref().is_some_and(|no| no.0.len() == 28));
    assert_eq!(both.needed_by, now() + std::time::Duration::from_secs(60));
    assert_eq!(both.entry.act, "accept");

    let external = accept(prepare(Lane { order: Duty::External, road: "huangpu".into(), ..lane() }));
    let [inventory] = external.documents.as_slice() else { panic!() };
    assert_eq!((inventory.kind, inventory.road.as_str()), (Kind::Inventory, "huangpu"));
}

#[test]
fn without_a_lane_or_a_sender_nothing_is_accepted() {
    let refused = |lanes| codes(prepare(&rules(lanes), &submission(), &Taken::default(), now()).unwrap_err());
    assert_eq!(refused(vec![Lane { office: "52".into(), ..lane() }]), ["R-NO-LANE"]);
    assert_eq!(refused(vec![Lane { order: Duty::Send(Some("nobody".into())), ..lane() }]), ["R-NO-SENDER"]);
}

#[test]
fn a_faulty_request_and_a_faulty_declaration_are_told_together() {
    let mut submission = Submission { idempotency_key: "a\nb".into(), needed_by: Some(Timestamp(-1)), ..submission() };
    let refused = |submission: &Submission| codes(prepare(&rules(vec![lane()]), submission, &Taken::default(), now()).unwrap_err());
    assert_eq!(refused(&submission), ["R-KEY", "R-NEEDED-BY"]);
    submission.draft.order.currency = "CNY".into();
    assert!(refused(&submission).len() > 2);
}

#[test]
fn nobody_may_give_a_key_of_ours() {
    let key = key_of(&submission());
    let taken = Submission { idempotency_key: key, ..submission() };
    assert_eq!(codes(prepare(&rules(vec![lane()]), &taken, &Taken::default(), now()).unwrap_err()), ["R-KEY"]);
}

#[test]
fn the_order_is_the_key_where_the_caller_gives_none() {
    let mut submission = submission();
    let key = key_of(&submission);
    assert!(key.starts_with("tongguan:order:3:无|") && key.ends_with("16:GZ20261123000001"), "{key}");
    let mut other = submission.clone();
    other.draft.order.seller.code = "A|1:B".into();
    other.draft.order.order_no = "C".into();
    let mut like = submission.clone();
    like.draft.order.seller.code = "A".into();
    like.draft.order.order_no = "B|1:C".into();
    assert_ne!(key_of(&other), key_of(&like));
    submission.draft.order.order_no = "x".repeat(5_000_000);
    assert!(key_of(&submission).len() < 1_000);
    submission.idempotency_key = "mine".into();
    assert_eq!(key_of(&submission), "mine");
}
