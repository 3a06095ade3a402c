//! The texts of a report: as requests set and change them, and what changed.
//!
//! Owns which field of a request becomes which text. It must not read or write anything.

use gridpatrol_domain::coded_value::CodedValue;
use gridpatrol_domain::report::{Disposition, Subtype};
use serde_json::{Map, Value, json};

use crate::filing::request::{ReportAmendment, ReportFiling, ResponsibleParty};
use crate::record::rows::{ReportRow, TextsRow};
use gridpatrol_http::choice::OptionalChoice;
use gridpatrol_store::types::Coded;

/// The text, or none if it is blank.
pub fn filled(text: &Option<String>) -> Option<String> {
    text.as_ref()
        .filter(|text| !text.trim().is_empty())
        .cloned()
}

/// The texts of a filing.
pub fn filed(filing: &ReportFiling, row: &ReportRow, hash: [u8; 32]) -> TextsRow {
    let party = filing.responsible_party.clone().unwrap_or_default();
    let location = filing.location.as_ref();
    TextsRow {
        report_id: row.id,
        town_id: row.town_id,
        filing_hash: hash.to_vec(),
        disposition: Coded(filing.disposition.get().unwrap_or(Disposition::Escalate)),
        description: filled(&filing.description),
        place_text: filled(&filing.place_text),
        on_site_action: filled(&filing.on_site_action),
        instruction: None,
        // If the matter was put right on the spot, what was done there is the result.
        result: filled(&filing.on_site_action).filter(|_| row.resolved_at.is_some()),
        location_lat: location.map(|location| location.lat),
        location_lon: location.map(|location| location.lon),
        location_crs: location.and_then(|location| location.crs.get()).map(Coded),
        location_accuracy_m: location.and_then(|location| location.accuracy_m),
        subtype: filing.subtype.get().map(Coded),
        source_ref: filled(&filing.source_ref),
        responsible_name: filled(&party.name),
        responsible_credit_code: filled(&party.credit_code),
        responsible_person: filled(&party.person),
        supervising_leader: filled(&filing.supervising_leader),
        measures: filled(&filing.measures),
        remark: filled(&filing.remark),
        // Filled in later, if the report proves to be a recurrence.
        rebound_of: None,
    }
}

/// The texts of the report after an amendment.
pub fn amended(texts: &TextsRow, amendment: &ReportAmendment) -> TextsRow {
    let mut texts = texts.clone();
    // An absent field stays as it is; an empty string clears it.
    let set = |field: &mut Option<String>, value: &Option<String>| {
        if value.is_some() {
            *field = filled(value);
        }
    };
    set(&mut texts.description, &amendment.description);
    set(&mut texts.place_text, &amendment.place_text);
    set(&mut texts.source_ref, &amendment.source_ref);
    set(&mut texts.supervising_leader, &amendment.supervising_leader);
    set(&mut texts.measures, &amendment.measures);
    set(&mut texts.remark, &amendment.remark);
    let party = amendment.responsible_party.clone().unwrap_or_default();
    let ResponsibleParty {
        name,
        credit_code,
        person,
    } = party;
    set(&mut texts.responsible_name, &name);
    set(&mut texts.responsible_credit_code, &credit_code);
    set(&mut texts.responsible_person, &person);
    if let Some(subtype) = &amendment.subtype {
        texts.subtype = Subtype::from_code(subtype).map(Coded);
    }
    texts
}

/// The fields that differ, each with its old and new value.
pub fn changes(before: &TextsRow, after: &TextsRow) -> Map<String, Value> {
    let mut changes = Map::new();
    let mut note = |field: &str, before: &Option<String>, after: &Option<String>| {
        if before != after {
            changes.insert(field.to_owned(), json!({"before": before, "after": after}));
        }
    };
    let subtype = |texts: &TextsRow| texts.subtype.map(|subtype| subtype.0.code().to_owned());
    note("description", &before.description, &after.description);
    note("place_text", &before.place_text, &after.place_text);
    note("subtype", &subtype(before), &subtype(after));
    note("source_ref", &before.source_ref, &after.source_ref);
    note(
        "responsible_party.name",
        &before.responsible_name,
        &after.responsible_name,
    );
    note(
        "responsible_party.credit_code",
        &before.responsible_credit_code,
        &after.responsible_credit_code,
    );
    note(
        "responsible_party.person",
        &before.responsible_person,
        &after.responsible_person,
    );
    note(
        "supervising_leader",
        &before.supervising_leader,
        &after.supervising_leader,
    );
    note("measures", &before.measures, &after.measures);
    note("remark", &before.remark, &after.remark);
    changes
}
