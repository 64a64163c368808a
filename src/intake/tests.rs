use std::sync::Arc;

use super::{
    Refusal, Rules, Submission,
    prepare::{self, acceptance, prepare},
};
use crate::{
    check::{
        Parameters, Taken,
        sample::{TODAY, sample},
    },
    clock::{Clockwork, ManualClock, SeededEntropy, Timestamp, start_of},
    declaration::Kind,
    exemption::{Advisor, Library, Recorded, Settings},
    lane::{Duty, Lane},
    party::{Actor, Party, Role, Sender, Tenant},
    state::State,
};

fn sender(name: &str, code: &str) -> Sender {
    let party = Party { code: code.into(), name: "样例".into() };
    Sender {
        name: name.into(),
        party,
        dxp_id: "DXPENT0000000001".into(),
        signer: name.into(),
        road: "national".into(),
        ..Sender::default()
    }
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
    let actor = Actor::new(Tenant::local(), Role::Seller, "erp");
    let prepare = |lane| prepare(&rules(vec![lane]), &submission(), &Taken::default(), &Recorded::default(), now()).unwrap();
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
    let refused = |lanes| codes(prepare(&rules(lanes), &submission(), &Taken::default(), &Recorded::default(), now()).unwrap_err());
    assert_eq!(refused(vec![Lane { office: "52".into(), ..lane() }]), ["R-NO-LANE"]);
    assert_eq!(refused(vec![Lane { order: Duty::Send(Some("nobody".into())), ..lane() }]), ["R-NO-SENDER"]);
}

#[test]
fn a_faulty_request_and_a_faulty_declaration_are_told_together() {
    let mut submission = Submission { idempotency_key: "a\nb".into(), needed_by: Some(Timestamp(-1)), ..submission() };
    let refused = |submission: &Submission| {
        codes(prepare(&rules(vec![lane()]), submission, &Taken::default(), &Recorded::default(), now()).unwrap_err())
    };
    assert_eq!(refused(&submission), ["R-KEY", "R-NEEDED-BY"]);
    submission.draft.order.currency = "RMB".into();
    assert!(refused(&submission).len() > 2);
}

#[test]
fn what_planning_would_find_is_told_beside_other_faults() {
    let refused = |lanes, spoil: fn(&mut Submission)| {
        let mut submission = submission();
        spoil(&mut submission);
        codes(prepare(&rules(lanes), &submission, &Taken::default(), &Recorded::default(), now()).unwrap_err())
    };
    let elsewhere = || vec![Lane { office: "52".into(), ..lane() }];
    let nobody = || vec![Lane { order: Duty::Send(Some("nobody".into())), ..lane() }];
    assert_eq!(refused(elsewhere(), |s| s.draft.inventory.wrap = "?".into()), ["R-NO-LANE", "C-WRAP"]);
    assert_eq!(refused(nobody(), |s| s.draft.inventory.wrap = "?".into()), ["R-NO-SENDER", "C-WRAP"]);
    assert_eq!(refused(vec![lane()], |s| s.draft.inventory.wrap = "?".into()), ["C-WRAP"]);
    // A faulty code says nothing about lanes and senders.
    assert_eq!(refused(elsewhere(), |s| s.draft.inventory.declared_at = "9".into()), ["C-OFFICE"]);
    assert_eq!(refused(vec![lane()], |s| s.draft.inventory.carrier.code = "9".into()), ["P-CREDIT-CODE"]);
    let other = |s: &mut Submission| {
        s.draft.inventory.wrap = "?".into();
        s.draft.inventory.declarant.code = "4401960ABD".into();
    };
    assert_eq!(refused(vec![lane()], other), ["R-NO-SENDER", "C-WRAP"]);
}

#[test]
fn every_rule_of_a_request_is_tried_with_a_near_miss() {
    let key = |key: &str| prepare::is_key(key);
    assert!(!key(&"键".repeat(201)) && key(&"键".repeat(200)) && !key("a\u{7}b") && key("a b"));
    let needed_by = |at| {
        let submission = Submission { needed_by: Some(at), ..submission() };
        prepare(&rules(vec![lane()]), &submission, &Taken::default(), &Recorded::default(), now()).map_err(codes).err().unwrap_or_default()
    };
    assert_eq!(needed_by(Timestamp(0)), [""; 0]);
    assert_eq!(needed_by(Timestamp::NEVER), [""; 0]);
    assert_eq!(needed_by(Timestamp(Timestamp::NEVER.0 + 1)), ["R-NEEDED-BY"]);
    assert_eq!(
        super::rules::OF_SUBMISSIONS.map(|rule| rule.code),
        ["R-KEY", "R-NEEDED-BY", "R-NO-LANE", "R-NO-SENDER"],
        "a new rule wants a test here"
    );
}
