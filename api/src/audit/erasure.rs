//! Erases personal data (个人信息保护法) of a report, or of an officer who has left.
//!
//! Owns both transactions. They remove the data from texts and from event payloads; the commitments keep
//! the chain valid, and an event names the erased places, so that `verify-audit` can tell an erasure
//! from tampering. Numbers, status, category, place and times stay.
//!
//! It must not erase photos, answers stored for retries (cleanup deletes them after 90 days), or the
//! security log of the last half year (the law requires it).

use chrono::TimeDelta;
use gridpatrol_domain::audit::chain_verifier::ERASED_SEQS;
use gridpatrol_domain::audit::redaction::{MASK, Redaction};
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::error::Code;
use gridpatrol_domain::grid::GridPath;
use gridpatrol_domain::officer::{Actor, Role};
use gridpatrol_domain::report::{EventKind, Proceedings, Status};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::answer::Erased;
use super::queries;
use gridpatrol_people::grids::record;
use gridpatrol_people::officers::accounts::not_oneself;
use gridpatrol_people::officers::chains::Chains;
use gridpatrol_people::officers::subject::{Manager, Subject};
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_reports::record::rows::TextsRow;
use gridpatrol_reports::record::{queries as reports, search};
use gridpatrol_reports::view::present::Viewer;
use gridpatrol_reports::view::refusals::not_found;
use gridpatrol_store::events::{self, EventRecord};
use gridpatrol_store::{Conn, Outcome, town};

/// How long the security log names people whatever is asked (the law on network logs).
const LOG_KEPT: TimeDelta = TimeDelta::days(183);

/// Why something is erased, and what of it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Why. It must not hold what is to be erased.
    pub reason: String,
    /// Which words; none: every text.
    pub words: Redaction,
}

/// Whether the actor may erase at this place: an administrator by a posting there or above.
fn may_erase(actor: &Actor, place: GridPath) -> bool {
    actor
        .own()
        .any(|posting| posting.role == Role::Admin && posting.grid.covers(place))
}

/// Erases words, or every text, from a report and its record. Repeated, it changes nothing.
///
/// # Errors
/// `not_found`, `not_permitted`, `wrong_status` while the report needs its texts, `validation_failed`.
pub fn of_report(conn: &mut Conn, viewer: &Viewer, id: Uuid, request: &Request) -> Outcome<Erased> {
    let mut found = reports::find_locked(conn, &viewer.scope, id)?.ok_or_else(not_found)?;
    if !may_erase(&viewer.actor, found.row.place()) {
        return Err(Problem::new(Code::NotPermitted)
            .detail("Only administrators of the town may erase personal data.")
            .into());
    }
    let ended = matches!(found.row.status.0, Status::Closed | Status::Void);
    if request.words.everything() && !ended {
        return Err(Problem::new(Code::WrongStatus)
            .detail("The report is still open and needs its texts. Name the words to erase.")
            .into());
    }
    if request.words.found_in(&request.reason) {
        let detail = "The reason stays on record: leave out what is to be erased.";
        let error = FieldError::new("/reason", "not_allowed", detail);
        return Err(Problem::invalid(vec![error]).into());
    }
    let before = found.row.clone();
    let mut fields = erase_texts(&mut found.texts, &request.words);
    fields.extend(erase_proceedings(
        &mut found.row.proceedings.0,
        &request.words,
    ));
    let town_id = found.row.town_id;
    let mut seqs = Vec::new();
    for (seq, payload) in queries::payloads(conn, town_id, id)? {
        let said: Value = serde_json::from_str(&payload).unwrap_or(Value::String(payload));
        if request.words.everything() || request.words.found_in_value(&said) {
            seqs.push(seq);
        }
    }
    let erased = Erased {
        events: seqs.len(),
        fields: fields.clone(),
    };
    if seqs.is_empty() && fields.is_empty() {
        return Ok(erased);
    }
    let mut head = town::advance(conn, town_id)?;
    for seq in &seqs {
        events::erase_payload(conn, town_id, *seq)?;
    }
    found.row.version += 1;
    found.row.change_seq = head.change_seq;
    reports::update(conn, &before, &found.row)?;
    reports::update_texts(conn, &found.texts)?;
    search::index(conn, found.search_id, &found.row, &found.texts)?;
    let mut facts = facts(&seqs);
    facts.insert("status".to_owned(), json!(found.row.status.0));
    facts.insert("holder_id".to_owned(), json!(found.row.holder_id));
    facts.insert("version".to_owned(), json!(found.row.version));
    facts.insert("fields".to_owned(), json!(fields));
    let record = EventRecord {
        subject_kind: "report",
        subject_id: id,
        kind: EventKind::DataErased.code(),
        at: viewer.now,
        actor_id: Some(viewer.actor.officer_id),
        facts,
        payload: Some(json!({"reason": request.reason})),
    };
    events::append(conn, &mut head, vec![record])?;
    Ok(erased)
}

fn facts(seqs: &[i64]) -> Map<String, Value> {
    Map::from_iter([(ERASED_SEQS.to_owned(), json!(seqs))])
}

/// Erases words from each text, or each text; answers the fields that changed.
fn erase_texts(texts: &mut TextsRow, words: &Redaction) -> Vec<&'static str> {
    let mut changed = Vec::new();
    for (name, field) in [
        ("description", &mut texts.description),
        ("place_text", &mut texts.place_text),
        ("on_site_action", &mut texts.on_site_action),
        ("instruction", &mut texts.instruction),
        ("result", &mut texts.result),
        ("source_ref", &mut texts.source_ref),
        ("responsible_party.name", &mut texts.responsible_name),
        (
            "responsible_party.credit_code",
            &mut texts.responsible_credit_code,
        ),
        ("responsible_party.person", &mut texts.responsible_person),
        ("supervising_leader", &mut texts.supervising_leader),
        ("measures", &mut texts.measures),
        ("remark", &mut texts.remark),
    ] {
        let erased = field.as_deref().and_then(|text| words.erased_from(text));
        if *field != erased {
            *field = erased;
            changed.push(name);
        }
    }
    changed
}

/// Erases words from what measures under way are called by, or all that; answers the fields that changed.
/// The clock would write it into an event once it falls due. A measure cannot be without such a text: the
/// mask stands in its place.
fn erase_proceedings(proceedings: &mut Proceedings, words: &Redaction) -> Vec<&'static str> {
    let masked = |text: &str| words.erased_from(text).unwrap_or_else(|| MASK.to_owned());
    let mut changed = Vec::new();
    let mut erase = |name, text: &mut String| {
        let erased = masked(text);
        if *text != erased {
            *text = erased;
            if !changed.contains(&name) {
                changed.push(name);
            }
        }
    };
    if let Some(suspension) = &mut proceedings.suspension {
        for milestone in &mut suspension.milestones {
            erase("suspension.milestones", &mut milestone.title);
        }
    }
    if let Some(referral) = &mut proceedings.referral {
        erase("referral.agency", &mut referral.agency);
        if let Some(reference) = &mut referral.reference {
            erase("referral.reference", reference);
        }
    }
    if let Some(supervision) = &mut proceedings.supervision {
        erase("supervision.number", &mut supervision.number);
    }
    changed
}

/// Erases who an officer was: name, phone, username, passwords, devices, and what events about the
/// officer say. What the officer did stays, by id. Repeated, it erases what has come since.
///
/// # Errors
/// `not_found`, `not_permitted`, `still_serving`.
pub fn of_officer(conn: &mut Conn, manager: &Manager, id: Uuid, reason: &str) -> Outcome<Erased> {
    let subject = Subject::managed(conn, manager, id)?;
    not_oneself(manager, id)?;
    if !manager.actor.is_admin() {
        return Err(Problem::new(Code::NotPermitted)
            .detail("Only administrators may erase personal data.")
            .into());
    }
    let serves = subject.lasting(manager.now).next().is_some();
    if serves || subject.row.disabled_at.is_none() {
        return Err(Problem::new(Code::StillServing)
            .detail("End the officer's postings and disable the account first.")
            .into());
    }
    let named = || [Some(&subject.row.name), subject.row.phone.as_ref()];
    let names = named().into_iter().flatten();
    if Redaction::new(names.chain([&subject.row.username]).cloned()).found_in(reason) {
        let detail = "The reason stays on record: leave out what is to be erased.";
        let error = FieldError::new("/reason", "not_allowed", detail);
        return Err(Problem::invalid(vec![error]).into());
    }
    let mut towns: Vec<Uuid> = subject.towns().collect();
    towns.sort_unstable();
    towns.dedup();
    let mut chains = Chains::lock(conn, towns.iter().copied())?;
    let mut erased = Erased {
        events: 0,
        fields: queries::forget_officer(conn, id, manager.now - LOG_KEPT)?,
    };
    // One character is too short to search for: it would match many names.
    let names = named()
        .into_iter()
        .flatten()
        .filter(|name| name.chars().count() > 1);
    let names = Redaction::new(names.cloned());
    let mut contacts = Vec::new();
    for town in &towns {
        contacts.push((*town, erase_contacts(conn, manager, *town, &names)?));
    }
    if contacts.iter().any(|(_, records)| !records.is_empty()) {
        erased.fields.push("contacts");
    }
    for (town, records) in contacts {
        for record in records {
            chains.add(town, record);
        }
        let own = queries::payloads(conn, town, id)?;
        let of_grids = queries::grid_payloads(conn, town)?;
        let mut seqs: Vec<i64> = own
            .into_iter()
            .chain(
                of_grids
                    .into_iter()
                    .filter(|(_, said)| called(said, &names)),
            )
            .map(|(seq, _)| seq)
            .collect();
        seqs.sort_unstable();
        for seq in &seqs {
            events::erase_payload(conn, town, *seq)?;
        }
        erased.events += seqs.len();
        if erased.fields.is_empty() && seqs.is_empty() {
            continue;
        }
        let facts = Value::Object(facts(&seqs));
        let said = json!({"reason": reason});
        chains.add(town, manager.event(id, "officer_erased", facts, Some(said)));
    }
    chains.save(conn)?;
    Ok(erased)
}

/// Masks somebody's names in the contacts of a town's grids: otherwise the next change of a contact would
/// write them into the record again. Answers what is to be recorded of it.
fn erase_contacts(
    conn: &mut Conn,
    manager: &Manager,
    town: Uuid,
    names: &Redaction,
) -> Outcome<Vec<EventRecord>> {
    let mut records = Vec::new();
    for (grid, contact, version) in queries::contacts(conn, town)? {
        if !names.found_in(&contact) {
            continue;
        }
        let version = version + 1;
        let masked = names.erased_from(&contact).unwrap_or_default();
        queries::save_contact(conn, grid, &masked, version)?;
        let actor = Some(manager.actor.officer_id);
        records.push(record::contact_erased(grid, version, actor, manager.now));
    }
    Ok(records)
}

/// Whether what was said of a grid names somebody: as its contact, or in the reason of a change. The name
/// of a grid may hold that of a person (张三岭), and stands in the facts as well.
fn called(payload: &str, names: &Redaction) -> bool {
    let said: Value = serde_json::from_str(payload).unwrap_or_default();
    ["/contact", "/changes/contact", "/reason"]
        .iter()
        .filter_map(|place| said.pointer(place))
        .any(|told| names.found_in_value(told))
}
