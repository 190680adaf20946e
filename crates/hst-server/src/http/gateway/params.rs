use std::{error::Error, fmt::Display, iter::successors, str::FromStr};

use axum::{
    extract::{FromRequestParts, Query, rejection::QueryRejection},
    http::request::Parts,
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, value},
};

use super::problem::{Code, Problem};

/// A request's query.
#[derive(Debug)]
pub(super) struct Params<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(query)) => Ok(Self(query)),
            Err(rejection) => Err(problem(&rejection)),
        }
    }
}

fn problem(rejection: &QueryRejection) -> Problem {
    // The reason is beneath the framework's own words.
    let causes = successors(Some(rejection as &dyn Error), |&cause| cause.source());
    let mut reasons = causes.filter_map(|cause| cause.downcast_ref::<serde_path_to_error::Error<value::Error>>());
    match reasons.next() {
        Some(reason) => Problem::argument(reason),
        None => Problem::new(Code::ArgumentInvalid, rejection.body_text()),
    }
}

/// Reads a text with a rule of its own.
pub(super) fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(from: D) -> Result<T, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

/// The same for one that may be left out, and may not be null.
pub(super) fn some_parsed<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(from: D) -> Result<Option<T>, D::Error> {
    parsed(from).map(Some)
}
