//! How do the words of the queue stand in the database and in requests? Each is a variant with one text.

/// A text of the database or of a request that names none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not one of {}", .0.trim_start_matches(", "))]
pub struct UnknownName(&'static str);

impl UnknownName {
    /// For a type that has these names, each after a comma.
    pub(crate) const fn of(names: &'static str) -> Self {
        Self(names)
    }
}

macro_rules! names {
    ($(#[$doc:meta])* $enum:ident { $($(#[$vdoc:meta])* $name:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $enum { $($(#[$vdoc])* $name,)+ }

        impl $enum {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its name in the database, the API and the log.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }

        impl std::str::FromStr for $enum {
            type Err = $crate::UnknownName;
            fn from_str(text: &str) -> Result<Self, $crate::UnknownName> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text).ok_or($crate::UnknownName::of(concat!($(", ", $text),+)))
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use names;
