use std::ops::RangeInclusive;

use hst_id::AppId;
use hst_store::{Consumption, Day};

use super::Refused;
use crate::hub::Hub;

impl Hub {
    /// What Apps have used in groups of this node up to now: at most `limit` entries behind the first `offset`.
    ///
    /// # Errors
    /// [`Refused::Store`].
    pub(crate) async fn consumption(
        &self,
        of: Vec<AppId>,
        days: RangeInclusive<Day>,
        (offset, limit): (usize, usize),
    ) -> Result<Vec<Consumption>, Refused> {
        self.on_disk(move |apps| {
            apps.meter.write()?;
            apps.store.consumption(&of, days, offset, limit)
        })
        .await
    }
}
