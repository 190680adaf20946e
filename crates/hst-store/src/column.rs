//! Between columns and the types of the house. What is read is parsed again: others can change a file.

use std::{error::Error, str::FromStr};

use hst_auth::UnixMillis;
use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};

use crate::{Bounded, Service, Until};

/// A text that is read by its `parse`.
pub(crate) struct Parsed<T>(pub(crate) T);

impl<T: FromStr<Err: Error + Send + Sync + 'static>> FromSql for Parsed<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(FromSqlError::other)
    }
}

/// The last moment that a column can say; the number behind it is "for ever", and never over.
const LAST: i64 = i64::MAX - 1;
const FOREVER: i64 = i64::MAX;

/// A moment as milliseconds since 1970; a later one than the last becomes the last.
pub(crate) struct Moment(pub(crate) UnixMillis);

impl ToSql for Moment {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let millis = i64::try_from(self.0.as_millis()).unwrap_or(LAST);
        Ok(millis.min(LAST).into())
    }
}

impl FromSql for Moment {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let millis = value.as_i64()?;
        let millis = u64::try_from(millis).map_err(|_| FromSqlError::OutOfRange(millis))?;
        Ok(Self(UnixMillis::from_millis(millis)))
    }
}

/// Ends are compared as numbers, by SQLite.
impl ToSql for Until {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match *self {
            Self::Moment(end) => Ok(i64::try_from(end.as_millis()).unwrap_or(FOREVER).into()),
            Self::Forever => Ok(FOREVER.into()),
        }
    }
}

impl FromSql for Until {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            FOREVER => Ok(Self::Forever),
            _ => Moment::column_result(value).map(|Moment(end)| Self::Moment(end)),
        }
    }
}

impl<const MIN: u32, const MAX: u32> ToSql for Bounded<MIN, MAX> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.get().into())
    }
}

impl<const MIN: u32, const MAX: u32> FromSql for Bounded<MIN, MAX> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::new(u32::column_result(value)?).map_err(FromSqlError::other)
    }
}

impl ToSql for Service {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(u8::from(*self).into())
    }
}

impl FromSql for Service {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        u8::column_result(value)?.try_into().map_err(FromSqlError::other)
    }
}
