//! That no kind of work starves another.

use std::sync::mpsc;

use super::*;
use futures_util::future::join_all;

/// Reads that stay in the database until let go, as many as find a place.
struct Crowd {
    inside: mpsc::Receiver<()>,
    hold: Vec<mpsc::Sender<()>>,
    reads: Vec<tokio::task::JoinHandle<Result<(), Problem>>>,
}

impl Crowd {
    fn gather(store: &Store, share: Priority, count: usize) -> Self {
        let (enter, inside) = mpsc::channel();
        let (mut hold, mut reads) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let (release, released) = mpsc::channel::<()>();
            hold.push(release);
            let (store, enter) = (store.clone(), enter.clone());
            let read = async move {
                store
                    .read(move |_| {
                        enter.send(()).unwrap();
                        // Ends when its sender is dropped.
                        let _ = released.recv();
                        Ok(())
                    })
                    .await
            };
            reads.push(tokio::spawn(share.within(read)));
        }
        Self {
            inside,
            hold,
            reads,
        }
    }

    /// How many are in the database, once nobody more gets in.
    async fn inside(&self) -> usize {
        let mut count = 0;
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            count += self.inside.try_iter().count();
        }
        count
    }

    async fn leave(self) -> Vec<Result<(), Problem>> {
        drop(self.hold);
        join_all(self.reads)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect()
    }
}

fn with_places(kind: Kind, places: usize) -> (Database, Store) {
    let database = Database::fresh(kind);
    let store = Store::open(&StoreSettings {
        readers: places,
        connections: places,
        patience: Duration::from_millis(1_000),
        ..settings(&database)
    })
    .unwrap();
    store.migrate().unwrap();
    (database, store)
}

#[tokio::test]
async fn lists_and_reads_leave_a_place_for_filing() {
    for kind in KINDS {
        let (_database, store) = with_places(kind, 4);
        let heavy = Crowd::gather(&store, Priority::Heavy, 6);
        assert_eq!(heavy.inside().await, 2, "{kind:?}");
        let common = Crowd::gather(&store, Priority::Common, 6);
        assert_eq!(common.inside().await, 1, "{kind:?}");
        // What files has not waited, nor what the program does by itself.
        let filing = Priority::Full.within(store.write(Lane::Interactive, insert("1")));
        filing.await.unwrap();
        assert_eq!(store.read(codes).await.unwrap(), ["1"]);
        let refused = Priority::Heavy.within(store.read(codes)).await.unwrap_err();
        assert_eq!(refused.code, Code::Overloaded);
        assert!((1..=5).contains(&refused.retry_after_s.unwrap()));
        // Those inside end well, the others were told to come back.
        for (crowd, inside) in [(heavy, 2), (common, 1)] {
            let ends = crowd.leave().await;
            let (well, busy): (Vec<_>, Vec<_>) = ends.into_iter().partition(Result::is_ok);
            assert_eq!((well.len(), busy.len()), (inside, 6 - inside), "{kind:?}");
            for end in busy {
                assert_eq!(end.unwrap_err().code, Code::Overloaded);
            }
        }
        assert_eq!(
            Priority::Heavy.within(store.read(codes)).await.unwrap(),
            ["1"]
        );
        store.close().await;
    }
}

#[tokio::test]
async fn a_single_connection_serves_all() {
    for kind in KINDS {
        let (_database, store) = with_places(kind, 1);
        for share in [Priority::Full, Priority::Common, Priority::Heavy] {
            share.within(store.read(codes)).await.unwrap();
            let code = ["1", "2", "3"][share as usize];
            let write = store.write(Lane::Interactive, insert(code));
            share.within(write).await.unwrap();
        }
        assert_eq!(store.read(codes).await.unwrap().len(), 3);
        store.close().await;
    }
}
