//! What the tests use: their own server, officers who act, pictures, and checks of answers.

pub mod answer;
pub mod audit;
pub mod audit_grids;
pub mod audit_notices;
pub mod client;
pub mod database;
pub mod filing;
pub mod pictures;
pub mod program;
pub mod receiver;
pub mod snapshot;
pub mod towns;
pub mod world;

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

pub use answer::Answer;
pub use client::Client;
pub use database::Kind;
pub use filing::{Filing, filing};
pub use world::World;

/// Makes tests on both databases of stories: `on_both!(name, other);` for
/// `async fn name(world: World)`.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn sqlite() {
                $crate::support::run($crate::support::Kind::Sqlite, super::$name);
            }

            #[test]
            fn postgres() {
                $crate::support::run($crate::support::Kind::Postgres, super::$name);
            }
        }
    )+};
}

/// Runs a story in a world of its own, audits what it left behind, and takes the world down.
pub fn run<F: Future<Output = ()>>(kind: Kind, story: impl FnOnce(World) -> F) {
    run_in(kind, |_| {}, story);
}

/// As [`run`], with settings of the test's own.
pub fn run_in<F: Future<Output = ()>>(
    kind: Kind,
    settings: impl FnOnce(&mut gridpatrol::config::Config),
    story: impl FnOnce(World) -> F,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(16)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let world = World::start(kind, settings).await;
        let told = AssertUnwindSafe(story(world.clone())).catch_unwind().await;
        if told.is_ok() {
            audit::check(&world).await;
        }
        world.stop().await;
        if let Err(panic) = told {
            std::panic::resume_unwind(panic);
        }
    });
}
