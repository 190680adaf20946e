use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;

/// What a handler ends in.
pub(super) type Outcome<T = Done> = Result<Answer<T>, Problem>;

/// A success: code 0, and what was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Answer<T> {
    /// 0.
    #[schema(example = 0)]
    code: u32,
    /// `OK`.
    #[schema(value_type = String, example = "OK")]
    msg: &'static str,
    #[serde(flatten)]
    fields: T,
}

/// Nothing more than that it was done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Done {}

/// It was done, and this is the answer.
pub(super) fn ok<T>(fields: T) -> Outcome<T> {
    Ok(Answer {
        code: 0,
        msg: "OK",
        fields,
    })
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}
