//! The store on both databases.

use super::testing::{Database, KINDS, Kind};
use super::types::{At, Coded, Id};
use super::*;
use chrono::{DateTime, Utc};
use gridpatrol_domain::grid::Tier;
use uuid::Uuid;

fn fresh(kind: Kind) -> (Database, Store) {
    let database = Database::fresh(kind);
    let settings = StoreSettings::new(database.url.parse().unwrap());
    let store = Store::open(&settings).unwrap();
    store.migrate().unwrap();
    (database, store)
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(Utc::now().timestamp_micros()).unwrap()
}

fn insert_grid(conn: &mut Conn, id: Uuid, code: &str) -> QueryResult<usize> {
    use schema::grids;
    diesel::insert_into(grids::table)
        .values((
            grids::id.eq(Id(id)),
            grids::town_id.eq(Id(id)),
            grids::tier.eq(Coded(Tier::Town)),
            grids::code.eq(code),
            grids::name.eq("示范镇"),
            grids::created_at.eq(At(now())),
        ))
        .execute(conn)
}

#[tokio::test]
async fn values_come_back_as_they_were() {
    for kind in KINDS {
        let (_database, store) = fresh(kind);
        let (id, village, at) = (Uuid::now_v7(), Uuid::new_v4(), now());
        store
            .write(Lane::Interactive, move |conn| {
                use schema::grids;
                insert_grid(conn, village, "990001100200")?;
                diesel::insert_into(grids::table)
                    .values((
                        grids::id.eq(Id(id)),
                        grids::town_id.eq(Id(id)),
                        grids::village_id.eq(Some(village)),
                        grids::tier.eq(Coded(Tier::Town)),
                        grids::code.eq("990001100000"),
                        grids::name.eq("示范镇"),
                        grids::created_at.eq(At(at)),
                    ))
                    .execute(conn)?;
                Ok(())
            })
            .await
            .unwrap();
        let found = store
            .read(move |conn| {
                use schema::grids;
                Ok(grids::table
                    .filter(grids::id.eq_any([Id(id)]))
                    .filter(grids::village_id.eq(Id(village)))
                    .filter(grids::created_at.le(At(at)))
                    .select((
                        grids::id,
                        grids::village_id,
                        grids::parent_id,
                        grids::tier,
                        grids::name,
                        grids::created_at,
                    ))
                    .first::<(
                        Uuid,
                        Option<Uuid>,
                        Option<Uuid>,
                        Coded<Tier>,
                        String,
                        DateTime<Utc>,
                    )>(conn)?)
            })
            .await
            .unwrap();
        assert_eq!(
            found,
            (
                id,
                Some(village),
                None,
                Coded(Tier::Town),
                "示范镇".to_owned(),
                at
            )
        );
        store.close().await;
    }
}
