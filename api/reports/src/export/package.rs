//! Builds the package of a report: one ZIP file with everything about it, which goes to the county
//! with a referral.
//!
//! Owns what is in the package and who may take it. The whole file is built before the first byte is
//! sent: so a package is complete or refused, and a slow connection holds no thread. Only a limited
//! number of packages lie on the disk until they are read. The report need not be referred: the town
//! may also take a package to prepare a referral, or for its files.

use std::sync::Arc;

use bytes::Bytes;
use gridpatrol_domain::error::Code;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::answer::{
    FORMAT, FileFact, LinkedEvent, Manifest, MissingPhoto, PhotoFact, SIGNED, Statement, Subject,
};
use super::archive::{Added, Archive};
use crate::photos::PhotoService;
use crate::photos::digest::Digest;
use crate::photos::objects::{Scratch, Variant};
use crate::photos::rows::PhotoRow;
use crate::record::queries::{self as reports, Found};
use crate::record::same_matter;
use crate::services::Services;
use crate::view::present::{self, StaffedTown, Viewer};
use crate::view::refusals::not_found;
use crate::view::response::{Person, Report};
use gridpatrol_people::auth::keys::Keys;
use gridpatrol_people::auth::security_log::{self, Kind, Origin};
use gridpatrol_problem::Problem;
use gridpatrol_store::{Lane, Store, events, overloaded};

/// How many events are read at a time.
const EVENTS: i64 = 200;

const README: &str = include_str!("README.txt");

/// A package, ready to be sent.
pub struct Package {
    /// The report's number.
    pub number: String,
    /// The ZIP.
    pub whole: Scratch,
    /// Its place on the disk.
    pub kept: OwnedSemaphorePermit,
}

/// What is read of a report in one go.
struct Contents {
    found: Found,
    staffed: StaffedTown,
    report: Report,
    photos: Vec<PhotoRow>,
    /// Where the town's event chain ended at that time: later events are not in the package.
    last_event: i64,
}

/// What is needed to build packages.
pub struct Packing<'a> {
    /// The database.
    pub store: &'a Store,
    /// Fills the answers for reports.
    pub services: &'a Services,
    /// Where the originals are.
    pub gallery: &'a PhotoService,
    /// Signs the manifest.
    pub keys: &'a Keys,
}

/// Builds the package of a report, and records who took it.
///
/// # Errors `not_found`, `not_permitted`, `overloaded` when too many are being made or read,
/// `unavailable`.
pub async fn take(
    packing: &Packing<'_>,
    viewer: &Viewer,
    officer: Person,
    origin: Origin,
    id: Uuid,
) -> Result<Package, Problem> {
    let contents = read(packing, viewer, id).await?;
    let gallery = packing.gallery;
    let kept = turn(
        packing.store,
        &gallery.packages_kept,
        "Too many packages are being read.",
    )
    .await?;
    let _making = turn(
        packing.store,
        &gallery.packages,
        "Too many packages are being made.",
    )
    .await?;

    let archive = Archive::begin(&gallery.objects, viewer.now);
    let mut files = Vec::new();
    let report = pretty(&contents.report)?;
    files.push(fact(
        "report.json",
        archive.add_text("report.json", report).await?,
    ));
    files.push(fact(
        "events.json",
        add_events(packing.store, viewer, &contents, &archive).await?,
    ));
    let mut missing = Vec::new();
    for (place, photo) in contents.photos.iter().enumerate() {
        match add_photo(gallery, &archive, place + 1, photo).await? {
            Ok(file) => files.push(file),
            Err(photo) => missing.push(photo),
        }
    }
    let readme = README.as_bytes().to_vec();
    files.push(fact(
        "README.txt",
        archive.add_text("README.txt", readme).await?,
    ));
    sign(
        packing.keys,
        viewer,
        &contents,
        officer,
        (files, missing),
        &archive,
    )
    .await?;
    let whole = archive.finish().await?;

    let (officer_id, now) = (viewer.actor.officer_id, viewer.now);
    let number = contents.report.number;
    let detail = format!("{number} {id}");
    packing
        .store
        .write(Lane::Interactive, move |conn| {
            let record = security_log::Record {
                kind: Kind::PackageTaken,
                officer_id: Some(officer_id),
                username: None,
                detail: Some(&detail),
            };
            Ok(security_log::record(conn, now, &origin, record)?)
        })
        .await?;
    Ok(Package {
        number,
        whole,
        kept,
    })
}

/// Waits for a free slot, for as long as a request waits for the database.
async fn turn(
    store: &Store,
    turns: &Arc<Semaphore>,
    detail: &str,
) -> Result<OwnedSemaphorePermit, Problem> {
    tokio::time::timeout(store.patience(), Arc::clone(turns).acquire_owned())
        .await
        .ok()
        .and_then(Result::ok)
        .ok_or_else(|| overloaded().detail(detail))
}

async fn read(packing: &Packing<'_>, viewer: &Viewer, id: Uuid) -> Result<Contents, Problem> {
    let (inner, viewer) = (packing.services.clone(), viewer.clone());
    packing
        .store
        .read(move |conn| {
            let found = reports::find(conn, &viewer.scope, id)?.ok_or_else(not_found)?;
            if !viewer.actor.exports(found.row.place()) {
                return Err(Problem::new(Code::NotPermitted)
                    .detail(
                        "Only officers of the town and its auditors may take packages of reports.",
                    )
                    .into());
            }
            let staffed = StaffedTown::read(conn, &inner.directory, found.row.town_id, viewer.now)?;
            let photos = present::photos_of(conn, id)?;
            let original = same_matter::original(conn, &found.row)?;
            let (row, texts) = (&found.row, &found.texts);
            Ok(Contents {
                report: present::report(&inner, &viewer, &staffed, row, texts, &photos, original),
                last_event: events::head(conn, row.town_id)?.0,
                photos,
                staffed,
                found,
            })
        })
        .await
}

/// Adds the events, a few at a time, because a report may have any number of them.
async fn add_events(
    store: &Store,
    viewer: &Viewer,
    contents: &Contents,
    archive: &Archive,
) -> Result<Added, Problem> {
    let mut file = archive.begin_text("events.json").await?;
    let mut after = 0;
    let mut between = "[\n";
    loop {
        let (found, last) = (contents.found.clone(), contents.last_event);
        let links = store
            .read(move |conn| Ok(super::queries::links(conn, &found, after, last, EVENTS)?))
            .await?;
        let Some(latest) = links.last() else { break };
        after = latest.event.seq;
        let rows = links.iter().map(|link| link.event.clone()).collect();
        let shown = present::events(&contents.staffed, viewer, rows);
        for (event, link) in shown.into_iter().zip(links) {
            let mut text = between.as_bytes().to_vec();
            text.extend(pretty(&LinkedEvent::new(event, link))?);
            file.write(text.into()).await?;
            between = ",\n";
        }
    }
    file.write(Bytes::from_static(b"\n]\n")).await?;
    Ok(file.end())
}

/// Adds an original, or says why it is missing.
async fn add_photo(
    gallery: &PhotoService,
    archive: &Archive,
    place: usize,
    photo: &PhotoRow,
) -> Result<Result<FileFact, MissingPhoto>, Problem> {
    let (id, role) = (photo.id, photo.role.0);
    let missing = |reason, sha256: Option<Digest>| {
        Ok(Err(MissingPhoto {
            id,
            role,
            reason,
            sha256: sha256.map(|digest| digest.to_string()),
        }))
    };
    let Some(digest) = photo.digest().filter(|_| photo.is_ready()) else {
        let declared = photo.declared_sha256.as_deref();
        return missing("not_arrived", declared.and_then(Digest::from_slice));
    };
    let content = gallery
        .objects
        .content(digest, Variant::Original, None)
        .await?;
    let Some(content) = content else {
        tracing::error!(photo = %id, "the content of a photo is not in the store");
        return missing("lost", Some(digest));
    };
    let extension = photo.format().map_or("bin", |format| format.extension());
    let path = format!(
        "photos/{}-{place:02}-{id}.{extension}",
        gridpatrol_domain::coded_value::CodedValue::code(role)
    );
    let added = archive.add_picture(&path, content.stream).await?;
    let damaged = added.digest != digest;
    if damaged {
        tracing::error!(photo = %id, "the content of a photo is not what arrived");
    }
    Ok(Ok(FileFact {
        photo: Some(PhotoFact {
            id,
            role,
            arrived_as_sha256: damaged.then(|| digest.to_string()),
        }),
        ..fact(&path, added)
    }))
}

/// Adds the manifest and its signature.
async fn sign(
    keys: &Keys,
    viewer: &Viewer,
    contents: &Contents,
    officer: Person,
    (files, missing): (Vec<FileFact>, Vec<MissingPhoto>),
    archive: &Archive,
) -> Result<(), Problem> {
    let town = &contents.staffed.town;
    let Report {
        id,
        number,
        version,
        referral,
        ..
    } = &contents.report;
    let town_id = contents.found.row.town_id;
    let manifest = Manifest {
        format: FORMAT,
        issuer: keys.issuer().to_owned(),
        report: Subject {
            id: *id,
            number: number.clone(),
            version: *version,
            town_id,
            town_code: town.code.clone(),
            town_name: town.grid_name(town_id).unwrap_or_default().to_owned(),
        },
        referral: referral.clone(),
        made_at: viewer.now,
        made_by: officer,
        files,
        missing,
    };
    let manifest = pretty(&manifest)?;
    let statement = Statement {
        iss: keys.issuer(),
        sub: *id,
        number,
        sha256: Digest::of(&manifest).to_string(),
        iat: viewer.now.timestamp(),
    };
    let signature = keys.attest(SIGNED, &statement)?;
    archive.add_text("manifest.json", manifest).await?;
    archive
        .add_text("manifest.jws", signature.into_bytes())
        .await?;
    Ok(())
}

fn fact(path: &str, added: Added) -> FileFact {
    FileFact {
        path: path.to_owned(),
        size: added.size,
        sha256: added.digest.to_string(),
        photo: None,
    }
}

fn pretty<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec_pretty(value).map_err(|error| {
        tracing::error!(%error, "a file of a package could not be written as JSON");
        Problem::new(Code::Internal)
    })
}
