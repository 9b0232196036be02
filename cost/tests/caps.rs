//! Caps hold under any order of admissions, settlements and deaths, and refuse nothing that fits.

use proptest::collection::vec;
use proptest::prelude::*;
use reelgate_cost::cap::{Account, CapScope, Refused, reserve};
use reelgate_cost::money::NanoUsd;

const TASKS: usize = 64;
const SCHEDULES: u32 = 1_000;

/// One step of a schedule: which task, what it may cost, what it costs in the end, and whether it dies.
type Step = (usize, i64, i64, bool);

fn step() -> impl Strategy<Value = Step> {
    (0..TASKS, 0..2_000i64, 0..3_000i64, prop::bool::weighted(0.2))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(SCHEDULES) })]

    #[test]
    fn overspending_is_at_most_what_running_work_cost_above_its_reservation(
        limit in 1_000..40_000i64, steps in vec(step(), 1..400)
    ) {
        let scopes = [CapScope::Prefix, CapScope::Day, CapScope::Month];
        let mut accounts = scopes.map(|scope| Account::new(scope, NanoUsd::new(limit)));
        let mut running: Vec<Option<(i64, i64)>> = vec![None; TASKS];
        let (mut spent, mut above) = (0, 0);
        for (task, asked, cost, dies) in steps {
            match running[task].take() {
                None => {
                    let reserved: i64 = running.iter().flatten().map(|(asked, _)| asked).sum();
                    let fits = spent + reserved + asked <= limit;
                    let admitted = reserve(&mut accounts, NanoUsd::new(asked));
                    prop_assert_eq!(admitted.is_ok(), fits, "{:?}", admitted);
                    match admitted {
                        Ok(()) => running[task] = Some((asked, cost)),
                        Err(refused) => {
                            let is_over = matches!(refused, Refused::OverCap { .. });
                            prop_assert!(is_over, "{}", refused);
                        }
                    }
                }
                Some((asked, cost)) => {
                    let cost = if dies { 0 } else { cost };
                    for account in &mut accounts {
                        if dies {
                            account.release(NanoUsd::new(asked)).unwrap();
                        } else {
                            account.settle(NanoUsd::new(asked), NanoUsd::new(cost)).unwrap();
                        }
                    }
                    spent += cost;
                    above += (cost - asked).max(0);
                }
            }
            let reserved: i64 = running.iter().flatten().map(|(asked, _)| asked).sum();
            for account in &accounts {
                prop_assert_eq!((account.spent.nanos(), account.reserved.nanos()), (spent, reserved));
            }
            prop_assert!(spent <= limit + above, "spent {} of {}, {} above reservations", spent, limit, above);
        }
    }
}
