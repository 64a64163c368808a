//! Commands at random, in long sequences: every store must answer as the model does. A sequence that fails is made as short as it can
//! be and printed with its seed.

use std::{collections::BTreeSet, fmt::Debug, time::Duration};

use tongguan::{
    audit::{Tree, leaf_hash},
    clock::{Clockwork, SeededEntropy, Timestamp},
    dossier::Content,
    state::State,
    store::{DeadlineFilter, EntryFilter, ListFilter, PlacedEntry, Store, Written},
};
use uuid::Uuid;

use self::commands::{CARRIERS, Command, Dice, Held, Step, WAYBILLS};
use super::{
    Backend, World,
    log::{place, restore},
    model::Model,
    samples::{Maker, START},
};

mod commands;
mod views;

/// Sequences in each part; parts run beside each other. The environment may ask for more of them (`TONGGUAN_SEQUENCES`), or from another
/// seed on (`TONGGUAN_SEED`): the one that a failure tells plays it again.
const SEQUENCES: u64 = 30;
const STEPS: u64 = 40;
const SEED: u64 = 20_261_124;

/// What differs: which store, at which step, and how.
type Difference = String;

/// A store that is compared with the model. Each gives places to entries in an order of its own.
struct Player {
    name: String,
    world: World,
    placed: Vec<Uuid>,
}

/// A sequence while it is played.
struct Game {
    now: Timestamp,
    maker: Maker,
    model: Model,
    held: Held,
    players: Vec<Player>,
}

#[tokio::test]
async fn sequences_at_random_mean_the_same_to_the_model_and_to_every_store() {
    compare(0).await;
}

#[tokio::test]
async fn other_sequences_at_random_do_so_too() {
    compare(1).await;
}

#[tokio::test]
async fn and_yet_others_do() {
    compare(2).await;
}

async fn compare(part: u64) {
    let wanted = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let sequences = wanted("TONGGUAN_SEQUENCES").unwrap_or(SEQUENCES);
    let first = wanted("TONGGUAN_SEED").unwrap_or(SEED) + part * sequences;
    let mut players = players().await;
    for seed in first..first + sequences {
        let steps = steps(seed);
        let difference;
        (players, difference) = play(seed, &steps, players).await;
        if let Err(difference) = difference {
            let (steps, difference) = shortened(seed, steps, difference).await;
            panic!("seed {seed}, {} steps: {}\n{difference}", steps.len(), told(seed, &steps).await);
        }
        for player in &mut players {
            player.placed.clear();
            player.world.empty().await;
        }
    }
}

async fn players() -> Vec<Player> {
    let mut players = Vec::new();
    for backend in Backend::ALL {
        players.push(Player { name: format!("{backend:?}"), world: backend.world().await, placed: Vec::new() });
    }
    players
}

fn dice(seed: u64) -> Clockwork {
    Clockwork::new(std::sync::Arc::new(tongguan::clock::ManualClock::at(START)), std::sync::Arc::new(SeededEntropy::new(seed)))
}

fn steps(seed: u64) -> Vec<Step> {
    let dice = dice(seed);
    (0..STEPS).map(|_| Step { what: u8::try_from(dice.below(Step::KINDS)).unwrap(), seed: dice.below(u64::MAX) }).collect()
}

/// Leaves out steps for as long as it fails without them, halves first.
async fn shortened(seed: u64, mut steps: Vec<Step>, mut difference: Difference) -> (Vec<Step>, Difference) {
    let mut length = steps.len() / 2;
    while length > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut shorter = steps.clone();
            shorter.drain(at..steps.len().min(at + length));
            // In new stores: what they remember of ids is not so any more.
            match play(seed, &shorter, players().await).await.1 {
                Err(still) => (steps, difference) = (shorter, still),
                Ok(()) => at += length,
            }
        }
        length /= 2;
    }
    (steps, difference)
}

/// The commands of a sequence, as the model alone plays it.
async fn told(seed: u64, steps: &[Step]) -> String {
    let mut game = Game::new(seed, Vec::new());
    let mut told = String::new();
    for step in steps {
        let (now, command) = game.next(step);
        told += &format!("\n— at {now}: {}", text(&command).chars().take(400).collect::<String>());
        if let Some(command) = command {
            game.model_answer(&command);
        }
    }
    told
}

async fn play(seed: u64, steps: &[Step], players: Vec<Player>) -> (Vec<Player>, Result<(), Difference>) {
    let mut game = Game::new(seed, players);
    let played = game.play(steps).await;
    (game.players, played)
}

impl Game {
    fn new(seed: u64, players: Vec<Player>) -> Self {
        Self { now: START, maker: Maker::new(seed), model: Model::default(), held: Held::default(), players }
    }

    async fn play(&mut self, steps: &[Step]) -> Result<(), Difference> {
        for (number, step) in steps.iter().enumerate() {
            let (now, command) = self.next(step);
            if let Some(command) = command {
                self.run(&command).await.map_err(|difference| format!("step {number} at {now}: {difference}"))?;
            }
        }
        self.run(&Command::Look).await.map_err(|difference| format!("at the end: {difference}"))
    }

    /// Time passes, mostly forward; then comes a command.
    fn next(&mut self, step: &Step) -> (Timestamp, Option<Command>) {
        let dice = Dice::new(step.seed, self.now, &self.maker, &self.model, &self.held);
        let now = match dice.below(400) {
            0 => self.now + Duration::from_secs(184 * 86_400),
            1..=20 => self.now - Duration::from_secs(dice.below(5)),
            21..=60 => self.now + Duration::from_secs(61),
            _ => self.now + Duration::from_micros(dice.below(3_000_000)),
        };
        let command = dice.at(now).command(step.what);
        self.now = now;
        (now, command)
    }

    async fn run(&mut self, command: &Command) -> Result<(), Difference> {
        match command {
            Command::Look => views::look(self).await,
            Command::Sequence { limit, stale } => self.sequence(*limit, *stale).await,
            _ => {
                let wanted = self.model_answer(command);
                for player in &self.players {
                    let answer = answer(&**player.world.store(), self.now, command).await;
                    same(&player.name, command, &answer, &wanted)?;
                }
                Ok(())
            }
        }
    }

    /// What the model answers; who leased something remembers it.
    fn model_answer(&mut self, command: &Command) -> String {
        let (now, model) = (self.now, &mut self.model);
        match command {
            Command::Lookup(asked) => text(&asked.iter().map(|asked| model.lookup(now, asked)).collect::<Vec<_>>()),
            Command::Accept(many) => text(&many.iter().map(|one| model.accept(now, one)).collect::<Vec<_>>()),
            Command::Push(many) => text(&many.iter().map(|one| model.push(now, one)).collect::<Vec<_>>()),
            Command::LeaseDocuments(lease) => {
                let batches = model.lease_documents(now, *lease);
                for batch in &batches {
                    self.held.documents.push((lease.token, batch.iter().map(|(document, _, _)| document.clone()).collect()));
                }
                sorted(batches.iter().map(|batch| text(&(&batch[0].0.sender, batch[0].0.kind, &batch[0].0.road, batch))))
            }
            Command::Pack(token, packing) => {
                self.held.packings.push((*token, packing.clone()));
                text(&model.pack(now, *token, packing))
            }
            Command::GiveBack(token, documents, at) => {
                model.give_back(*token, documents, *at);
                text(&())
            }
            Command::LeaseDeliveries(lease, road, limit) => {
                let deliveries = model.lease_deliveries(now, *lease, road, usize::try_from(*limit).unwrap());
                self.held.messages.extend(deliveries.iter().map(|delivery| (lease.token, delivery.message, delivery.attempt)));
                text(&deliveries)
            }
            Command::Settle(token, many) => text(&many.iter().map(|one| model.settle(*token, one)).collect::<Vec<_>>()),
            Command::Keep(many) => {
                many.iter().for_each(|one| model.keep(now, one));
                text(&())
            }
            Command::LeaseArrivals(lease, own, limit) => {
                let arrivals = model.lease_arrivals(now, *lease, *own, usize::try_from(*limit).unwrap());
                self.held.arrivals.extend(arrivals.iter().map(|arrival| (lease.token, arrival.id)));
                text(&arrivals)
            }
            Command::Apply(application) => text(&model.apply(now, application)),
            Command::TakeRole(holder, until) => text(&model.take_role(now, "role", *holder, *until)),
            Command::Sequence { .. } | Command::Look => String::new(),
        }
    }

    /// Each store gives places to what waits in it, in its own order.
    async fn sequence(&mut self, limit: u32, stale: bool) -> Result<(), Difference> {
        for player in &mut self.players {
            let store = player.world.store();
            let waiting: BTreeSet<_> = self.model.entries.keys().copied().filter(|id| !player.placed.contains(id)).collect();
            let pending = store.pending_entries(limit).await.map_err(|error| text(&error))?;
            let ids: BTreeSet<_> = pending.iter().map(|entry| entry.id).collect();
            let wanted = waiting.len().min(usize::try_from(limit).unwrap());
            if ids.len() != pending.len() || pending.len() != wanted || !ids.is_subset(&waiting) {
                return Err(format!("{}: {pending:?} of {waiting:?}", player.name));
            }
            if pending.iter().any(|entry| entry.leaf != leaf_hash(&self.model.entries[&entry.id].to_leaf())) {
                return Err(format!("{}: a leaf of {pending:?}", player.name));
            }
            if pending.is_empty() {
                continue;
            }
            let head = store.log_head().await.map_err(|error| text(&error))?;
            let mut sequencing = place(&mut restore(&head), &pending);
            let wanted = if stale { Written::Stale } else { Written::Done };
            sequencing.expected_size += i64::from(stale);
            let written = store.sequence(self.now, sequencing).await.map_err(|error| text(&error))?;
            same(&player.name, &"sequence", &text(&written), &text(&wanted))?;
            if !stale {
                player.placed.extend(pending.iter().map(|entry| entry.id));
            }
        }
        Ok(())
    }
}

fn text(value: &impl Debug) -> String {
    format!("{value:?}")
}

fn sorted(texts: impl Iterator<Item = String>) -> String {
    let mut texts: Vec<_> = texts.collect();
    texts.sort();
    texts.join("\n")
}

/// Whether an answer is the one wanted; where they differ, from there on.
fn same(name: &str, command: &impl Debug, answer: &str, wanted: &str) -> Result<(), Difference> {
    if answer == wanted {
        return Ok(());
    }
    let from = answer.bytes().zip(wanted.bytes()).take_while(|(a, b)| a == b).count().saturating_sub(200);
    let tail = |text: &str| String::from_utf8_lossy(&text.as_bytes()[from.min(text.len())..]).chars().take(700).collect::<String>();
    let asked = text(command).chars().take(400).collect::<String>();
    Err(format!("{name} on {asked}\n  answers …{}\n  not     …{}", tail(answer), tail(wanted)))
}

fn plain<T: Debug>(result: tongguan::store::Result<T>) -> String {
    result.map_or_else(|error| format!("error: {error:?}"), |value| text(&value))
}

/// What a store answers.
async fn answer(store: &dyn Store, now: Timestamp, command: &Command) -> String {
    match command.clone() {
        Command::Lookup(asked) => plain(store.lookup(now, asked).await),
        Command::Accept(many) => plain(store.accept(now, many).await),
        Command::Push(many) => plain(store.accept_waybills(now, many).await),
        Command::LeaseDocuments(lease) => match store.lease_documents(now, lease, 1_000).await {
            Ok(batches) => sorted(batches.iter().map(|batch| {
                let said = |content: &Content| match content {
                    Content::Declaration(declaration) => declaration.order.order_no.clone(),
                    Content::Waybill(waybill) => waybill.waybill_no.clone(),
                    Content::FollowUp(follow_up) => format!("{follow_up:?}"),
                };
                let documents: Vec<_> =
                    batch.documents.iter().map(|leased| (&leased.document, said(&leased.content), &leased.waybill_no)).collect();
                text(&(&batch.sender, batch.kind, &batch.road, documents))
            })),
            Err(error) => format!("error: {error:?}"),
        },
        Command::Pack(token, packing) => plain(store.pack(now, token, packing).await),
        Command::GiveBack(token, documents, at) => plain(store.give_back(token, documents, at).await),
        Command::LeaseDeliveries(lease, road, limit) => plain(store.lease_deliveries(now, lease, road, limit).await),
        Command::Settle(token, many) => plain(store.settle(now, token, many).await),
        Command::Keep(many) => plain(store.keep(now, many).await),
        Command::LeaseArrivals(lease, own, limit) => plain(store.lease_arrivals(now, lease, own, limit).await),
        Command::Apply(application) => plain(store.apply(now, application).await),
        Command::TakeRole(holder, until) => plain(store.take_role(now, "role", holder, until).await),
        Command::Sequence { .. } | Command::Look => String::new(),
    }
}
