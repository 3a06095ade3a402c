//! The tables, as both databases have them.
//!
//! A test compares this file with both migrations. It must not hold the search index: the databases
//! have different kinds, and `reports` uses them through `dialect`.
#![allow(missing_docs)] // The migrations explain each table.

diesel::table! {
use super::super::types::sql::*;

    grids (id) {
        id -> Id,
        town_id -> Id,
        village_id -> Nullable<Id>,
        parent_id -> Nullable<Id>,
        tier -> Text,
        code -> Text,
        name -> Text,
        contact -> Nullable<Text>,
        created_at -> Instant,
        version -> BigInt,
        valid_from -> Instant,
        valid_to -> Nullable<Instant>,
        successor_id -> Nullable<Id>,
        code_from -> Instant,
    }
}

diesel::table! {
use super::super::types::sql::*;

    towns (id) {
        id -> Id,
        change_seq -> BigInt,
        event_seq -> BigInt,
        chain_head -> Binary,
        number_year -> Integer,
        number_seq -> Integer,
        directory_version -> BigInt,
        import_id -> Nullable<Id>,
        notice_seq -> BigInt,
    }
}

diesel::table! {
use super::super::types::sql::*;

    grid_codes (grid_id, valid_from) {
        grid_id -> Id,
        valid_from -> Instant,
        valid_to -> Instant,
        code -> Text,
    }
}

diesel::table! {
use super::super::types::sql::*;

    grid_boundaries (grid_id) {
        grid_id -> Id,
        town_id -> Id,
        sent -> Text,
        sent_crs -> Text,
        wgs84 -> Text,
        west -> Double,
        south -> Double,
        east -> Double,
        north -> Double,
        changed_at -> Instant,
    }
}

diesel::table! {
use super::super::types::sql::*;

    imports (id) {
        id -> Id,
        kind -> Text,
        state -> Text,
        dry_run -> Bool,
        actor_id -> Nullable<Id>,
        file_name -> Nullable<Text>,
        size -> BigInt,
        created_at -> Instant,
        finished_at -> Nullable<Instant>,
        swept_at -> Nullable<Instant>,
        lines -> BigInt,
        lines_done -> BigInt,
        pass -> Integer,
        last_key -> Text,
        created -> BigInt,
        updated -> BigInt,
        unchanged -> BigInt,
        archived -> BigInt,
        errors -> BigInt,
        attempts -> Integer,
        runner_id -> Nullable<Id>,
        lease_until -> Nullable<Instant>,
    }
}

diesel::table! {
use super::super::types::sql::*;

    import_pieces (import_id, position) {
        import_id -> Id,
        position -> Integer,
        content -> Binary,
    }
}

diesel::table! {
use super::super::types::sql::*;

    import_lines (import_id, key) {
        import_id -> Id,
        key -> Text,
        line -> BigInt,
        content -> Text,
    }
}

diesel::table! {
use super::super::types::sql::*;

    import_errors (import_id, position) {
        import_id -> Id,
        position -> BigInt,
        line -> BigInt,
        field -> Nullable<Text>,
        code -> Text,
        detail -> Text,
    }
}

diesel::table! {
use super::super::types::sql::*;

    officers (id) {
        id -> Id,
        username -> Text,
        name -> Text,
        phone -> Nullable<Text>,
        password_hash -> Text,
        must_change_password -> Bool,
        disabled_at -> Nullable<Instant>,
        created_at -> Instant,
        version -> BigInt,
        telling -> Nullable<Text>,
    }
}

diesel::table! {
use super::super::types::sql::*;

    password_history (id) {
        id -> Id,
        officer_id -> Id,
        set_at -> Instant,
        password_hash -> Text,
    }
}

diesel::table! {
use super::super::types::sql::*;

    postings (id) {
        id -> Id,
        officer_id -> Id,
        grid_id -> Id,
        town_id -> Id,
        role -> Text,
        valid_from -> Instant,
        valid_to -> Nullable<Instant>,
        created_at -> Instant,
        manages -> Bool,
    }
}

diesel::table! {
use super::super::types::sql::*;

    deputies (id) {
        id -> Id,
        posting_id -> Id,
        deputy_id -> Id,
        valid_from -> Instant,
        valid_to -> Instant,
        created_at -> Instant,
        covers -> Text,
        absence_id -> Nullable<Id>,
    }
}

diesel::table! {
use super::super::types::sql::*;

    absences (id) {
        id -> Id,
        officer_id -> Id,
        deputy_id -> Nullable<Id>,
        valid_from -> Instant,
        valid_to -> Instant,
        created_at -> Instant,
    }
}

diesel::table! {
use super::super::types::sql::*;

    duty_shifts (id) {
        id -> Id,
        town_id -> Id,
        officer_id -> Id,
        valid_from -> Instant,
        valid_to -> Instant,
        created_at -> Instant,
    }
}

diesel::table! {
use super::super::types::sql::*;

    invitations (code_hash) {
        code_hash -> Binary,
        officer_id -> Id,
        invited_by -> Nullable<Id>,
        created_at -> Instant,
        expires_at -> Instant,
        ended_at -> Nullable<Instant>,
        accepted_at -> Nullable<Instant>,
        device_id -> Nullable<Text>,
        session_id -> Nullable<Id>,
    }
}

diesel::table! {
use super::super::types::sql::*;

    sessions (id) {
        id -> Id,
        officer_id -> Id,
        device_id -> Nullable<Text>,
        device_name -> Nullable<Text>,
        platform -> Nullable<Text>,
        address -> Nullable<Text>,
        created_at -> Instant,
        last_seen_at -> Instant,
        expires_at -> Instant,
        ended_at -> Nullable<Instant>,
        end_reason -> Nullable<Text>,
    }
}

diesel::table! {
use super::super::types::sql::*;

    refresh_tokens (token_hash) {
        token_hash -> Binary,
        session_id -> Id,
        predecessor_hash -> Nullable<Binary>,
        issued_at -> Instant,
        expires_at -> Instant,
        first_used_at -> Nullable<Instant>,
        superseded_at -> Nullable<Instant>,
    }
}

diesel::table! {
use super::super::types::sql::*;

    login_failures (subject) {
        subject -> Text,
        failures -> Integer,
        last_failed_at -> Instant,
        locked_until -> Nullable<Instant>,
    }
}

diesel::table! {
use super::super::types::sql::*;

    security_log (id) {
        id -> Id,
        at -> Instant,
        kind -> Text,
        officer_id -> Nullable<Id>,
        username -> Nullable<Text>,
        address -> Nullable<Text>,
        request_id -> Nullable<Text>,
        detail -> Nullable<Text>,
    }
}

diesel::table! {
use super::super::types::sql::*;

    secrets (name) {
        name -> Text,
        value -> Binary,
        created_at -> Instant,
    }
}

diesel::table! {
use super::super::types::sql::*;

    idempotency_keys (officer_id, key) {
        officer_id -> Id,
        key -> Text,
        request_hash -> Binary,
        status -> Integer,
        body -> Text,
        created_at -> Instant,
    }
}

diesel::table! {
use super::super::types::sql::*;

    reports (town_id, id) {
        town_id -> Id,
        id -> Id,
        number -> Text,
        grid_id -> Id,
        village_id -> Nullable<Id>,
        group_id -> Nullable<Id>,
        filing_tier -> Text,
        category -> Text,
        severity -> Text,
        source -> Text,
        status -> Text,
        status_before_void -> Nullable<Text>,
        holder_id -> Id,
        holder_tier -> Text,
        handler_grid_id -> Nullable<Id>,
        handler_officer_id -> Nullable<Id>,
        handler_due_at -> Nullable<Instant>,
        desk_grid_id -> Nullable<Id>,
        desk_assignee_id -> Nullable<Id>,
        desk_duty -> Nullable<Text>,
        desk_since -> Instant,
        escalation_requested_by -> Nullable<Id>,
        returns_from_group -> Integer,
        returns_from_village -> Integer,
        rework_count -> Integer,
        reporter_id -> Id,
        first_acted_at -> Nullable<Instant>,
        resolved_by -> Nullable<Id>,
        resolved_at -> Nullable<Instant>,
        closed_at -> Nullable<Instant>,
        outcome -> Nullable<Text>,
        self_verified -> Bool,
        received_at -> Instant,
        observed_at -> Instant,
        deadline_at -> Instant,
        next_due_at -> Nullable<Instant>,
        lat -> Nullable<Double>,
        lon -> Nullable<Double>,
        photos_declared -> Integer,
        photos_ready -> Integer,
        version -> BigInt,
        change_seq -> BigInt,
        accepted_at -> Nullable<Instant>,
        round -> Integer,
        round_since -> Instant,
        rebounds -> Integer,
        away_ms -> BigInt,
        colour -> Text,
        mark_due_at -> Nullable<Instant>,
        proceedings -> Nullable<Text>,
        handler_team_id -> Nullable<Id>,
        co_handlers -> Nullable<Text>,
        duplicate_of -> Nullable<Id>,
    }
}

diesel::table! {
use super::super::types::sql::*;

    report_texts (search_id) {
        search_id -> BigInt,
        report_id -> Id,
        town_id -> Id,
        filing_hash -> Binary,
        disposition -> Text,
        description -> Nullable<Text>,
        place_text -> Nullable<Text>,
        on_site_action -> Nullable<Text>,
        instruction -> Nullable<Text>,
        result -> Nullable<Text>,
        location_lat -> Nullable<Double>,
        location_lon -> Nullable<Double>,
        location_crs -> Nullable<Text>,
        location_accuracy_m -> Nullable<Double>,
        subtype -> Nullable<Text>,
        source_ref -> Nullable<Text>,
        responsible_name -> Nullable<Text>,
        responsible_credit_code -> Nullable<Text>,
        responsible_person -> Nullable<Text>,
        supervising_leader -> Nullable<Text>,
        measures -> Nullable<Text>,
        remark -> Nullable<Text>,
        rebound_of -> Nullable<Id>,
    }
}

diesel::table! {
use super::super::types::sql::*;

    report_participants (participant_id, report_id) {
        participant_id -> Id,
        report_id -> Id,
        town_id -> Id,
        received_at -> Instant,
    }
}

diesel::table! {
use super::super::types::sql::*;

    report_counts (town_id, grid_id, status, category, severity, colour) {
        town_id -> Id,
        grid_id -> Id,
        status -> Text,
        category -> Text,
        severity -> Text,
        colour -> Text,
        reports -> BigInt,
    }
}

diesel::table! {
use super::super::types::sql::*;

    events (town_id, seq) {
        town_id -> Id,
        seq -> BigInt,
        subject_kind -> Text,
        subject_id -> Id,
        kind -> Text,
        at -> Instant,
        actor_id -> Nullable<Id>,
        header -> Text,
        payload -> Nullable<Text>,
        salt -> Nullable<Binary>,
        commitment -> Binary,
        hash -> Binary,
    }
}

diesel::table! {
use super::super::types::sql::*;

    blobs (sha256) {
        sha256 -> Binary,
        size -> BigInt,
        pinned_at -> Instant,
    }
}

diesel::table! {
use super::super::types::sql::*;

    photos (id) {
        id -> Id,
        town_id -> Nullable<Id>,
        report_id -> Nullable<Id>,
        position -> Integer,
        role -> Text,
        owner_id -> Id,
        declared_sha256 -> Nullable<Binary>,
        declared_size -> Nullable<BigInt>,
        state -> Text,
        rendition -> Text,
        rendition_attempts -> Integer,
        rendition_due_at -> Nullable<Instant>,
        sha256 -> Nullable<Binary>,
        size -> Nullable<BigInt>,
        media_type -> Nullable<Text>,
        width -> Nullable<Integer>,
        height -> Nullable<Integer>,
        orientation -> Nullable<Integer>,
        taken_at -> Nullable<Instant>,
        lat -> Nullable<Double>,
        lon -> Nullable<Double>,
        exif_taken_at -> Nullable<Instant>,
        exif_lat -> Nullable<Double>,
        exif_lon -> Nullable<Double>,
        created_at -> Instant,
        arrived_at -> Nullable<Instant>,
        sent_lat -> Nullable<Double>,
        sent_lon -> Nullable<Double>,
        sent_crs -> Nullable<Text>,
    }
}

diesel::table! {
use super::super::types::sql::*;

    service_accounts (id) {
        id -> Id,
        town_id -> Id,
        grid_id -> Id,
        access -> Text,
        requests_per_minute -> Nullable<Integer>,
        created_by -> Nullable<Id>,
        created_at -> Instant,
        expires_at -> Instant,
        ended_at -> Nullable<Instant>,
        version -> BigInt,
    }
}

diesel::table! {
use super::super::types::sql::*;

    service_keys (id) {
        id -> Id,
        account_id -> Id,
        secret_hash -> Binary,
        created_at -> Instant,
        valid_until -> Nullable<Instant>,
        last_used_at -> Nullable<Instant>,
    }
}

diesel::table! {
use super::super::types::sql::*;

    town_settings (town_id, version) {
        town_id -> Id,
        version -> BigInt,
        effective_from -> Instant,
        body -> Text,
        created_at -> Instant,
        created_by -> Nullable<Id>,
    }
}

diesel::table! {
use super::super::types::sql::*;

    notices (position) {
        position -> BigInt,
        town_id -> Id,
        seq -> BigInt,
        kind -> Text,
        subject_id -> Id,
        grid_id -> Id,
        at -> Instant,
        quiet_until -> Nullable<Instant>,
        envelope -> Text,
        former_grid_id -> Nullable<Id>,
        breaks_quiet -> Bool,
    }
}

diesel::table! {
use super::super::types::sql::*;

    town_digests (town_id) {
        town_id -> Id,
        seq -> BigInt,
        due_at -> Instant,
    }
}

diesel::table! {
use super::super::types::sql::*;

    webhook_endpoints (id) {
        id -> Id,
        town_id -> Id,
        grid_id -> Id,
        name -> Text,
        url -> Text,
        provider -> Nullable<Text>,
        kinds -> Nullable<Text>,
        created_by -> Nullable<Id>,
        created_at -> Instant,
        dispatched_seq -> BigInt,
        last_number -> BigInt,
        failing_since -> Nullable<Instant>,
        failures -> Integer,
        rests_until -> Nullable<Instant>,
        paused_at -> Nullable<Instant>,
        pause_reason -> Nullable<Text>,
        leased_until -> Nullable<Instant>,
        leased_by -> Nullable<Id>,
        ended_at -> Nullable<Instant>,
        version -> BigInt,
        served_at -> Instant,
    }
}

diesel::table! {
use super::super::types::sql::*;

    webhook_secrets (id) {
        id -> Id,
        endpoint_id -> Id,
        secret -> Binary,
        created_at -> Instant,
        valid_until -> Nullable<Instant>,
    }
}

diesel::table! {
use super::super::types::sql::*;

    webhook_deliveries (endpoint_id, number) {
        endpoint_id -> Id,
        number -> BigInt,
        notice_seq -> Nullable<BigInt>,
        notice_id -> Text,
        kind -> Text,
        subject_id -> Id,
        body -> Nullable<Text>,
        state -> Text,
        due_at -> Nullable<Instant>,
        created_at -> Instant,
        attempts -> Integer,
        first_attempt_at -> Nullable<Instant>,
        last_attempt_at -> Nullable<Instant>,
        duration_ms -> Nullable<Integer>,
        status -> Nullable<Integer>,
        fault -> Nullable<Text>,
        answer -> Nullable<Text>,
    }
}

diesel::table! {
use super::super::types::sql::*;

    push_tokens (session_id, provider) {
        session_id -> Id,
        provider -> Text,
        officer_id -> Id,
        token -> Text,
        created_at -> Instant,
    }
}

diesel::joinable!(deputies -> postings (posting_id));
diesel::joinable!(service_accounts -> officers (id));
diesel::joinable!(service_accounts -> grids (grid_id));
diesel::joinable!(service_keys -> service_accounts (account_id));
diesel::joinable!(postings -> officers (officer_id));
diesel::joinable!(sessions -> officers (officer_id));
diesel::joinable!(towns -> grids (id));
diesel::joinable!(webhook_endpoints -> towns (town_id));
diesel::joinable!(town_digests -> towns (town_id));
diesel::joinable!(push_tokens -> sessions (session_id));

diesel::table! {
use super::super::types::sql::*;

    calendar_years (year, version) {
        year -> Integer,
        version -> BigInt,
        body -> Text,
        created_at -> Instant,
        created_by -> Nullable<Id>,
    }
}

diesel::table! {
use super::super::types::sql::*;

    calendar_state (id) {
        id -> Integer,
        version -> BigInt,
    }
}

diesel::table! {
use super::super::types::sql::*;

    report_lapses (town_id, report_id, due_at, rule) {
        town_id -> Id,
        report_id -> Id,
        due_at -> Instant,
        rule -> Text,
        grid_id -> Id,
        tier -> Text,
        charged -> Bool,
        lapsed_at -> Instant,
    }
}

diesel::table! {
use super::super::types::sql::*;

    report_hands (hand_id, report_id) {
        hand_id -> Id,
        report_id -> Id,
    }
}

diesel::table! {
use super::super::types::sql::*;

    teams (id) {
        id -> Id,
        town_id -> Id,
        name -> Text,
        kind -> Text,
        lead_id -> Id,
        categories -> Nullable<Text>,
        created_at -> Instant,
        archived_at -> Nullable<Instant>,
        version -> BigInt,
    }
}

diesel::table! {
use super::super::types::sql::*;

    team_members (team_id, officer_id) {
        team_id -> Id,
        officer_id -> Id,
    }
}

diesel::table! {
use super::super::types::sql::*;

    team_grids (team_id, grid_id) {
        team_id -> Id,
        grid_id -> Id,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    grids,
    towns,
    grid_codes,
    grid_boundaries,
    imports,
    import_pieces,
    import_lines,
    import_errors,
    officers,
    password_history,
    postings,
    deputies,
    absences,
    duty_shifts,
    invitations,
    sessions,
    refresh_tokens,
    login_failures,
    security_log,
    secrets,
    idempotency_keys,
    reports,
    report_texts,
    report_participants,
    report_counts,
    events,
    blobs,
    photos,
    service_accounts,
    service_keys,
    town_settings,
    notices,
    town_digests,
    webhook_endpoints,
    webhook_secrets,
    webhook_deliveries,
    push_tokens,
    calendar_years,
    calendar_state,
    report_lapses,
    report_hands,
    teams,
    team_members,
    team_grids,
);
