//! Lets assets go on that wait for money.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_cost::cap::Caps;
use reelgate_flow::ids::AssetId;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::AccountSums;

use super::budgets::money_of;
use super::relatives::follow_up;
use super::write_call::{Transact, WriteCall};
use crate::session::{Answer, Lock, Session};

/// Maximum number of waiting assets that one call looks at.
const WAITING_MAX: u32 = 200;

/// Lets assets go on that wait for money and arrived after this one.
#[derive(Debug)]
pub struct Admit<'a> {
    /// The caps in force.
    pub caps: &'a Caps,
    /// The last asset that an earlier call has looked at.
    pub after: Option<AssetId>,
}

/// The result of an [`Admit`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Admitted {
    /// How many assets go on.
    pub assets: u64,
    /// The last asset that was looked at; `None` if there are no more.
    pub next: Option<AssetId>,
}

impl WriteCall for Admit<'_> {
    type Output = Admitted;

    const OPERATION: &'static str = "admit waiting work";

    fn locks(&self) -> Option<Vec<Lock>> {
        Some(vec![Lock::Accounts])
    }

    async fn run<S: Session>(&self, session: &mut S) -> Answer<Admitted, S> {
        let waiting = session.waiting_for_money(self.after.as_ref(), WAITING_MAX).await?;
        if waiting.is_empty() {
            return Ok(Admitted { assets: 0, next: None });
        }
        session.load(&waiting).await?;
        let (mut keys, mut names) = (BTreeSet::new(), BTreeSet::new());
        for id in &waiting {
            keys.insert(session.work().at(id)?.row.key_sha256.clone());
            names.extend(session.work().accounts_of(id)?.into_iter().map(|(_, name)| name));
        }
        session.load_versions(&keys).await?;
        let mut money = money_of(session, &waiting.iter().cloned().collect()).await?;
        let sums: BTreeMap<String, AccountSums> = session.account_sums(&names).await?;
        let mut assets = 0;
        for id in &waiting {
            let money = money.remove(id).unwrap_or_default();
            assets += u64::from(session.work().admit(id, money, self.caps, &sums)?);
        }
        follow_up(session).await?;
        let next = waiting.last().filter(|_| waiting.len() == WAITING_MAX as usize).cloned();
        Ok(Admitted { assets, next })
    }
}

/// Lets all assets go on that wait for money, as far as there is some, by repeated [`Admit`] calls; returns how many.
pub async fn admit<T: Transact>(store: &T, caps: &Caps) -> PortResult<u64> {
    let (mut admitted, mut after) = (0, None);
    loop {
        let Admitted { assets, next } = store.transact(&Admit { caps, after }).await?;
        admitted += assets;
        if next.is_none() {
            return Ok(admitted);
        }
        after = next;
    }
}
