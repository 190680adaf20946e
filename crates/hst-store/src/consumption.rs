use std::{ops::RangeInclusive, time::Duration};

use hst_auth::UnixMillis;
use hst_id::AppId;

use crate::{Service, Store, StoreError};

const MILLIS: u64 = 24 * 60 * 60 * 1000;

/// A day in UTC, which has no leap seconds here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u32);

impl Day {
    /// The day of a moment.
    pub fn of(moment: UnixMillis) -> Self {
        Self(u32::try_from(moment.as_millis() / MILLIS).unwrap_or(u32::MAX))
    }

    /// Its first moment.
    pub fn begin(self) -> UnixMillis {
        UnixMillis::from_millis(u64::from(self.0) * MILLIS)
    }

    /// The first moment of the next day.
    pub fn end(self) -> UnixMillis {
        UnixMillis::from_millis((u64::from(self.0) + 1) * MILLIS)
    }
}

/// For how long the users of an App have used a service on one day, all together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumption {
    /// Which App; it may be one of a configuration file.
    pub app: AppId,
    /// When.
    pub day: Day,
    /// What.
    pub service: Service,
    /// How long, in whole milliseconds.
    pub time: Duration,
}

impl Store {
    /// Adds what was used to what is known of the same days: all of it, or nothing.
    ///
    /// # Errors
    /// What any call can meet.
    pub fn consume(&self, used: &[Consumption]) -> Result<(), StoreError> {
        self.write(|database| {
            let mut statement = database.prepare(
                "INSERT INTO consumption (app, day, service, millis) VALUES (?, ?, ?, ?)
                 ON CONFLICT DO UPDATE SET millis = millis + excluded.millis",
            )?;
            for Consumption {
                app,
                day,
                service,
                time,
            } in used
            {
                let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
                statement.execute((app.as_str(), day.0, service, millis))?;
            }
            Ok(())
        })
    }

    /// What these Apps have used on these days, in the order of the Apps as given, then of days and of services' numbers:
    /// at most `limit` entries behind the first `offset`.
    ///
    /// # Errors
    /// What any call can meet.
    pub fn consumption(
        &self,
        apps: &[AppId],
        days: RangeInclusive<Day>,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<Consumption>, StoreError> {
        let (first, last) = (days.start().0, days.end().0);
        self.read(|database| {
            let mut statement = database.prepare(
                "SELECT day, service, millis FROM consumption WHERE app = ? AND day BETWEEN ? AND ?
                 ORDER BY day, service",
            )?;
            let mut found = Vec::new();
            for app in apps.iter().filter(|_| limit > 0) {
                let rows = statement.query_map((app.as_str(), first, last), |row| {
                    let millis: i64 = row.get(2)?;
                    let time =
                        u64::try_from(millis).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(2, millis))?;
                    Ok(Consumption {
                        app: app.clone(),
                        day: Day(row.get(0)?),
                        service: row.get(1)?,
                        time: Duration::from_millis(time),
                    })
                })?;
                found.extend(rows.collect::<Result<Vec<_>, _>>()?);
                if found.len() >= offset.saturating_add(limit) {
                    break;
                }
            }
            Ok(found.into_iter().skip(offset).take(limit).collect())
        })
    }
}
