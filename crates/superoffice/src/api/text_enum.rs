//! Enumerations that travel by name. A name that we do not know is kept as it came, because the vendor may add one at
//! any time and a record must still be readable then.

/// Declares an enumeration that travels by name, with `Other` for names yet to be invented. One variant has to be
/// `Unknown`: it stands for a name that is missing.
macro_rules! text_enum {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident $(= $number:literal)?),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)+
            /// A name that this crate does not know.
            Other(String),
        }

        impl $name {
            /// The name, as it travels.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => stringify!($variant),)+
                    Self::Other(name) => name,
                }
            }

            /// Reads a name, in any case, or the number that stands for it.
            pub fn read(text: &str) -> Self {
                let text = text.trim();
                $(
                    if text.eq_ignore_ascii_case(stringify!($variant)) $(|| text == stringify!($number))? {
                        return Self::$variant;
                    }
                )+
                Self::Other(text.to_owned())
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Unknown
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::read(&String::deserialize(deserializer)?))
            }
        }
    };
}

pub(crate) use text_enum;
