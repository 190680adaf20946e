use std::sync::Arc;

use axum::extract::State;
use hst_auth::UnixMillis;
use hst_cluster::NodeId;
use hst_id::AppId;
use hst_store::{Consumption, Day, Service};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Outcome, ok},
    caller::Caller,
    page::Number,
    params::Params,
    problem::{Code, Problem},
};
use crate::{admin::AllConsumption, apps::AppEntry, http::Web};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// From the day of this moment on, in milliseconds since 1970.
    start_time: u64,
    /// Up to the day of this one.
    end_time: u64,
    #[param(value_type = Option<String>)]
    app_id: Option<AppId>,
    /// Counted from 1.
    #[param(value_type = u32, minimum = 1)]
    page: Number,
    #[param(value_type = u32, minimum = 1, maximum = 100)]
    page_size: Size,
}

/// 1 to 100, as the platform has it for this list.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u32")]
struct Size(u32);

impl TryFrom<u32> for Size {
    type Error = String;

    fn try_from(size: u32) -> Result<Self, String> {
        match size {
            1..=100 => Ok(Self(size)),
            _ => Err(format!("{size} is not from 1 to 100")),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Records {
    result: Vec<Record>,
    /// Nodes that did not answer: what was used in their groups is not in it. It is there only if there are such.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    missing: Vec<String>,
}

/// For how long an App's users have used a service on one day, all together.
#[derive(Debug, Serialize, ToSchema)]
struct Record {
    app_id: String,
    app_name: String,
    /// The service: 3 video, 4 audio, 5 screen share.
    product_id: u8,
    #[schema(value_type = String)]
    product_name: &'static str,
    /// What is counted: 1 the time of audio, 2 of video, 4 of screen share.
    charge_term: u8,
    /// The first moment of the day, in milliseconds since 1970. Days are those of UTC.
    start_time: u64,
    /// The first moment of the next day.
    end_time: u64,
    /// Seconds: of each member, as long as anybody in his group publishes a media of the kind.
    total_time: u64,
    /// Always 0: this server charges nobody.
    amount: u32,
    /// Always 0.
    price: u32,
}

impl Record {
    fn of(app: &AppEntry, used: &Consumption) -> Self {
        Self {
            app_id: app.id.to_string(),
            app_name: app.settings.name.to_string(),
            product_id: used.service.into(),
            product_name: used.service.as_str(),
            charge_term: charge_term(used.service),
            start_time: used.day.begin().as_millis(),
            end_time: used.day.end().as_millis(),
            total_time: used.time.as_secs(),
            amount: 0,
            price: 0,
        }
    }
}

/// The platform's number for the time of a service.
fn charge_term(service: Service) -> u8 {
    match service {
        Service::Audio => 1,
        Service::Video => 2,
        _ => 4,
    }
}

/// Lists what the developer's Apps have consumed, in the order of Apps and days: a record for each App, day and service.
///
/// It is what happened in groups of all nodes, up to now. Days that the time has a part of are listed whole.
#[utoipa::path(
    get,
    path = "/v1/consuming/records",
    tag = "Platform",
    params(Wanted),
    responses((status = 200, body = Answer<Records>)),
)]
pub(super) async fn list_consumption(
    State(web): State<Arc<Web>>,
    Caller(developer): Caller,
    Params(wanted): Params<Wanted>,
) -> Outcome<Records> {
    if wanted.end_time < wanted.start_time {
        return Err(Problem::new(Code::ArgumentInvalid, "end_time is before start_time"));
    }
    let apps = match &wanted.app_id {
        Some(app) => vec![web.hub.app_of(&developer, app)?],
        None => web.hub.apps_of(&developer),
    };
    let ids = apps.iter().map(|app| app.id.clone()).collect();
    let [first, last] = [wanted.start_time, wanted.end_time].map(|at| Day::of(UnixMillis::from_millis(at)));
    let Size(size) = wanted.page_size;
    let part = (wanted.page.before(size) as usize, size as usize);
    let AllConsumption { used, missing } = web.hub.consumption(ids, first..=last, part).await?;
    let record = |used: &Consumption| {
        let app = apps.iter().find(|app| app.id == used.app)?;
        Some(Record::of(app, used))
    };
    ok(Records {
        result: used.iter().filter_map(record).collect(),
        missing: missing.iter().map(NodeId::to_string).collect(),
    })
}
