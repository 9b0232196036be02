//! Frames sampled, poster and storyboard, subtitle text, in one media worker.

use std::sync::Arc;

use reelgate_flow::reason::Fault;
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::client::CancelFlag;
use reelgate_pipelines::messages::{Finished, Job};
use reelgate_ports::records::{Claim, Success};

use crate::house::House;
use crate::stage::{Learned, Work};
use crate::work::media::{Order, Staged, other_result, run_staged};
use crate::work::products::{Planned, Products, to_document};
use crate::work::transcode::show_on_board;

/// [`TaskKey::Enrich`].
pub struct Enrich;

impl Work for Enrich {
    async fn run(
        house: Arc<House>,
        claim: Claim,
        cancel: CancelFlag,
        learned: &mut Learned,
    ) -> Result<Success, Fault> {
        let products = Products::read(&house, &claim.fence.asset).await?;
        let planned: Planned = products.document(TaskKey::Validate)?;
        show_on_board(&house, &claim, &planned, &products);
        let media_ns = planned.media_ns(TaskKey::Enrich);
        let budget = house.settings.budgets.enrich(planned.plan.duration_ns);
        let job = Job::Enrich(planned.plan.enrich.clone());
        let order = Order { job, budget, media_ns };
        let Staged { finished, outputs, .. } = run_staged(&house, &claim, order, &cancel, learned).await?;
        let Finished::Enriched(result) = finished else { return Err(other_result()) };
        house.board.progressed(&claim.fence.asset, TaskKey::Enrich, media_ns);
        Ok(Success::Produced { result: to_document(&result)?, outputs })
    }
}
