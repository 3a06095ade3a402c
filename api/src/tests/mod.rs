//! Tests that need the parts of a whole program: sign-in, imports and photos on both databases.

mod authenticate;
mod grids;
mod imports;
mod photos;
mod service_accounts;
mod traffic;

use gridpatrol_people::auth::security_log::Origin;

const PASSWORD: &str = "demo-Patrol-2026";

fn origin(address: &str) -> Origin {
    Origin {
        address: address.to_owned(),
        request_id: "test".to_owned(),
    }
}
