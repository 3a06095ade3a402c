//! What a notice may be about: an event of a report, or a digest.
//!
//! Owns the set that endpoints choose from. Kinds of events are `report`'s.

use crate::coded_value::CodedValue;
use crate::report::EventKind;

/// A kind of notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// An event of a report.
    Event(EventKind),
    /// What an officer should know, gathered.
    Digest,
}

/// How many there are.
const COUNT: usize = EventKind::ALL.len() + 1;

#[allow(clippy::indexing_slicing)] // At compile time.
const fn all() -> [NoticeKind; COUNT] {
    let mut kinds = [NoticeKind::Digest; COUNT];
    let mut at = 0;
    while at < EventKind::ALL.len() {
        kinds[at] = NoticeKind::Event(EventKind::ALL[at]);
        at += 1;
    }
    kinds
}

impl CodedValue for NoticeKind {
    const ALL: &'static [Self] = &all();

    fn code(self) -> &'static str {
        match self {
            Self::Event(kind) => kind.code(),
            Self::Digest => "digest",
        }
    }

    fn label_zh(self) -> &'static str {
        match self {
            Self::Event(kind) => kind.label_zh(),
            Self::Digest => "动态汇总",
        }
    }

    fn label_en(self) -> &'static str {
        match self {
            Self::Event(kind) => kind.label_en(),
            Self::Digest => "Digest",
        }
    }
}

impl serde::Serialize for NoticeKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for NoticeKind {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        crate::coded_value::open_set::<Self>()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for NoticeKind {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_one_and_so_is_the_digest() {
        assert_eq!(NoticeKind::ALL.len(), EventKind::ALL.len() + 1);
        for kind in EventKind::ALL {
            assert_eq!(
                NoticeKind::from_code(kind.code()),
                Some(NoticeKind::Event(*kind))
            );
        }
        assert_eq!(NoticeKind::from_code("digest"), Some(NoticeKind::Digest));
    }
}
