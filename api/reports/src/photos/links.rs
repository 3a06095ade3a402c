//! Signed links to pictures, so that an image tag works without a header.
//!
//! A link stays the same all day, so that caches can keep the picture, and is valid until the end of
//! the next day. Owns the signature. It must not know who may see what.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Days, FixedOffset, TimeZone, Utc};
use gridpatrol_domain::error::Code;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

use super::objects::Variant;
use gridpatrol_problem::Problem;

/// Days begin at midnight in China.
const CHINA_OFFSET_SECONDS: i32 = 8 * 3600;
/// Half of a SHA-256: long enough that it cannot be guessed, and lists of links stay short.
const SIGNATURE_BYTES: usize = 16;

/// Makes and checks links.
#[derive(Clone)]
pub struct Links(Hmac<Sha256>);

impl Links {
    /// Makes it with the key that all processes of the server share.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        for (to, from) in block.iter_mut().zip(key) {
            *to = *from;
        }
        Self(Hmac::new(&block))
    }

    /// A link to a picture, from the root of the server.
    #[must_use]
    pub fn sign(&self, photo: Uuid, variant: Variant, now: DateTime<Utc>) -> String {
        let expires = end_of_next_day(now).timestamp();
        let signature = self.signature(photo, variant, expires);
        format!(
            "/v1/photos/{photo}/{}?exp={expires}&sig={}",
            variant.code(),
            URL_SAFE_NO_PAD.encode(signature)
        )
    }

    /// Checks a link.
    ///
    /// # Errors `link_invalid` if this server did not sign it, or it has expired.
    pub fn check(
        &self,
        photo: Uuid,
        variant: Variant,
        expires: i64,
        signature: &str,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        let given = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        let sound = given.len() == SIGNATURE_BYTES
            && self
                .mac(photo, variant, expires)
                .verify_truncated_left(&given)
                .is_ok();
        if !sound {
            return Err(Problem::new(Code::LinkInvalid)
                .detail("This server did not make this link. Read the photo's report again to get a new one."));
        }
        if expires <= now.timestamp() {
            return Err(Problem::new(Code::LinkInvalid)
                .detail("The link has expired. Read the photo's report again to get a new one."));
        }
        Ok(())
    }

    fn signature(&self, photo: Uuid, variant: Variant, expires: i64) -> Vec<u8> {
        let mut bytes = self
            .mac(photo, variant, expires)
            .finalize()
            .into_bytes()
            .to_vec();
        bytes.truncate(SIGNATURE_BYTES);
        bytes
    }

    fn mac(&self, photo: Uuid, variant: Variant, expires: i64) -> Hmac<Sha256> {
        self.0
            .clone()
            .chain_update(b"photo link\0")
            .chain_update(photo.as_bytes())
            .chain_update(variant.code())
            .chain_update([0])
            .chain_update(expires.to_be_bytes())
    }
}

fn end_of_next_day(now: DateTime<Utc>) -> DateTime<Utc> {
    let Some(china) = FixedOffset::east_opt(CHINA_OFFSET_SECONDS) else {
        return now + Days::new(2);
    };
    let day = now.with_timezone(&china).date_naive() + Days::new(2);
    day.and_hms_opt(0, 0, 0)
        .and_then(|midnight| china.from_local_datetime(&midnight).single())
        .map_or(now + Days::new(2), |midnight| midnight.to_utc())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    fn parts(link: &str) -> (i64, String) {
        let query = link.split_once("?exp=").unwrap().1;
        let (expires, signature) = query.split_once("&sig=").unwrap();
        (expires.parse().unwrap(), signature.to_owned())
    }

    #[test]
    fn a_link_is_the_same_all_day_and_holds_for_more_than_one() {
        let links = Links::new(&[7; 32]);
        let photo = Uuid::from_u128(5);
        let early = at("2026-11-20T00:00:00+08:00");
        let late = at("2026-11-20T23:59:59+08:00");
        let link = links.sign(photo, Variant::Preview, early);
        assert_eq!(link, links.sign(photo, Variant::Preview, late));
        assert_ne!(
            link,
            links.sign(photo, Variant::Preview, late + TimeDelta::seconds(1))
        );
        let (expires, signature) = parts(&link);
        assert_eq!(expires, at("2026-11-22T00:00:00+08:00").timestamp());
        let check = |now| links.check(photo, Variant::Preview, expires, &signature, now);
        assert!(check(late + TimeDelta::hours(24)).is_ok());
        let problem = check(at("2026-11-22T00:00:00+08:00")).unwrap_err();
        assert_eq!(problem.code, Code::LinkInvalid);
    }

    #[test]
    fn a_changed_link_is_refused() {
        let links = Links::new(&[7; 32]);
        let photo = Uuid::from_u128(5);
        let now = at("2026-11-20T12:00:00+08:00");
        let (expires, signature) = parts(&links.sign(photo, Variant::Thumbnail, now));
        let refused = |photo, variant, expires, signature: &str| {
            links
                .check(photo, variant, expires, signature, now)
                .is_err()
        };
        assert!(!refused(photo, Variant::Thumbnail, expires, &signature));
        assert!(refused(photo, Variant::Original, expires, &signature));
        assert!(refused(
            Uuid::from_u128(6),
            Variant::Thumbnail,
            expires,
            &signature
        ));
        assert!(refused(photo, Variant::Thumbnail, expires + 1, &signature));
        assert!(refused(photo, Variant::Thumbnail, expires, ""));
        assert!(refused(
            photo,
            Variant::Thumbnail,
            expires,
            &signature[..10]
        ));
        assert!(refused(
            photo,
            Variant::Thumbnail,
            expires,
            &"A".repeat(signature.len())
        ));
        let other = Links::new(&[8; 32]);
        let (expires, signature) = parts(&other.sign(photo, Variant::Thumbnail, now));
        assert!(refused(photo, Variant::Thumbnail, expires, &signature));
    }
}
