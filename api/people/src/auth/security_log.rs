//! The security log: sign-ins, refusals, locks, ends of sessions.
//!
//! Owns its rows, which are only ever added. It stands apart from the towns' chains, so that
//! strangers cannot take a town's lock. Passwords and tokens never come here.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use gridpatrol_store::Conn;
use gridpatrol_store::schema::security_log;
use gridpatrol_store::types::{At, Id};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A session began.
    SignedIn,
    /// The name or the password was wrong, or the account is disabled.
    SignInRefused,
    /// A name is locked after too many failures.
    NameLocked,
    /// An address has to wait after too many failures.
    AddressLocked,
    /// A session ended; the detail says why.
    SessionEnded,
    /// A refresh token came back after its successor had been used.
    RefreshReused,
    /// An officer changed the password.
    PasswordChanged,
    /// The current password given for a change was wrong.
    PasswordChangeRefused,
    /// A key of a service account was made; the detail says which.
    ServiceKeyIssued,
    /// A key of a service account was ended.
    ServiceKeyEnded,
    /// A service account was ended.
    ServiceAccountEnded,
    /// A secret of a webhook was made; the detail says which.
    WebhookSecretIssued,
    /// A webhook was ended.
    WebhookEnded,
    /// Who manages an officer gave a one-time password.
    PasswordReset,
    /// An account was disabled.
    Disabled,
    /// An account was enabled again.
    Enabled,
    /// An officer was invited.
    Invited,
    /// A phone was signed in by an invitation.
    InvitationAccepted,
    /// An invitation was wrong, spent or expired.
    InvitationRefused,
    /// A year was given another table of holidays; the detail says which.
    CalendarChanged,
    /// A report was taken out of the system with everything about it; the detail says which.
    PackageTaken,
}

impl Kind {
    /// The kinds whose detail is the name of a phone: somebody's, such as 张三的手机.
    pub const OF_PHONES: [Self; 2] = [Self::SignedIn, Self::InvitationAccepted];

    /// As it is stored.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::SignInRefused => "sign_in_refused",
            Self::NameLocked => "name_locked",
            Self::AddressLocked => "address_locked",
            Self::SessionEnded => "session_ended",
            Self::RefreshReused => "refresh_reused",
            Self::PasswordChanged => "password_changed",
            Self::PasswordChangeRefused => "password_change_refused",
            Self::ServiceKeyIssued => "service_key_issued",
            Self::ServiceKeyEnded => "service_key_ended",
            Self::ServiceAccountEnded => "service_account_ended",
            Self::WebhookSecretIssued => "webhook_secret_issued",
            Self::WebhookEnded => "webhook_ended",
            Self::PasswordReset => "password_reset",
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::Invited => "invited",
            Self::InvitationAccepted => "invitation_accepted",
            Self::InvitationRefused => "invitation_refused",
            Self::CalendarChanged => "calendar_changed",
            Self::PackageTaken => "package_taken",
        }
    }
}

/// From where a request came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The caller's address.
    pub address: String,
    /// The request's id.
    pub request_id: String,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// What happened.
    pub kind: Kind,
    /// To whom, if known.
    pub officer_id: Option<Uuid>,
    /// Under which name, if it could be one.
    pub username: Option<&'a str>,
    /// More about it.
    pub detail: Option<&'a str>,
}

/// Adds a row.
///
/// # Errors
/// When the database fails.
pub fn record(
    conn: &mut Conn,
    now: DateTime<Utc>,
    origin: &Origin,
    record: Record<'_>,
) -> QueryResult<()> {
    tracing::info!(
        kind = record.kind.code(),
        officer_id = record.officer_id.map(tracing::field::display),
        detail = record.detail,
        "security"
    );
    diesel::insert_into(security_log::table)
        .values((
            security_log::id.eq(Id(Uuid::now_v7())),
            security_log::at.eq(At(now)),
            security_log::kind.eq(record.kind.code()),
            security_log::officer_id.eq(record.officer_id),
            security_log::username.eq(record.username),
            security_log::address.eq(&origin.address),
            security_log::request_id.eq(&origin.request_id),
            security_log::detail.eq(record.detail),
        ))
        .execute(conn)?;
    Ok(())
}
