//! Tongguan (通关) is a declaration gateway for China's cross-border e-commerce exports (9610, 1210, 9710, 9810).
//!
//! Sellers submit orders over gRPC and carriers push waybills. The gateway checks them, advises line by line on the exemption
//! without invoice (无票免税), queues, signs and delivers the documents that follow from them to customs, and lets customs' receipts
//! carry each one to its end. Every change is an entry of an audit log that nobody can change unseen.
//!
//! # The map
//!
//! One crate, one binary. The modules below stand in order: **a module uses only what stands above it**, and one outside crate
//! has one place (sqlx in [`store`], quick-xml in [`message`], tonic in [`grpc`], clap in [`cli`]). A test keeps both true.
//!
//! | pure: no input, no output, no clock | |
//! | --- | --- |
//! | [`clock`] | time and randomness: the only readers of either; [`clock::meter`] tells where CPU time goes |
//! | [`codes`] | official code lists, their rows with the dates between which they hold |
//! | [`party`] | tenants, actors, enterprises, senders towards customs |
//! | [`declaration`] | the documents and what is in them; what callers send stays apart in [`declaration::draft`] |
//! | [`check`] | everything that a declaration or a waybill can get wrong, all at once |
//! | [`exemption`] | advice on the exemption, with its reasons; never a verdict |
//! | [`receipt`] | what customs answered, in our words |
//! | [`state`] | the life of a document at customs, in one match |
//! | [`lane`] | who transmits what, and what an inventory waits for |
//! | [`queue`] | delivery: leases, faults, backoff, breaker |
//! | [`dossier`] | a declaration as it is kept, with its documents |
//! | [`explain`] | states in plain words, in Chinese and English |
//! | [`audit`] | entries, the RFC 6962 tree over them, signed checkpoints, verification |
//! | [`retention`] | how long each class of what is kept must be kept |
//!
//! | wire: bytes to and from the pure part | |
//! | --- | --- |
//! | [`message`] | the messages; customs' own names appear only here |
//! | [`seal`] | canonical form, digest, signature, and its verification before anything leaves |
//!
//! | kept and moving | |
//! | --- | --- |
//! | [`vault`] | encryption of what is kept raw |
//! | [`archive`] | what was taken out of the store, in files that anybody can read |
//! | [`store`] | the use cases of what is kept; [`store::sqlite`] or [`store::postgres`] keeps it |
//! | [`signers`] | keys from files, paced as their device allows |
//! | [`tally`] | what this process has done, counted for who looks from outside |
//! | [`telemetry`] | traces: each stage that an audit entry comes out of, told to a collector |
//! | [`task`] | the loop that every moving part runs |
//! | [`node`] | processes that share a store: who lives, who differs, whose turn it is |
//! | [`endpoint`] | a road to customs: today a folder |
//! | [`intake`] | takes in what callers send; answers after the commit |
//! | [`gatekeeper`] | looks at the gates, and makes the waybill's document |
//! | [`packer`] | makes sealed messages of documents that are due |
//! | [`courier`] | carries sealed messages, the same bytes every time |
//! | [`collector`] | keeps what comes back, then reads it |
//! | [`redecider`] | decides the exemption again where something was recorded, or a library or pack is new |
//! | [`sequencer`] | puts audit entries into the tree, under signed checkpoints |
//!
//! | looking in | |
//! | --- | --- |
//! | [`proving`] | what is shown of the audit log to who trusts nothing: tiles, proofs, bundles, the check of the whole |
//! | [`access`] | who may call what: one table |
//! | [`listener`] | connections, bounded and encrypted, before anybody has said who calls |
//! | [`tiles`] | the log over HTTP, read-only, for public verifiers |
//! | [`accounts`] | people at the console: passwords, codes, and what shuts them out |
//! | [`archivist`] | archives months that are over, and destroys what has been kept long enough |
//! | [`ledgers`] | ledgers of the exemption out of what is kept, a page at a time |
//! | [`desk`] | what operations staff decide: hold, release, retry, resolve, pause, attach |
//! | [`grpc`] | the services, and the client that our own commands use |
//! | [`console`] | pages for operations staff; metrics and health |
//! | [`simulator`] | a customs to rehearse against |
//! | [`config`] | gathers the options of every part |
//! | [`gateway`] | starts everything and stops it in the order in which work flows |
//! | [`demo`] | the shipped orders and what must become of them |
//! | [`bench`] | what it all costs |
//! | [`cli`] | the commands |
//!
//! # What always holds
//!
//! - **The way is typed.** What was not checked cannot be assessed, what was not assessed cannot be planned and kept, what was not
//!   signed and verified cannot be queued: each type is made by its stage alone.
//! - **Nothing is acknowledged before it is on disk**: no answer to a caller before [`store::Store::accept`] has committed, and no
//!   file of customs is removed before [`store::Store::keep`] has.
//! - **The same bytes.** A sealed message is sent as it was kept, under the same name and guid, however often it takes. A document
//!   goes into another message only after the first one came to its end by an answer: the port's 4, or the refusal of a whole message.
//! - **Two machines.** [`queue`] knows delivery and [`state`] knows customs; neither knows the other. A refusal by customs is a
//!   state, not an error.
//! - **Leases carry a token.** Work on rows is taken by a [`queue::Lease`] that ends by itself; every later write matches its token.
//! - **No node leads.** Any number of processes share a store, each with some of the parts ([`node::Role`]). What only one does at a time
//!   is a lease ([`node::Turn`]), and what it writes is guarded besides: nothing rests on what nodes believe of each other or on their clocks.
//! - **Versions.** A change names the versions it was decided on ([`store::Change::expected`]); where they no longer hold it does
//!   nothing, says [`store::Written::Stale`], and is decided again.
//! - **An entry for every change**, in the change's own transaction. With one writer its place is that of its commit; the sequencer
//!   puts it under a signed checkpoint a moment later.
//! - **A body is in the store or in a verified archive** of which the log tells ([`archivist`]): at no moment in neither, unless its time was
//!   over and the log says that it was destroyed.
//! - **Never back from a good state.** Receipts come late, twice and out of order: [`state::next`] only lets them lead forward,
//!   and every one is kept.
//! - **Time and randomness come from [`clock::Clockwork`]** or as arguments; the store reads no clock.
//! - **No personal data in the program's log, in findings or in audit entries**: they hold ids, codes, states, numbers.
//! - **Every input is bounded**: size, depth, count, and time.
//!
//! # One declaration, from Submit to closed
//!
//! 1. `Submit` comes through [`grpc`]; [`access::Access`] tells whose call it is. It becomes an [`intake::Submission`] with a
//!    [`declaration::draft::Declaration`], text as sent, and waits in the bounded queue of [`intake::Intake`].
//! 2. A worker asks [`store::Store::lookup`] what is taken already, and [`intake::prepare::prepare`] leads it through
//!    [`check::check`] to [`check::Checked`], through [`exemption::Advisor`] to [`intake::prepare::Assessed`], through
//!    [`lane::choose`] to [`intake::prepare::Planned`]. Faults end here, all of them, as [`check::Finding`]s.
//! 3. [`store::Store::accept`] keeps many in one commit: declaration, documents, numbers, idempotency key, assessment, audit entry.
//!    Then the caller is answered. The order is `due`, the inventory `waiting`.
//! 4. The carrier's waybill comes by `PushWaybills` and [`store::Store::accept_waybills`], before or after the order.
//! 5. [`packer::Packer`] leases due documents of one sender, kind and road, up to 100, composes them ([`message`]) and has them signed
//!    ([`seal::seal`]) outside any transaction. [`store::Store::pack`] keeps the [`seal::Sealed`] bytes if the lease still holds.
//! 6. [`courier::Courier`] wraps them for the road, hands them to [`endpoint::Endpoint::send`] and writes down how it ended:
//!    [`store::Outcome`]. A [`queue::Fault::Unknown`] waits for the road's quiet time; then the same bytes go again.
//! 7. [`collector::Receiver`] keeps every arrival raw and only then acknowledges it. [`collector::Collector`] reads it, matches each
//!    [`receipt::Receipt`] by its business key ([`store::Store::matches`]), asks [`state::next`], and writes receipt, state, renewed
//!    advice and entries by [`store::Store::apply`] in one commit.
//! 8. [`gatekeeper::Gatekeeper`] asks [`lane::gate`] whether order and waybill are where the lane wants them. When they are, the
//!    inventory is due, and goes the way of steps 5 to 7: 2, 120, 399, 800, and 899: [`state::State::Closed`].
//! 9. [`sequencer::Sequencer`] puts the entries of all this into the tree and signs a checkpoint; [`audit::verify`] reads it all again
//!    with nothing but the public key.
//!
//! # What is submitted on its own
//!
//! A payment, a manifest, an arrival, a departure, a cancellation, a summary, a return and its tally are each a
//! [`declaration::FollowUp`]: checked and kept on its own, in parts where it is long, packed and answered as any document, and
//! matched to the inventories it is about. What it does to them follows from its receipts. Which of these, and which amendment or
//! deletion, a document's state permits is one table: [`state::permits`].
//!
//! # Where the parts are other than one might look for them
//!
//! - The gate is two parts: [`lane`] decides and touches nothing, [`gatekeeper`] moves. What a lane said is kept with the
//!   declaration as its [`lane::Plan`]; a later configuration does not change it.
//! - [`dossier`] is what the store gives out and takes back, so that the parts that move need not know each other; [`explain`] stands
//!   beside it because both the door and the commands say states in words.
//! - [`task`] is the one loop of every moving part: a pass that fails never ends it, and a pass that has begun is finished.
//! - [`gateway`] is what `serve`, `demo` and `bench` all start; [`demo`] only holds what is shipped. [`bench`] stands below both, since
//!   it runs whole lives through a gateway with the demonstration's orders.

pub mod clock;
pub mod codes;
pub mod party;
pub mod declaration;
pub mod check;
pub mod exemption;
pub mod receipt;
pub mod state;
pub mod lane;
pub mod queue;
pub mod dossier;
pub mod explain;
pub mod audit;
pub mod retention;
pub mod message;
pub mod seal;
pub mod vault;
pub mod archive;
pub mod store;
pub mod signers;
pub mod tally;
pub mod telemetry;
pub mod task;
pub mod node;
pub mod endpoint;
pub mod intake;
pub mod gatekeeper;
pub mod packer;
pub mod courier;
pub mod collector;
pub mod redecider;
pub mod sequencer;
pub mod proving;
pub mod access;
pub mod listener;
pub mod tiles;
pub mod accounts;
pub mod archivist;
pub mod ledgers;
pub mod desk;
pub mod grpc;
pub mod console;
pub mod simulator;
pub mod config;
pub mod gateway;
pub mod demo;
pub mod bench;
pub mod cli;
