use std::time::Duration;

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::problem::{Code, Problem};

/// The most bytes of a request's body.
const MAX_BODY: usize = 64 * 1024;
/// How long a body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(5);

/// A request's body: JSON, whatever its `Content-Type` says.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = timeout(BODY_DEADLINE, to_bytes(request.into_body(), MAX_BODY)).await;
        let body = body.map_err(|_| Problem::new(Code::Timeout, "the body took too long"))?;
        let too_large = |_| Problem::new(Code::TooLarge, format!("a body has at most {MAX_BODY} bytes"));
        Ok(Self(read(&body.map_err(too_large)?)?))
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| Problem::argument(&error))?;
    let nothing_more = json.end();
    nothing_more.map_err(|error| Problem::new(Code::ArgumentInvalid, error.to_string()))?;
    Ok(value)
}
