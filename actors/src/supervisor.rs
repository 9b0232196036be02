//! Builds every actor, and builds it again when it has ended. A stage that dies loses only its own tasks. When the
//! persister dies, its stages are built again with it, because they report to it.
//!
//! A drain ends the actors in two steps: intake and the persister first, and then the notifier and the node maintenance,
//! which serve them. Each ends by itself once it has nothing left to do, so after the last one nobody calls the store. An
//! actor that panics meanwhile is built again, to finish what it had begun.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message, Recipient};
use tokio::time::Instant;

use crate::engine_context::EngineContext;
use crate::enricher::Enricher;
use crate::guard::ExitGuard;
use crate::intake::Intake;
use crate::messages::{
    ActorExited, DrainStarted, NodeMaintenanceReplaced, NotifierReplaced, PersisterReplaced, Role, Stage,
    StageReplaced, TaskClaimed, TaskEnded, WorkEnded,
};
use crate::node_maintenance::NodeMaintenance;
use crate::notifier::Notifier;
use crate::persister::{Persister, Recipients};
use crate::publisher::Publisher;
use crate::screener::Screener;
use crate::transcoder::Transcoder;
use crate::validator::Validator;

/// First wait before an actor is built again; it doubles with every early death.
const RESTART_MIN: Duration = Duration::from_millis(50);
/// Longest wait before an actor is built again.
const RESTART_MAX: Duration = Duration::from_secs(5);
/// An actor that lived longer than this did not die early: the count starts again.
const STEADY: Duration = Duration::from_secs(60);
/// Between two messages to an actor that a drain waits for: the first may find a full mailbox, or an actor that is being
/// built again.
const DRAIN_INTERVAL: Duration = Duration::from_millis(50);
/// The actors that a drain ends first: they take work.
const WORKING: [Role; 2] = [Role::Intake, Role::Persister];
/// The actors that a drain ends after those: they serve them.
const SERVING: [Role; 2] = [Role::Notifier, Role::NodeMaintenance];
/// Early deaths in a row after which the engine gives up: a restart does not repair what is broken.
const EARLY_DEATHS_MAX: u32 = 10;

struct Child {
    generation: u64,
    built: Instant,
    early_deaths: u32,
    /// A drain need not wait for it.
    ended: bool,
}

/// See the module.
pub struct Supervisor {
    context: Arc<EngineContext>,
    children: BTreeMap<Role, Child>,
    generation: u64,
    notifier: Option<Addr<Notifier>>,
    node_maintenance: Option<Addr<NodeMaintenance>>,
    persister: Option<Addr<Persister>>,
    intake: Option<Addr<Intake>>,
    /// When running tasks must end; `None` before a drain.
    drain_until: Option<Instant>,
}

impl Supervisor {
    /// A supervisor that has built nothing yet.
    pub fn new(context: Arc<EngineContext>) -> Self {
        Self {
            context,
            children: BTreeMap::new(),
            generation: 0,
            notifier: None,
            node_maintenance: None,
            persister: None,
            intake: None,
            drain_until: None,
        }
    }

    fn guard(&mut self, role: Role, ctx: &Context<Self>) -> ExitGuard {
        self.generation += 1;
        let early_deaths = self.children.get(&role).map_or(0, |child| child.early_deaths);
        let child = Child { generation: self.generation, built: Instant::now(), early_deaths, ended: false };
        self.children.insert(role, child);
        ExitGuard::new(role, self.generation, ctx.address().recipient())
    }

    fn build_all(&mut self, ctx: &Context<Self>) {
        self.build_notifier(ctx);
        self.build_node_maintenance(ctx);
        self.build_persister(ctx);
        self.build_intake(ctx);
    }

    fn build_notifier(&mut self, ctx: &Context<Self>) {
        let guard = self.guard(Role::Notifier, ctx);
        let notifier = Notifier::new(Arc::clone(&self.context), guard).start();
        if let Some(persister) = &self.persister
            && persister.try_send(NotifierReplaced(notifier.clone().recipient())).is_err()
        {
            // Without the hint the notifier still polls the outbox.
            tracing::debug!(
                "notifier not announced: the persister's mailbox is full; the notifier polls the outbox"
            );
        }
        self.notifier = Some(notifier);
    }

    fn build_node_maintenance(&mut self, ctx: &Context<Self>) {
        let guard = self.guard(Role::NodeMaintenance, ctx);
        let node_maintenance = NodeMaintenance::new(Arc::clone(&self.context), guard).start();
        if let Some(persister) = &self.persister
            && persister.try_send(NodeMaintenanceReplaced(node_maintenance.clone().recipient())).is_err()
        {
            tracing::debug!(
                "node maintenance not announced: the persister's mailbox is full; it cannot ask for a self-test"
            );
        }
        self.node_maintenance = Some(node_maintenance);
    }

    fn build_persister(&mut self, ctx: &Context<Self>) {
        let (Some(notifier), Some(node_maintenance)) = (self.notifier.clone(), self.node_maintenance.clone())
        else {
            return;
        };
        // The persister and its stages hold each other's addresses, so its context is created before its state.
        let persister_guard = self.guard(Role::Persister, ctx);
        let stage_guards = Stage::ALL.map(|stage| (stage, self.guard(Role::Stage(stage), ctx)));
        let context = Arc::clone(&self.context);
        let persister = Persister::create(move |persister| {
            let results: Recipient<TaskEnded> = persister.address().recipient();
            let mut stages = BTreeMap::new();
            for (stage, guard) in stage_guards {
                stages.insert(stage, build_stage(stage, Arc::clone(&context), results.clone(), guard));
            }
            let recipients =
                Recipients { notifier: notifier.recipient(), node_maintenance: node_maintenance.recipient() };
            Persister::new(context, stages, recipients, persister_guard)
        });
        if let Some(intake) = &self.intake
            && intake.try_send(PersisterReplaced(persister.clone().recipient())).is_err()
        {
            tracing::debug!(
                "persister not announced: intake's mailbox is full; the persister polls the store"
            );
        }
        self.persister = Some(persister);
    }

    fn build_intake(&mut self, ctx: &Context<Self>) {
        let (Some(events), Some(persister)) = (self.context.events.clone(), self.persister.clone()) else {
            return;
        };
        let guard = self.guard(Role::Intake, ctx);
        self.intake =
            Some(Intake::new(Arc::clone(&self.context), events, persister.recipient(), guard).start());
    }

    fn rebuild(&mut self, role: Role, ctx: &Context<Self>) {
        match role {
            Role::Intake => self.build_intake(ctx),
            Role::Notifier => self.build_notifier(ctx),
            Role::NodeMaintenance => self.build_node_maintenance(ctx),
            // Its old stages end when the last of their addresses is dropped.
            Role::Persister => self.build_persister(ctx),
            Role::Stage(stage) => {
                let Some(persister) = self.persister.clone() else { return };
                let guard = self.guard(role, ctx);
                let results = persister.clone().recipient();
                let recipient = build_stage(stage, Arc::clone(&self.context), results, guard);
                if persister.try_send(StageReplaced { stage, recipient }).is_err() {
                    self.build_persister(ctx);
                }
            }
        }
    }

    fn left_of(&self, roles: [Role; 2]) -> Vec<Role> {
        let left = |role: &Role| self.children.get(role).is_some_and(|child| !child.ended);
        roles.into_iter().filter(left).collect()
    }

    /// Takes a drain as far as it can go now.
    fn continue_drain(&self) {
        let Some(until) = self.drain_until else { return };
        let (working, serving) = (self.left_of(WORKING), self.left_of(SERVING));
        let next = if working.is_empty() { &serving } else { &working };
        for role in next {
            if !self.send_drain(*role, until.saturating_duration_since(Instant::now())) {
                tracing::debug!(
                    actor = role.as_str(),
                    "drain not sent: the actor is busy or is being built again"
                );
            }
        }
        let left = working.iter().chain(&serving).map(|role| role.as_str());
        self.context.progress_board.mark_draining(left.collect());
    }

    fn send_drain(&self, role: Role, grace: Duration) -> bool {
        match role {
            Role::Intake => sent(self.intake.as_ref(), DrainStarted { grace }),
            Role::Persister => sent(self.persister.as_ref(), DrainStarted { grace }),
            Role::Notifier => sent(self.notifier.as_ref(), WorkEnded),
            Role::NodeMaintenance => sent(self.node_maintenance.as_ref(), WorkEnded),
            // Stages end with the persister.
            Role::Stage(_) => true,
        }
    }
}

/// Whether the actor is there and its mailbox has taken the message.
fn sent<A, M>(actor: Option<&Addr<A>>, message: M) -> bool
where
    A: Actor<Context = Context<A>> + Handler<M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    actor.is_some_and(|actor| actor.try_send(message).is_ok())
}

fn build_stage(
    stage: Stage,
    context: Arc<EngineContext>,
    results: Recipient<TaskEnded>,
    guard: ExitGuard,
) -> Recipient<TaskClaimed> {
    match stage {
        Stage::Validator => Validator::new(context, results, guard).start().recipient(),
        Stage::Transcoder => Transcoder::new(context, results, guard).start().recipient(),
        Stage::Enricher => Enricher::new(context, results, guard).start().recipient(),
        Stage::Screener => Screener::new(context, results, guard).start().recipient(),
        Stage::Publisher => Publisher::new(context, results, guard).start().recipient(),
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Room for the exits of all children of several generations.
        ctx.set_mailbox_capacity(256);
        self.build_all(ctx);
    }
}

impl Handler<ActorExited> for Supervisor {
    type Result = ();

    fn handle(&mut self, exited: ActorExited, ctx: &mut Self::Context) {
        let Some(child) = self.children.get_mut(&exited.role) else { return };
        if child.generation != exited.generation {
            return;
        }
        if self.drain_until.is_some() && !exited.panicking {
            child.ended = true;
            return self.continue_drain();
        }
        let steady = child.built.elapsed() > STEADY;
        child.early_deaths = if steady { 1 } else { child.early_deaths + 1 };
        let early_deaths = child.early_deaths;
        self.context.signals.actor_exited(exited.role.as_str(), exited.panicking);
        if early_deaths > EARLY_DEATHS_MAX {
            // It calls the store no more. What intake or the persister held, however, was not given back.
            child.ended = SERVING.contains(&exited.role);
            self.context.progress_board.mark_dead("an actor died right after its start, ten times in a row");
            return;
        }
        let wait = RESTART_MIN.saturating_mul(1 << (early_deaths - 1)).min(RESTART_MAX);
        ctx.run_later(wait, move |act, ctx| {
            // A stage that ended with its persister was built again with it.
            let is_current =
                act.children.get(&exited.role).is_some_and(|child| child.generation == exited.generation);
            if is_current {
                act.rebuild(exited.role, ctx);
            }
        });
    }
}

impl Handler<DrainStarted> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: DrainStarted, ctx: &mut Self::Context) {
        if self.drain_until.is_none() {
            ctx.run_interval(DRAIN_INTERVAL, |act, _| act.continue_drain());
        }
        self.drain_until = Some(Instant::now() + message.grace);
        self.continue_drain();
    }
}
