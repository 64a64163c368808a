//! The advisor: everything decisions are made with, loaded once.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use rust_decimal::{Decimal, RoundingStrategy};
use sha2::{Digest, Sha256};
use time::Date;

use crate::{
    check::parameters::Rates,
    declaration::{Declaration, InventoryLine},
    party::is_credit_code,
};

use super::{
    Alternative, Assessment, Cause, LineAssessment, Looked, Outcome, Part, Reason, Stage, Yuan,
    case::{Case, is_hs10, same_fields},
    conditions,
    facts::{
        Confirmed, Direction, Evidence, Facts, ListStatus, Override, Registration, Seller, SellerNamed, Settings, SixFields, Taxpayer,
        Trade,
    },
    library::{Library, Lookup, Seed},
    pack::{Pack, Packs, RegimeStatus},
    places::{Offices, Reading, Zones},
    reasons::Code,
    recorded::Recorded,
    rules::{Decision, Found, REGIME_RULE, decide},
    table::DataError,
};

/// Why an advisor cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A shipped table is broken.
    #[error("无票免税的数据表有误 · a table of the exemption is broken")]
    Data(#[from] DataError),
    /// An override without a name or a reason.
    #[error("覆盖 N-REGIME-UNVERIFIED 需注明姓名和理由 · the override of N-REGIME-UNVERIFIED needs a name and a reason")]
    Override,
    /// A profile without a code, or two with one.
    #[error("卖家资料 {0:?}：代码为空或重复 · seller profile {0:?}: the code is empty or used twice")]
    Seller(String),
    /// A rule for a zone that is not in the list.
    #[error("没有名为 {0:?} 的综试区 · no pilot zone is called {0:?}")]
    Zone(String),
}

/// Decides lines. Holds no clock: the day is an argument.
#[derive(Debug, Clone)]
pub struct Advisor {
    packs: Packs,
    library: Library,
    zones: Zones,
    offices: Offices,
    seed: Seed,
    rates: Arc<Rates>,
    settings: Settings,
    /// The override of the settings, shared by the decisions that need it.
    overridden: Option<Arc<Override>>,
    sellers: BTreeMap<String, Arc<Seller>>,
}

impl Advisor {
    /// With the shipped packs, zones, offices and reasons.
    ///
    /// # Errors
    /// If a shipped table is broken, or settings or profiles make no sense.
    pub fn new(library: Library, settings: Settings, sellers: Vec<Seller>) -> Result<Self, SetupError> {
        let zones = Zones::shipped()?;
        if settings.regime_override.as_ref().is_some_and(|given| given.name.trim().is_empty() || given.reason.trim().is_empty()) {
            return Err(SetupError::Override);
        }
        if let Some(rule) = settings.zone_rules.iter().find(|rule| zones.of(&rule.zone).is_none_or(|zone| zone.name != rule.zone)) {
            return Err(SetupError::Zone(rule.zone.clone()));
        }
        let mut by_code = BTreeMap::new();
        for seller in sellers {
            let code = seller.code.clone();
            if code.trim().is_empty() || by_code.insert(code.clone(), Arc::new(seller)).is_some() {
                return Err(SetupError::Seller(code));
            }
        }
        let (packs, offices, seed) = (Packs::shipped()?, Offices::shipped()?, Seed::shipped()?);
        let overridden = settings.regime_override.clone().map(Arc::new);
        let rates = Arc::default();
        Ok(Self { packs, library, zones, offices, seed, rates, settings, overridden, sellers: by_code })
    }

    /// The same with other packs: for replays.
    #[must_use]
    pub fn with_packs(mut self, packs: Packs) -> Self {
        self.packs = packs;
        self
    }

    /// The same with another library: for replays.
    #[must_use]
    pub fn with_library(mut self, library: Library) -> Self {
        self.library = library;
        self
    }

    /// What is loaded of the rate library.
    #[must_use]
    pub const fn library(&self) -> &Library {
        &self.library
    }

    /// The rule packs that hold now.
    pub fn packs(&self) -> impl Iterator<Item = &Arc<Pack>> {
        self.packs.all()
    }

    /// The same with an override of N-REGIME-UNVERIFIED: for replays.
    #[must_use]
    pub(super) fn overriding(mut self, given: Override) -> Self {
        self.overridden = Some(Arc::new(given.clone()));
        self.settings.regime_override = Some(given);
        self
    }

    /// The same with rates of exchange: the one of a line's export date is kept with its decision.
    #[must_use]
    pub fn with_rates(mut self, rates: Rates) -> Self {
        self.rates = Arc::new(rates);
        self
    }

    /// The same with other zones and offices.
    #[must_use]
    pub fn with_places(mut self, zones: Zones, offices: Offices) -> Self {
        (self.zones, self.offices) = (zones, offices);
        self
    }

    #[cfg(test)]
    pub(super) fn with_settings(mut self, settings: Settings) -> Self {
        self.overridden = settings.regime_override.clone().map(Arc::new);
        self.settings = settings;
        self
    }

    /// What the configuration chose: an override there belongs in the audit log at start.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// SHA-256 over all that decisions are made with beside the facts: packs, libraries, settings, profiles of the configuration.
    #[must_use]
    pub fn basis(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        let mut part = |text: &str| {
            digest.update(text);
            digest.update([0]);
        };
        self.packs.all().for_each(|pack| part(&pack.digest));
        self.library.versions().iter().for_each(|version| part(&version.used.digest));
        // Words, numbers and lists of them always serialise.
        part(&serde_json::to_string(&self.settings).unwrap_or_default());
        self.sellers.values().for_each(|seller| part(&serde_json::to_string(&**seller).unwrap_or_default()));
        digest.finalize().into()
    }

    /// Decides every line of a declaration as its list stands.
    #[must_use]
    pub fn assess(&self, declaration: &Declaration, recorded: &Recorded, list: ListStatus, today: Date) -> Assessment {
        self.assess_facts(&self.facts(declaration, recorded, list), list.into(), today)
    }

    /// Decides lines whose facts were gathered elsewhere.
    #[must_use]
    pub fn assess_facts(&self, facts: &[Facts], cause: Cause, today: Date) -> Assessment {
        Assessment { on: today, cause, lines: facts.iter().flat_map(|facts| self.assess_line(facts, today)).collect() }
    }

    /// Decides one line: one decision, or two if part of it came back.
    #[must_use]
    pub fn assess_line(&self, facts: &Facts, today: Date) -> Vec<LineAssessment> {
        parts(facts).into_iter().map(|share| self.assess_part(facts, share, today)).collect()
    }

    /// What a declaration, the seller's profile and what is recorded tell of its lines: no material, nothing that the authority found. The caller adds
    /// what it knows.
    #[must_use]
    pub fn facts(&self, declaration: &Declaration, recorded: &Recorded, list: ListStatus) -> Vec<Facts> {
        let RealSeller { code, profile: seller, named: seller_named } = self.real_seller(declaration, recorded);
        let registers = seller.and_then(|seller| seller.platform.as_ref()).is_some_and(|platform| platform.registers_lines);
        let registration = if registers { Registration::OnWord } else { Registration::NotRegistered };
        let line = |line: &InventoryLine| {
            let ordered = declaration.order_line(line);
            let mut facts = Facts {
                line: line.number,
                direction: Direction::Export,
                trade_mode: declaration.inventory.trade_mode.clone(),
                route: declaration.inventory.statistics,
                list,
                hs_code: line.hs_code.clone(),
                fields: SixFields {
                    export_date: Some(declaration.inventory.exit_date),
                    name: Some(line.customs_name.clone()),
                    unit: ordered.map(|ordered| ordered.unit.clone()),
                    quantity: ordered.map(|ordered| ordered.quantity),
                    price: ordered.map(|ordered| ordered.price),
                    amount: ordered.map(|ordered| ordered.total),
                },
                currency: declaration.order.currency.clone(),
                declared_at: declaration.inventory.declared_at.clone(),
                invoice: line.invoice,
                invoice_linked: false,
                returned: Decimal::ZERO,
                seller: seller.cloned(),
                seller_named,
                registration: registration.clone(),
                entered: None,
                evidence: Evidence::default(),
                invoice_rate: None,
                materials: None,
                found: Confirmed::default(),
                forgone: None,
            };
            recorded.tell(&mut facts, code);
            facts
        };
        declaration.inventory.lines.iter().map(line).collect()
    }

    /// The consignor is the real seller if its profile says it exports for itself (the owner may then be a maker), or if the list names
    /// nobody else. Otherwise the owner is, which is weaker evidence. A recorded profile counts before one of the configuration.
    fn real_seller<'a>(&'a self, declaration: &'a Declaration, recorded: &'a Recorded) -> RealSeller<'a> {
        let (consignor, owner) = (&declaration.order.seller.code, &declaration.inventory.owner.code);
        let known = |code: &str| recorded.seller(code).or_else(|| self.sellers.get(code));
        let profile = known(consignor);
        let exports_itself = profile.is_some_and(|seller| seller.role == Trade::Exporter);
        let owner_profile = known(owner);
        if consignor == owner || exports_itself || (profile.is_none() && owner_profile.is_none()) {
            return RealSeller { code: consignor, profile, named: SellerNamed::AsEnterprise };
        }
        let named = match (declaration.inventory.owner_registered, owner_profile.is_some() || is_credit_code(owner)) {
            (_, false) => SellerNamed::Nowhere,
            (true, true) => SellerNamed::AsOwner,
            (false, true) => SellerNamed::InNote,
        };
        RealSeller { code: owner, profile: owner_profile, named }
    }

    fn case<'a>(&'a self, facts: &'a Facts, part: Part, today: Date) -> Case<'a> {
        let day = facts.fields.export_date.unwrap_or(today);
        let goods = if is_hs10(&facts.hs_code) { self.library.find(&facts.hs_code, day) } else { Lookup::NotCovered };
        Case {
            facts,
            part,
            today,
            day,
            pack: self.packs.on(day),
            goods,
            material: facts.materials.as_ref().map(|materials| self.library.find(&materials.hs_code, day)),
            hint: self.seed.find(&facts.hs_code, day),
            zones: &self.zones,
            zone: facts.seller.as_ref().and_then(|seller| self.zones.of(&seller.city)),
            offices: &self.offices,
            office: self.offices.locate(&facts.declared_at, day),
            settings: &self.settings,
        }
    }

    fn assess_part(&self, facts: &Facts, share: Share, today: Date) -> LineAssessment {
        let case = self.case(facts, share.part, today);
        let decision = decide(&case);
        let overridden = decision.past_regime && case.pack.regime_103 != RegimeStatus::Verified;
        let decided_by = decision.appended.last().map_or(decision.rule, |found| found.rule);
        LineAssessment {
            line: facts.line,
            part: share.part,
            quantity: share.quantity,
            amount: share.amount,
            outcome: decision.outcome,
            stage: stage(&case),
            rule: Cow::Borrowed(decided_by.id),
            curable: decided_by.curable,
            pending: decision.trail.pending.iter().map(of).collect(),
            notes: decision.noted.iter().map(of).chain(notes(&case, overridden)).collect(),
            alternatives: alternatives(&case, &decision),
            tests: conditions::judge(&case),
            looked: Looked { yuan: self.yuan(facts), ..looked(&case) },
            reasons: reasons(decision),
            inputs: facts.clone(),
            pack: Arc::clone(case.pack),
            library: case.goods.version().map(|version| Arc::clone(&version.used)),
            override_used: self.overridden.clone().filter(|_| overridden),
        }
    }

    fn yuan(&self, facts: &Facts) -> Option<Arc<Yuan>> {
        let (rate, source) = self.rates.with_source(&facts.currency, facts.fields.export_date?)?;
        Some(Arc::new(Yuan { rate, source: source.to_owned() }))
    }
}

/// Who sells, as far as the list names it.
struct RealSeller<'a> {
    code: &'a str,
    profile: Option<&'a Arc<Seller>>,
    named: SellerNamed,
}

fn of(found: &Found<'_>) -> Reason {
    Reason { code: found.code, rule: Cow::Borrowed(found.rule.id), curable: found.rule.curable }
}

/// What was collected comes first, then what the deciding rule adds. Only the rules of the result come after collecting ones.
fn reasons(decision: Decision<'_>) -> Vec<Reason> {
    let rule = decision.rule;
    let own = decision.codes.into_iter().map(|code| Reason { code, rule: Cow::Borrowed(rule.id), curable: rule.curable });
    decision.trail.failures.iter().map(of).chain(own).chain(decision.appended.iter().map(of)).collect()
}

/// Where it is a question of law why a person must decide: what each answer would lead to.
fn alternatives(case: &Case<'_>, decision: &Decision<'_>) -> Vec<Alternative> {
    let led = |settings: &Settings| decide(&Case { settings, ..case.clone() }).outcome;
    if decision.rule.id == REGIME_RULE {
        let given = Override { name: "what if".to_owned(), reason: "what if".to_owned() };
        let in_force = led(&Settings { regime_override: Some(given), ..case.settings.clone() });
        // Without 103号 goods without a voucher are taxed (2026年第11号第七条(一)11), where the taxpayer is a general one.
        let general = case.seller().is_some_and(|seller| seller.taxpayer == Taxpayer::General);
        let not_in_force = if general { Outcome::Taxable } else { Outcome::Review };
        return [("in_force", in_force), ("not_in_force", not_in_force)]
            .map(|(reading, outcome)| Alternative { reading: Cow::Borrowed(reading), outcome })
            .into();
    }
    if !decision.trail.failures.iter().any(|found| found.code == Code::CustomsReading) {
        return Vec::new();
    }
    let under = |&reading: &Reading| Alternative {
        reading: Cow::Borrowed(reading.as_str()),
        outcome: led(&Settings { office_reading: Some(reading), ..case.settings.clone() }),
    };
    case.pack.readings.iter().map(under).collect()
}

fn notes(case: &Case<'_>, overridden: bool) -> Vec<Reason> {
    let weaker = matches!(case.facts.seller_named, SellerNamed::AsOwner | SellerNamed::InNote);
    let regime = overridden.then_some(Reason { code: Code::RegimeUnverified, rule: Cow::Borrowed(REGIME_RULE), curable: Some(true) });
    // No row of the table gives this code; the weaker case is flagged wherever it is found.
    let note = weaker.then_some(Reason { code: Code::SellerNote, rule: Cow::Borrowed("NOTE"), curable: None });
    regime.into_iter().chain(note).collect()
}

fn looked(case: &Case<'_>) -> Looked {
    Looked {
        office: case.office.cloned(),
        reading: case.settings.office_reading,
        rate: case.goods.rate().cloned(),
        hint: case.hint.filter(|_| matches!(case.goods, Lookup::NotCovered)).cloned(),
        registered: case.registered().is_some(),
        yuan: None,
    }
}

fn stage(case: &Case<'_>) -> Stage {
    let facts = case.facts;
    // What the seller only says of itself proves nothing.
    let equal = matches!(&facts.registration, Registration::Registered(values) if same_fields(values, &facts.fields));
    let Evidence { statement, contract, payment, filing, .. } = facts.evidence;
    if !facts.list.released() || facts.fields.export_date.is_none() {
        Stage::Forecast
    } else if !equal || statement.is_none() || contract.is_none() || payment.is_none() {
        Stage::CustomsFinal
    } else if filing.is_none() {
        Stage::EvidenceComplete
    } else {
        Stage::Filed
    }
}

/// A line, or one part of a partly returned one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Share {
    part: Part,
    quantity: Option<Decimal>,
    amount: Option<Decimal>,
}

/// The amounts of the parts add up to the line's; what is kept is rounded half up at the line's decimals.
fn parts(facts: &Facts) -> Vec<Share> {
    let (quantity, amount) = (facts.fields.quantity, facts.fields.amount);
    if facts.returned <= Decimal::ZERO {
        return vec![Share { part: Part::Whole, quantity, amount }];
    }
    let remaining = quantity.and_then(|all| all.checked_sub(facts.returned)).filter(|kept| *kept > Decimal::ZERO);
    let Some(kept) = remaining else { return vec![Share { part: Part::Returned, quantity, amount }] };
    let kept_amount = amount.zip(quantity).and_then(|(amount, all)| {
        let share = amount.checked_mul(kept)?.checked_div(all)?;
        Some(share.round_dp_with_strategy(amount.scale(), RoundingStrategy::MidpointAwayFromZero))
    });
    let returned_amount = amount.zip(kept_amount).and_then(|(amount, kept)| amount.checked_sub(kept));
    vec![
        Share { part: Part::Kept, quantity: Some(kept), amount: kept_amount },
        Share { part: Part::Returned, quantity: Some(facts.returned), amount: returned_amount },
    ]
}
