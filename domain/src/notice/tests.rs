use super::*;
use crate::calendar::Calendar;
use crate::grid::GridPath;
use crate::officer::{Actor, Covers, Post, Posting, Role};
use crate::report::filing::{Filing, file};
use crate::report::lifecycle::decide;
use crate::report::proceedings::{Proceedings, Referral};
use crate::report::{
    Action, Assignment, Category, Context, Decision, Disposition, Event, Outcome, Policy, Source,
};

const TOWN: Uuid = Uuid::from_u128(1);
const VILLAGE: Uuid = Uuid::from_u128(2);
const GROUP: Uuid = Uuid::from_u128(3);
const TOWN_OFFICER: Uuid = Uuid::from_u128(11);
const SECRETARY: Uuid = Uuid::from_u128(12);
const VILLAGE_OFFICER: Uuid = Uuid::from_u128(13);
const LEADER: Uuid = Uuid::from_u128(14);
/// Filed what is void as a duplicate.
const AGAIN: Uuid = Uuid::from_u128(15);

fn place() -> GridPath {
    GridPath::group(TOWN, VILLAGE, GROUP)
}

fn posts() -> [(Role, GridPath, Uuid); 4] {
    [
        (Role::TownOfficer, GridPath::town(TOWN), TOWN_OFFICER),
        (
            Role::VillageSecretary,
            GridPath::village(TOWN, VILLAGE),
            SECRETARY,
        ),
        (
            Role::VillageOfficer,
            GridPath::village(TOWN, VILLAGE),
            VILLAGE_OFFICER,
        ),
        (Role::GroupLeader, place(), LEADER),
    ]
}

fn staffing() -> Staffing {
    Staffing::new(posts().map(|(role, grid, officer_id)| Post {
        grid_id: grid.id(),
        officer_id,
        role,
        on_behalf_of: None,
        covers: Covers::All,
    }))
}

fn actor(officer_id: Uuid) -> Actor {
    let postings = posts()
        .into_iter()
        .filter(|(.., officer)| *officer == officer_id)
        .map(|(role, grid, _)| Posting {
            id: Uuid::nil(),
            role,
            grid,
            on_behalf_of: None,
            covers: Covers::All,
            manages: false,
        })
        .collect();
    Actor {
        officer_id,
        postings,
        service: None,
    }
}

fn now() -> DateTime<Utc> {
    "2026-11-20T00:15:00Z".parse().unwrap()
}

fn context<'a>(staffing: &'a Staffing, policy: &'a Policy) -> Context<'a> {
    Context {
        staffing,
        policy,
        calendar: Calendar::default(),
        evidence: true,
        now: now(),
    }
}

fn filed(severity: Severity, disposition: Disposition) -> Decision {
    let filing = Filing {
        id: Uuid::from_u128(99),
        place: place(),
        category: Category::StrawBurning,
        severity,
        source: Source::Patrol,
        disposition,
        as_of: None,
    };
    let (staffing, policy) = (staffing(), Policy::default());
    file(&filing, &actor(LEADER), &context(&staffing, &policy)).unwrap()
}

fn acted(report: &Report, officer: Uuid, action: Action) -> Decision {
    let (staffing, policy) = (staffing(), Policy::default());
    decide(
        report,
        &action,
        &actor(officer),
        &context(&staffing, &policy),
    )
    .unwrap()
}

/// The recipients of each event of a decision.
fn told(before: Option<&Report>, decision: &Decision, actor: Uuid) -> Vec<Recipients> {
    let staffing = staffing();
    let happening = Happening {
        before,
        after: &decision.report,
        actor_id: Some(actor),
        staffing: &staffing,
        filed_again_by: &[AGAIN],
    };
    let kinds: Vec<EventKind> = decision.events.iter().map(kind).collect();
    let calling = happening.calling(&kinds);
    kinds
        .iter()
        .enumerate()
        .map(|(at, kind)| happening.recipients(*kind, calling == Some(at)))
        .collect()
}

fn kind(event: &Event) -> EventKind {
    event.kind
}

fn informed(officer_id: Uuid, why: Why) -> Informed {
    Informed { officer_id, why }
}

#[test]
fn an_escalation_calls_the_secretary_once() {
    let filed = filed(Severity::General, Disposition::Escalate);
    let told = told(None, &filed, LEADER);
    assert_eq!(told.len(), 2, "filed, escalated");
    assert_eq!(told[0], Recipients::default());
    assert_eq!(told[1].must_act, [SECRETARY]);
    assert_eq!(told[1].should_know, []);
}

#[test]
fn a_critical_report_calls_the_town_and_tells_the_village() {
    let filed = filed(Severity::Critical, Disposition::Escalate);
    let told = told(None, &filed, LEADER);
    assert_eq!(told[0].must_act, [TOWN_OFFICER]);
    assert_eq!(
        told[1].should_know,
        [
            informed(SECRETARY, Why::Village),
            informed(VILLAGE_OFFICER, Why::Village)
        ]
    );
    assert!(told[1].must_act.is_empty());
}

#[test]
fn a_return_calls_the_sender_and_tells_who_is_not_concerned_any_more() {
    let filed = filed(Severity::General, Disposition::Escalate).report;
    let returned = acted(
        &filed,
        TOWN_OFFICER,
        Action::Return {
            reason: "照片看不清".into(),
        },
    );
    let told = told(Some(&filed), &returned, TOWN_OFFICER);
    // The leader filed it and must act: told once.
    assert_eq!(told[0].must_act, [LEADER]);
    assert_eq!(told[0].should_know, [informed(SECRETARY, Why::FormerDesk)]);
}

#[test]
fn what_moves_nothing_calls_nobody_and_tells_the_desk() {
    let filed = filed(Severity::General, Disposition::Escalate).report;
    let commented = acted(
        &filed,
        VILLAGE_OFFICER,
        Action::Comment {
            text: "在看".into(),
        },
    );
    let told = told(Some(&filed), &commented, VILLAGE_OFFICER);
    assert!(told[0].must_act.is_empty());
    assert_eq!(
        told[0].should_know,
        [
            informed(LEADER, Why::Reporter),
            informed(SECRETARY, Why::Desk)
        ]
    );
}

#[test]
fn the_end_is_told_to_who_filed_it_and_who_put_it_right() {
    let filed = filed(Severity::General, Disposition::Escalate).report;
    let approved = acted(
        &filed,
        SECRETARY,
        Action::Approve {
            further: true,
            comment: None,
        },
    );
    let both = told(Some(&filed), &approved, SECRETARY);
    assert!(both[0].must_act.is_empty());
    assert_eq!(both[1].must_act, [TOWN_OFFICER]);
    let resolved = Report {
        resolved_by: Some(VILLAGE_OFFICER),
        ..approved.report
    };
    let closed = acted(
        &resolved,
        TOWN_OFFICER,
        Action::Close {
            outcome: Outcome::Unfounded,
            result: None,
            comment: None,
        },
    );
    let ended = told(Some(&resolved), &closed, TOWN_OFFICER);
    assert!(ended[0].must_act.is_empty());
    assert!(
        ended[0]
            .should_know
            .contains(&informed(LEADER, Why::Reporter))
    );
    // Who filed it again has waited for this, and for nothing on the way.
    let again = informed(AGAIN, Why::DuplicateReporter);
    assert!(ended[0].should_know.contains(&again));
    assert!(both.iter().all(|told| !told.should_know.contains(&again)));
    let reopened = acted(
        &closed.report,
        TOWN_OFFICER,
        Action::Reopen {
            reason: "反弹".to_owned(),
            rebound: true,
        },
    );
    let begun = told(Some(&closed.report), &reopened, TOWN_OFFICER);
    assert!(begun[0].should_know.contains(&again));
}

#[test]
fn the_sentence_says_what_where_and_until_when_and_names_no_person() {
    let naming = Naming {
        number: "990001100-2026-000012",
        place: "青山村一组",
        desk: "青山村",
        original: None,
    };
    let mut report = filed(Severity::Serious, Disposition::Escalate).report;
    report.next_due_at = Some("2026-11-20T10:00:00Z".parse().unwrap());
    let said = text(EventKind::Escalated, &report, &naming, now());
    assert_eq!(
        said.zh,
        "【上报】青山村一组：秸秆焚烧（较重），编号990001100-2026-000012。待青山村审核上报，11月20日18:00前。"
    );
    assert_eq!(
        said.en,
        "Escalated: Straw burning (serious), 青山村一组, no. 990001100-2026-000012. 青山村: decide by 2026-11-20 18:00."
    );
    report.status = Status::Closed;
    report.outcome = Some(Outcome::Handled);
    report.closed_at = Some(now());
    let said = text(EventKind::Closed, &report, &naming, now());
    assert!(said.zh.ends_with("。已结案（已处置）。"), "{}", said.zh);
    assert!(said.en.ends_with(". Closed (handled)."), "{}", said.en);
    report.status = Status::Void;
    let said = text(EventKind::Voided, &report, &naming, now());
    assert!(said.zh.ends_with("。已作废。"), "{}", said.zh);
    let naming = Naming {
        original: Some("990001100-2026-000007"),
        ..naming
    };
    let said = text(EventKind::Voided, &report, &naming, now());
    let zh = "。已作废（与990001100-2026-000007重复）。";
    assert!(said.zh.ends_with(zh), "{}", said.zh);
    let en = ". Void (a duplicate of no. 990001100-2026-000007).";
    assert!(said.en.ends_with(en), "{}", said.en);
}

#[test]
fn a_digest_takes_what_is_only_to_be_known_and_nothing_critical() {
    let recipients = Recipients {
        must_act: vec![SECRETARY],
        should_know: [LEADER, TOWN_OFFICER]
            .map(|officer_id| Informed {
                officer_id,
                why: Why::Reporter,
            })
            .to_vec(),
        in_digest: Vec::new(),
    };
    let mode_of = |officer| {
        if officer == TOWN_OFFICER {
            NotificationMode::AtOnce
        } else {
            NotificationMode::Digest
        }
    };
    let gathered = recipients.clone().gathered(Severity::Serious, mode_of);
    let officers = |informed: &[Informed]| -> Vec<Uuid> {
        informed.iter().map(|one| one.officer_id).collect()
    };
    assert_eq!(gathered.must_act, [SECRETARY]);
    assert_eq!(officers(&gathered.should_know), [TOWN_OFFICER]);
    assert_eq!(officers(&gathered.in_digest), [LEADER]);
    assert_eq!(
        recipients.clone().gathered(Severity::Critical, mode_of),
        recipients
    );
}

/// A report that the town has given to the village.
fn assigned_below() -> Report {
    let escalated = filed(Severity::General, Disposition::Escalate).report;
    let approved = acted(
        &escalated,
        SECRETARY,
        Action::Approve {
            further: true,
            comment: None,
        },
    );
    let to_village = Assignment {
        grid: Some(GridPath::village(TOWN, VILLAGE)),
        ..Assignment::default()
    };
    acted(&approved.report, TOWN_OFFICER, Action::Assign(to_village)).report
}

/// Who is told of what the system says of a report, which moves nothing.
fn told_by_itself(report: &Report, kind: EventKind) -> Recipients {
    let staffing = staffing();
    let happening = Happening {
        filed_again_by: &[],
        before: Some(report),
        after: report,
        actor_id: None,
        staffing: &staffing,
    };
    happening.recipients(kind, happening.calling(&[kind]) == Some(0))
}

#[test]
fn a_reminder_calls_the_desk_again() {
    let below = assigned_below();
    let resolved = Report {
        status: Status::Resolved,
        ..below.clone()
    };
    let verifier = told_by_itself(&resolved, EventKind::Reminded);
    assert_eq!(verifier.must_act, [TOWN_OFFICER], "verification is late");
    let held = Report {
        handler: None,
        ..below
    };
    let town = told_by_itself(&held, EventKind::Reminded);
    assert_eq!(town.must_act, [TOWN_OFFICER], "the town is late");
}

#[test]
fn what_the_county_is_late_with_calls_the_town_though_a_village_has_it() {
    let referred = Report {
        proceedings: Proceedings {
            referral: Some(Referral {
                agency: "县生态环境分局".into(),
                reference: None,
                since: now(),
                acknowledged_at: None,
                reply_due_at: now(),
            }),
            ..Proceedings::default()
        },
        ..assigned_below()
    };
    let told = told_by_itself(&referred, EventKind::Reminded);
    assert_eq!(told.must_act, [TOWN_OFFICER]);
    assert!(told.should_know.contains(&informed(SECRETARY, Why::Desk)));
}

#[test]
fn supervision_calls_the_village_that_has_it_already() {
    let before = assigned_below();
    let supervised = acted(
        &before,
        TOWN_OFFICER,
        Action::Supervise {
            number: "督〔2026〕1号".into(),
            demand: "限期清理".into(),
            reply_by: now() + chrono::TimeDelta::days(3),
            tier: Some(crate::grid::Tier::Village),
        },
    );
    assert!(before.same_desk(&supervised.report), "nothing has moved");
    let told = told(Some(&before), &supervised, TOWN_OFFICER);
    assert_eq!(told[0].must_act, [SECRETARY, VILLAGE_OFFICER]);
}

#[test]
fn a_milestone_calls_the_town_that_has_suspended_it() {
    let suspended = Report {
        status: Status::Suspended,
        ..assigned_below()
    };
    let told = told_by_itself(&suspended, EventKind::MilestoneDue);
    assert_eq!(told.must_act, [TOWN_OFFICER]);
    assert_eq!(told.should_know, [informed(LEADER, Why::Reporter)]);
}

#[test]
fn a_limit_that_runs_out_below_is_told_to_the_holder() {
    for kind in [EventKind::DueSoon, EventKind::Overdue] {
        let told = told_by_itself(&assigned_below(), kind);
        assert!(told.must_act.is_empty(), "{kind:?} calls nobody");
        let holder = informed(TOWN_OFFICER, Why::Holder);
        assert!(told.should_know.contains(&holder), "{kind:?}: {told:?}");
        assert!(told.should_know.contains(&informed(SECRETARY, Why::Desk)));
    }
}

#[test]
fn pressure_that_is_due_calls_the_town_and_tells_who_holds_it() {
    let with_village = Report {
        holder_tier: crate::grid::Tier::Village,
        handler: None,
        ..assigned_below()
    };
    for kind in [EventKind::SupervisionDue, EventKind::CircularDue] {
        let told = told_by_itself(&with_village, kind);
        assert_eq!(told.must_act, [TOWN_OFFICER], "{kind:?}");
        assert!(told.should_know.contains(&informed(SECRETARY, Why::Desk)));
        let ended = Report {
            status: Status::Closed,
            ..with_village.clone()
        };
        let told = told_by_itself(&ended, kind);
        assert!(told.must_act.is_empty(), "it has ended meanwhile");
    }
}
