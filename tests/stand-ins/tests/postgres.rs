//! PostgreSQL: a private server and the shared one.

use reelgate_stand_ins::postgres::Durability;
use reelgate_stand_ins::{Postgres, SharedPostgres};

use crate::processes_naming;

#[test]
fn committed_rows_survive_a_kill_and_the_server_ends_with_its_value() {
    let mut server = Postgres::start(Durability::Fast);
    let database = server.fresh_database();
    database.execute("create table kept (n int)");
    database.execute("insert into kept values (7)");
    let (name, url) = (database.name().to_owned(), database.url());
    std::mem::forget(database); // its drop would call the server, which is killed next
    let directory = url.split_once("host=").unwrap().1.to_owned();
    assert!(!processes_naming(&directory).is_empty());
    server.kill();
    assert_eq!(processes_naming(&directory), Vec::<u32>::new());
    server.start_again();
    assert_eq!(server.execute(&name, "select n from kept"), "7");
    server.restart();
    assert_eq!(server.execute(&name, "select n from kept"), "7");
    drop(server);
    assert_eq!(processes_naming(&directory), Vec::<u32>::new());
    assert!(!std::path::Path::new(&directory).exists());
}

#[test]
fn the_shared_server_gives_every_test_its_own_database() {
    let server = SharedPostgres::join();
    let template = server.fresh_database();
    template.execute("create table made (n int)");
    let copy = server.database_like(template.name());
    assert_eq!(copy.execute("select count(*) from made"), "0");
    let name = copy.name().to_owned();
    let databases = || server.execute("postgres", "select datname from pg_database");
    assert!(databases().lines().any(|line| line == name));
    drop(copy);
    assert!(!databases().lines().any(|line| line == name));
    let again = SharedPostgres::join();
    assert_eq!(again.port(), server.port());
}
