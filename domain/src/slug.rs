//! Coded values: enums with a stable machine-readable name (slug) and a title in both languages.
//!
//! Owns the trait and the macro that declares such an enum. It must not know any particular value.

/// A coded value. Clients and the database hold the slug; people read the labels.
pub trait Slug: Copy + Eq + std::fmt::Debug + Send + Sync + 'static {
    /// All values, in the order of the table.
    const ALL: &'static [Self];

    /// The stable, machine-readable name.
    fn slug(self) -> &'static str;

    /// The title in Chinese (zh-CN).
    fn label_zh(self) -> &'static str;

    /// The title in English.
    fn label_en(self) -> &'static str;

    /// The value of this slug, if there is one.
    #[must_use]
    fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.slug() == slug)
    }
}

/// What is said of a slug that nobody knows, in serde's words.
#[must_use]
pub fn unknown<T: Slug>(slug: &str) -> String {
    let known: Vec<_> = T::ALL.iter().map(|value| value.slug()).collect();
    format!(
        "unknown variant `{slug}`, expected one of {}",
        known.join(", ")
    )
}

/// The values one a line, with their titles: how documents explain a set of codes.
#[must_use]
pub fn explained<T: Slug>() -> String {
    let lines: Vec<_> = T::ALL
        .iter()
        .map(|value| {
            format!(
                "- `{}`: {} ({})",
                value.slug(),
                value.label_zh(),
                value.label_en()
            )
        })
        .collect();
    lines.join("\n")
}

/// How an answer documents a coded value: a string with the values known today. Clients must
/// tolerate new ones.
#[cfg(feature = "openapi")]
#[must_use]
pub fn open_set<T: Slug>() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
    utoipa::openapi::schema::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .description(Some(format!(
            "One of these today; tolerate others:\n\n{}",
            explained::<T>()
        )))
        .examples(T::ALL.first().map(|value| value.slug()))
        .into()
}

/// Declares an enum of coded values: `Name = "slug", "中文", "English";`. Its order is the order of
/// the lines.
macro_rules! slugs {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $slug:literal, $zh:literal, $en:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $crate::slug::Slug for $name {
            const ALL: &'static [Self] = &[$($name::$variant,)+];

            fn slug(self) -> &'static str { match self { $($name::$variant => $slug,)+ } }

            fn label_zh(self) -> &'static str { match self { $($name::$variant => $zh,)+ } }

            fn label_en(self) -> &'static str { match self { $($name::$variant => $en,)+ } }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str($crate::slug::Slug::slug(*self))
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $crate::slug::open_set::<$name>()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed(stringify!($name))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let slug = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                $crate::slug::Slug::from_slug(&slug)
                    .ok_or_else(|| serde::de::Error::custom($crate::slug::unknown::<$name>(&slug)))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($crate::slug::Slug::slug(*self))
            }
        }
    };
}

pub(crate) use slugs;
