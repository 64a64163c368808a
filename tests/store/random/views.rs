//! A look at everything that a store shows.

use tongguan::{declaration::EnterpriseNo, party::Tenant, receipt::Key};

use super::{
    commands::{ORDERS, TENANTS},
    *,
};
use crate::store::samples::{inventory_key, order_key, tenant};

pub(super) async fn look(game: &Game) -> Result<(), Difference> {
    let (now, model) = (game.now, &game.model);
    for player in &game.players {
        let name = player.name.as_str();
        let store = player.world.store();
        gates(name, &**store, now, model).await?;
        declarations(name, &**store, model).await?;
        by_number(name, &**store, model).await?;
        for id in model.message_ids() {
            let found = store.message(&id.0.to_string()).await;
            let told = found.map(|found| found.map(|found| (found.sender, found.kind, found.sealed, found.documents)));
            same(name, &("message", id), &plain(told), &text(&model.message(id)))?;
        }
        same(name, &"unmatched", &plain(store.unmatched(10_000).await), &text(&model.unmatched()))?;
        same(name, &"paused", &plain(store.paused().await), &text(&model.paused()))?;
        same(name, &"stopped", &plain(store.stopped().await), &text(&model.stopped()))?;
        same(name, &"untold", &plain(store.untold().await.map(|id| id.is_some())), "false")?;
        log(player, model).await?;
    }
    Ok(())
}

async fn gates(name: &str, store: &dyn Store, now: Timestamp, model: &Model) -> Result<(), Difference> {
    let gated = store.gates(now, 10_000).await;
    let gated = gated.map(|gated| gated.into_iter().map(|gated| (gated.dossier, gated.waybill)).collect::<Vec<_>>());
    same(name, &"gates", &plain(gated), &text(&model.gates(now)))
}

async fn declarations(name: &str, store: &dyn Store, model: &Model) -> Result<(), Difference> {
    let ids = model.ids();
    for asker in askers() {
        for id in &ids {
            let shown = store.show(asker.as_ref(), *id).await.map(|shown| {
                shown.map(|shown| {
                    let assessments: Vec<_> = shown.assessments.iter().map(|text| text.replace(' ', "")).collect();
                    (shown.dossier, assessments, shown.receipts, shown.amended)
                })
            });
            same(name, &("show", &asker, id), &plain(shown), &text(&model.show(asker.as_ref(), *id)))?;
        }
        let open = store.deadlines(DeadlineFilter { tenant: asker.clone(), after: None, limit: 10_000 }).await;
        same(name, &("deadlines", &asker), &plain(open), &text(&model.deadlines(asker.as_ref())))?;
        let counts = store.counts(asker.as_ref()).await;
        let counts = counts.map(|counts| {
            counts
                .iter()
                .map(|count| ((count.kind.number(), count.state.as_str()), count.count))
                .collect::<std::collections::BTreeMap<_, _>>()
        });
        same(name, &("counts", &asker), &plain(counts), &text(&model.counts(asker.as_ref())))?;
        let all = || ListFilter { tenant: asker.clone(), limit: 10_000, ..ListFilter::default() };
        let middle = ids.get(ids.len() / 2).copied();
        let filters = [
            all(),
            ListFilter { limit: 2, after: middle, ..all() },
            ListFilter { office: Some("52".into()), ..all() },
            ListFilter { state: Some(State::Waiting), after: middle, ..all() },
        ];
        for filter in filters {
            let listed =
                store.list(filter.clone()).await.map(|listed| listed.dossiers.iter().map(|dossier| dossier.id).collect::<Vec<_>>());
            same(name, &filter, &plain(listed), &text(&model.list(&filter)))?;
        }
    }
    Ok(())
}

async fn by_number(name: &str, store: &dyn Store, model: &Model) -> Result<(), Difference> {
    let numbers = numbers(model);
    for asker in askers() {
        let found = store.find(asker.as_ref(), &numbers).await.map_err(|error| text(&error))?;
        let wanted: Vec<_> = numbers.iter().flat_map(|number| model.find(asker.as_ref(), number)).collect();
        // Numbers as asked, then kinds; of those that came at one moment either may stand first.
        let bare = |hits: &[tongguan::store::Hit]| text(&hits.iter().map(|hit| (hit.number.clone(), hit.kind)).collect::<Vec<_>>());
        same(name, &("find", &asker), &bare(&found), &bare(&wanted))?;
        same(name, &("find", &asker), &sorted(found.iter().map(text)), &sorted(wanted.iter().map(text)))?;
        for carrier in CARRIERS {
            for number in (0..WAYBILLS).map(|n| format!("W{n}")) {
                let kept = store.waybill(asker.as_ref(), carrier, &number).await;
                same(name, &("waybill", &asker, &number), &plain(kept), &text(&model.waybill(asker.as_ref(), carrier, &number)))?;
            }
        }
    }
    let keys = keys(model);
    let matches = store.matches(&keys).await.map_err(|error| text(&error))?;
    let once: BTreeSet<_> = matches.subjects.iter().map(tongguan::store::Subject::id).collect();
    same(name, &"subjects", &text(&matches.subjects.len()), &text(&once.len()))?;
    for (key, of) in keys.iter().zip(&matches.of) {
        let matched = of.map(|(place, document)| (matches.subjects[place].clone(), document));
        same(name, key, &text(&matched), &text(&model.matched(key)))?;
    }
    Ok(())
}

/// The entries that a filter leaves, in their places; those without one after them, in any order.
async fn log(player: &Player, model: &Model) -> Result<(), Difference> {
    let name = player.name.as_str();
    let store = player.world.store();
    let size = i64::try_from(player.placed.len()).unwrap();
    let filters = [
        EntryFilter { pending: true, ..EntryFilter::default() },
        EntryFilter { after: Some(size / 2 - 1), ..EntryFilter::default() },
        EntryFilter { tenant: Some(tenant("a")), pending: true, ..EntryFilter::default() },
        EntryFilter { act: Some("receipt".into()), ..EntryFilter::default() },
        EntryFilter { from: Some(START + Duration::from_secs(5)), to: Some(START + Duration::from_secs(30)), ..EntryFilter::default() },
        EntryFilter { subjects: Some(model.ids().iter().map(|id| id.0).collect()), pending: true, ..EntryFilter::default() },
    ];
    for filter in filters {
        let filter = EntryFilter { limit: 10_000, ..filter };
        let found = store.entries(filter.clone()).await.map_err(|error| text(&error))?;
        let wanted = wanted(player, model, &filter);
        let split = |placed: &[PlacedEntry]| {
            let (sure, waiting): (Vec<_>, Vec<_>) = placed.iter().cloned().partition(|placed| placed.position.is_some());
            format!("{}\n{}", text(&sure), sorted(waiting.iter().map(text)))
        };
        same(name, &filter, &split(&found), &split(&wanted))?;
        let first_waiting = found.iter().position(|placed| placed.position.is_none()).unwrap_or(found.len());
        same(
            name,
            &"those without a place stand last",
            &text(&found[first_waiting..].iter().all(|placed| placed.position.is_none())),
            "true",
        )?;
    }
    let rows = store.stored_entries(0, 10_000).await.map_err(|error| text(&error))?;
    let placed: Vec<_> = rows.iter().filter(|row| row.position < size).map(|row| (row.position, row.id)).collect();
    same(name, &"stored entries", &text(&placed), &text(&(0..size).zip(player.placed.iter().copied()).collect::<Vec<_>>()))?;
    let mut tree = Tree::empty();
    tree.sequence(player.placed.iter().map(|id| leaf_hash(&model.entries[id].to_leaf())));
    let root = store.last_checkpoint().await.map_err(|error| text(&error))?.map(|checkpoint| (checkpoint.size, checkpoint.root));
    let wanted = (size > 0).then(|| (size, tree.root().as_bytes().to_vec()));
    same(name, &"checkpoint", &text(&root), &text(&wanted))
}

fn wanted(player: &Player, model: &Model, filter: &EntryFilter) -> Vec<PlacedEntry> {
    let placed = (0..).zip(&player.placed).map(|(position, id)| (Some(position), id));
    let waiting = model.entries.keys().filter(|id| filter.pending && !player.placed.contains(id)).map(|id| (None, id));
    let entries = placed.chain(waiting).map(|(position, id)| PlacedEntry { position, entry: model.entries[id].clone() });
    let fits = |placed: &PlacedEntry| {
        let entry = &placed.entry;
        filter.tenant.as_ref().is_none_or(|tenant| entry.actor.tenant == *tenant)
            && filter.subjects.as_ref().is_none_or(|subjects| subjects.contains(&entry.subject))
            && filter.act.as_ref().is_none_or(|act| entry.act == *act)
            && filter.from.is_none_or(|from| entry.at >= from)
            && filter.to.is_none_or(|to| entry.at < to)
            && filter.after.is_none_or(|after| placed.position.is_none_or(|position| position > after))
    };
    entries.filter(fits).collect()
}

/// The numbers that anything may have here.
fn numbers(model: &Model) -> Vec<String> {
    let mut numbers: Vec<_> = (0..ORDERS).map(|n| format!("O{n}")).chain((0..WAYBILLS).map(|n| format!("W{n}"))).collect();
    numbers.extend((0..3).map(|n| format!("N{n}")));
    numbers.extend(["BILL1", "BAG1", "none"].map(str::to_owned));
    numbers.extend(model.documents().into_iter().filter_map(|document| document.enterprise_no).map(|EnterpriseNo(no)| no));
    numbers
}

/// Keys of receipts about anything here.
fn keys(model: &Model) -> Vec<Key> {
    let mut keys: Vec<_> = (0..ORDERS).flat_map(|n| [order_key(&format!("O{n}")), inventory_key("", &format!("O{n}"))]).collect();
    for carrier in CARRIERS {
        keys.extend((0..WAYBILLS).map(|n| Key::Waybill { carrier: carrier.into(), waybill_no: format!("W{n}") }));
    }
    let enterprise = model.documents().into_iter().filter_map(|document| document.enterprise_no);
    keys.extend(enterprise.map(|no| inventory_key(&no.0, "O0")));
    keys
}

/// Everybody who may ask: any tenant, the carriers', and one that has nothing.
fn askers() -> Vec<Option<Tenant>> {
    let named = TENANTS.iter().chain(&["carrier", "nobody"]).map(|name| Some(tenant(name)));
    std::iter::once(None).chain(named).collect()
}
