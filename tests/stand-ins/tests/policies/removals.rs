//! Each statement of the shipped documents is needed: without it, some request that its role makes is denied.

use reelgate_stand_ins::ministack::{Case, Decision, decisions, without_each_statement};
use serde_json::Value;

use super::JUDGED;
use super::account::{Account, ROLES, Role};
use super::calls::{self, Listed, event_calls, object_calls};

/// A role's document without one statement.
struct Removal {
    role: Role,
    statement: String,
    policy: String,
}

fn removals() -> Vec<Removal> {
    let of_role = |role: Role| {
        let document: Value = serde_json::from_str(&role.policy()).unwrap();
        let less = without_each_statement(&document).into_iter();
        less.map(move |(statement, document)| Removal { role, statement, policy: document.to_string() })
    };
    ROLES.into_iter().flat_map(of_role).collect()
}

/// Of the judged requests that the role may make, the first that is denied now.
fn judged(removals: &[Removal]) -> Vec<Option<String>> {
    let mine = |role: Role| JUDGED.iter().filter(move |judged| judged.3.contains(&role));
    let asked: Vec<(String, Vec<Case<'_>>)> = removals
        .iter()
        .map(|removal| {
            let cases = mine(removal.role).map(|(action, resource, context, _)| Case {
                principal: "",
                action,
                resource,
                context,
            });
            (removal.policy.clone(), cases.collect())
        })
        .collect();
    let decided = decisions(&asked);
    let first = |(removal, decided): (&Removal, Vec<Decision>)| {
        let mut denied = mine(removal.role).zip(decided).filter(|(_, decision)| *decision != Decision::Allow);
        denied.next().map(|((action, resource, ..), _)| format!("{action} on {resource}"))
    };
    removals.iter().zip(decided).map(first).collect()
}

/// Of the calls that the role may make, the first that the account denies now.
fn called(account: &Account, number: usize, removal: &Removal, all: &[Listed]) -> Option<String> {
    let mine: Vec<&Listed> = all.iter().filter(|listed| listed.allowed.contains(&removal.role)).collect();
    let user = account.server.user(&format!("removal-{number}"), &removal.policy);
    let made: Vec<_> = mine.iter().map(|listed| listed.call.clone()).collect();
    let outcomes = account.server.call(&user, &made);
    let denied = |outcome: &Result<Value, String>| outcome.as_ref().is_err_and(|code| calls::is_denial(code));
    mine.iter().zip(outcomes).find(|(_, outcome)| denied(outcome)).map(|(listed, _)| listed.what.clone())
}

#[test]
fn a_removed_statement_is_missed() {
    let removals = removals();
    assert!(removals.len() > 60, "{}", removals.len());
    let account = Account::new();
    let all: Vec<Listed> = object_calls().into_iter().chain(event_calls(&account)).collect();
    let mut unheld = Vec::new();
    for (number, (removal, judged)) in removals.iter().zip(judged(&removals)).enumerate() {
        let found = judged.or_else(|| called(&account, number, removal, &all));
        let name = format!("{:?} {}", removal.role, removal.statement);
        match found {
            Some(denied) => println!("{name}: denied without it: {denied}"),
            None => unheld.push(name),
        }
    }
    println!("{} of {} statements are held", removals.len() - unheld.len(), removals.len());
    assert!(unheld.is_empty(), "{unheld:#?}");
}
