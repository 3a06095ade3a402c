//! Imports officers: what the lines of a file of people mean.
//!
//! Owns the columns and the rule "upsert by username". A new username becomes an account with a
//! posting and without a password, to be invited later. A known username gets the name, phone and
//! posting of its line and keeps its other postings. Senders must not import officers whom they
//! could not create by hand. This module must not read files or run steps: `imports` does.

use std::collections::HashMap;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeZone as _, Utc};
use gridpatrol_domain::coded_value::CodedValue as _;
use gridpatrol_domain::officer::{Actor, Role};
use gridpatrol_domain::scope::Scope;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::accounts::{self, Edit};
use super::commands::{self, NewOfficer, NewPosting};
use super::postings::{self, Change};
use super::queries::{self, PostingRow};
use super::subject::{Manager, Subject};
use crate::auth::authenticate::active_postings;
use crate::auth::queries as sign_in;
use crate::auth::security_log::Origin;
use crate::imports::sheet::Row;
use crate::imports::{Column, Counts, Faults, ImportKind, Importer, Job, Line, Staged};
use crate::towns::queries as grids;
use crate::towns::snapshot::Grid;
use gridpatrol_http::etag::IfMatch;
use gridpatrol_http::validate::Errors;
use gridpatrol_store::{Conn, Interrupt, Outcome};

/// Days begin at midnight in China.
const CHINA_OFFSET_SECONDS: i32 = 8 * 3600;

const COLUMNS: &[Column] = &[
    Column {
        name: "username",
        also: &["用户名", "账号"],
        required: true,
    },
    Column {
        name: "name",
        also: &["姓名"],
        required: true,
    },
    Column {
        name: "phone",
        also: &["电话", "手机号", "联系电话"],
        required: false,
    },
    Column {
        name: "role",
        also: &["岗位", "角色", "职务"],
        required: true,
    },
    Column {
        name: "grid_code",
        also: &["网格代码", "区划代码"],
        required: true,
    },
    Column {
        name: "from",
        also: &["任职开始", "开始日期"],
        required: false,
    },
    Column {
        name: "to",
        also: &["任职结束", "结束日期"],
        required: false,
    },
];

/// What a line says about an officer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Said {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    phone: Option<String>,
    role: String,
    grid_code: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    from: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    to: Option<DateTime<Utc>>,
}

/// A line in progress.
struct Entry {
    line: i64,
    username: String,
    role: Role,
    said: Said,
}

/// Imports officers.
#[derive(Debug, Clone, Copy, Default)]
pub struct OfficerImporter;

impl Importer for OfficerImporter {
    fn kind(&self) -> ImportKind {
        ImportKind::Officers
    }

    fn columns(&self) -> &'static [Column] {
        COLUMNS
    }

    fn read(&self, row: &Row<'_>, faults: &mut Faults) -> Option<Staged> {
        let (line, before) = (row.line, faults.total);
        let mut errors = Errors::body();
        let username = commands::check_username(&mut errors, row.get("username"));
        commands::check_name(&mut errors, row.get("name"));
        commands::check_phone(&mut errors, Some(row.get("phone")));
        for error in errors.into_found() {
            let column = ["username", "name", "phone"]
                .into_iter()
                .find(|column| error.pointer.ends_with(column));
            let code = ["too_short", "too_long", "not_allowed"]
                .into_iter()
                .find(|code| error.code == *code);
            faults.add(line, column, code.unwrap_or("bad_format"), error.detail);
        }
        let role = role(row.get("role"));
        if role.is_none() {
            let known: Vec<_> = Role::ALL.iter().map(|role| role.code()).collect();
            let detail = format!("A role is one of {}.", known.join(", "));
            faults.add(line, "role", "not_allowed", detail);
        }
        if row.get("grid_code").is_empty() {
            faults.add(line, "grid_code", "required", "Give the code of the grid.");
        }
        let (from, to) = (
            instant(line, "from", row.get("from"), faults),
            instant(line, "to", row.get("to"), faults),
        );
        if let (Some(from), Some(to)) = (from, to)
            && to <= from
        {
            faults.add(line, "to", "out_of_range", "It must end after it begins.");
        }
        if faults.total > before {
            return None;
        }
        let phone = row.get("phone");
        let said = Said {
            name: row.get("name").to_owned(),
            phone: (!phone.is_empty()).then(|| phone.to_owned()),
            role: role?.code().to_owned(),
            grid_code: row.get("grid_code").to_owned(),
            from,
            to,
        };
        Some(Staged {
            key: username?,
            content: serde_json::to_string(&said).ok()?,
        })
    }

    fn together(&self, _: &str, _: &str) -> bool {
        false
    }

    fn check(
        &self,
        conn: &mut Conn,
        job: &Job,
        lines: &[Line],
        faults: &mut Faults,
    ) -> Outcome<Counts> {
        each(conn, job, lines, faults, |_, _, _, _| Ok(()))
    }

    fn publish(
        &self,
        conn: &mut Conn,
        job: &Job,
        _: i32,
        lines: &[Line],
        faults: &mut Faults,
    ) -> Outcome<Counts> {
        let counts = each(conn, job, lines, faults, write)?;
        Ok(Counts {
            unchanged: 0,
            ..counts
        })
    }
}

/// A role by its slug or its Chinese name.
fn role(text: &str) -> Option<Role> {
    Role::ALL
        .iter()
        .copied()
        .find(|role| role.code().eq_ignore_ascii_case(text) || role.label_zh() == text)
}

/// A day in China (its first instant) or an RFC 3339 instant.
fn instant(
    line: i64,
    column: &'static str,
    text: &str,
    faults: &mut Faults,
) -> Option<DateTime<Utc>> {
    if text.is_empty() {
        return None;
    }
    let day = ["%Y-%m-%d", "%Y/%m/%d"]
        .iter()
        .find_map(|form| NaiveDate::parse_from_str(text, form).ok())
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .and_then(|midnight| {
            FixedOffset::east_opt(CHINA_OFFSET_SECONDS)?
                .from_local_datetime(&midnight)
                .single()
        })
        .map(|instant| instant.to_utc());
    let instant = day.or_else(|| Some(DateTime::parse_from_rfc3339(text).ok()?.to_utc()));
    if instant.is_none() {
        let detail = "Give a day such as 2026-12-01, or an RFC 3339 instant.";
        faults.add(line, column, "bad_format", detail);
    }
    instant
}

/// What a line does.
enum Plan {
    Create(NewPosting),
    Change {
        id: Uuid,
        edit: Option<Edit>,
        posting: Step,
    },
}

/// What a line does to the postings.
enum Step {
    None,
    Add(NewPosting),
    Until(PostingRow),
}

/// Plans each line and passes the plan to `done`, which may write it.
fn each(
    conn: &mut Conn,
    job: &Job,
    lines: &[Line],
    faults: &mut Faults,
    mut done: impl FnMut(&mut Conn, &Manager, &Entry, &Plan) -> Outcome<()>,
) -> Outcome<Counts> {
    let manager = manager(conn, job)?;
    let entries: Vec<Entry> = lines.iter().filter_map(entry).collect();
    let codes: Vec<&str> = entries
        .iter()
        .map(|entry| entry.said.grid_code.as_str())
        .collect();
    let places = grids::grids_coded(conn, &codes)?;
    let mut counts = Counts::default();
    for entry in &entries {
        let Some(plan) = plan(conn, &manager, entry, &places, faults)? else {
            continue;
        };
        match &plan {
            Plan::Create(_) => counts.created += 1,
            Plan::Change {
                edit: None,
                posting: Step::None,
                ..
            } => counts.unchanged += 1,
            Plan::Change { .. } => counts.updated += 1,
        }
        done(conn, &manager, entry, &plan)?;
    }
    Ok(counts)
}

/// Who sent the file, as of now.
fn manager(conn: &mut Conn, job: &Job) -> Outcome<Manager> {
    let id = job.actor_id.unwrap_or_default();
    let enabled = queries::officer(conn, id)?.is_some_and(|row| row.disabled_at.is_none());
    let actor = Actor {
        officer_id: id,
        postings: if enabled {
            active_postings(conn, id, job.now)?
        } else {
            Vec::new()
        },
        service: None,
    };
    Ok(Manager {
        scope: Scope::of(&actor),
        actor,
        now: job.now,
        origin: Origin::default(),
    })
}

fn entry(line: &Line) -> Option<Entry> {
    let said: Said = serde_json::from_str(&line.content).ok()?;
    Some(Entry {
        line: line.line,
        username: line.key.clone(),
        role: Role::from_code(&said.role)?,
        said,
    })
}

fn plan(
    conn: &mut Conn,
    manager: &Manager,
    entry: &Entry,
    places: &HashMap<String, Grid>,
    faults: &mut Faults,
) -> Outcome<Option<Plan>> {
    let before = faults.total;
    let mut wrong = |column, code, detail: &str| faults.add(entry.line, column, code, detail);
    let place = places
        .get(&entry.said.grid_code)
        .filter(|grid| !grid.is_archived())
        .filter(|grid| manager.actor.is_admin() || manager.scope.in_town(grid.path.town_id()));
    let Some(place) = place else {
        let detail = "No grid in your towns has this code.";
        wrong("grid_code", "not_found", detail);
        return Ok(None);
    };
    if entry.role.tier().is_some_and(|tier| tier != place.tier()) {
        wrong(
            "role",
            "not_allowed",
            "This role does not fit the tier of the grid.",
        );
    }
    let mut posting = PostingRow {
        id: Uuid::now_v7(),
        role: entry.role,
        grid: place.path,
        from: entry.said.from.unwrap_or(manager.now).max(manager.now),
        to: entry.said.to,
        manages: false,
    };
    if manager.grants(posting.held()).is_err() {
        wrong(
            "role",
            "not_permitted",
            "You may not give this role at this grid.",
        );
    }
    let known = sign_in::account_named(conn, &entry.username)?;
    let subject = match &known {
        None => None,
        Some(account) => match Subject::seen(conn, manager, account.id) {
            Ok(subject) => Some(subject),
            Err(Interrupt::Refused(_)) => {
                wrong(
                    "username",
                    "taken",
                    "Another officer outside your towns has this username.",
                );
                return Ok(None);
            }
            Err(error) => return Err(error),
        },
    };
    let held = subject.as_ref().and_then(|subject| {
        subject
            .lasting(manager.now)
            .find(|one| (one.role, one.grid) == (posting.role, posting.grid))
            .copied()
    });
    if subject.as_ref().is_some_and(|one| !one.managed_by(manager)) {
        wrong(
            "username",
            "not_permitted",
            "You do not manage this officer.",
        );
    }
    if let Some(held) = held {
        posting.from = held.from;
    }
    if posting
        .to
        .is_some_and(|to| to <= posting.from.max(manager.now))
    {
        wrong(
            "to",
            "out_of_range",
            "It must end after it begins, and after now.",
        );
    }
    if faults.total > before {
        return Ok(None);
    }
    let new = NewPosting {
        role: posting.role,
        grid_id: posting.grid.id(),
        from: posting.from,
        to: posting.to,
    };
    let Some(subject) = subject else {
        return Ok(Some(Plan::Create(new)));
    };
    let phone = entry.said.phone.as_deref();
    let differs = subject.row.name != entry.said.name
        || (phone.is_some() && phone != subject.row.phone.as_deref());
    Ok(Some(Plan::Change {
        id: subject.row.id,
        edit: differs.then(|| Edit {
            name: Some(entry.said.name.clone()),
            phone: entry.said.phone.clone(),
            telling: None,
        }),
        posting: match held {
            None => Step::Add(new),
            Some(held) if posting.to.is_some() && posting.to != held.to => {
                Step::Until(PostingRow {
                    to: posting.to,
                    ..held
                })
            }
            Some(_) => Step::None,
        },
    }))
}

/// Writes the changes of a line with the same commands as HTTP.
fn write(conn: &mut Conn, manager: &Manager, entry: &Entry, plan: &Plan) -> Outcome<()> {
    let actor = Some(manager.actor.officer_id);
    match plan {
        Plan::Create(posting) => {
            let officer = NewOfficer {
                id: Uuid::now_v7(),
                username: entry.username.clone(),
                name: entry.said.name.clone(),
                phone: entry.said.phone.clone(),
                password_hash: String::new(),
                must_change_password: false,
            };
            commands::create(conn, &officer, *posting, actor, manager.now)?;
        }
        Plan::Change { id, edit, posting } => {
            let any = IfMatch::parse("*").ok();
            if let Some(edit) = edit {
                accounts::edit(conn, manager, *id, edit, any.as_ref())?;
            }
            match posting {
                Step::None => {}
                Step::Add(new) => {
                    commands::add_posting(conn, *id, *new, actor, manager.now)?;
                    queries::touch_officer(conn, *id)?;
                }
                Step::Until(after) => {
                    let change = Change {
                        to: after.to,
                        ..Change::default()
                    };
                    postings::change(conn, manager, (*id, after.id), &change, any.as_ref())?;
                }
            }
        }
    }
    Ok(())
}
