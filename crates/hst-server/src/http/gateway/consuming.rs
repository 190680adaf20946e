use std::sync::Arc;

use axum::extract::State;
use hst_id::AppId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer::{Answer, Outcome, ok},
    caller::Caller,
    page::Number,
    params::Params,
    problem::{Code, Problem},
};
use crate::http::Web;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// From this moment on, in milliseconds since 1970.
    start_time: u64,
    /// Up to this one.
    end_time: u64,
    #[param(value_type = Option<String>)]
    app_id: Option<AppId>,
    /// Counted from 1.
    #[param(value_type = u32, minimum = 1)]
    #[expect(dead_code, reason = "checked, and there is nothing to turn over")]
    page: Number,
    #[param(value_type = u32, minimum = 1, maximum = 100)]
    #[expect(dead_code, reason = "checked, and there is nothing to turn over")]
    page_size: Size,
}

/// 1 to 100, as the platform has it for this list.
#[derive(Debug, Deserialize)]
#[serde(try_from = "u32")]
struct Size;

impl TryFrom<u32> for Size {
    type Error = String;

    fn try_from(size: u32) -> Result<Self, String> {
        match size {
            1..=100 => Ok(Self),
            _ => Err(format!("{size} is not from 1 to 100")),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Records {
    /// Always empty: this server charges nobody, and so does not measure what is consumed.
    #[schema(value_type = Vec<Object>)]
    result: [(); 0],
}

/// What Apps have consumed: nothing, because this server does not measure it. Backends that ask find an empty list.
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
    if let Some(app) = &wanted.app_id {
        web.hub.app_of(&developer, app)?;
    }
    if wanted.end_time < wanted.start_time {
        return Err(Problem::new(Code::ArgumentInvalid, "end_time is before start_time"));
    }
    ok(Records { result: [] })
}
