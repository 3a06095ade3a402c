//! Which kind of request an operation is.
//!
//! Owns the groups, and which path belongs to which. It must not hold limits: `settings` does.

use actix_web::http::Method;

use gridpatrol_store::Priority;

/// Kinds of requests, each with its own limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Starting, renewing and ending sessions, and passwords.
    SignIn,
    /// Filing reports and acting on them.
    Filing,
    /// Reading one thing, the inbox, or the caller's own account.
    Reads,
    /// Lists and searches.
    Lists,
    /// Uploading photos.
    Photos,
    /// Loading pictures by signed links, without signing in.
    Pictures,
    /// Changing grids, officers, accounts and settings, imports, and packages of reports.
    Administration,
}

impl Group {
    /// All groups.
    pub const ALL: [Self; 7] = [
        Self::SignIn,
        Self::Filing,
        Self::Reads,
        Self::Lists,
        Self::Photos,
        Self::Pictures,
        Self::Administration,
    ];

    /// The group of an operation, from its path or the template of its path. Paths outside `/v1` have
    /// none, because probes and the document have no limit; neither have the public keys.
    #[must_use]
    pub fn of(method: &Method, path: &str) -> Option<Self> {
        let mut segments = path.strip_prefix("/v1/")?.split('/');
        let (room, thing, part) = (segments.next()?, segments.next(), segments.next());
        let reads = matches!(*method, Method::GET | Method::HEAD);
        Some(match (room, reads) {
            ("auth", false) => Self::SignIn,
            ("reports" | "inbox", false) => Self::Filing,
            ("photos", false) => Self::Photos,
            (_, false) => Self::Administration,
            ("photos", true) if part.is_some() => Self::Pictures,
            ("reports", true) if part == Some("package") => Self::Administration,
            ("auth" | "me" | "inbox" | "bootstrap" | "settings" | "photos", true) => Self::Reads,
            (_, true) if thing.is_some_and(is_one) => Self::Reads,
            (_, true) => Self::Lists,
        })
    }

    /// Its name in headers, settings and logs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Filing => "filing",
            Self::Reads => "reads",
            Self::Lists => "lists",
            Self::Photos => "photos",
            Self::Pictures => "pictures",
            Self::Administration => "administration",
        }
    }

    /// How much of the database it may take.
    #[must_use]
    pub const fn priority(self) -> Priority {
        match self {
            Self::Filing => Priority::Full,
            Self::SignIn | Self::Reads | Self::Photos | Self::Pictures => Priority::Common,
            Self::Lists | Self::Administration => Priority::Heavy,
        }
    }
}

/// Whether a segment names one thing: an id, or a parameter of a template.
fn is_one(segment: &str) -> bool {
    segment.starts_with('{') || uuid::Uuid::try_parse(segment).is_ok()
}
