//! Tenants see their own, and share what there is only one of.

use tongguan::{
    declaration::Kind,
    party::{Actor, Tenant},
    store::{Acceptance, Accepted, EntryFilter, ListFilter, Lookup, WaybillAcceptance},
};

use super::{
    World,
    samples::{CARRIER, START, order, tenant},
};

on_each_store!(
    a_key_is_its_tenants_own_and_an_order_number_everybodys,
    each_tenant_sees_its_own,
    a_waybill_is_seen_by_its_carrier_and_by_its_orders_owner,
);

fn of(name: &str, acceptance: Acceptance) -> Acceptance {
    let mut acceptance = Acceptance { actor: Actor { tenant: tenant(name), ..acceptance.actor }, ..acceptance };
    acceptance.entry.actor.tenant = tenant(name);
    for document in &mut acceptance.documents {
        document.tenant = tenant(name);
    }
    acceptance
}

async fn a_key_is_its_tenants_own_and_an_order_number_everybodys(world: World) {
    let keyed = |name: &str, order_no: &str| of(name, Acceptance { idempotency_key: Some("k".into()), ..world.acceptance(order_no, None) });
    let (a, b) = (keyed("a", "O1"), keyed("b", "O2"));
    let ids = [a.id, b.id];
    assert_eq!(world.store().accept(START, vec![a, b]).await.unwrap(), ids.map(Accepted::New));
    let answers = world.store().accept(START, vec![keyed("a", "O1"), keyed("b", "O2"), keyed("c", "O2")]).await.unwrap();
    assert_eq!(answers, [Accepted::Again(ids[0]), Accepted::Again(ids[1]), Accepted::OrderTaken]);
    let bare = world.acceptance("O3", None);
    let id = bare.id;
    let answers = world.store().accept(START, vec![of("a", bare), of("b", world.acceptance("O3", None))]).await.unwrap();
    assert_eq!(answers, [Accepted::New(id), Accepted::OrderTaken], "in one batch");
    let answers =
        world.store().accept(START, vec![of("b", world.acceptance("O3", None)), of("a", world.acceptance("O3", None))]).await.unwrap();
    assert_eq!(answers, [Accepted::OrderTaken, Accepted::Again(id)]);
    let ask = |name: &str, key: Option<&str>, order_no: &str| Lookup {
        tenant: tenant(name),
        idempotency_key: key.map(str::to_owned),
        order: order(order_no),
        waybill: None,
        owner: "OWNER".into(),
    };
    let asked =
        vec![ask("a", None, "O3"), ask("b", None, "O3"), ask("a", Some("k"), "O9"), ask("c", Some("k"), "O1"), ask("a", None, "O1")];
    let found = world.store().lookup(START, asked).await.unwrap();
    let told: Vec<_> = found.iter().map(|found| (found.bound.map(|(_, id)| id), found.order_taken)).collect();
    assert_eq!(told, [(Some(id), true), (None, true), (Some(ids[0]), false), (None, true), (None, true)]);
}

async fn each_tenant_sees_its_own(world: World) {
    let mut ids = Vec::new();
    for (name, order_no) in [("a", "O1"), ("b", "O2"), ("b", "O3")] {
        let acceptance = of(name, world.acceptance(order_no, None));
        ids.push(acceptance.id);
        world.store().accept(START, vec![acceptance]).await.unwrap();
    }
    let (a, b) = (tenant("a"), tenant("b"));
    assert!(world.store().show(Some(&a), ids[0]).await.unwrap().is_some());
    assert!(world.store().show(Some(&b), ids[0]).await.unwrap().is_none());
    let listed = async |tenant: &Tenant| {
        let filter = ListFilter { tenant: Some(tenant.clone()), limit: 10, ..ListFilter::default() };
        let mut listed: Vec<_> = world.store().list(filter).await.unwrap().dossiers.into_iter().map(|dossier| dossier.id).collect();
        listed.sort_by_key(|id| ids.iter().position(|other| other == id));
        listed
    };
    assert_eq!((listed(&a).await, listed(&b).await), (ids[..1].to_vec(), ids[1..].to_vec()));
    let numbers = ["O1", "O2", "BILL1"].map(str::to_owned);
    let found = async |tenant: Option<&Tenant>| world.store().find(tenant, &numbers).await.unwrap().len();
    assert_eq!((found(Some(&a)).await, found(Some(&b)).await, found(None).await), (2, 3, 5));
    let counted = async |tenant: &Tenant| {
        let counts = world.store().counts(Some(tenant)).await.unwrap();
        counts.into_iter().find(|count| count.kind == Kind::Order).map(|count| count.count)
    };
    assert_eq!((counted(&a).await, counted(&b).await, counted(&tenant("c")).await), (Some(1), Some(2), None));
    let filter = EntryFilter { tenant: Some(b.clone()), pending: true, limit: 10, ..EntryFilter::default() };
    assert_eq!(world.store().entries(filter).await.unwrap().len(), 2);
}

async fn a_waybill_is_seen_by_its_carrier_and_by_its_orders_owner(world: World) {
    let first = of("a", world.acceptance("O1", Some("W1")));
    let named = of("b", world.acceptance("O2", None));
    world.store().accept(START, vec![first, named]).await.unwrap();
    let of_order = WaybillAcceptance { order: Some(order("O2")), ..world.waybill("W2") };
    world.store().accept_waybills(START, vec![world.waybill("W1"), of_order, world.waybill("W3")]).await.unwrap();
    for (name, sees) in [("carrier", [true, true, true]), ("a", [true, false, false]), ("b", [false, true, false]), ("c", [false; 3])] {
        for (number, sees) in ["W1", "W2", "W3"].into_iter().zip(sees) {
            let seen = world.store().waybill(Some(&tenant(name)), CARRIER, number).await.unwrap().is_some();
            let found = !world.store().find(Some(&tenant(name)), &[number.into()]).await.unwrap().is_empty();
            assert_eq!((seen, found), (sees, sees), "{name} {number}");
        }
    }
}
