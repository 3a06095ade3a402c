//! Who may name whom: crates and their rooms, the lowest first, and the files that know a library.

/// A crate.
pub struct Level {
    /// Its name.
    pub name: &'static str,
    /// Where its source lies.
    pub folder: &'static str,
    /// Libraries that it must never name.
    pub never: &'static [&'static str],
    /// Its rooms and what each is: one may name those above it.
    pub rooms: &'static [(&'static str, &'static str)],
}

/// The crates: one may name those above it.
pub const CRATES: &[Level] = &[
    Level {
        name: "gridpatrol-domain",
        folder: "domain/src",
        never: &["diesel", "actix-web", "tokio"],
        rooms: &[
            ("validation", "what is wrong with a value"),
            ("coded_value", "enums with a code and two titles"),
            ("error", "the table of error codes"),
            ("category", "what is wrong in a grid"),
            ("credit_code", "codes of enterprises"),
            ("password", "what a password must be like"),
            ("photo", "how far a photo is"),
            ("geo", "coordinates"),
            ("audit", "the event chain"),
            ("calendar", "working time"),
            ("grid", "the three tiers"),
            ("division", "statistical codes of grids"),
            ("team", "teams of a town"),
            ("service", "service accounts"),
            ("officer", "roles and postings"),
            ("scope", "what an actor sees"),
            ("grid_management", "who may change grids"),
            ("report", "what may happen to a report"),
            ("notice", "who is told of it"),
            ("settings", "the settings of a town"),
        ],
    },
    Level {
        name: "gridpatrol-problem",
        folder: "api/problem/src",
        never: &["diesel", "actix-web", "tokio"],
        rooms: &[
            ("language", "Chinese or English"),
            ("http", "a problem as an answer"),
        ],
    },
    Level {
        name: "gridpatrol-store",
        folder: "api/store/src",
        never: &["actix-web", "utoipa-actix-web"],
        rooms: &[
            ("clock", "the time"),
            ("random", "randomness of the operating system"),
            ("secret", "texts that appear nowhere"),
            ("low_priority", "work that may wait for the processor"),
            ("priority", "shares of the database"),
            ("slow_query_log", "statements that took long"),
            ("conn", "one connection to either database"),
            ("types", "ids and instants as both databases have them"),
            ("schema", "the tables"),
            ("dialect", "where the databases part"),
            ("prepared_statement", "statements that stay prepared"),
            ("transact", "the parts of one transaction"),
            ("background_throttle", "work nobody waits for"),
            ("writer", "the one writer of SQLite"),
            ("pool", "connections to be used again"),
            ("remote", "transactions on the pool"),
            ("migrate", "the schema of this program"),
            ("secrets", "secrets the processes share"),
            ("town", "the row of a town"),
            ("events", "the event chain, kept"),
            ("counters", "how many reports a grid has"),
            ("idempotency", "first answers to keyed requests"),
        ],
    },
    Level {
        name: "gridpatrol-http",
        folder: "api/http/src",
        never: &["diesel"],
        rooms: &[
            ("service_config", "where rooms name their handlers"),
            ("settings", "the [http] table"),
            ("validate", "every wrong value at its pointer"),
            ("serde_errors", "serde's messages in our words"),
            ("deserialize", "from JSON"),
            ("query", "from a query string"),
            ("body", "a request body"),
            ("choice", "one of a closed set"),
            ("system", "the system of positions"),
            ("refusals", "problems of an operation, documented"),
            ("unmatched", "where no route matches"),
            ("etag", "versions"),
            ("page", "lists in pages"),
            ("compression", "shorter answers"),
            ("trace", "the id of a request"),
            ("traffic", "fairness between callers"),
            ("context", "what reading a request needs"),
            ("middleware", "what every request passes"),
            ("idempotency", "safe retries"),
            ("call", "one request, read and checked"),
            ("cors", "browser applications of others"),
        ],
    },
    Level {
        name: "gridpatrol-people",
        folder: "api/people/src",
        never: &[],
        rooms: &[
            ("towns", "the towns as they stand"),
            ("auth", "who calls"),
            ("imports", "tables that come in as files"),
            ("service_accounts", "keys for programs"),
            ("grids", "grids and their boundaries"),
            ("officers", "accounts, postings and absences"),
            ("teams", "teams of a town"),
            ("settings", "the rules of a town"),
            ("calendar", "holidays and working days"),
        ],
    },
    Level {
        name: "gridpatrol-reports",
        folder: "api/reports/src",
        never: &[],
        rooms: &[
            ("notices", "who is told"),
            ("record", "the row of a report and how it changes"),
            ("photos", "pictures of a report"),
            ("services", "the handles that commands share"),
            ("view", "a report as one caller sees it"),
            ("relocation", "reports whose grid ends"),
            ("links", "reports of the same matter"),
            ("deadlines", "what happens if nobody acts"),
            ("filing", "a report comes in"),
            ("actions", "a report is worked on"),
            ("inbox", "what waits for the caller"),
            ("list", "reports, searched"),
            ("export", "a report as a package"),
            ("routes", "the operations of all rooms"),
        ],
    },
    Level {
        name: "gridpatrol",
        folder: "api/src",
        never: &[],
        rooms: &[
            ("ready", "whether the workers are alive"),
            ("operation", "for operators"),
            ("telemetry", "logs"),
            ("webhooks", "notices for programs of others"),
            ("audit", "the town's record as a whole"),
            ("bootstrap", "what an app needs when it starts"),
            ("docs", "what developers read"),
            ("openapi", "the OpenAPI document"),
            ("config", "the settings of the server"),
            ("workers", "work that nobody waits for"),
            ("demo", "the demonstration town"),
            ("app", "the application and its server"),
            ("cli", "the program's commands"),
        ],
    },
];

/// Rooms that still name a higher one: the file, the room it names, and why.
pub const ROOMS_NOT_YET: &[(&str, &str, &str)] = &[
    (
        "api/http/src/idempotency.rs",
        "call",
        "takes a part of the call",
    ),
    (
        "api/reports/src/services.rs",
        "deadlines",
        "holds the timer of the clock",
    ),
    (
        "api/reports/src/view/present.rs",
        "filing",
        "the responsible party is a type of the filing",
    ),
    (
        "api/reports/src/view/response.rs",
        "filing",
        "the responsible party is a type of the filing",
    ),
    (
        "api/reports/src/view/response.rs",
        "inbox",
        "the page of the inbox stands with the answers",
    ),
    ("api/src/telemetry.rs", "config", "takes all settings"),
];

/// Files that still name one that leads back to them: the file, the module it names, and why.
pub const FILES_NOT_YET: &[(&str, &str, &str)] = &[
    (
        "domain/src/calendar/holidays.rs",
        "calendar",
        "takes what the module above it defines",
    ),
    (
        "domain/src/calendar/hours.rs",
        "calendar",
        "takes what the module above it defines",
    ),
    (
        "domain/src/report/permission/conditions.rs",
        "report::permission",
        "takes what the module above it defines",
    ),
    (
        "domain/src/report/permission/rules.rs",
        "report::permission",
        "takes what the module above it defines",
    ),
    (
        "api/store/src/background_throttle.rs",
        "",
        "takes what the module above it defines",
    ),
    (
        "api/store/src/conn.rs",
        "",
        "takes what the module above it defines",
    ),
    (
        "api/store/src/migrate.rs",
        "",
        "takes what the module above it defines",
    ),
    (
        "api/store/src/pool.rs",
        "",
        "takes what the module above it defines",
    ),
    (
        "api/store/src/remote.rs",
        "",
        "takes what the module above it defines",
    ),
    (
        "api/store/src/transact.rs",
        "",
        "takes what the module above it defines",
    ),
    (
        "api/store/src/writer.rs",
        "",
        "takes what the module above it defines",
    ),
    (
        "api/http/src/idempotency.rs",
        "call",
        "takes a part of the call",
    ),
    (
        "api/people/src/auth/authenticate.rs",
        "auth",
        "takes what the module above it defines",
    ),
    (
        "api/people/src/auth/sessions.rs",
        "auth",
        "takes what the module above it defines",
    ),
    (
        "api/people/src/auth/service_keys/authenticate.rs",
        "auth::authenticate",
        "answers with what a token answers with",
    ),
    (
        "api/people/src/auth/session_routes.rs",
        "auth::routes",
        "the other one adds its operations",
    ),
    (
        "api/people/src/grids/boundary_routes.rs",
        "grids::routes",
        "the other one adds its operations",
    ),
    (
        "api/people/src/grids/change_routes.rs",
        "grids::routes",
        "the other one adds its operations",
    ),
    (
        "api/people/src/grids/record.rs",
        "grids::restructure",
        "records what a restructuring asks",
    ),
    (
        "api/people/src/grids/restructure.rs",
        "grids::commands",
        "shares checks with the other commands",
    ),
    (
        "api/people/src/grids/import/plan.rs",
        "grids::import",
        "takes what the module above it defines",
    ),
    (
        "api/people/src/grids/import/surroundings.rs",
        "grids::import",
        "takes what the module above it defines",
    ),
    (
        "api/people/src/grids/import/write.rs",
        "grids::import",
        "takes what the module above it defines",
    ),
    (
        "api/people/src/imports/sheet.rs",
        "imports",
        "takes what the module above it defines",
    ),
    (
        "api/people/src/officers/absence_routes.rs",
        "officers::routes",
        "the other one adds its operations",
    ),
    (
        "api/people/src/officers/posting_routes.rs",
        "officers::routes",
        "the other one adds its operations",
    ),
    (
        "api/people/src/officers/commands.rs",
        "officers::absences",
        "a departure ends absences",
    ),
    (
        "api/people/src/officers/invitations.rs",
        "officers::accounts",
        "an invitation goes with an account",
    ),
    (
        "api/reports/src/photos/imaging/container.rs",
        "photos::imaging",
        "takes what the module above it defines",
    ),
    (
        "api/reports/src/photos/imaging/exif.rs",
        "photos::imaging",
        "takes what the module above it defines",
    ),
    (
        "api/reports/src/view/proceedings_view.rs",
        "view::present",
        "names people as the view does",
    ),
    (
        "api/reports/src/view/response.rs",
        "inbox::item",
        "the page of the inbox stands with the answers",
    ),
    (
        "api/src/cli/audit.rs",
        "cli",
        "takes what the module above it defines",
    ),
    (
        "api/src/cli/grids.rs",
        "cli",
        "takes what the module above it defines",
    ),
    (
        "api/src/cli/holidays.rs",
        "cli",
        "takes what the module above it defines",
    ),
    (
        "api/src/cli/officer.rs",
        "cli",
        "takes what the module above it defines",
    ),
    (
        "api/src/config/given.rs",
        "config",
        "takes what the module above it defines",
    ),
    ("api/src/telemetry.rs", "config", "takes all settings"),
    (
        "api/src/openapi/finish.rs",
        "openapi",
        "takes what the module above it defines",
    ),
    (
        "api/src/webhooks/delivery_routes.rs",
        "webhooks::routes",
        "the other one adds its operations",
    ),
    (
        "api/src/webhooks/queries.rs",
        "webhooks::dispatch",
        "reads what the dispatch writes",
    ),
    (
        "api/src/workers/clock.rs",
        "workers",
        "takes what the module above it defines",
    ),
];

/// Files that may name diesel, and why. `…queries.rs` is any file with that ending, `a/b/…` any below.
pub const MAY_NAME_DIESEL: &[(&str, &str)] = &[
    ("…/queries.rs", "the SQL of a room"),
    ("…/rows.rs", "the rows of a table"),
    ("api/store/src/…", "the store itself"),
    (
        "api/people/src/auth/cleanup.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    (
        "api/people/src/auth/security_log.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    (
        "api/people/src/auth/sessions.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    (
        "api/people/src/grids/boundaries.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    (
        "api/people/src/grids/import/write.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    (
        "api/people/src/imports/stage.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    (
        "api/people/src/officers/chains.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    (
        "api/people/src/towns/holidays.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    (
        "api/people/src/towns/settings.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    (
        "api/people/src/towns/teams.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    (
        "api/reports/src/record/same_matter.rs",
        "reads the links between duplicates",
    ),
    (
        "api/reports/src/links/similar.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    (
        "api/reports/src/notices/digest.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    (
        "api/reports/src/notices/outbox.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    (
        "api/reports/src/notices/push_tokens.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    (
        "api/reports/src/record/changes.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    (
        "api/reports/src/record/search.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    (
        "api/src/audit/verify.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    (
        "api/src/webhooks/deliveries.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    (
        "api/src/webhooks/dispatch.rs",
        "one table or one question, and the rule beside its SQL",
    ),
    ("api/src/demo/…", "writes what no command would: the past"),
    (
        "api/people/src/auth/authenticate.rs",
        "not yet: its SQL belongs in the queries of its room",
    ),
    (
        "api/people/src/auth/login.rs",
        "not yet: its SQL belongs in the queries of its room",
    ),
    (
        "api/people/src/auth/service_keys/authenticate.rs",
        "not yet: its SQL belongs in the queries of its room",
    ),
    (
        "api/people/src/grids/commands.rs",
        "not yet: its SQL belongs in the queries of its room",
    ),
    (
        "api/people/src/grids/restructure.rs",
        "not yet: its SQL belongs in the queries of its room",
    ),
    (
        "api/people/src/imports/run.rs",
        "not yet: its SQL belongs in the queries of its room",
    ),
    (
        "api/people/src/officers/commands.rs",
        "not yet: its SQL belongs in the queries of its room",
    ),
    (
        "api/people/src/officers/invitations.rs",
        "not yet: its SQL belongs in the queries of its room",
    ),
    (
        "api/people/src/service_accounts/commands.rs",
        "not yet: its SQL belongs in the queries of its room",
    ),
    (
        "api/reports/src/deadlines/lapses.rs",
        "not yet: its SQL belongs in the queries of its room",
    ),
    (
        "api/reports/src/photos/commands.rs",
        "not yet: its SQL belongs in the queries of its room",
    ),
    (
        "api/reports/src/relocation.rs",
        "not yet: its SQL belongs in the queries of its room",
    ),
    (
        "api/reports/src/view/present.rs",
        "not yet: its SQL belongs in the queries of its room",
    ),
    (
        "api/src/audit/answer.rs",
        "not yet: its SQL belongs in the queries of its room",
    ),
    (
        "api/src/webhooks/commands.rs",
        "not yet: its SQL belongs in the queries of its room",
    ),
    (
        "api/src/webhooks/routes.rs",
        "not yet: its SQL belongs in the queries of its room",
    ),
];

/// Files that may name actix, and why.
pub const MAY_NAME_ACTIX: &[(&str, &str)] = &[
    ("…routes.rs", "the operations of a room"),
    ("api/problem/src/http.rs", "a problem as an answer"),
    ("api/http/src/…", "reads requests for all rooms"),
    (
        "api/people/src/auth/authenticate.rs",
        "finds the caller of a request",
    ),
    (
        "api/people/src/auth/tickets.rs",
        "finds the caller of a link",
    ),
    (
        "api/people/src/imports/upload.rs",
        "takes in the body as it arrives",
    ),
    (
        "api/reports/src/photos/form.rs",
        "takes in the body as it arrives",
    ),
    (
        "api/reports/src/photos/download.rs",
        "answers with contents as they are read",
    ),
    ("api/src/app.rs", "starts the server"),
    ("api/src/cli.rs", "starts its runtime"),
    ("api/src/cli/audit.rs", "starts its runtime"),
    ("api/src/docs/served.rs", "answers with the documentation"),
    ("api/src/operation.rs", "the operations for operators"),
];
