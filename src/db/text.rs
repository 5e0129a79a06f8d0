//! Texts of which a damaged letter does not matter: a history with one is better than none.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::sql_types::{Binary, Nullable, Text};
use diesel::sqlite::Sqlite;

/// A text whatever it is: what is no UTF-8 of it is replaced.
#[derive(FromSqlRow)]
pub struct AsItStands(String);

impl FromSql<Text, Sqlite> for AsItStands {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(value)?;
        Ok(Self(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

impl From<AsItStands> for String {
    fn from(text: AsItStands) -> Self {
        text.0
    }
}

/// The same, where there may be nothing.
#[derive(FromSqlRow)]
pub struct MaybeAsItStands(Option<String>);

impl FromSql<Nullable<Text>, Sqlite> for MaybeAsItStands {
    fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        AsItStands::from_sql(value).map(|text| Self(Some(text.0)))
    }

    fn from_nullable_sql(value: Option<<Sqlite as Backend>::RawValue<'_>>) -> deserialize::Result<Self> {
        value.map_or(Ok(Self(None)), Self::from_sql)
    }
}

impl From<MaybeAsItStands> for Option<String> {
    fn from(text: MaybeAsItStands) -> Self {
        text.0
    }
}
