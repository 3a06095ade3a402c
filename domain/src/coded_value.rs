//! Coded values: enums with a stable machine-readable name (code) and a title in both languages.
//!
//! Owns the trait and the macro that declares such an enum. It must not know any particular value.

/// A coded value. Clients and the database hold the code; people read the labels.
pub trait CodedValue: Copy + Eq + std::fmt::Debug + Send + Sync + 'static {
    /// All values, in the order of the table.
    const ALL: &'static [Self];

    /// The stable, machine-readable name.
    fn code(self) -> &'static str;

    /// The title in Chinese (zh-CN).
    fn label_zh(self) -> &'static str;

    /// The title in English.
    fn label_en(self) -> &'static str;

    /// The value of this code, if there is one.
    #[must_use]
    fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.code() == code)
    }
}

/// What is said of a code that nobody knows, in serde's words.
#[must_use]
pub fn unknown<T: CodedValue>(code: &str) -> String {
    let known: Vec<_> = T::ALL.iter().map(|value| value.code()).collect();
    format!(
        "unknown variant `{code}`, expected one of {}",
        known.join(", ")
    )
}

/// The values one a line, with their titles: how documents explain a set of codes.
#[must_use]
pub fn explained<T: CodedValue>() -> String {
    let lines: Vec<_> = T::ALL
        .iter()
        .map(|value| {
            format!(
                "- `{}`: {} ({})",
                value.code(),
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
pub fn open_set<T: CodedValue>() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
    utoipa::openapi::schema::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .description(Some(format!(
            "One of these today; tolerate others:\n\n{}",
            explained::<T>()
        )))
        .examples(T::ALL.first().map(|value| value.code()))
        .into()
}

/// Declares an enum of coded values: `Name = "code", "中文", "English";`. Its order is the order of
/// the lines. `Name as "SchemaName" { … }` names it otherwise in the OpenAPI document.
macro_rules! coded_values {
    ($(#[$meta:meta])* $name:ident $(as $schema:literal)? { $($(#[$doc:meta])* $variant:ident = $code:literal, $zh:literal, $en:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $crate::coded_value::CodedValue for $name {
            const ALL: &'static [Self] = &[$($name::$variant,)+];

            fn code(self) -> &'static str { match self { $($name::$variant => $code,)+ } }

            fn label_zh(self) -> &'static str { match self { $($name::$variant => $zh,)+ } }

            fn label_en(self) -> &'static str { match self { $($name::$variant => $en,)+ } }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str($crate::coded_value::CodedValue::code(*self))
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                $crate::coded_value::open_set::<$name>()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed([$($schema,)? stringify!($name)][0])
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let code = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                $crate::coded_value::CodedValue::from_code(&code)
                    .ok_or_else(|| serde::de::Error::custom($crate::coded_value::unknown::<$name>(&code)))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($crate::coded_value::CodedValue::code(*self))
            }
        }
    };
}

pub(crate) use coded_values;
