//! Registers every operation of this crate, room by room.
//!
//! Owns the order of registration and nothing else.

use gridpatrol_http::service_config::ServiceConfig;

use crate::{actions, deadlines, export, filing, inbox, links, list, view};

/// Adds the operations of all rooms.
pub fn routes(config: &mut ServiceConfig<'_>) {
    // This comes first: otherwise `similar` would be read as the id of a report.
    links::routes::routes(config);
    filing::routes::routes(config);
    view::routes::routes(config);
    actions::amend_routes::routes(config);
    list::routes::routes(config);
    inbox::routes::routes(config);
    actions::routes::routes(config);
    actions::measure_routes::routes(config);
    deadlines::routes::routes(config);
    export::routes::routes(config);
}
