//! Upgrading: once, by one process, and never backward.

use super::*;

#[test]
fn a_migration_is_applied_once_however_many_start() {
    for kind in KINDS {
        let database = Database::fresh(kind);
        let applied: usize = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let store = Store::open(&settings(&database)).unwrap();
                        store.migrate().unwrap().len()
                    })
                })
                .collect();
            starts.into_iter().map(|start| start.join().unwrap()).sum()
        });
        let steps = std::fs::read_dir(format!(
            "{}/../../migrations/{}",
            env!("CARGO_MANIFEST_DIR"),
            if kind == Kind::Sqlite {
                "sqlite"
            } else {
                "postgres"
            },
        ))
        .unwrap()
        .count();
        assert_eq!(applied, steps, "{kind:?}");
    }
}

#[test]
fn a_database_of_a_later_program_is_refused() {
    for kind in KINDS {
        let (_database, store) = fresh(kind);
        store
            .write_blocking(Lane::Interactive, |conn| {
                Ok(conn.batch_execute(
                    "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')",
                )?)
            })
            .unwrap();
        let error = store.migrate().unwrap_err();
        assert!(
            matches!(&error, StoreError::Newer(version) if version == "29990101000000"),
            "{error}"
        );
    }
}

#[test]
fn a_database_that_was_never_migrated_is_not_ready() {
    for kind in KINDS {
        let database = Database::fresh(kind);
        let store = Store::open(&settings(&database)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let ready = runtime.block_on(store.ping());
        assert_eq!(ready.unwrap_err().code, Code::Unavailable, "{kind:?}");
    }
}

#[test]
fn a_large_upgrade_sorts_in_a_file() {
    let database = Database::fresh(Kind::Sqlite);
    let stored = |purpose| {
        let watch = SlowQueryLog::new(Duration::from_secs(1));
        let mut conn = conn::open_sqlite(&database.path(), purpose, watch).unwrap();
        diesel::dsl::sql::<diesel::sql_types::Integer>("SELECT temp_store FROM pragma_temp_store")
            .get_result::<i32>(&mut conn)
            .unwrap()
    };
    assert_eq!(stored(conn::Use::Migrate), 1, "FILE");
    assert_eq!(stored(conn::Use::Write), 2, "MEMORY");
}
