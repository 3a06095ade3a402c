//! Invitations: a code that signs one phone in, once, so that officers need not type a password.
//!
//! Owns the code, the pure rule for when it is valid, and its transactions. 60 random bits and the
//! throttle per address prevent guessing. It must store only a hash of the code. The first answer
//! may get lost, so the same phone may accept again until its session has been refreshed, for at
//! most an hour.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use gridpatrol_domain::error::Code as Refusal;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::accounts::not_oneself;
use super::chains::Chains;
use super::queries::set_first_password;
use super::subject::{Manager, Subject};
use crate::auth::login::{Door, locked};
use crate::auth::security_log::{self, Kind, Origin, Record};
use crate::auth::sessions::{self, Device, Fresh, Signing};
use crate::auth::{Auth, internal, queries};
use gridpatrol_problem::Problem;
use gridpatrol_store::schema::{invitations, refresh_tokens};
use gridpatrol_store::types::{At, Id};
use gridpatrol_store::{Conn, Lane, Outcome, Store, locked as for_update, random};

/// Crockford's alphabet: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a code, five bits each.
const LENGTH: usize = 12;
/// How long the same phone may accept again.
const AGAIN: TimeDelta = TimeDelta::hours(1);

/// A code, in its canonical form.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

// This is a secret, so keep it out of logs.
impl std::fmt::Debug for Code {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("…")
    }
}

impl Code {
    /// Makes a new code.
    ///
    /// # Errors
    /// An internal fault if the system gives no random numbers.
    pub fn new() -> Result<Self, Problem> {
        let bytes: [u8; LENGTH] = random::bytes().map_err(internal)?;
        Ok(Self(
            bytes.iter().filter_map(|byte| letter(*byte)).collect(),
        ))
    }

    /// Reads a code that a person typed or scanned. Case, spaces and hyphens do not matter, and
    /// letters that look alike count as the same. None: it cannot be a code.
    #[must_use]
    pub fn read(typed: &str) -> Option<Self> {
        let letters = typed
            .chars()
            .filter(|each| !each.is_whitespace() && *each != '-')
            .map(|each| match each.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            });
        let code: String = letters.take(LENGTH + 1).collect();
        let sound = code.len() == LENGTH && code.bytes().all(|byte| ALPHABET.contains(&byte));
        sound.then_some(Self(code))
    }

    /// The code in groups of four, to read aloud.
    #[must_use]
    pub fn written(&self) -> String {
        let letters: Vec<char> = self.0.chars().collect();
        let groups: Vec<String> = letters
            .chunks(4)
            .map(|group| group.iter().collect())
            .collect();
        groups.join("-")
    }

    /// The text for a QR code. It tells a client app the server's address, if the server knows it.
    #[must_use]
    pub fn qr_text(&self, public_url: Option<&str>) -> String {
        let server = public_url.map_or_else(String::new, |url| {
            let escaped: String = url
                .bytes()
                .map(|byte| match byte {
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                        char::from(byte).to_string()
                    }
                    other => format!("%{other:02X}"),
                })
                .collect();
            format!("&server={escaped}")
        });
        format!("gridpatrol:invitation?code={}{server}", self.0)
    }

    /// The hash that we store.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.0.as_bytes()).to_vec()
    }
}

fn letter(byte: u8) -> Option<char> {
    ALPHABET
        .get(usize::from(byte) % ALPHABET.len())
        .map(|letter| char::from(*letter))
}

/// Makes a password to sign in with once: three groups of four, with every class of characters that
/// the rules may require.
///
/// # Errors
/// An internal fault if the system gives no random numbers.
pub fn one_time_password() -> Result<String, Problem> {
    const LOWER: &[u8] = b"abcdefghjkmnpqrstuvwxyz";
    const UPPER: &[u8] = b"ABCDEFGHJKMNPQRSTUVWXYZ";
    const DIGITS: &[u8] = b"23456789";
    // Each group has a lower-case letter, a capital, a digit and another lower-case letter: 66 bits
    // in all.
    let bytes: [u8; 24] = random::bytes().map_err(internal)?;
    let mut password = String::new();
    for (place, pair) in bytes.chunks(2).enumerate() {
        if place > 0 && place % 4 == 0 {
            password.push('-');
        }
        let from = match place % 4 {
            1 => UPPER,
            2 => DIGITS,
            _ => LOWER,
        };
        let number = pair
            .iter()
            .fold(0, |sum, byte| sum * 256 + usize::from(*byte));
        password.extend(
            from.get(number % from.len())
                .map(|letter| char::from(*letter)),
        );
    }
    Ok(password)
}

/// The facts that the rule needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Until when it can be accepted.
    pub expires_at: DateTime<Utc>,
    /// When another invitation replaced it, or the officer's access ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// When it was accepted.
    pub accepted_at: Option<DateTime<Utc>>,
    /// Whether the phone that sends it has accepted it before.
    pub same_device: bool,
    /// Whether its session has been refreshed or has ended.
    pub session_used: bool,
}

/// Whether the invitation signs this phone in.
#[must_use]
pub fn good(invitation: Standing, now: DateTime<Utc>) -> bool {
    match invitation.accepted_at {
        _ if invitation.ended_at.is_some() => false,
        None => now < invitation.expires_at,
        Some(accepted_at) => {
            invitation.same_device && !invitation.session_used && now - accepted_at < AGAIN
        }
    }
}

/// Stores an invitation and replaces earlier ones.
///
/// # Errors
/// `not_found`, `not_permitted`; otherwise if the database fails.
pub fn invite(
    conn: &mut Conn,
    manager: &Manager,
    officer: Uuid,
    code_hash: &[u8],
    expires_at: DateTime<Utc>,
) -> Outcome<()> {
    let subject = Subject::managed(conn, manager, officer)?;
    not_oneself(manager, officer)?;
    if subject.row.disabled_at.is_some() {
        return Err(Problem::new(Refusal::NotPermitted)
            .detail("The account is disabled. Enable it first.")
            .into());
    }
    let now = manager.now;
    let mut chains = Chains::lock(conn, subject.towns())?;
    end_all(conn, officer, now)?;
    diesel::insert_into(invitations::table)
        .values((
            invitations::code_hash.eq(code_hash),
            invitations::officer_id.eq(Id(officer)),
            invitations::invited_by.eq(Some(manager.actor.officer_id)),
            invitations::created_at.eq(At(now)),
            invitations::expires_at.eq(At(expires_at)),
        ))
        .execute(conn)?;
    let facts = json!({"expires_at": expires_at});
    chains.add_everywhere(&manager.event(officer, "officer_invited", facts, None));
    chains.save(conn)?;
    let by = format!("by {}", manager.actor.officer_id);
    security_log::record(
        conn,
        now,
        &manager.origin,
        Record {
            kind: Kind::Invited,
            officer_id: Some(officer),
            username: Some(&subject.row.username),
            detail: Some(&by),
        },
    )?;
    Ok(())
}

/// Ends all invitations of an officer.
///
/// # Errors
/// If the database fails.
pub fn end_all(conn: &mut Conn, officer: Uuid, now: DateTime<Utc>) -> QueryResult<()> {
    diesel::update(
        invitations::table.filter(
            invitations::officer_id
                .eq(Id(officer))
                .and(invitations::ended_at.is_null()),
        ),
    )
    .set(invitations::ended_at.eq(Some(now)))
    .execute(conn)
    .map(drop)
}

/// A request to accept an invitation.
#[derive(Debug)]
pub struct Acceptance {
    /// The code, as typed or scanned.
    pub code: String,
    /// The phone, with an id.
    pub device: Device,
    /// From where.
    pub origin: Origin,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = invitations)]
struct InvitationRow {
    officer_id: Uuid,
    expires_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    accepted_at: Option<DateTime<Utc>>,
    device_id: Option<String>,
    session_id: Option<Uuid>,
}

/// Signs a phone in with an invitation.
///
/// # Errors
/// `invitation_invalid`, `login_locked` after too many wrong ones from one address, 503.
pub async fn accept(
    store: &Store,
    auth: &Auth,
    now: DateTime<Utc>,
    acceptance: Acceptance,
) -> Result<Signing, Problem> {
    let Acceptance {
        code,
        device,
        origin,
    } = acceptance;
    let hash = Code::read(&code).map(|code| code.hash());
    let door = Door::new(auth, None, &origin);
    let fresh = Fresh::new(now)?;
    let stored = fresh.clone();
    let limits = sessions::Limits::of(auth);
    let account = store
        .write(Lane::Interactive, move |conn| {
            if let Some(seconds) = door.wait(conn, now)? {
                return Ok(Err(locked(seconds)));
            }
            let accepted = match &hash {
                Some(hash) => exchange(conn, hash, &device, &stored, &origin, limits, now)?,
                None => None,
            };
            match accepted {
                Some(account) => Ok(Ok(account)),
                None => {
                    let wait = door.count(conn, &origin, now, Kind::InvitationRefused)?;
                    Ok(Err(wait.map_or_else(invalid, locked)))
                }
            }
        })
        .await??;
    fresh.signing(auth, account)
}

/// The exchange itself. None if the invitation is not valid.
fn exchange(
    conn: &mut Conn,
    hash: &[u8],
    device: &Device,
    fresh: &Fresh,
    origin: &Origin,
    limits: sessions::Limits,
    now: DateTime<Utc>,
) -> QueryResult<Option<queries::Account>> {
    let invited: Option<Uuid> = invitations::table
        .find(hash)
        .select(invitations::officer_id)
        .first(conn)
        .optional()?;
    let Some(invited) = invited else {
        return Ok(None);
    };
    // Lock the officer's row first, as inviting does, so that two phones at once wait for each
    // other.
    let Some(account) = queries::account_locked(conn, invited)? else {
        return Ok(None);
    };
    let row: InvitationRow = for_update!(
        conn,
        invitations::table
            .find(hash)
            .select(InvitationRow::as_select()),
        first
    )?;
    let standing = Standing {
        expires_at: row.expires_at,
        ended_at: row.ended_at,
        accepted_at: row.accepted_at,
        same_device: row.device_id.is_some() && row.device_id == device.id,
        session_used: match row.session_id {
            Some(session) => session_used(conn, session)?,
            None => false,
        },
    };
    if account.disabled_at.is_some() || row.officer_id != account.id || !good(standing, now) {
        return Ok(None);
    }
    // An earlier one-time password is no longer valid.
    if account.must_change_password {
        set_first_password(conn, account.id, "")?;
    }
    sessions::begin(conn, &account, Some(device), fresh, origin, limits)?;
    diesel::update(invitations::table.find(hash))
        .set((
            invitations::accepted_at.eq(Some(row.accepted_at.unwrap_or(now))),
            invitations::device_id.eq(&device.id),
            invitations::session_id.eq(Some(fresh.session_id())),
        ))
        .execute(conn)?;
    security_log::record(
        conn,
        now,
        origin,
        Record {
            kind: Kind::InvitationAccepted,
            officer_id: Some(account.id),
            username: Some(&account.username),
            detail: device.name.as_deref(),
        },
    )?;
    queries::account(conn, account.id)
}

/// Whether a session has ended, or one of its refresh tokens was exchanged.
fn session_used(conn: &mut Conn, session: Uuid) -> QueryResult<bool> {
    let ended =
        queries::session_locked(conn, session)?.is_none_or(|session| session.ended_at.is_some());
    let exchanged: bool = diesel::select(diesel::dsl::exists(
        refresh_tokens::table
            .filter(refresh_tokens::session_id.eq(Id(session)))
            .filter(refresh_tokens::first_used_at.is_not_null()),
    ))
    .get_result(conn)?;
    Ok(ended || exchanged)
}

/// 401: wrong, used, replaced or expired. The answer must not tell which.
fn invalid() -> Problem {
    Problem::new(Refusal::InvitationInvalid).detail(
        "Ask the person who invited you for a new code. Each code works once, for one phone.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + minutes * 60, 0).unwrap()
    }

    #[test]
    fn a_code_is_forgiving_to_who_types_it() {
        let code = Code::new().unwrap();
        let written = code.written();
        assert_eq!(written.len(), LENGTH + 2);
        for typed in [
            written.clone(),
            written.to_lowercase(),
            written.replace('-', " "),
            format!(" {} ", written.replace('-', "")),
        ] {
            assert_eq!(Code::read(&typed).as_ref(), Some(&code), "{typed}");
        }
        assert_eq!(
            Code::read("o1li-OILo-0000").unwrap().written(),
            "0111-0110-0000"
        );
        for wrong in [
            "",
            "0111-0110-000",
            "0111-0110-0000-0",
            "u111-0110-0000",
            "零",
        ] {
            assert!(Code::read(wrong).is_none(), "{wrong}");
        }
        assert_ne!(Code::new().unwrap(), code);
        assert_eq!(format!("{code:?}"), "…");
    }

    #[test]
    fn the_qr_text_names_the_server_where_it_is_known() {
        let code = Code::read("0123-4567-89AB").unwrap();
        let text = code.qr_text(None);
        assert_eq!(text, "gridpatrol:invitation?code=0123456789AB");
        assert_eq!(
            code.qr_text(Some("https://wg.example.cn/a?b")),
            format!("{text}&server=https%3A%2F%2Fwg.example.cn%2Fa%3Fb")
        );
    }

    #[test]
    fn a_one_time_password_keeps_to_the_rules() {
        let rules = gridpatrol_domain::password::PasswordRules {
            min_classes: 4,
            ..Default::default()
        };
        for _ in 0..50 {
            let password = one_time_password().unwrap();
            assert_eq!(rules.faults(&password, "group_1_1"), [], "{password}");
        }
    }

    #[test]
    fn it_is_good_once_and_again_for_the_same_phone_for_a_while() {
        let fresh = Standing {
            expires_at: at(60),
            ended_at: None,
            accepted_at: None,
            same_device: false,
            session_used: false,
        };
        assert!(good(fresh, at(59)) && !good(fresh, at(60)));
        let replaced = Standing {
            ended_at: Some(at(1)),
            ..fresh
        };
        assert!(!good(replaced, at(2)));
        let accepted = Standing {
            accepted_at: Some(at(59)),
            same_device: true,
            ..fresh
        };
        // Even if the invitation has expired in the meantime.
        assert!(good(accepted, at(61)) && good(accepted, at(118)));
        assert!(!good(accepted, at(119)));
        for other in [
            Standing {
                same_device: false,
                ..accepted
            },
            Standing {
                session_used: true,
                ..accepted
            },
            Standing {
                ended_at: Some(at(60)),
                ..accepted
            },
        ] {
            assert!(!good(other, at(61)), "{other:?}");
        }
    }
}
