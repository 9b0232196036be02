//! The steps that bring a file's schema up to date. They are listed here and not by `sqlx::migrate!`, which would build
//! SQLite a second time for the compiler's own use.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Every file of `migrations/`, in order.
const STEPS: &[(i64, &str, &str)] = &[
    (1, "first", include_str!("../../migrations/0001_first.sql")),
    (2, "fleet", include_str!("../../migrations/0002_fleet.sql")),
    (3, "privacy", include_str!("../../migrations/0003_privacy.sql")),
    (4, "jobs", include_str!("../../migrations/0004_jobs.sql")),
    (6, "late_events", include_str!("../../migrations/0006_late_events.sql")),
    (7, "column_names", include_str!("../../migrations/0007_column_names.sql")),
    (8, "queue_clock", include_str!("../../migrations/0008_queue_clock.sql")),
    (9, "surfaces", include_str!("../../migrations/0009_surfaces.sql")),
    (10, "receivers", include_str!("../../migrations/0010_receivers.sql")),
    (11, "two_people", include_str!("../../migrations/0011_two_people.sql")),
    (12, "hashed_prefixes", include_str!("../../migrations/0012_hashed_prefixes.sql")),
    (13, "announced_seals", include_str!("../../migrations/0013_announced_seals.sql")),
    (14, "metadata", include_str!("../../migrations/0014_metadata.sql")),
    (15, "families", include_str!("../../migrations/0015_families.sql")),
    (16, "cost", include_str!("../../migrations/0016_cost.sql")),
    (17, "estimates", include_str!("../../migrations/0017_estimates.sql")),
    (18, "left_out", include_str!("../../migrations/0018_left_out.sql")),
    (19, "cost_days", include_str!("../../migrations/0019_cost_days.sql")),
];

/// The steps as sqlx runs and records them.
pub(super) fn migrations() -> Migrator {
    let steps = STEPS.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(steps.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_directory_is_a_step() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<String> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let steps: Vec<String> =
            STEPS.iter().map(|(version, name, _)| format!("{version:04}_{name}.sql")).collect();
        assert_eq!(files, steps);
    }
}
