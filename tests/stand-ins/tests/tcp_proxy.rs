//! What happens to a session and its statement when the connection is disturbed.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reelgate_stand_ins::postgres::{Database, USER};
use reelgate_stand_ins::proxy::Passing;
use reelgate_stand_ins::{SharedPostgres, TcpProxy};

/// A session through the proxy that runs one statement.
fn session(proxy: &TcpProxy, database: &Database<'_>, statement: &str) -> Child {
    let url = format!("postgres://{USER}@127.0.0.1:{}/{}?sslmode=disable", proxy.port(), database.name());
    let mut psql = Command::new("psql");
    psql.args(["-X", "-q", "-c", statement, &url]).stdout(Stdio::null()).stderr(Stdio::null());
    psql.spawn().unwrap()
}

fn succeeds(mut session: Child) -> bool {
    session.wait().unwrap().success()
}

fn naming(word: &'static str, passing: Passing) -> impl Fn(&[u8]) -> Passing {
    move |piece| match piece.windows(word.len()).any(|part| part == word.as_bytes()) {
        true => passing,
        false => Passing::On,
    }
}

#[test]
fn an_unanswered_statement_takes_effect_and_a_cut_one_does_not() {
    let server = SharedPostgres::join();
    let database = server.fresh_database();
    database.execute("create table kept (n int)");
    let proxy = TcpProxy::before(server.port());
    proxy.on(naming("insert", Passing::Unanswered));
    assert!(!succeeds(session(&proxy, &database, "insert into kept values (1)")));
    assert_eq!(database.execute("select n from kept"), "1");
    proxy.on(naming("insert", Passing::Cut));
    assert!(!succeeds(session(&proxy, &database, "insert into kept values (2)")));
    assert_eq!(database.execute("select n from kept"), "1");
    assert_eq!(proxy.cut_so_far(), 2);
    proxy.delay(Duration::from_millis(1));
    assert!(succeeds(session(&proxy, &database, "select n from kept")));
}

#[test]
fn open_sessions_can_be_cut_and_new_ones_refused() {
    let server = SharedPostgres::join();
    let database = server.fresh_database();
    let proxy = TcpProxy::before(server.port());
    let waiting = session(&proxy, &database, "select pg_sleep(600)");
    let asleep = format!(
        "select count(*) from pg_stat_activity where datname = '{}' and wait_event = 'PgSleep'",
        database.name()
    );
    while server.execute("postgres", &asleep) != "1" {}
    proxy.cut();
    assert!(!succeeds(waiting));
    assert!(succeeds(session(&proxy, &database, "select 1")));
    // A connection whose end the proxy has not seen yet would count as cut.
    while proxy.ended() < 2 {}
    proxy.refuse(true);
    assert!(!succeeds(session(&proxy, &database, "select 1")));
    proxy.refuse(false);
    assert!(succeeds(session(&proxy, &database, "select 1")));
    assert_eq!((proxy.opened(), proxy.cut_so_far()), (3, 2));
}
